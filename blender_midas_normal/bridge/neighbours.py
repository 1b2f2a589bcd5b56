"""A tile's picture with margins of its neighbours' pixels, so that relief goes on across the border that they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Generator
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import SourceError
from ..core.filters import resize
from ..core.picture import Wrap
from ..core.seams import margin
from ..core.udim_numbers import place_of
from .pixels import Held

if TYPE_CHECKING:
    from ..core.arrays import Array

Place = tuple[int, int]
"""Columns to the right and rows up, of a neighbour."""

SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Left, right, below and above."""


def with_neighbours(look: Callable[[int], Held], number: int,
                    numbers: Collection[int]) -> Generator[None, None, Held]:
    """What Blender holds of a tile with margins where a neighbour is among the numbers; its part is the tile's.

    look(number): what Blender holds of a tile, raising SourceError; the generator yields between two of them.
    Neighbours of another resolution are brought to the tile's; those that hold colours in another way, or that cannot be
    read, do not count.
    """
    held = look(number)
    around = _around(number, numbers)
    if not around:
        return held
    width, height = held.pixels.width, held.pixels.height
    across, up = margin(width), margin(height)
    whole = np.pad(_rows(held), [(up, up), (across, across), (0, 0)], mode="edge")
    counted = set()
    for place, other in around.items():
        yield
        try:
            beside = look(other)
        except SourceError:  # the user is told when it is this one's own turn
            continue
        if _is_alike(beside, held):
            _fill(whole, place, _at_size(_rows(beside), width, height))
            counted.add(place)
    yield
    return _cropped(held, whole, counted)


def _around(number: int, numbers: Collection[int]) -> dict[Place, int]:
    """The tiles of the numbers that touch a tile."""
    column, row = place_of(number)
    places = {other: place_of(other) for other in numbers if other != number}
    return {(x - column, y - row): other for other, (x, y) in places.items() if max(abs(x - column), abs(y - row)) == 1}


def _is_alike(one: Held, other: Held) -> bool:
    """Whether two tiles hold colours in one way."""
    return (one.pixels.encoding, one.pixels.premultiplied) == (other.pixels.encoding, other.pixels.premultiplied)


def _fill(whole: Array, place: Place, beside: Array) -> None:
    """Puts what a neighbour of the tile's size has there into the margins of a tile."""
    height, width = beside.shape[:2]
    rows, columns = _spans(place[1], height), _spans(place[0], width)
    whole[rows[0], columns[0]] = beside[rows[1], columns[1]]


def _spans(step: int, length: int) -> tuple[slice, slice]:
    """In one direction, the pixels of a tile with margins that a neighbour fills, and those of its own that go there."""
    wide = margin(length)
    if step < 0:
        return slice(0, wide), slice(length - wide, length)
    if step > 0:
        return slice(wide + length, None), slice(0, wide)
    return slice(wide, wide + length), slice(0, length)


def _cropped(held: Held, whole: Array, counted: Collection[Place]) -> Held:
    """The tile with those of its margins on whose side a neighbour counted."""
    left, right, below, above = (side in counted for side in SIDES)
    width, height = held.pixels.width, held.pixels.height
    across, up = margin(width), margin(height)
    whole = whole[0 if below else up:None if above else -up, 0 if left else across:None if right else -across]
    first_column, first_row = across * left, up * above
    part = [first_column, first_row, first_column + width, first_row + height]
    pixels = dataclasses.replace(held.pixels, width=whole.shape[1], height=whole.shape[0], part=part)
    return dataclasses.replace(held, values=whole.ravel(), pixels=pixels)


def _rows(held: Held) -> Array:
    """H x W x 4, rows from the bottom up."""
    return held.values.reshape(held.pixels.height, held.pixels.width, 4)


def _at_size(values: Array, width: int, height: int) -> Array:
    if values.shape[:2] == (height, width):
        return values
    return np.clip(resize(values, width, height, Wrap()), values.min(), values.max())
