"""The numbers of UDIM tiles."""

from __future__ import annotations

FIRST, IN_A_ROW = 1001, 10
"""The number of the first tile, and how many tiles there are from left to right before the next row."""


def place_of(number: int) -> tuple[int, int]:
    """(column, row) of a tile, counted from the first one to the right and up."""
    row, column = divmod(number - FIRST, IN_A_ROW)
    return column, row


def with_number(name: str, number: int) -> str:
    """The name of a set's file with a tile's number in the place of <UDIM> or <UVTILE>."""
    column, row = place_of(number)
    return name.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{column + 1}_v{row + 1}")
