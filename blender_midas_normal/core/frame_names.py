"""The names of the files of frames, as Blender reads them, and lists of their numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby

from .messages import Message, Phrase, joined

NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")

Run = tuple[int, int]
"""The first and the last of numbers that follow each other."""


def parted(stem: str) -> tuple[str, str, str] | None:
    """What precedes the frame's number, which is the last one, its digits, and what follows; None where there is none.

    stem: the file's name without its ending.
    """
    match = NUMBERED.fullmatch(stem)
    return (match[1], match[2], match[3]) if match else None


def runs(numbers: Collection[int]) -> list[Run]:
    """The numbers, in their order."""
    groups = [[number for _, number in group]
              for _, group in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])]
    return [(group[0], group[-1]) for group in groups]


def holes(numbers: Collection[int]) -> list[Run]:
    """The numbers that lack between others; there may be as many as a name has digits for."""
    found = runs(set(numbers))
    return [(found[i][1] + 1, found[i + 1][0] - 1) for i in range(len(found) - 1)]


def listed(found: Sequence[Run]) -> Message:
    """`3, 7 to 9`."""
    return joined((str(first) if first == last else Phrase("{first} to {last}", first=first, last=last)
                   for first, last in found), ", ")
