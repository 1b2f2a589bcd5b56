"""Suffixes in the names of files that say what a picture holds, such as `_height` in wall_height.png."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.errors import SettingsError

HEIGHT_SUFFIXES = ("_height", "_disp", "_displacement", "_bump", "_depth")
"""What the files of height maps are usually called by."""


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
