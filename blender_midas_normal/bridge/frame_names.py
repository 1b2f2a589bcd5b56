"""The names of the files of frames, as Blender reads them."""

from __future__ import annotations

import re

NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def parted(stem: str) -> tuple[str, str, str] | None:
    """What precedes the frame's number, which is the last one, its digits, and what follows; None where there is none.

    stem: the file's name without its ending.
    """
    match = NUMBERED.fullmatch(stem)
    return (match[1], match[2], match[3]) if match else None
