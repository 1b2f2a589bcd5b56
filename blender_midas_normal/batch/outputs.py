"""How maps are called, and that their names never lead out of the output folder."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import SettingsError
from ..core.map_types import MAP_TYPES
from .pictures import Item

TOKENS = {"stem": "the picture's name", "name": "the same with its ending", "map": "the kind of map",
          "engine": "the engine asked for"}
"""What a pattern may hold in braces."""


LONGEST = 255
"""Bytes of a file's name that file systems allow."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|$)", re.IGNORECASE)
"""What Windows does not allow, there or on a drive that goes there."""


@dataclass(frozen=True)
class Target:
    """The usual way of a program: its convention for normal maps, how it calls maps, and how many bits it keeps of them."""

    label: str
    convention: str
    pattern: str
    words: Mapping[str, str]
    bits: int = 16


_WORDS = {name: kind.file_tag for name, kind in MAP_TYPES.items()}
_CAPITALS = {"NORMAL": "Normal", "HEIGHT": "Height", "AO": "AO", "CURVATURE": "Curvature"}
_LETTERS = {"NORMAL": "N", "HEIGHT": "H", "AO": "AO", "CURVATURE": "C"}

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
    too_long = len(_bytes(name + ending)) - LONGEST
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
