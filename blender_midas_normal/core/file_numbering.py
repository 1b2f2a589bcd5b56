"""Numbers of frames and UDIM tiles: in file names, and how much neighbouring frames count for the map of one of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby

from .errors import Message, Phrase, joined

NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")

Run = tuple[int, int]
"""The first and the last of numbers that follow each other."""


def split_number(stem: str) -> tuple[str, str, str] | None:
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


FIRST, IN_A_ROW, LAST = 1001, 10, 2000
"""The number of the first tile, how many tiles there are from left to right before the next row, and the last one's."""

UDIM = re.compile(r"(.*[._-]|)(1\d{3}|2000)([._-].*|)")
UVTILE = re.compile(r"(.*[._-]|)(u(\d{1,2})_v(\d{1,3}))([._-].*|)")


def place_of(number: int) -> tuple[int, int]:
    """(column, row) of a tile, counted from the first one to the right and up."""
    row, column = divmod(number - FIRST, IN_A_ROW)
    return column, row


def number_at(column: int, row: int) -> int:
    """The number of the tile at a place."""
    return FIRST + column + IN_A_ROW * row


def with_number(name: str, number: int) -> str:
    """The name of a set's file with a tile's number in the place of <UDIM> or <UVTILE>."""
    column, row = place_of(number)
    return name.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{column + 1}_v{row + 1}")


def tile_in(stem: str) -> tuple[str, str, str, int] | None:
    """What precedes a tile's number in a name, what stands for the number in a set's, what follows, and the number.

    stem: the file's name without its ending.  None where it names no tile.
    """
    if (match := UDIM.fullmatch(stem)) and FIRST <= int(match[2]) <= LAST:
        return match[1], "<UDIM>", match[3], int(match[2])
    if match := UVTILE.fullmatch(stem):
        column, row = int(match[3]) - 1, int(match[4]) - 1
        number = number_at(column, row)
        if 0 <= column < IN_A_ROW and FIRST <= number <= LAST and with_number("<UVTILE>", number) == match[2]:
            return match[1], "<UVTILE>", match[5], number
    return None


def missing_between(numbers: Collection[int]) -> list[int]:
    """The tiles that lack between others of their row or column."""
    places = [place_of(number) for number in numbers]
    lacking: set[int] = set()
    for column, row in places:
        lacking.update(number_at(between, row) for between in range(column, max(x for x, y in places if y == row)))
        lacking.update(number_at(column, between) for between in range(row, max(y for x, y in places if x == column)))
    return sorted(lacking - set(numbers))


LONGEST_REACH = 16
"""Frames on either side that may count."""


def temporal_weights(numbers: Collection[int], middle: int, reach: int) -> dict[int, float]:
    """How much each of the frames within `reach` of the middle one counts, together 1: a triangle, cut where frames lack.

    The noise of whole triangles has the variance of a single frame's times the sum of the squared shares: 0.38 for a reach
    of 1, 0.23 for 2, 0.17 for 3.
    """
    counted = {number: reach + 1 - abs(number - middle) for number in numbers if abs(number - middle) <= reach}
    return {number: count / sum(counted.values()) for number, count in counted.items()}
