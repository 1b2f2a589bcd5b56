"""Where maps go: their names, and files of their own that never take a picture's place."""

from __future__ import annotations

import itertools
import os
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import SettingsError, TargetError
from ..core.files import resolve_path
from ..core.map_types import MAP_TYPES
from .pictures import Item, Picture
from .record import TOLD_APART

if TYPE_CHECKING:
    from .options import BatchOptions

TOKENS = {"stem": "the picture's name", "name": "the same with its ending", "map": "the kind of map",
          "engine": "the engine asked for"}
"""What a pattern may hold in braces."""


MAX_NAME_BYTES = 255
"""Bytes of a file's name that file systems allow."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|$)", re.IGNORECASE)
"""What Windows does not allow, there or on a drive that goes there."""

_WORDS = {name: kind.file_tag for name, kind in MAP_TYPES.items()}

_CAPITALS = {"NORMAL": "Normal", "HEIGHT": "Height", "AO": "AO", "CURVATURE": "Curvature"}

_LETTERS = {"NORMAL": "N", "HEIGHT": "H", "AO": "AO", "CURVATURE": "C"}


@dataclass(frozen=True)
class Target:
    """The usual way of a program: its convention for normal maps, how it calls maps, and how many bits it keeps of them."""

    label: str
    convention: str
    pattern: str
    words: Mapping[str, str]
    bits: int = 16


TARGETS: dict[str, Target] = {
    "BLENDER": Target("Blender", "OPENGL", "{stem}_{map}", _WORDS),
    "GODOT": Target("Godot", "OPENGL", "{stem}_{map}", _WORDS, bits=8),
    "UNITY": Target("Unity", "OPENGL", "{stem}_{map}", _CAPITALS),
    "UNREAL": Target("Unreal Engine", "DIRECTX", "T_{stem}_{map}", _LETTERS),
}


@dataclass(frozen=True)
class Naming:
    """Names by a pattern, in which `/` makes folders; `words` stand for the kinds of map, `ending` is the files'.

    Raises SettingsError for a pattern that is none, or that gives several kinds one name.
    """

    pattern: str
    words: Mapping[str, str]
    engine: str
    ending: str
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        tokens = set(_tokens(self.pattern))
        unknown = sorted(tokens - set(TOKENS))
        if unknown:
            first, *known = (f"{{{token}}}" for token in (unknown[0], *TOKENS))
            raise SettingsError("The pattern's {token} is unknown; it may hold {choices}.", token=first,
                                choices=", ".join(known))
        if any(part.strip(" .") == "" for part in _parts(self.pattern)):
            raise SettingsError("The pattern {pattern!r} must give names inside the output folder, as in a/b.",
                                pattern=self.pattern)
        if len(self.kinds) > 1 and "map" not in tokens:
            raise SettingsError("The pattern gives all maps of a picture one name; put {token} into it.", token="{map}")

    def path(self, item: Item, kind: str, number: int = 1) -> Path:
        """Where in the output folder the item's map goes; numbers above 1 are other names for it."""
        words = {"name": item.name, "map": self.words[kind], "engine": self.engine}
        *folders, name = _parts(self.pattern)
        ending = (f"_{number}" if number > 1 else "") + item.number + self.ending
        return Path(item.folder, *(_fitted(part, item.stem, words, "") for part in folders),
                    _fitted(name, item.stem, words, ending))


def _tokens(pattern: str) -> Iterator[str]:
    """The words in braces; raises SettingsError for braces that are not a pair."""
    try:
        for _, token, spec, conversion in string.Formatter().parse(pattern):
            if token is not None:
                yield token + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
    except ValueError as error:
        raise SettingsError("The pattern {pattern!r} cannot be read: {reason}.", pattern=pattern, reason=error) from None


def _parts(pattern: str) -> list[str]:
    return re.split(r"[/\\]", pattern)


def _fitted(pattern: str, stem: str, words: Mapping[str, str], ending: str) -> str:
    """A safe name by the pattern; where it is too long for a file system, the stem is cut."""
    name = _safe(pattern.format(stem=stem, **words))
    too_long = len(_bytes(name + ending)) - MAX_NAME_BYTES
    if too_long <= 0:
        return name + ending
    shorter = _bytes(stem)[:-too_long].decode("utf-8", "ignore")
    if not shorter or "{stem}" not in pattern:
        raise SettingsError("The name {name}... is longer than file systems allow; choose a shorter pattern.",
                            name=name[:40])
    return _safe(pattern.format(stem=shorter, **words)) + ending


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _safe(name: str) -> str:
    """The name as one that every system takes for a file's, in this folder."""
    safe = _UNSAFE.sub("_", name).rstrip(" .") or "_"
    return f"_{safe}" if _DEVICE.match(safe) else safe


class NameTaken(TargetError):
    """Another picture of the run has a map of this name; it may fail, and have none."""


class OutputFiles:
    """Gives maps their files; pictures: the files of all pictures of the run."""

    def __init__(self, options: BatchOptions, pictures: Iterable[Path | None]) -> None:
        self._options = options
        self._pictures = {resolve_path(file) for file in (*pictures, options.mask_image) if file is not None}
        self._maps: dict[Path, Picture] = {}
        self._numbers: dict[tuple[int, str], int] = {}

    def take(self, picture: Picture) -> list[tuple[str, Path]]:
        """The kinds of a picture's maps and their files.

        Raises TargetError where a picture, and NameTaken where another map of this run has the name of one.
        """
        targets = [(kind, self._place(picture, kind, self._number(picture.among, kind))) for kind in self._options.kinds]
        for _, target in targets:
            self._check_free(target, picture)
        self._maps.update((resolve_path(target), picture) for _, target in targets)
        return targets

    def release(self, target: Path) -> None:
        """Gives a name back that was taken for a map that is not made."""
        self._maps.pop(resolve_path(target), None)

    def another(self, picture: Picture, kind: str) -> Path:
        """Another file for a map, where one that was free when it was taken is so no more; raises TargetError."""
        if len(picture.among) > 1:
            raise TargetError("Another process makes maps of these names, and those of a set have one number; run it again.")
        del self._numbers[id(picture.among), kind]
        target = self._place(picture, kind, self._number(picture.among, kind))
        self._maps[resolve_path(target)] = picture
        return target

    def _check_free(self, target: Path, picture: Picture) -> None:
        if resolve_path(target) in self._pictures:
            raise TargetError("{target} is one of the pictures; {advice}.", target=target, advice=TOLD_APART)
        other = self._maps.get(resolve_path(target))
        if other is not None:
            raise NameTaken("{target} is also the map of {other}; {advice}.", target=target, other=other.item.title,
                            advice=TOLD_APART)

    def _number(self, pictures: Sequence[Picture], kind: str) -> int:
        """Where nothing is to be replaced, the first one that all pictures of a set have free; else 1."""
        if self._options.existing != "NUMBER":
            return 1
        key = id(pictures), kind
        if key not in self._numbers:
            self._numbers[key] = next(number for number in itertools.count(1)
                                      if all(self._is_free(self._place(picture, kind, number)) for picture in pictures))
        return self._numbers[key]

    def _is_free(self, target: Path) -> bool:
        place = resolve_path(target)
        return place not in self._pictures and place not in self._maps and not os.path.lexists(target)

    def _place(self, picture: Picture, kind: str, number: int) -> Path:
        return self._options.out / self._options.naming.path(picture.item, kind, number)
