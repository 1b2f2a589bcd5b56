"""One network over a picture at several sizes, tile by tile, each size given the answer of the one before."""

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
"""Rows and columns of the picture that are worked on at once.  At 4096 x 4096 what each tile sees around it costs 14% more
time."""

MIN_SIDE = 128
"""Pixels of the shorter side below which a picture is not made smaller."""

MIN_CHANGE = 1e-5
"""Of a slope at a smaller size: what changes less is not carried over to the larger one."""

ORIENTATIONS = tuple((mirrored, transposed, upside_down) for mirrored in (False, True) for transposed in (False, True)
                     for upside_down in (False, True))
"""The eight ways to lay a rectangle on itself or on its transpose."""


@dataclass(frozen=True)
class TileSpan:
    """An interval of one axis that the network sees at once.

    seen: indices of the picture's pixels, in the order seen.  sign: -1 where they are seen in the mirror, which turns slopes
    along this axis around, else 1.  kept: which of the seen pixels are answered for.  place: where those lie in the answer.
    closed: the last pixel seen is followed by the first one.
    """

    seen: NDArray[np.intp]
    sign: Array
    kept: slice
    place: slice
    closed: bool


@dataclass(frozen=True)
class Tiling:
    """The tiles that cover a picture, or a part of it: all pairs of a row span and a column span."""

    rows: list[TileSpan]
    columns: list[TileSpan]

    @property
    def pixels(self) -> int:
        """That the network sees in all tiles together."""
        return sum(len(row.seen) for row in self.rows) * sum(len(column.seen) for column in self.columns)


class Network(Protocol):
    """What runs the relief network, on numpy or on torch."""

    architecture: Architecture

    def forward(self, rgb: Array, coarse: Array, wrap: Wrap, done: Callable[[float], None]) -> Array:
        """H x W x 2 float32 slopes from H x W x 3 sRGB, 0..1, and the H x W x 2 enlarged slopes of half the size.

        H and W are multiples of the architecture's stride.  Calls done(share) as it goes on; what that raises ends the work.
        """
        ...


def infer(network: Network, rgb: Array, wrap: Wrap, report: Report, largest: tuple[int, int] = MAX_TILE) -> SlopePyramid:
    """The slopes of a picture.

    Args:
        network: what runs over it.
        rgb: H x W x 3 float32 sRGB, 0..1.
        wrap: the directions in which it repeats.
        report: called as report("network", share done) again and again; what it raises ends the work.
        largest: rows and columns that are worked on at once.
    """
    pictures = _image_pyramid(rgb)
    tilings = [tile_picture(picture.shape, wrap, network.architecture, largest) for picture in pictures]

    def empty(number: int, _: Sequence[Array]) -> Array:
        return np.empty((*pictures[number].shape[:2], 2), np.float32)

    return _infer_pyramid(network, pictures, tilings, wrap, report, empty)


def infer_orientations(network: Network, rgb: Array, wrap: Wrap, report: Report) -> Array:
    """H x W x 2 float32 slopes of H x W x 3 float32 sRGB, 0..1: the mean over the eight orientations, turned back."""
    total = np.zeros((*rgb.shape[:2], 2), np.float32)
    for number, orientation in enumerate(ORIENTATIONS):
        def part(stage: str, done: float, number: int = number) -> None:
            report(stage, (number + done) / len(ORIENTATIONS))

        mirrored, transposed, upside_down = orientation
        turned = np.ascontiguousarray(_reorient(rgb, *orientation))
        seen = Wrap(wrap.y, wrap.x) if transposed else wrap
        slopes = infer(network, turned, seen, part).full
        back = slopes.swapaxes(0, 1)[..., ::-1] if transposed else slopes
        sign = np.array([-1 if mirrored else 1, -1 if upside_down else 1], np.float32)
        total += _reorient(back, mirrored, False, upside_down) * sign
    total /= len(ORIENTATIONS)
    return total


def update(network: Network, before: SlopePyramid, changed: Region, rgb: Array, wrap: Wrap, report: Report, margin: int,
           largest: tuple[int, int] = MAX_TILE) -> SlopePyramid:
    """The slopes of a picture, given those of one that differs in the changed area only.

    At each size the network runs over what lies within `margin` pixels of the area, and sees as much around that.
    Farther away the slopes change by what those of the smaller size changed, which see farther.
    """
    pictures = _image_pyramid(rgb)
    areas = [_scale_region(changed, rgb.shape, picture.shape) for picture in pictures]
    tilings = [tile_region(area, picture.shape, wrap, network.architecture, margin, largest)
               for area, picture in zip(areas, pictures, strict=True)]

    def carried_over(number: int, smaller: Sequence[Array]) -> Array:
        slopes = before.sizes[number].copy()
        if number > 0:
            _add_enlarged(slopes, smaller[-1] - before.sizes[number - 1], wrap)
        return slopes

    return _infer_pyramid(network, pictures, tilings, wrap, report, carried_over)


def tile_picture(shape: tuple[int, ...], wrap: Wrap, architecture: Architecture,
                 largest: tuple[int, int] = MAX_TILE) -> Tiling:
    """The tiles of a whole picture of H x W (x C) pixels, each of `largest` rows and columns at most."""
    return Tiling(*(cover_axis(length, repeats, side, architecture.stride, architecture.receptive_field)
                    for length, repeats, side in zip(shape[:2], (wrap.y, wrap.x), largest, strict=True)))


def tile_region(changed: Region, shape: tuple[int, ...], wrap: Wrap, architecture: Architecture, margin: int,
                largest: tuple[int, int] = MAX_TILE) -> Tiling:
    """The tiles that cover what lies within `margin` pixels of a changed area, each seen with `margin` pixels around it."""
    axes = zip((changed.rows, changed.columns), shape[:2], (wrap.y, wrap.x), largest, strict=True)
    return Tiling(*(cover_interval(interval, length, repeats, side, architecture.stride, margin)
                    for interval, length, repeats, side in axes))


def cover_axis(length: int, repeats: bool, largest: int, stride: int, margin: int) -> list[TileSpan]:
    """The intervals that cover an axis of `length` pixels, each beginning and ending at a multiple of the stride.

    An axis that repeats and whose length is a multiple of the stride is closed on itself.  Any other length that repeats is
    continued by `margin` pixels of its repetition, so that no slope depends on where the repetition was cut.  An axis that
    does not repeat is mirrored up to the next multiple.
    """
    end = -(-length // stride) * stride
    if length <= largest and (end == length or not repeats):
        return [TileSpan(*_seen_pixels(0, end, length, repeats), slice(0, length), slice(0, length), repeats)]
    return _split_interval(Interval(0, length), length, repeats, largest, stride, margin)


def cover_interval(changed: Interval, length: int, repeats: bool, largest: int, stride: int, margin: int) -> list[TileSpan]:
    """The intervals that cover, of an axis of `length` pixels, those within `margin` of the changed ones."""
    pieces = changed.expand(margin, length, repeats)
    if pieces == [Interval(0, length)]:
        return cover_axis(length, repeats, largest, stride, margin)
    return [span for piece in pieces for span in _split_interval(piece, length, repeats, largest, stride, margin)]


def _infer_pyramid(network: Network, pictures: Sequence[Array], tilings: Sequence[Tiling], wrap: Wrap, report: Report,
                   initial: Callable[[int, Sequence[Array]], Array]) -> SlopePyramid:
    """The slopes at all sizes; `initial` gives the array whose tiles are filled, from the slopes of the smaller sizes."""
    total, done_before = sum(tiling.pixels for tiling in tilings), 0
    levels: list[Array] = []
    for number, (picture, tiling) in enumerate(zip(pictures, tilings, strict=True)):
        slopes, coarse = initial(number, levels), levels[-1] if levels else None
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
        levels.append(slopes)
    return SlopePyramid(tuple(levels))


def _image_pyramid(rgb: Array) -> list[Array]:
    """The picture at 1/2^n, ..., 1/2 and 1 of its size; the shorter side of the smallest is SMALLEST_SIDE or longer."""
    levels, (height, width) = [rgb], rgb.shape[:2]
    halvings = 1
    while min(width, height) >= MIN_SIDE << halvings:
        levels.append(resize_area(levels[-1], round(width / 2 ** halvings), round(height / 2 ** halvings)))
        halvings += 1
    return levels[::-1]


def _scale_region(changed: Region, before: tuple[int, ...], after: tuple[int, ...]) -> Region:
    """The pixels of a smaller picture that a changed area has a part in."""
    def scale(interval: Interval, length: int, count: int) -> Interval:
        start, stop = interval.start * count // length, -(-interval.stop * count // length)
        return Interval(start, min(stop, start + count))

    return Region(scale(changed.rows, before[0], after[0]), scale(changed.columns, before[1], after[1]))


def _add_enlarged(slopes: Array, change: Array, wrap: Wrap) -> None:
    """Adds the enlarged change of the slopes at half the size, where there is any, in place."""
    is_changed = np.abs(change).max(axis=2) > MIN_CHANGE
    rows, columns = (_affected_pixels(is_changed.any(axis=axis), length, repeats)
                     for axis, length, repeats in ((1, slopes.shape[0], wrap.y), (0, slopes.shape[1], wrap.x)))
    if len(rows):
        part = slopes[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
        part += interpolate_at(change, rows, columns, slopes.shape[:2], wrap)


def _affected_pixels(is_changed: NDArray[np.bool_], count: int, repeats: bool) -> NDArray[np.intp]:
    """The pixels, of `count`, from the first to the last that interpolation between changed pixels reaches."""
    at = np.flatnonzero(is_changed)
    if not len(at):
        return at
    first, last = (int((pixel + offset) * count / len(is_changed)) for pixel, offset in ((at[0], -1), (at[-1], 2)))
    if repeats and (first < 0 or last >= count):
        return np.arange(count)
    return np.arange(max(first, 0), min(last + 1, count))


def _reorient(field: Array, mirrored: bool, transposed: bool, upside_down: bool) -> Array:
    """An H x W x C field mirrored left to right, turned upside down, and then transposed."""
    field = field[:, ::-1] if mirrored else field
    field = field[::-1] if upside_down else field
    return field.swapaxes(0, 1) if transposed else field


def _split_interval(piece: Interval, length: int, repeats: bool, largest: int, stride: int, margin: int) -> list[TileSpan]:
    end, parts = -(-length // stride) * stride, []
    for start in range(piece.start, piece.stop, largest):
        stop = min(piece.stop, start + largest)
        first, last = (start - margin) // stride * stride, -(-(stop + margin) // stride) * stride
        if not repeats:
            first, last = max(first, 0), min(last, end)
        kept, place = slice(start - first, stop - first), slice(start, stop)
        parts.append(TileSpan(*_seen_pixels(first, last, length, repeats), kept, place, False))
    return parts


def _seen_pixels(first: int, last: int, length: int, repeats: bool) -> tuple[NDArray[np.intp], Array]:
    """Which pixel stands at each position first..last of a line that repeats, or is mirrored at its ends; and the sign."""
    positions = np.arange(first, last)
    if repeats:
        return positions % length, np.ones(len(positions), np.float32)
    inside = positions % (2 * length)
    return np.minimum(inside, 2 * length - 1 - inside), np.where(inside < length, 1, -1).astype(np.float32)
