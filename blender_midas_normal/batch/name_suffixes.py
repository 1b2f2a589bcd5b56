"""Suffixes in the names of files that say what a picture holds, such as `_height` in wall_height.png."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.errors import SettingsError, SourceError, reason_of
from ..core.files import PICTURE_SUFFIXES

HEIGHT_SUFFIXES = ("_height", "_disp", "_displacement", "_bump", "_depth")
"""What the files of height maps are usually called by."""


NORMAL_SUFFIXES = ("_normal", "_nrm", "_nor", "_norm", "_normalgl", "_normal_opengl", "_nor_gl", "_normaldx",
                   "_normal_directx", "_nor_dx")
"""What the files of normal maps are usually called by, in the order in which they are looked for."""

COLOUR_SUFFIXES = ("_color", "_colour", "_col", "_diffuse", "_diff", "_albedo", "_basecolor", "_base_color")
"""What the files of colours are usually called by, beside those of other maps."""


def names_in(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by their names in lower case; raise SourceError where it cannot be read."""
    try:
        return {file.name.lower(): file for file in sorted(folder.iterdir())}
    except OSError as error:
        raise SourceError("{path} cannot be read: {reason}.", path=folder, reason=reason_of(error)) from None


def normal_map_beside(file: Path, suffixes: Sequence[str], list_folder: Callable[[Path], dict[str, Path]]) -> Path:
    """Find the normal map that lies beside a picture, such as wall_normal.png beside wall_color.jpg.

    Args:
        suffixes: of the picture's name, besides the usual ones of colours, that the normal map has another one for.
        list_folder: `names_in`, which may remember folders that it has listed.

    Raises:
        SourceError: there is none.
    """
    stem = cut_suffix(file.stem, (*suffixes, *COLOUR_SUFFIXES)) or file.stem
    files = list_folder(file.parent)
    name, number = re.fullmatch(r"(.*?)([._ -]?[0-9]*)", stem, re.DOTALL).groups()  # type: ignore[union-attr]
    for suffix in NORMAL_SUFFIXES:
        for ending in PICTURE_SUFFIXES:
            for candidate in (stem + suffix, name + suffix + number):
                if existing := files.get((candidate + ending).lower()):
                    return existing
    raise SourceError("There is no normal map beside {file}, such as {example}; the base EXISTING needs one.", file=file,
                      example=stem + NORMAL_SUFFIXES[0] + file.suffix)


def cut_suffix(stem: str, suffixes: Sequence[str]) -> str | None:
    """Return a file's stem without the suffix that it has, in any case; None where it has none of them.

    A number may follow the suffix, and stays.

    >>> [cut_suffix(stem, ("_height",)) for stem in ("Wall_Height.1001", "wall_rgb", "_height")]
    ['Wall.1001', None, None]
    """
    pattern = f"(.+)(?:{'|'.join(map(re.escape, suffixes))})([._ -]?[0-9]+)?"
    match = re.fullmatch(pattern, stem, re.IGNORECASE | re.DOTALL)
    return match[1] + (match[2] or "") if match else None


def parse_suffixes(suffixes: str | Sequence[str]) -> tuple[str, ...]:
    """Return suffixes given with commas between, or one by one; raise SettingsError for an empty one.

    >>> parse_suffixes("_height, _disp"), parse_suffixes("")
    (('_height', '_disp'), ())
    """
    parts = tuple(part.strip() for part in (suffixes.split(",") if isinstance(suffixes, str) else suffixes))
    if parts == ("",):
        return ()
    if not all(parts):
        raise SettingsError("A source suffix is empty; give some such as _height,_disp with commas between.")
    return parts
