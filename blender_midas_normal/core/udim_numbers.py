"""The numbers of UDIM tiles, and the names of their files."""

from __future__ import annotations

import re
from collections.abc import Collection

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
