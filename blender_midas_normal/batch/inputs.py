"""Find the picture files that the user names as files, folders and patterns."""

from __future__ import annotations

import glob
import itertools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path, PurePath

from ..core.errors import Message, reason_of
from ..core.files import PICTURE_SUFFIXES, exists, resolve_path
from .name_suffixes import cut_suffix
from .record import OutputRecord
from .review import is_review_folder

WILDCARD = re.compile(r"[*?[]")

SETTINGS_FILE = "midas-normal.toml"
"""The file that holds the settings of the pictures of its folder, see `settings_file`."""


class InputFile:
    """A picture file; small in memory, since a library may have a million.

    Attributes:
        line: its line in the list of pictures, from 1; 0 without a list.
    """

    __slots__ = ("_file", "_folder", "line")

    def __init__(self, file: Path | str, folder: PurePath | str, line: int = 0) -> None:
        """Describe a file; see the attributes and properties for the arguments."""
        self._file, self._folder, self.line = str(file), sys.intern(str(folder)), line

    @property
    def file(self) -> Path:
        return Path(self._file)

    @property
    def folder(self) -> PurePath:
        """The folder of the file, relative to the one that was searched; its maps go into the same subfolder."""
        return _folder_path(self._folder)

    @property
    def folder_and_name(self) -> tuple[str, str]:
        """The path of the file's folder, and its name."""
        return os.path.split(self._file)


@lru_cache
def _folder_path(folder: str) -> PurePath:
    """Return the path of a folder, which many files have."""
    return PurePath(folder)


@dataclass
class Inputs:
    """The picture files that were found.

    Attributes:
        other_files: number of files that are not pictures.
        unusable_folders: {path: why no picture of the folder can be used}.
        unfollowed_links: links to folders, which are not searched.
        unused_settings: settings files in subfolders, which have no effect.
    """

    pictures: list[InputFile] = field(default_factory=list)
    other_files: int = 0
    unusable_folders: dict[str, Message] = field(default_factory=dict)
    unfollowed_links: set[Path] = field(default_factory=set)
    unused_settings: list[Path] = field(default_factory=list)


def find_pictures(paths: Sequence[Path], recursive: bool, suffixes: Sequence[str] = ()) -> Inputs:
    """Find picture files.

    A picture that is found twice counts once.  In folders and patterns, maps of earlier runs are left out.

    Args:
        paths: files, folders and patterns such as `textures/**/*.png`.  A pattern that matches nothing is taken for a file,
            which cannot be read later.
        recursive: whether the subfolders of folders are searched.
        suffixes: those of which a picture in a folder must have one, see `name_suffixes.cut_suffix`; none where it need not.
    """
    inputs, search = Inputs(), _Search(suffixes)
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a folder is closed
            files = _files_in(path, recursive, inputs)
            _add_files(files, path, inputs, search)
            if not any(search.is_picture(file) for file in files):
                inputs.unusable_folders.setdefault(str(path), search.no_picture_message(path, recursive))
        elif WILDCARD.search(str(path)) and not exists(path) and (matches := _matching_files(path, inputs)):
            _add_files(matches, _folder_of_pattern(path), inputs, search)
        else:
            inputs.pictures.append(InputFile(path, PurePath()))
    inputs.pictures = _remove_duplicates(inputs.pictures)
    return inputs


def folder_of_input(path: Path) -> Path:
    """Return the folder that an input names: itself, that of a file, or the part of a pattern before its wildcards."""
    if os.path.isdir(path):  # noqa: PTH112
        return path
    return _folder_of_pattern(path) if WILDCARD.search(str(path)) and not exists(path) else path.parent


def listed_pictures(lines: Sequence[str], folder: Path) -> Inputs:
    """Return the pictures that a list names.

    A picture that stands there twice counts once; empty lines count as lines.

    Args:
        lines: paths of files; after a tab may stand the subfolder of the file's maps.
        folder: that of the list, to which paths are relative; the maps of those below it go into the same subfolders.
    """
    pictures = []
    for number, line in enumerate(lines, 1):
        name, tab, subfolder = line.strip().partition("\t")
        if name:
            if not tab:
                is_inside = not os.path.isabs(name) and ".." not in name.replace(os.sep, "/").split("/")  # noqa: PTH117
                subfolder = os.path.dirname(name) if is_inside else ""  # noqa: PTH120 - a path would take 5 times as long
            pictures.append(InputFile(os.path.join(folder, name), subfolder, number))  # noqa: PTH118
    return Inputs(_remove_duplicates(pictures))


def _remove_duplicates(pictures: Sequence[InputFile]) -> list[InputFile]:
    """Keep the first of several equal files: a folder may be named together with its files or its subfolders."""
    real_folder = cache(os.path.realpath)
    seen: set[str] = set()
    firsts = []
    for picture in pictures:
        folder, name = picture.folder_and_name
        path = os.path.join(real_folder(folder or "."), name)  # noqa: PTH118 - as above
        if path not in seen:
            seen.add(path)
            firsts.append(picture)
    return firsts


def _add_files(files: list[Path], searched: Path, inputs: Inputs, search: _Search) -> None:
    for file in files:
        if file.name == SETTINGS_FILE:
            inputs.unused_settings += [file] if file.parent != searched else []
        elif not search.is_picture(file):
            inputs.other_files += 1
        elif not search.is_earlier_map(file):
            inputs.pictures.append(InputFile(file, _relative_folder(searched, file.parent)))


def _relative_folder(searched: Path, folder: Path) -> PurePath:
    """Return the folder relative to the searched one, without `..`, so that maps never go outside the output folder."""
    return PurePath(*(part for part in folder.relative_to(searched).parts if part != ".."))


def _files_in(folder: Path, recursive: bool, inputs: Inputs) -> list[Path]:
    """Return all files that are not hidden."""
    return [Path(path, name) for path, names in _walk(folder, recursive, inputs) for name in names]


def _walk(folder: Path, recursive: bool, inputs: Inputs) -> Iterator[tuple[str, list[str]]]:
    """Iterate over (folder, names of its files) of a folder and its subfolders, without hidden ones.

    Links to folders are not followed: one that leads to a folder above it would never end.
    """
    def note_unreadable(error: OSError) -> None:
        inputs.unusable_folders[error.filename] = Message("The folder {folder} cannot be looked into: {reason}.",
                                                 folder=error.filename, reason=reason_of(error))

    for path, folders, names in os.walk(folder, onerror=note_unreadable):
        folders[:] = sorted(name for name in folders if recursive and not name.startswith(".")
                            and not is_review_folder(Path(path, name)))
        inputs.unfollowed_links |= {link for link in (Path(path, name) for name in folders) if link.is_symlink()}
        yield path, sorted(name for name in names if not name.startswith("."))


def _matching_files(pattern: Path, inputs: Inputs) -> list[Path]:
    """Return the files that match a pattern, without hidden ones, which Path.glob would include."""
    matches = sorted(set(_matches(pattern, inputs)), key=str)
    return [path for path in matches if not os.path.isdir(path)]  # noqa: PTH112


def _matches(pattern: Path, inputs: Inputs) -> Iterator[Path]:
    """Iterate over all paths that match; `_walk` handles **, since glob would follow links without end."""
    if "**" not in pattern.parts:
        yield from map(Path, glob.glob(str(pattern)))  # noqa: PTH207
        return
    index = pattern.parts.index("**")
    for start in glob.glob(str(Path(*pattern.parts[:index]))):  # noqa: PTH207
        for folder, _ in _walk(Path(start), True, inputs):
            yield from _matches(Path(glob.escape(folder), *(pattern.parts[index + 1:] or ("*",))), inputs)


def _folder_of_pattern(pattern: Path) -> Path:
    """Return the part of the pattern before the first wildcard."""
    return Path(*itertools.takewhile(lambda part: not WILDCARD.search(part), pattern.parts))


class _Search:
    """What is looked for in folders: pictures, of certain suffixes if any, that are no maps of earlier runs.

    The maps are known by the records in their folders and in the folders above.
    """

    def __init__(self, suffixes: Sequence[str]) -> None:
        self._suffixes = suffixes
        self._maps: dict[Path, set[Path]] = {}

    def is_picture(self, file: Path) -> bool:
        return file.suffix.lower() in PICTURE_SUFFIXES and (
            not self._suffixes or cut_suffix(file.stem, self._suffixes) is not None)

    def is_earlier_map(self, file: Path) -> bool:
        file = resolve_path(file)
        return any(file in self._maps_of(folder) for folder in file.parents)

    def no_picture_message(self, folder: Path, recursive: bool) -> Message:
        """Say that the folder has no picture."""
        if self._suffixes:
            return Message("There is no picture in {folder} whose name ends with {suffixes}.", folder=folder,
                           suffixes=", ".join(self._suffixes))
        if recursive:
            return Message("There is no picture in {folder}.", folder=folder)
        return Message("There is no picture in {folder}; --recursive looks into its subfolders too.", folder=folder)

    def _maps_of(self, folder: Path) -> set[Path]:
        if folder not in self._maps:
            self._maps[folder] = OutputRecord(folder).files()
        return self._maps[folder]
