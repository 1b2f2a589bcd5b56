"""Run the relief network over an image pyramid, tile by tile: each size gets the slopes of the next smaller one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ....core.filters import interpolate_at, resize_area
from ....core.picture import SlopePyramid, Wrap
from ....core.regions import Interval, Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....core.arrays import Array
    from .. import Report
    from .architecture import Architecture

MAX_TILE = (2048, 4096)
"""Rows and columns of the largest tile, without its context.  At 4096 x 4096 the context takes 14% more time."""

MIN_PYRAMID_SIDE = 96
"""Least pixels of the shorter side of a reduced picture: the smallest size has 96 to 191.  Chosen on split=val at 768 pixels
(docs/reference/relief.md)."""

MIN_SLOPE_CHANGE = 1e-5
"""Changes of a slope at a smaller size below this are not carried over to the larger size."""

ORIENTATIONS = tuple((mirrored, transposed, upside_down) for mirrored in (False, True) for transposed in (False, True)
                     for upside_down in (False, True))
"""The eight symmetries of a square (dihedral group), over which `infer_orientations` averages."""


@dataclass(frozen=True)
class TileSpan:
    """A tile's extent along one axis, with the context around it.

    Attributes:
        pixels: indices of the picture's pixels that the network gets, in order, context included.
        sign: -1 where the picture is mirrored there, which inverts slopes along this axis, else 1.
        inner: the part of `pixels` without the context.
        output: where the slopes of `inner` are stored in those of the picture.
        is_periodic: the first pixel follows the last one.
    """

    pixels: NDArray[np.intp]
    sign: Array
    inner: slice
    output: slice
    is_periodic: bool


@dataclass(frozen=True)
class Tiling:
    """Tiles that cover a picture or a part of it: all pairs of a row span and a column span."""

    rows: list[TileSpan]
    columns: list[TileSpan]

    @property
    def pixel_count(self) -> int:
        """Pixels of all tiles together, context included."""
        return sum(len(row.pixels) for row in self.rows) * sum(len(column.pixels) for column in self.columns)


class SlopeNetwork(Protocol):
    """What runs the relief network, on numpy or on torch."""

    architecture: Architecture

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, on_progress: Callable[[float], None]) -> Array:
        """Predict slopes.

        Args:
            rgb: H x W x 3 float32 sRGB, 0..1; H and W are multiples of the architecture's stride.
            coarse: H x W x 2 float32, the enlarged slopes that were predicted at half the size; 0 at the smallest size.
            wrap: the directions that repeat.
            on_progress: called often with the finished share, 0..1; an exception that it raises ends the pass.

        Returns:
            H x W x 2 float32 slopes.
        """
        ...


def infer(network: SlopeNetwork, rgb: Array, wrap: Wrap, report: Report,
          max_tile: tuple[int, int] = MAX_TILE) -> SlopePyramid:
    """Predict the slopes of a picture.

    Args:
        network: on numpy or torch.
        rgb: H x W x 3 float32 sRGB, 0..1.
        wrap: the directions that repeat.
        report: called often as report("network", share); an exception that it raises ends the inference.
        max_tile: rows and columns of the largest tile, without its context.
    """
    pictures = _image_pyramid(rgb)
    tilings = [tile_picture(picture.shape, wrap, network.architecture, max_tile) for picture in pictures]

    def make_empty(number: int, smaller: Sequence[Array]) -> Array:
        return np.empty((*pictures[number].shape[:2], 2), np.float32)

    return _infer_pyramid(network, pictures, tilings, wrap, report, make_empty)


def infer_orientations(network: SlopeNetwork, rgb: Array, wrap: Wrap, report: Report) -> Array:
    """Predict slopes as the mean over the eight orientations of a picture (test-time augmentation).

    Args, and the exceptions of `report`: as for `infer`.

    Returns:
        H x W x 2 float32.
    """
    total = np.zeros((*rgb.shape[:2], 2), np.float32)
    for number, orientation in enumerate(ORIENTATIONS):
        def report_one(stage: str, share: float, number: int = number) -> None:
            report(stage, (number + share) / len(ORIENTATIONS))

        mirrored, transposed, upside_down = orientation
        reoriented = np.ascontiguousarray(_reorient(rgb, *orientation))
        slopes = infer(network, reoriented, Wrap(wrap.y, wrap.x) if transposed else wrap, report_one).full
        back = slopes.swapaxes(0, 1)[..., ::-1] if transposed else slopes
        sign = np.array([-1 if mirrored else 1, -1 if upside_down else 1], np.float32)
        total += _reorient(back, mirrored, False, upside_down) * sign
    total /= len(ORIENTATIONS)
    return total


def update(network: SlopeNetwork, before: SlopePyramid, changed: Region, rgb: Array, wrap: Wrap, report: Report, margin: int,
           max_tile: tuple[int, int] = MAX_TILE) -> SlopePyramid:
    """Update the slopes of a picture of which a region has changed.

    At each size the network runs again within `margin` pixels of the region, with as much context.  Farther away slopes
    change as much as those of the smaller size, which depend on pixels farther away.

    Args:
        network, wrap, report, max_tile: as for `infer`.
        before: the slopes of the picture before the change.
        changed: the region, in pixels of the picture.
        rgb: H x W x 3 float32 sRGB, 0..1, after the change.
        margin: pixels, at each size.
    """
    pictures = _image_pyramid(rgb)
    regions = [_scale_region(changed, rgb.shape, picture.shape) for picture in pictures]
    tilings = [tile_region(region, picture.shape, wrap, network.architecture, margin, max_tile)
               for region, picture in zip(regions, pictures, strict=True)]

    def carry_over(number: int, smaller: Sequence[Array]) -> Array:
        slopes = before.sizes[number].copy()
        if number > 0:
            _add_enlarged(slopes, smaller[-1] - before.sizes[number - 1], wrap)
        return slopes

    return _infer_pyramid(network, pictures, tilings, wrap, report, carry_over)


def tile_picture(shape: tuple[int, ...], wrap: Wrap, architecture: Architecture,
                 max_tile: tuple[int, int] = MAX_TILE) -> Tiling:
    """Return the tiles of a whole picture of the shape H x W (x C), each of at most `max_tile` rows and columns."""
    return Tiling(*(cover_axis(length, repeats, side, architecture.stride, architecture.receptive_field)
                    for length, repeats, side in zip(shape[:2], (wrap.y, wrap.x), max_tile, strict=True)))


def tile_region(changed: Region, shape: tuple[int, ...], wrap: Wrap, architecture: Architecture, margin: int,
                max_tile: tuple[int, int] = MAX_TILE) -> Tiling:
    """Return tiles for all that lies within `margin` pixels of a changed region, each with `margin` pixels of context."""
    axes = zip((changed.rows, changed.columns), shape[:2], (wrap.y, wrap.x), max_tile, strict=True)
    return Tiling(*(cover_interval(interval, length, repeats, side, architecture.stride, margin)
                    for interval, length, repeats, side in axes))


def cover_axis(length: int, repeats: bool, max_side: int, stride: int, margin: int) -> list[TileSpan]:
    """Cover an axis of `length` pixels by spans that begin and end at multiples of the stride.

    An axis that repeats is periodic in one span where its length is a multiple of the stride.  Where it is not, `margin`
    pixels of the repetition are the context, so that no slope depends on where the repetition was cut.  An axis that does
    not repeat is mirrored up to the next multiple.

    Args:
        length: pixels of the axis.
        repeats: whether the picture repeats along it.
        max_side: most pixels of a span without context.
        stride: of the network.
        margin: pixels of context on both sides.
    """
    end = -(-length // stride) * stride
    if length <= max_side and (end == length or not repeats):
        return [TileSpan(*_extend_axis(0, end, length, repeats), slice(0, length), slice(0, length), repeats)]
    return _split_interval(Interval(0, length), length, repeats, max_side, stride, margin)


def cover_interval(changed: Interval, length: int, repeats: bool, max_side: int, stride: int, margin: int) -> list[TileSpan]:
    """Cover the pixels of an axis that lie within `margin` of a changed interval; the rest is as for `cover_axis`."""
    pieces = changed.expand(margin, length, repeats)
    if pieces == [Interval(0, length)]:
        return cover_axis(length, repeats, max_side, stride, margin)
    return [span for piece in pieces for span in _split_interval(piece, length, repeats, max_side, stride, margin)]


def _infer_pyramid(network: SlopeNetwork, pictures: Sequence[Array], tilings: Sequence[Tiling], wrap: Wrap, report: Report,
                   initial: Callable[[int, Sequence[Array]], Array]) -> SlopePyramid:
    """Predict the slopes at all sizes, smallest first.

    initial(number, smaller): makes the array for the slopes of one size, of which the tiles are then overwritten.
    """
    total, finished = sum(tiling.pixel_count for tiling in tilings), 0
    levels: list[Array] = []
    for number, (picture, tiling) in enumerate(zip(pictures, tilings, strict=True)):
        slopes, coarse = initial(number, levels), levels[-1] if levels else None
        for row in tiling.rows:
            for column in tiling.columns:
                count = len(row.pixels) * len(column.pixels)

                def on_progress(share: float, finished: int = finished, count: int = count) -> None:
                    report("network", (finished + share * count) / total)

                tile = picture[np.ix_(row.pixels, column.pixels)]
                if coarse is None:
                    enlarged = np.zeros((*tile.shape[:2], 2), np.float32)
                else:
                    enlarged = interpolate_at(coarse, row.pixels, column.pixels, picture.shape[:2], wrap)
                    enlarged *= np.stack(np.broadcast_arrays(column.sign, row.sign[:, None]), axis=2)
                predicted = network.forward(tile, enlarged, Wrap(column.is_periodic, row.is_periodic), on_progress)
                slopes[row.output, column.output] = predicted[row.inner, column.inner]
                finished += count
        levels.append(slopes)
    return SlopePyramid(tuple(levels))


def _image_pyramid(rgb: Array) -> list[Array]:
    """Return a picture at 1/2^n, ..., 1/2 and 1 of its size; a reduced one's shorter side is at least MIN_PYRAMID_SIDE."""
    levels, (height, width) = [rgb], rgb.shape[:2]
    halvings = 1
    while min(width, height) >= MIN_PYRAMID_SIDE << halvings:
        levels.append(resize_area(levels[-1], round(width / 2 ** halvings), round(height / 2 ** halvings)))
        halvings += 1
    return levels[::-1]


def _scale_region(changed: Region, before: tuple[int, ...], after: tuple[int, ...]) -> Region:
    """Return the pixels of a smaller picture that a changed region affects."""
    def scale(interval: Interval, length: int, count: int) -> Interval:
        start, stop = interval.start * count // length, -(-interval.stop * count // length)
        return Interval(start, min(stop, start + count))

    return Region(scale(changed.rows, before[0], after[0]), scale(changed.columns, before[1], after[1]))


def _add_enlarged(slopes: Array, change: Array, wrap: Wrap) -> None:
    """Add, in place, the enlarged change of the slopes at half the size, within the rows and columns that it affects."""
    is_changed = np.abs(change).max(axis=2) > MIN_SLOPE_CHANGE
    rows, columns = (_affected_pixels(is_changed.any(axis=axis), length, repeats)
                     for axis, length, repeats in ((1, slopes.shape[0], wrap.y), (0, slopes.shape[1], wrap.x)))
    if len(rows):
        affected = slopes[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
        affected += interpolate_at(change, rows, columns, slopes.shape[:2], wrap)


def _affected_pixels(is_changed: NDArray[np.bool_], count: int, repeats: bool) -> NDArray[np.intp]:
    """Return the indices, of `count` enlarged pixels, between the first and the last one that depend on changed pixels."""
    changed = np.flatnonzero(is_changed)
    if not len(changed):
        return changed
    first, last = (int((pixel + offset) * count / len(is_changed)) for pixel, offset in ((changed[0], -1), (changed[-1], 2)))
    if repeats and (first < 0 or last >= count):
        return np.arange(count)
    return np.arange(max(first, 0), min(last + 1, count))


def _reorient(field: Array, mirrored: bool, transposed: bool, upside_down: bool) -> Array:
    """Mirror an H x W x C field left to right, turn it upside down, then transpose it."""
    field = field[:, ::-1] if mirrored else field
    field = field[::-1] if upside_down else field
    return field.swapaxes(0, 1) if transposed else field


def _split_interval(piece: Interval, length: int, repeats: bool, max_side: int, stride: int, margin: int) -> list[TileSpan]:
    """Split an interval into spans of at most `max_side` pixels, with context; the rest is as for `cover_axis`."""
    end, spans = -(-length // stride) * stride, []
    for start in range(piece.start, piece.stop, max_side):
        stop = min(piece.stop, start + max_side)
        first, last = (start - margin) // stride * stride, -(-(stop + margin) // stride) * stride
        if not repeats:
            first, last = max(first, 0), min(last, end)
        inner = slice(start - first, stop - first)
        spans.append(TileSpan(*_extend_axis(first, last, length, repeats), inner, slice(start, stop), False))
    return spans


def _extend_axis(first: int, last: int, length: int, repeats: bool) -> tuple[NDArray[np.intp], Array]:
    """Return the `pixels` and `sign` of a TileSpan for positions first..last of an axis that repeats or is mirrored."""
    positions = np.arange(first, last)
    if repeats:
        return positions % length, np.ones(len(positions), np.float32)
    phases = positions % (2 * length)
    return np.minimum(phases, 2 * length - 1 - phases), np.where(phases < length, 1, -1).astype(np.float32)
