"""Tiled inference of depth: the size of the network's input, tiles, margins of repeating pictures, and a cache."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...core.filters import resize, resize_area
from ...core.picture import Wrap
from ...core.regions import Tile, merge_tiles, plan_tiles
from ...core.tileable import make_periodic, pad_periodic, wrap_margins

if TYPE_CHECKING:
    from ...core.arrays import Array
    from ...core.picture import Picture
    from ...core.settings import Settings
    from . import Report

DEPTH_CACHE_BYTES = 128 << 20
"""Bytes of cached depth: 21 tiles of the largest size, as many as a picture of 4096 x 4096 has."""

MIN_NETWORK_SIDE = 64

MAX_PASS_PIXELS = 1024 * 1536
"""Largest number of pixels in one forward pass.  It takes 2.9 GB for these, 7.1 GB for 2048 x 2048; pictures of the default
resolution need only one pass up to an aspect of 1 to 6.
"""

MAX_NETWORK_SIDE = 16384
"""Longest side of the network's input: a narrow picture with its shorter side at the resolution would fill the memory."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue, 0..1, by which networks scale pictures."""

OVERLAP_SHARE = 0.25
"""Share of a tile's side by which tiles overlap."""

REPEAT_MARGIN_SHARE = 0.25
"""Share of the side by which a picture that repeats is padded."""


class DepthCache:
    """Caches depths by the pixels of the network's input; the least recently used are dropped first."""

    def __init__(self, budget: int = DEPTH_CACHE_BYTES) -> None:
        self._budget = budget
        self._depths: OrderedDict[bytes, Array] = OrderedDict()

    def memoize(self, run: ForwardFn, *conditions: str) -> ForwardFn:
        """Return a function that calls `run` only for pixels that are not cached.

        conditions: what else the depth depends on, such as the device.
        """
        def memoized(pixels: Array, on_progress: Callable[[float], None]) -> Array:
            key = _cache_key(pixels, conditions)
            if key in self._depths:
                self._depths.move_to_end(key)
                on_progress(1.0)
                return self._depths[key]
            depth = run(pixels, on_progress)
            self._put(key, depth)
            return depth

        return memoized

    def clear(self) -> None:
        self._depths.clear()

    def _put(self, key: bytes, depth: Array) -> None:
        self._depths[key] = depth
        while sum(cached.nbytes for cached in self._depths.values()) > self._budget:
            self._depths.popitem(last=False)


def _cache_key(pixels: Array, conditions: tuple[str, ...]) -> bytes:
    digest = hashlib.blake2b(repr((pixels.shape, conditions)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


ForwardFn = Callable[["Array", Callable[[float], None]], "Array"]
"""run(pixels, on_progress): H x W float32 depth of H x W x 3 float32 pixels, 0..1; on_progress(share) is called often."""


def tiled_inference(rgb: Array, wrap: Wrap, resolution: int, multiple: int, max_pixels: int, run: ForwardFn,
                    report: Report) -> Array:
    """Estimate the depth of a picture, in tiles where it is large.

    Args:
        rgb: H x W x 3 float32 sRGB, 0..1.
        wrap: the directions that repeat.
        resolution: pixels of the shorter side of the network's input.
        multiple: both sides of that are multiples of this.
        max_pixels: largest number of pixels in one forward pass.
        run: the forward pass.
        report: called as report("network", share).

    Returns:
        float32 depth at the size of the network's input, without margin.
    """
    pixels, margin = prepare_pixels(rgb, wrap, resolution, multiple)
    return make_periodic(_infer_depth(pixels, multiple, max_pixels, run, report), margin)


def prepare_pixels(rgb: Array, wrap: Wrap, resolution: int, multiple: int) -> tuple[Array, tuple[int, int]]:
    """Resize a picture to the network's input and pad it where it repeats; return it with the (x, y) margin."""
    width, height = network_size(rgb.shape[1], rgb.shape[0], resolution, multiple)
    margin = wrap_margins(width, height, wrap, REPEAT_MARGIN_SHARE, multiple // 2)
    return pad_periodic(resample(rgb, width, height, wrap), margin), margin


def network_resolution(picture: Picture, settings: Settings) -> int:
    """Return the shorter side in pixels at which the network gets the picture; the setting is that of its part."""
    return round(settings.resolution * min(picture.width, picture.height) / picture.shorter)


def limit_size(height: Array, source_size: tuple[int, int], wrap: Wrap) -> Array:
    """Return the heights, made smaller where the network saw more pixels than the picture has."""
    rows, columns = height.shape
    return resize(height, min(columns, source_size[0]), min(rows, source_size[1]), wrap)


def network_size(width: int, height: int, resolution: int, multiple: int) -> tuple[int, int]:
    """Return (width, height) with the shorter side at the resolution, or else the longer one at MAX_NETWORK_SIDE.

    Each is a multiple of `multiple`, and at least MIN_NETWORK_SIDE.
    """
    scale = min(resolution / min(width, height), MAX_NETWORK_SIDE / max(width, height))
    least = _least_side(multiple)
    return (max(least, round(width * scale / multiple) * multiple), max(least, round(height * scale / multiple) * multiple))


def capped_size(width: int, height: int, max_pixels: int, multiple: int) -> tuple[int, int]:
    """Reduce (width, height) to at most `max_pixels`; the aspect is kept unless a side would be below MIN_NETWORK_SIDE."""
    if width * height <= max_pixels:
        return width, height
    least = _least_side(multiple)
    shorter = max(least, _floor_to(multiple, min(width, height) * math.sqrt(max_pixels / (width * height))))
    longer = min(_floor_to(multiple, max_pixels / shorter),
                 _floor_to(multiple, max(width, height) * shorter / min(width, height)))
    longer = max(least, longer)
    return (shorter, longer) if width < height else (longer, shorter)


def resample(rgb: Array, width: int, height: int, wrap: Wrap) -> Array:
    """Resize a picture: by area means where no side becomes longer, else by splines."""
    if width <= rgb.shape[1] and height <= rgb.shape[0]:
        return resize_area(rgb, width, height)
    return resize(rgb, width, height, wrap)


def _infer_depth(picture: Array, multiple: int, max_pixels: int, run: ForwardFn, report: Report) -> Array:
    """Run one pass where that is enough; else one over the whole picture at a smaller size, to which tiles are fitted."""
    rows, columns = picture.shape[:2]
    if rows * columns <= max_pixels:
        return run(picture, lambda share: report("network", share))
    side = _floor_to(multiple, math.sqrt(max_pixels))
    tiles = plan_tiles(columns, rows, side, _floor_to(multiple, side * OVERLAP_SHARE))
    passes = iter(range(len(tiles) + 1))

    def run_pass(pixels: Array) -> Array:
        number = next(passes)
        return run(pixels, lambda share: report("network", (number + share) / (len(tiles) + 1)))

    def infer_tile(tile: Tile) -> Array:
        return run_pass(picture[tile.area])

    coarse = run_pass(resample(picture, *capped_size(columns, rows, max_pixels, multiple), Wrap()))
    return merge_tiles(resize(coarse, columns, rows, Wrap()), tiles, infer_tile)


def _least_side(multiple: int) -> int:
    return math.ceil(MIN_NETWORK_SIDE / multiple) * multiple


def _floor_to(multiple: int, length: float) -> int:
    return int(length // multiple) * multiple
