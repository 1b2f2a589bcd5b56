"""Numbers of frames and UDIM tiles: in file names, and how much neighbouring frames count for the map of one of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby

from .errors import Message, Phrase, join_messages

NUMBER_PATTERN = re.compile(r"(.*?)(\d+)(\D*)")

NumberRange = tuple[int, int]
"""The first and the last of numbers that follow each other."""


def split_number(stem: str) -> tuple[str, str, str] | None:
    """What precedes the frame's number, which is the last one, its digits, and what follows; None where there is none.

    stem: the file's name without its ending.
    """
    match = NUMBER_PATTERN.fullmatch(stem)
    return (match[1], match[2], match[3]) if match else None


def number_ranges(numbers: Collection[int]) -> list[NumberRange]:
    """The numbers, in their order."""
    groups = [[number for _, number in group]
              for _, group in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])]
    return [(group[0], group[-1]) for group in groups]


def missing_ranges(numbers: Collection[int]) -> list[NumberRange]:
    """The numbers that lack between others; there may be as many as a name has digits for."""
    found = number_ranges(set(numbers))
    return [(found[i][1] + 1, found[i + 1][0] - 1) for i in range(len(found) - 1)]


def format_ranges(found: Sequence[NumberRange]) -> Message:
    """`3, 7 to 9`."""
    return join_messages((str(first) if first == last else Phrase("{first} to {last}", first=first, last=last)
                   for first, last in found), ", ")


FIRST_TILE, TILES_PER_ROW, LAST_TILE = 1001, 10, 2000
"""The number of the first tile, how many tiles there are from left to right before the next row, and the last one's."""

UDIM_PATTERN = re.compile(r"(.*[._-]|)(1\d{3}|2000)([._-].*|)")
UVTILE_PATTERN = re.compile(r"(.*[._-]|)(u(\d{1,2})_v(\d{1,3}))([._-].*|)")


def udim_position(number: int) -> tuple[int, int]:
    """(column, row) of a tile, counted from the first one to the right and up."""
    row, column = divmod(number - FIRST_TILE, TILES_PER_ROW)
    return column, row


def udim_number(column: int, row: int) -> int:
    """The number of the tile at a place."""
    return FIRST_TILE + column + TILES_PER_ROW * row


def fill_udim_token(name: str, number: int) -> str:
    """The name of a set's file with a tile's number in the place of <UDIM> or <UVTILE>."""
    column, row = udim_position(number)
    return name.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{column + 1}_v{row + 1}")


def parse_udim_name(stem: str) -> tuple[str, str, str, int] | None:
    """What precedes a tile's number in a name, what stands for the number in a set's, what follows, and the number.

    stem: the file's name without its ending.  None where it names no tile.
    """
    if (match := UDIM_PATTERN.fullmatch(stem)) and FIRST_TILE <= int(match[2]) <= LAST_TILE:
        return match[1], "<UDIM>", match[3], int(match[2])
    if match := UVTILE_PATTERN.fullmatch(stem):
        column, row = int(match[3]) - 1, int(match[4]) - 1
        number = udim_number(column, row)
        is_tile = 0 <= column < TILES_PER_ROW and FIRST_TILE <= number <= LAST_TILE
        if is_tile and fill_udim_token("<UVTILE>", number) == match[2]:
            return match[1], "<UVTILE>", match[5], number
    return None


def missing_tiles(numbers: Collection[int]) -> list[int]:
    """The tiles that lack between others of their row or column."""
    places = [udim_position(number) for number in numbers]
    lacking: set[int] = set()
    for column, row in places:
        lacking.update(udim_number(between, row) for between in range(column, max(x for x, y in places if y == row)))
        lacking.update(udim_number(column, between) for between in range(row, max(y for x, y in places if x == column)))
    return sorted(lacking - set(numbers))


MAX_TEMPORAL_RADIUS = 16
"""Frames on either side that may count."""


def temporal_weights(numbers: Collection[int], middle: int, reach: int) -> dict[int, float]:
    """How much each of the frames within `reach` of the middle one counts, together 1: a triangle, cut where frames lack.

    The noise of whole triangles has the variance of a single frame's times the sum of the squared shares: 0.38 for a reach
    of 1, 0.23 for 2, 0.17 for 3.
    """
    counted = {number: reach + 1 - abs(number - middle) for number in numbers if abs(number - middle) <= reach}
    return {number: count / sum(counted.values()) for number, count in counted.items()}
