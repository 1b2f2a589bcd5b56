"""The picture files that a command line names: files, folders and patterns."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath

from ..core.errors import Message, reason_of
from ..core.files import PICTURE_SUFFIXES, exists, resolve_path
from .record import OutputRecord

WILD = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Found:
    """A picture file, and where it lies below the folder that was searched."""

    file: Path
    folder: PurePath


@dataclass
class Inputs:
    """What was found: pictures, how many files that are none, and a sentence for each folder that is closed or has none.

    links: links to folders that were not followed.
    """

    pictures: list[Found] = field(default_factory=list)
    no_pictures: int = 0
    useless: dict[str, Message] = field(default_factory=dict)
    links: set[Path] = field(default_factory=set)


def find_pictures(named: Sequence[Path], recursive: bool) -> Inputs:
    """The pictures of files, folders (with their subfolders if `recursive`) and patterns such as `textures/**/*.png`.

    A picture that is named twice, or found by two of them, counts once.  Maps that were made by earlier runs are left out of
    folders and patterns.  What matches nothing counts as a file: using it will say that there is none.
    """
    inputs, own = Inputs(), _Own()
    for path in named:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a folder is closed
            files = _in_folder(path, recursive, inputs)
            _sort(files, path, inputs, own)
            if not any(_is_picture(file) for file in files):
                inputs.useless.setdefault(str(path), _without_picture(path, recursive))
        elif WILD.search(str(path)) and not exists(path) and (matches := _files_like(path, inputs)):
            _sort(matches, _searched(path), inputs, own)
        else:
            inputs.pictures.append(Found(path, PurePath()))
    inputs.pictures = _once(inputs.pictures)
    return inputs


def _without_picture(folder: Path, recursive: bool) -> Message:
    if recursive:
        return Message("There is no picture in {folder}.", folder=folder)
    return Message("There is no picture in {folder}; --recursive looks into its subfolders too.", folder=folder)


def _once(pictures: Sequence[Found]) -> list[Found]:
    """Each picture where it was found first: a folder may be given with one of its files, or with one of its subfolders."""
    real_folder = cache(resolve_path)
    firsts: dict[Path, Found] = {}
    for picture in pictures:
        firsts.setdefault(real_folder(picture.file.parent) / picture.file.name, picture)
    return list(firsts.values())


def _sort(files: list[Path], searched: Path, inputs: Inputs, own: _Own) -> None:
    for file in files:
        if not _is_picture(file):
            inputs.no_pictures += 1
        elif not own.made(file):
            inputs.pictures.append(Found(file, _below(searched, file.parent)))


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in PICTURE_SUFFIXES


def _below(searched: Path, folder: Path) -> PurePath:
    """Where the folder lies; a pattern such as a/*/../b does not lead out of the output folder."""
    return PurePath(*(part for part in folder.relative_to(searched).parts if part != ".."))


def _in_folder(folder: Path, recursive: bool, inputs: Inputs) -> list[Path]:
    """All files that are not hidden."""
    return [Path(place, name) for place, names in _folders(folder, recursive, inputs) for name in names]


def _folders(folder: Path, recursive: bool, inputs: Inputs) -> Iterator[tuple[str, list[str]]]:
    """The folder, and those below if `recursive`, each with its files, hidden ones left out.

    Links to folders are not followed: one that leads to a folder above it would go on for ever.
    """
    def closed(error: OSError) -> None:
        inputs.useless[error.filename] = Message("The folder {folder} cannot be looked into: {reason}.",
                                                 folder=error.filename, reason=reason_of(error))

    for place, folders, names in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if recursive and not name.startswith("."))
        inputs.links |= {link for link in (Path(place, name) for name in folders) if link.is_symlink()}
        yield place, sorted(name for name in names if not name.startswith("."))


def _files_like(pattern: Path, inputs: Inputs) -> list[Path]:
    """The files that match, but no hidden ones, which Path.glob would give."""
    matches = sorted(set(_matches(pattern, inputs)), key=str)
    return [path for path in matches if not os.path.isdir(path)]  # noqa: PTH112


def _matches(pattern: Path, inputs: Inputs) -> Iterator[Path]:
    """All that matches; ** by `_folders`, for glob's own follows links that lead to a folder above them."""
    if "**" not in pattern.parts:
        yield from map(Path, glob.glob(str(pattern)))  # noqa: PTH207
        return
    at = pattern.parts.index("**")
    for start in glob.glob(str(Path(*pattern.parts[:at]))):  # noqa: PTH207
        for folder, _ in _folders(Path(start), True, inputs):
            yield from _matches(Path(glob.escape(folder), *(pattern.parts[at + 1:] or ("*",))), inputs)


def _searched(pattern: Path) -> Path:
    """The folder before the first part with a wildcard."""
    return Path(*_tame(pattern))


def _tame(pattern: Path) -> Iterator[str]:
    for part in pattern.parts:
        if WILD.search(part):
            return
        yield part


class _Own:
    """Which files are maps of earlier runs, by the records in their folders and the folders above."""

    def __init__(self) -> None:
        self._maps: dict[Path, set[Path]] = {}

    def made(self, file: Path) -> bool:
        file = resolve_path(file)
        return any(file in self._maps_of(folder) for folder in file.parents)

    def _maps_of(self, folder: Path) -> set[Path]:
        if folder not in self._maps:
            self._maps[folder] = OutputRecord(folder).files()
        return self._maps[folder]
