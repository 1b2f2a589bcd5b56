"""One network over a picture at several sizes, smallest first; each run improves on the enlarged answer of the one before.

What a material looks like decides about its relief, not how many pixels it has: at the smallest size the network sees
shapes as large as the picture, at the full size it adds what only shows there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ....core.difference import Area, Stretch
from ....core.filters import interpolate_at, resize_area
from ....core.picture import SlopePyramid, Wrap
from .tiling import LARGEST_TILE, Tiling, tile_changed, tile_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....core.arrays import Array
    from .. import Report
    from .architecture import Architecture

SMALLEST_SIDE = 128
"""Pixels of the shorter side below which a picture is not made smaller."""

FAINTEST_CHANGE = 1e-5
"""Of a slope at a smaller size: what changes less is not carried over to the larger one."""


class Network(Protocol):
    """What runs the relief network, on numpy or on torch."""

    architecture: Architecture

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, done: Callable[[float], None]) -> Array:
        """H x W x 2 float32 slopes from H x W x 3 sRGB, 0..1, and the H x W x 2 enlarged slopes of half the size.

        H and W are multiples of the architecture's stride.  Calls done(share) as it goes on; what that raises ends the work.
        """
        ...


def infer(network: Network, rgb: Array, wrap: Wrap, report: Report, largest: tuple[int, int] = LARGEST_TILE) -> SlopePyramid:
    """The slopes of a picture.

    Args:
        network: what runs over it.
        rgb: H x W x 3 float32 sRGB, 0..1.
        wrap: the directions in which it repeats.
        report: called as report("network", share done) again and again; what it raises ends the work.
        largest: rows and columns that are worked on at once.
    """
    pictures = _reduced(rgb)
    tilings = [tile_whole(picture.shape, wrap, network.architecture, largest) for picture in pictures]

    def empty(number: int, _: Sequence[Array]) -> Array:
        return np.empty((*pictures[number].shape[:2], 2), np.float32)

    return _run(network, pictures, tilings, wrap, report, empty)


def update(network: Network, before: SlopePyramid, changed: Area, rgb: Array, wrap: Wrap, report: Report, margin: int,
           largest: tuple[int, int] = LARGEST_TILE) -> SlopePyramid:
    """The slopes of a picture, given those of one that differs in the changed area only.

    At each size the network runs over what lies within `margin` pixels of the area, and sees as much around that.
    Farther away the slopes change by what those of the smaller size changed, which see farther.
    """
    pictures = _reduced(rgb)
    areas = [_scaled(changed, rgb.shape, picture.shape) for picture in pictures]
    tilings = [tile_changed(area, picture.shape, wrap, network.architecture, margin, largest)
               for area, picture in zip(areas, pictures, strict=True)]

    def carried_over(number: int, smaller: Sequence[Array]) -> Array:
        slopes = before.sizes[number].copy()
        if number > 0:
            _add_enlarged(slopes, smaller[-1] - before.sizes[number - 1], wrap)
        return slopes

    return _run(network, pictures, tilings, wrap, report, carried_over)


def _run(network: Network, pictures: Sequence[Array], tilings: Sequence[Tiling], wrap: Wrap, report: Report,
         initial: Callable[[int, Sequence[Array]], Array]) -> SlopePyramid:
    """The slopes at all sizes; `initial` gives the array whose tiles are filled, from the slopes of the smaller sizes."""
    total, done_before = sum(tiling.pixels for tiling in tilings), 0
    found: list[Array] = []
    for number, (picture, tiling) in enumerate(zip(pictures, tilings, strict=True)):
        slopes, coarse = initial(number, found), found[-1] if found else None
        for row in tiling.rows:
            for column in tiling.columns:
                pixels = len(row.seen) * len(column.seen)

                def done(share: float, before: int = done_before, pixels: int = pixels) -> None:
                    report("network", (before + share * pixels) / total)

                tile = picture[np.ix_(row.seen, column.seen)]
                if coarse is None:
                    enlarged = np.zeros((*tile.shape[:2], 2), np.float32)
                else:
                    enlarged = interpolate_at(coarse, row.seen, column.seen, picture.shape[:2], wrap)
                    enlarged *= np.stack(np.broadcast_arrays(column.sign, row.sign[:, None]), axis=2)
                answer = network.forward(tile, enlarged, Wrap(column.closed, row.closed), done)
                slopes[row.place, column.place] = answer[row.kept, column.kept]
                done_before += pixels
        found.append(slopes)
    return SlopePyramid(tuple(found))


def _reduced(rgb: Array) -> list[Array]:
    """The picture at 1/2^n, ..., 1/2 and 1 of its size; the shorter side of the smallest is SMALLEST_SIDE or longer."""
    found, (height, width) = [rgb], rgb.shape[:2]
    halvings = 1
    while min(width, height) >= SMALLEST_SIDE << halvings:
        found.append(resize_area(found[-1], round(width / 2 ** halvings), round(height / 2 ** halvings)))
        halvings += 1
    return found[::-1]


def _scaled(changed: Area, before: tuple[int, ...], after: tuple[int, ...]) -> Area:
    """The pixels of a smaller picture that a changed area has a part in."""
    def scaled(stretch: Stretch, length: int, count: int) -> Stretch:
        start, stop = stretch.start * count // length, -(-stretch.stop * count // length)
        return Stretch(start, min(stop, start + count))

    return Area(scaled(changed.rows, before[0], after[0]), scaled(changed.columns, before[1], after[1]))


def _add_enlarged(slopes: Array, change: Array, wrap: Wrap) -> None:
    """Adds the enlarged change of the slopes at half the size, where there is any, in place."""
    there = np.abs(change).max(axis=2) > FAINTEST_CHANGE
    rows, columns = (_touched(there.any(axis=axis), length, repeats)
                     for axis, length, repeats in ((1, slopes.shape[0], wrap.y), (0, slopes.shape[1], wrap.x)))
    if len(rows):
        part = slopes[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
        part += interpolate_at(change, rows, columns, slopes.shape[:2], wrap)


def _touched(there: NDArray[np.bool_], count: int, repeats: bool) -> NDArray[np.intp]:
    """The pixels, of `count`, from the first to the last that interpolation between changed pixels reaches."""
    at = np.flatnonzero(there)
    if not len(at):
        return at
    first, last = (int((pixel + offset) * count / len(there)) for pixel, offset in ((at[0], -1), (at[-1], 2)))
    if repeats and (first < 0 or last >= count):
        return np.arange(count)
    return np.arange(max(first, 0), min(last + 1, count))
