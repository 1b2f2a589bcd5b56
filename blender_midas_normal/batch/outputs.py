"""Name the files of maps, by a pattern and a target program, so that no two maps and no picture have the same file."""

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
from .pictures import BatchItem, PictureState
from .record import NAME_CLASH_ADVICE

if TYPE_CHECKING:
    from .options import BatchOptions

TOKENS = {"stem": "the picture's name", "name": "the same with its ending", "map": "the kind of map",
          "engine": "the engine asked for"}
"""What a pattern may contain in braces, with its meaning."""


MAX_FILE_NAME_BYTES = 255
"""The longest name of a file that usual file systems allow."""

_INVALID = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|$)", re.IGNORECASE)
"""Names that Windows reserves for devices; names are valid there too, since a drive may be used on several systems."""

RECTIFIED = "RECTIFIED"
"""What stands for a type of map where the rectified photo is meant, from which the maps are made."""

RECTIFIED_TAG, RECTIFIED_SUFFIX = "rectified", ".png"
"""What names of the file have in place of the tag and the suffix of a map."""

_FILE_TAGS = {name: map_type.file_tag for name, map_type in MAP_TYPES.items()}

_UNITY_TAGS = {"NORMAL": "Normal", "HEIGHT": "Height", "AO": "AO", "CURVATURE": "Curvature"}

_UNREAL_TAGS = {"NORMAL": "N", "HEIGHT": "H", "AO": "AO", "CURVATURE": "C"}


@dataclass(frozen=True)
class Target:
    """What a target program expects of maps.

    Attributes:
        label: the program's name.
        convention: of its normal maps.
        pattern: names of files.
        tags: what `{map}` stands for in the pattern, by map type.
        bits: of PNG and TIFF files.
    """

    label: str
    convention: str
    pattern: str
    tags: Mapping[str, str]
    bits: int = 16


TARGETS: dict[str, Target] = {
    "BLENDER": Target("Blender", "OPENGL", "{stem}_{map}", _FILE_TAGS),
    "GODOT": Target("Godot", "OPENGL", "{stem}_{map}", _FILE_TAGS, bits=8),
    "UNITY": Target("Unity", "OPENGL", "{stem}_{map}", _UNITY_TAGS),
    "UNREAL": Target("Unreal Engine", "DIRECTX", "T_{stem}_{map}", _UNREAL_TAGS),
}


@dataclass(frozen=True)
class Naming:
    """Names of files by a pattern, in which `/` separates folders.

    Attributes:
        tags: what `{map}` stands for, by map type.
        engine: what `{engine}` stands for.
        suffix: of the files, such as `.png`.
        map_types: the types of map that are made of each picture, and perhaps RECTIFIED.

    Raises:
        SettingsError: the pattern is invalid, or gives several map types the same name.
    """

    pattern: str
    tags: Mapping[str, str]
    engine: str
    suffix: str
    map_types: tuple[str, ...]

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
        if len(self.map_types) > 1 and "map" not in tokens:
            raise SettingsError("The pattern gives all maps of a picture one name; put {token} into it.", token="{map}")

    def path(self, item: BatchItem, map_type: str, number: int = 1, addition: str = "") -> Path:
        """Return the path of an item's map, relative to the output folder.

        Args:
            number: of the name; above 1 it is appended, which gives another name for the same map.
            addition: appended before that.
        """
        tag, suffix = (self.tags[map_type], self.suffix) if map_type != RECTIFIED else (RECTIFIED_TAG, RECTIFIED_SUFFIX)
        values = {"name": item.name, "map": tag, "engine": self.engine}
        *folders, name = _parts(self.pattern)
        ending = addition + (f"_{number}" if number > 1 else "") + item.number + suffix
        return Path(item.folder, *(_fit_name(part, item.stem, values, "") for part in folders),
                    _fit_name(name, item.stem, values, ending))


def _tokens(pattern: str) -> Iterator[str]:
    """Iterate over what the pattern contains in braces; raises SettingsError for an unmatched brace."""
    try:
        for _, token, spec, conversion in string.Formatter().parse(pattern):
            if token is not None:
                yield token + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
    except ValueError as error:
        raise SettingsError("The pattern {pattern!r} cannot be read: {reason}.", pattern=pattern, reason=error) from None


def _parts(pattern: str) -> list[str]:
    return re.split(r"[/\\]", pattern)


def _fit_name(pattern: str, stem: str, values: Mapping[str, str], ending: str) -> str:
    """Format a valid name of a file; shorten the stem where the name is too long for a file system."""
    name = _replace_invalid(pattern.format(stem=stem, **values))
    excess = len(_bytes(name + ending)) - MAX_FILE_NAME_BYTES
    if excess <= 0:
        return name + ending
    shorter = _bytes(stem)[:-excess].decode("utf-8", "ignore")
    if not shorter or "{stem}" not in pattern:
        raise SettingsError("The name {name}... is longer than file systems allow; choose a shorter pattern.",
                            name=name[:40])
    return _replace_invalid(pattern.format(stem=shorter, **values)) + ending


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _replace_invalid(name: str) -> str:
    """Return the name with what some system does not allow in names of files replaced by `_`."""
    valid = _INVALID.sub("_", name).rstrip(" .") or "_"
    return f"_{valid}" if _DEVICE.match(valid) else valid


class NameTaken(TargetError):
    """Another picture of the run has reserved this name; the name becomes free if that picture fails."""


class OutputFiles:
    """Reserve a file for each map of a run."""

    def __init__(self, options: BatchOptions, items: Iterable[BatchItem], all_items: Iterable[BatchItem]) -> None:
        """Prepare for a run.

        Args:
            items: the pictures that this process makes.
            all_items: those that other processes make included: no map may replace one of them, and where several would
                have a map of one name, it is the first one's.
        """
        self._options = options
        self._first_titles: dict[Path, str] = {}
        files = [options.mask_image]
        if not options.is_shared:
            files += [file for item in items for file in (item.file, item.base)]
        else:
            files += self._look_at_others(items, all_items)
        self._pictures = {resolve_path(file) for file in files if file is not None}
        self._maps: dict[Path, PictureState] = {}
        self._numbers: dict[tuple[int, str], int] = {}

    def _look_at_others(self, items: Iterable[BatchItem], all_items: Iterable[BatchItem]) -> list[Path]:
        """Note which pictures have the maps of this process first; return the pictures that are called as one of these.

        Of the others nothing is kept: a farm's library may have a million.
        """
        naming, map_types = self._options.naming, self._options.map_types
        addition = f"_{self._options.settings.convention.lower()}"
        targets = {naming.path(item, map_type): map_type for item in items for map_type in self._options.outputs}
        names = {path.name for path in targets} | {naming.path(item, map_type, 1, addition).name
                                                   for item in items for map_type in self._options.outputs}
        alike: list[Path] = []
        for item in all_items:
            alike += [file for file in (item.file, item.base) if file is not None and file.name in names]
            for map_type in map_types:
                path = naming.path(item, map_type)
                if path in targets:
                    self._first_titles.setdefault(path, item.title)
        return alike

    def take(self, picture: PictureState) -> list[tuple[str, Path]]:
        """Reserve the files of a picture's maps.

        Returns:
            [(map type, file), ...].

        Raises:
            TargetError: a picture has the name of a map.
            NameTaken: a map of another picture of this run has it.
        """
        targets = [(map_type, self._path(picture, map_type, self._number(picture.set_members, map_type)))
                   for map_type in self._options.outputs]
        for _, target in targets:
            self._check_free(target, picture)
        self._maps.update((resolve_path(target), picture) for _, target in targets)
        return targets

    def release(self, target: Path) -> None:
        """Free a name that was reserved for a map that is not made."""
        self._maps.pop(resolve_path(target), None)

    def release_all(self, picture: PictureState) -> None:
        """Free the names that are reserved for a picture, which may be made again."""
        if picture.content:
            self._maps = {path: other for path, other in self._maps.items() if other is not picture}

    def take_another(self, picture: PictureState, map_type: str) -> Path:
        """Reserve another file for a map, after another process has used the first; raise TargetError in a set."""
        if len(picture.set_members) > 1:
            raise TargetError("Another process makes maps of these names, and those of a set have one number; run it again.")
        del self._numbers[id(picture.set_members), map_type]
        target = self._path(picture, map_type, self._number(picture.set_members, map_type))
        self._maps[resolve_path(target)] = picture
        return target

    def _check_free(self, target: Path, picture: PictureState) -> None:
        first = self._first_titles.get(target.relative_to(self._options.out), picture.item.title)
        if first != picture.item.title:
            raise TargetError("{target} is also the map of {other}; {advice}.", target=target, other=first,
                              advice=NAME_CLASH_ADVICE)
        if resolve_path(target) in self._pictures:
            raise TargetError("{target} is one of the pictures; {advice}.", target=target, advice=NAME_CLASH_ADVICE)
        other = self._maps.get(resolve_path(target))
        if other is not None:
            raise NameTaken("{target} is also the map of {other}; {advice}.", target=target, other=other.item.title,
                            advice=NAME_CLASH_ADVICE)

    def _number(self, pictures: Sequence[PictureState], map_type: str) -> int:
        """Return the first number with which all names of a set are free, with `existing` NUMBER; else 1."""
        if self._options.existing != "NUMBER":
            return 1
        key = id(pictures), map_type
        if key not in self._numbers:
            self._numbers[key] = next(number for number in itertools.count(1)
                                      if all(self._is_free(self._path(picture, map_type, number)) for picture in pictures))
        return self._numbers[key]

    def _is_free(self, target: Path) -> bool:
        path = resolve_path(target)
        return path not in self._pictures and path not in self._maps and not os.path.lexists(target)

    def _path(self, picture: PictureState, map_type: str, number: int) -> Path:
        return map_path(picture.item, map_type, self._options, number)


def map_path(item: BatchItem, map_type: str, options: BatchOptions, number: int = 1) -> Path:
    """Return the file of a map; where it would be the picture or its base, the convention is added to its name.

    Args:
        number: of the name, see `Naming.path`.
    """
    path = options.out / options.naming.path(item, map_type, number)
    if resolve_path(path) not in {resolve_path(file) for file in (item.file, item.base) if file is not None}:
        return path
    return options.out / options.naming.path(item, map_type, number, f"_{options.settings.convention.lower()}")
