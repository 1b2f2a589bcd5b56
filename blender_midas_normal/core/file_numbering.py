"""Numbers of frames and UDIM tiles in file names, and the weights of neighbouring frames in a temporal average."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby

from .errors import Message, Phrase, join_messages

NUMBER_PATTERN = re.compile(r"(.*?)(\d+)(\D*)")

NumberRange = tuple[int, int]
"""(first, last) of consecutive numbers."""

FIRST_TILE, TILES_PER_ROW, LAST_TILE = 1001, 10, 2000
"""UDIM numbers of the first and last tile, and the number of tiles in a row."""

UDIM_PATTERN = re.compile(r"(.*[._-]|)(1\d{3}|2000)([._-].*|)")

UVTILE_PATTERN = re.compile(r"(.*[._-]|)(u(\d{1,2})_v(\d{1,3}))([._-].*|)")

MAX_TEMPORAL_RADIUS = 16
"""Largest number of frames on either side that are averaged."""


def split_number(stem: str) -> tuple[str, str, str] | None:
    """Split a file's stem around its frame number, the last number in it: (before, digits, after); None without a number.

    >>> split_number("shot2_0041_rgb")
    ('shot2_', '0041', '_rgb')
    """
    match = NUMBER_PATTERN.fullmatch(stem)
    return (match[1], match[2], match[3]) if match else None


def number_ranges(numbers: Collection[int]) -> list[NumberRange]:
    """Group numbers into ranges of consecutive ones, in ascending order.

    >>> number_ranges([7, 3, 8, 9])
    [(3, 3), (7, 9)]
    """
    groups = [[number for _, number in group]
              for _, group in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])]
    return [(group[0], group[-1]) for group in groups]


def missing_ranges(numbers: Collection[int]) -> list[NumberRange]:
    """Return the ranges of numbers that are missing between others.

    >>> missing_ranges([3, 7, 8])
    [(4, 6)]
    """
    ranges = number_ranges(set(numbers))
    return [(ranges[i][1] + 1, ranges[i + 1][0] - 1) for i in range(len(ranges) - 1)]


def format_ranges(ranges: Sequence[NumberRange]) -> Message:
    """Write ranges for people: `3, 7 to 9`."""
    return join_messages((str(first) if first == last else Phrase("{first} to {last}", first=first, last=last)
                          for first, last in ranges), ", ")


def udim_position(number: int) -> tuple[int, int]:
    """Return (column, row) of a UDIM tile, counted from 0 to the right and up.

    >>> udim_position(1012), udim_number(1, 1)
    ((1, 1), 1012)
    """
    row, column = divmod(number - FIRST_TILE, TILES_PER_ROW)
    return column, row


def udim_number(column: int, row: int) -> int:
    """Return the UDIM number of the tile at (column, row)."""
    return FIRST_TILE + column + TILES_PER_ROW * row


def fill_udim_token(name: str, number: int) -> str:
    """Replace <UDIM> or <UVTILE> in a name by a tile's number.

    >>> fill_udim_token("wall_<UVTILE>.png", 1012)
    'wall_u2_v2.png'
    """
    column, row = udim_position(number)
    return name.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{column + 1}_v{row + 1}")


def parse_udim_name(stem: str) -> tuple[str, str, str, int] | None:
    """Split a file's stem around its UDIM number: (before, token, after, number); None where it names no tile.

    >>> parse_udim_name("wall.1012")
    ('wall.', '<UDIM>', '', 1012)
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
    """Return the tiles that are missing between others of their row or column.

    >>> missing_tiles([1001, 1003])
    [1002]
    """
    positions = [udim_position(number) for number in numbers]
    covered: set[int] = set()
    for column, row in positions:
        covered.update(udim_number(between, row) for between in range(column, max(x for x, y in positions if y == row)))
        covered.update(udim_number(column, between) for between in range(row, max(y for x, y in positions if x == column)))
    return sorted(covered - set(numbers))


def temporal_weights(numbers: Collection[int], middle: int, radius: int) -> dict[int, float]:
    """Return the weights of the frames within `radius` of the middle one: a triangle over existing frames, with sum 1.

    The variance of noise is that of a single frame times the sum of the squared weights: 0.38 for a radius of 1, 0.23 for
    2, 0.17 for 3.

    >>> temporal_weights([1, 2, 3, 4], 2, 1)
    {1: 0.25, 2: 0.5, 3: 0.25}
    """
    triangle = {number: radius + 1 - abs(number - middle) for number in numbers if abs(number - middle) <= radius}
    return {number: height / sum(triangle.values()) for number, height in triangle.items()}
