"""How the network sees a picture: at which size, in how many tiles, with what around its borders; and tiles kept."""

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

BUDGET = 128 << 20
"""Bytes of depth: those of 21 tiles of the largest size, which are a picture of 4096 x 4096."""


class DepthCache:
    """Depths by what the network saw; the one used longest ago goes first when the budget is full."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._kept: OrderedDict[bytes, Array] = OrderedDict()

    def of(self, run: Run, *conditions: str) -> Run:
        """The same as `run`, which is called only for pixels that it has not seen; conditions: what else its answers depend
        on.
        """
        def remembered(pixels: Array, done: Callable[[float], None]) -> Array:
            key = _key(pixels, conditions)
            if key in self._kept:
                self._kept.move_to_end(key)
                done(1.0)
                return self._kept[key]
            answer = run(pixels, done)
            self._keep(key, answer)
            return answer

        return remembered

    def clear(self) -> None:
        self._kept.clear()

    def _keep(self, key: bytes, answer: Array) -> None:
        self._kept[key] = answer
        while sum(kept.nbytes for kept in self._kept.values()) > self._budget:
            self._kept.popitem(last=False)


def _key(pixels: Array, conditions: tuple[str, ...]) -> bytes:
    digest = hashlib.blake2b(repr((pixels.shape, conditions)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


Run = Callable[["Array", Callable[[float], None]], "Array"]
"""run(H x W x 3 pixels 0..1, done) -> H x W depth; `done` is told how much of the pass is done, 0..1."""

MULTIPLE = 32
"""Both sides that the network sees are multiples of this."""

SMALLEST_SIDE = 64

LARGEST_PASS = 1024 * 1536
"""Pixels that the network sees at once: measured, it takes 2.9 GB for these and 7.1 GB for 2048 x 2048, and pictures of the
default resolution up to an aspect of 1 to 6 still need one pass."""

LONGEST_SEEN = 16384
"""Pixels of the longer side that the network sees: a strip with its shorter side at the resolution would fill the memory."""

OVERLAP = 0.25
"""Share of a tile's side that the next one sees again."""

MARGIN = 0.25
"""Share of the picture's side that is repeated beyond each border of a picture that repeats."""


def tiled_inference(rgb: Array, wrap: Wrap, resolution: int, largest: int, run: Run, report: Report) -> Array:
    """H x W float32 depth of a picture (rows x columns x 3, float32, 0..1) at the size that the network sees.

    resolution: pixels of the shorter side; largest: pixels of one pass, beyond which the picture is seen in tiles.
    Reports the stage "network".
    """
    seen, margin = seen_picture(rgb, wrap, resolution)
    return make_periodic(_depth(seen, largest, run, report), margin)


def seen_picture(rgb: Array, wrap: Wrap, resolution: int) -> tuple[Array, tuple[int, int]]:
    """The picture at the size that the network sees, and the (x, y) margin by which it goes on where it repeats."""
    width, height = network_size(rgb.shape[1], rgb.shape[0], resolution)
    margin = wrap_margins(width, height, wrap, MARGIN, MULTIPLE // 2)
    return pad_periodic(resampled(rgb, width, height, wrap), margin), margin


def network_size(width: int, height: int, resolution: int) -> tuple[int, int]:
    """(width, height) with the shorter side at the resolution, or else the longer one at LONGEST_SEEN.

    Each is a multiple of 32, at least 64.
    """
    scale = min(resolution / min(width, height), LONGEST_SEEN / max(width, height))
    return _multiple(width * scale), _multiple(height * scale)


def capped_size(width: int, height: int, largest: int) -> tuple[int, int]:
    """(width, height) made smaller to at most `largest` pixels; the aspect is kept unless a side would be below 64."""
    if width * height <= largest:
        return width, height
    shorter = max(SMALLEST_SIDE, _floor(min(width, height) * math.sqrt(largest / (width * height))))
    longer = max(SMALLEST_SIDE, min(_floor(largest / shorter), _floor(max(width, height) * shorter / min(width, height))))
    return (shorter, longer) if width < height else (longer, shorter)


def resampled(rgb: Array, width: int, height: int, wrap: Wrap) -> Array:
    """The picture at another size; area means (60 times as fast) where no side becomes longer, else splines."""
    if width <= rgb.shape[1] and height <= rgb.shape[0]:
        import cv2

        return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return resize(rgb, width, height, wrap)


def _depth(picture: Array, largest: int, run: Run, report: Report) -> Array:
    """One pass where that is enough; else one over the whole at a smaller size, and tiles fitted to it."""
    rows, columns = picture.shape[:2]
    if rows * columns <= largest:
        return run(picture, lambda done: report("network", done))
    side = _floor(math.sqrt(largest))
    tiles = plan_tiles(columns, rows, side, _floor(side * OVERLAP))
    passes = iter(range(len(tiles) + 1))

    def one(part: Array) -> Array:
        number = next(passes)
        return run(part, lambda done: report("network", (number + done) / (len(tiles) + 1)))

    def of_tile(tile: Tile) -> Array:
        return one(picture[tile.area])

    whole = one(resampled(picture, *capped_size(columns, rows, largest), Wrap()))
    return merge_tiles(resize(whole, columns, rows, Wrap()), tiles, of_tile)


def _multiple(length: float) -> int:
    return max(SMALLEST_SIDE, round(length / MULTIPLE) * MULTIPLE)


def _floor(length: float) -> int:
    return int(length // MULTIPLE) * MULTIPLE
