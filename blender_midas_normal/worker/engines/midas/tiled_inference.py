"""Tiled inference: the size at which the network gets a picture, its tiles and margins, and a cache of their depths."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ....core.filters import resize
from ....core.picture import Wrap
from ....core.regions import Tile, merge_tiles, plan_tiles
from ....core.tileable import make_periodic, pad_periodic, wrap_margins

if TYPE_CHECKING:
    from ....core.arrays import Array
    from .. import Report

CACHE_BYTES = 128 << 20
"""Bytes of cached depth: 21 tiles of the largest size, as many as a picture of 4096 x 4096 has."""

SIDE_MULTIPLE = 32
"""Both sides of the network's input are multiples of this."""

MIN_NETWORK_SIDE = 64

MAX_PASS_PIXELS = 1024 * 1536
"""Most pixels of one forward pass: measured, it takes 2.9 GB for these and 7.1 GB for 2048 x 2048, and pictures of the
default resolution up to an aspect of 1 to 6 still need one pass.
"""

MAX_NETWORK_SIDE = 16384
"""Longest side of the network's input: a narrow strip with its shorter side at the resolution would fill the memory."""

OVERLAP_SHARE = 0.25
"""Share of a tile's side by which tiles overlap."""

MARGIN_SHARE = 0.25
"""Share of the side by which a picture that repeats is padded."""


class DepthCache:
    """Caches depths by the pixels they were made of; the least recently used are dropped first."""

    def __init__(self, budget: int = CACHE_BYTES) -> None:
        self._budget = budget
        self._depths: OrderedDict[bytes, Array] = OrderedDict()

    def memoize(self, run: ForwardFn, *conditions: str) -> ForwardFn:
        """Return a function that calls `run` only for pixels that are not cached.

        conditions: what else the depth depends on.
        """
        def memoized(pixels: Array, done: Callable[[float], None]) -> Array:
            key = _key(pixels, conditions)
            if key in self._depths:
                self._depths.move_to_end(key)
                done(1.0)
                return self._depths[key]
            depth = run(pixels, done)
            self._keep(key, depth)
            return depth

        return memoized

    def clear(self) -> None:
        self._depths.clear()

    def _keep(self, key: bytes, depth: Array) -> None:
        self._depths[key] = depth
        while sum(kept.nbytes for kept in self._depths.values()) > self._budget:
            self._depths.popitem(last=False)


def _key(pixels: Array, conditions: tuple[str, ...]) -> bytes:
    digest = hashlib.blake2b(repr((pixels.shape, conditions)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


ForwardFn = Callable[["Array", Callable[[float], None]], "Array"]
"""run(H x W x 3 pixels 0..1, done) -> H x W depth; `done` is called with the finished share of the pass, 0..1."""


def tiled_inference(rgb: Array, wrap: Wrap, resolution: int, largest: int, run: ForwardFn, report: Report) -> Array:
    """Estimate the depth of a picture, in tiles where it is large.

    Args:
        rgb: rows x columns x 3 float32, 0..1.
        wrap: the directions that repeat.
        resolution: pixels of the shorter side of the network's input.
        largest: most pixels of one forward pass.
        run: the forward pass.
        report: gets the progress of the stage "network".

    Returns:
        H x W float32 at the size of the network's input.
    """
    seen, margin = prepare_pixels(rgb, wrap, resolution)
    return make_periodic(_infer_depth(seen, largest, run, report), margin)


def prepare_pixels(rgb: Array, wrap: Wrap, resolution: int) -> tuple[Array, tuple[int, int]]:
    """Resize a picture to the network's input and pad it where it repeats; return it with the (x, y) margin."""
    width, height = network_size(rgb.shape[1], rgb.shape[0], resolution)
    margin = wrap_margins(width, height, wrap, MARGIN_SHARE, SIDE_MULTIPLE // 2)
    return pad_periodic(resampled(rgb, width, height, wrap), margin), margin


def network_size(width: int, height: int, resolution: int) -> tuple[int, int]:
    """Return (width, height) with the shorter side at the resolution, or else the longer one at MAX_NETWORK_SIDE.

    Each is a multiple of 32, at least 64.
    """
    scale = min(resolution / min(width, height), MAX_NETWORK_SIDE / max(width, height))
    return _round_to_multiple(width * scale), _round_to_multiple(height * scale)


def capped_size(width: int, height: int, largest: int) -> tuple[int, int]:
    """Reduce (width, height) to at most `largest` pixels; the aspect is kept unless a side would be below 64."""
    if width * height <= largest:
        return width, height
    shorter = max(MIN_NETWORK_SIDE, _floor_to_multiple(min(width, height) * math.sqrt(largest / (width * height))))
    longer = min(_floor_to_multiple(largest / shorter),
                 _floor_to_multiple(max(width, height) * shorter / min(width, height)))
    longer = max(MIN_NETWORK_SIDE, longer)
    return (shorter, longer) if width < height else (longer, shorter)


def resampled(rgb: Array, width: int, height: int, wrap: Wrap) -> Array:
    """Resize a picture: area means (60 times as fast) where no side becomes longer, else splines."""
    if width <= rgb.shape[1] and height <= rgb.shape[0]:
        import cv2

        return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return resize(rgb, width, height, wrap)


def _infer_depth(picture: Array, largest: int, run: ForwardFn, report: Report) -> Array:
    """Run one pass where that is enough; else one over the whole at a smaller size, and tiles fitted to it."""
    rows, columns = picture.shape[:2]
    if rows * columns <= largest:
        return run(picture, lambda done: report("network", done))
    side = _floor_to_multiple(math.sqrt(largest))
    tiles = plan_tiles(columns, rows, side, _floor_to_multiple(side * OVERLAP_SHARE))
    passes = iter(range(len(tiles) + 1))

    def one(part: Array) -> Array:
        number = next(passes)
        return run(part, lambda done: report("network", (number + done) / (len(tiles) + 1)))

    def of_tile(tile: Tile) -> Array:
        return one(picture[tile.area])

    whole = one(resampled(picture, *capped_size(columns, rows, largest), Wrap()))
    return merge_tiles(resize(whole, columns, rows, Wrap()), tiles, of_tile)


def _round_to_multiple(length: float) -> int:
    return max(MIN_NETWORK_SIDE, round(length / SIDE_MULTIPLE) * SIDE_MULTIPLE)


def _floor_to_multiple(length: float) -> int:
    return int(length // SIDE_MULTIPLE) * SIDE_MULTIPLE
