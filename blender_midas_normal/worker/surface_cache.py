"""The surfaces made so far, kept by the content of their pictures, so that a re-tune never runs an engine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.picture import Picture, Surface
from ..core.settings import Settings, surface_setting_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.arrays import Array

BUDGET = 512 << 20
"""Bytes of surfaces kept, with what is needed to follow their pictures; a surface larger than all of it is kept alone."""

PIECE = 4 << 20
"""Bytes of a picture digested at a time."""

MASKED = "-"
"""Parts the key of a surface from that of its mask image."""


@dataclass(frozen=True)
class CacheEntry:
    """A surface and its engine; picture: the one that the engine saw, from which another one may differ in places."""

    engine: str
    surface: Surface
    picture: Picture | None = None

    @property
    def nbytes(self) -> int:
        return self.surface.nbytes + (self.picture.rgb.nbytes if self.picture is not None else 0)

    def alone(self) -> CacheEntry:
        """What maps are made from, and nothing that a painted picture needs."""
        return CacheEntry(self.engine, self.surface.without_slopes())


class SurfaceCache:
    """Surfaces by key; when the budget is full, pictures and slopes go first, then surfaces, the one used longest ago first.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._bytes = 0
        self._kept: OrderedDict[str, CacheEntry] = OrderedDict()

    def get(self, key: str) -> CacheEntry | None:
        """None when it is not there any more."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: str, kept: CacheEntry) -> None:
        self._put(key, kept)
        self._kept.move_to_end(key)
        for old in list(self._kept):
            if self._bytes <= self._budget:
                return
            self._put(old, self._kept[old].alone())
        while len(self._kept) > 1 and self._bytes > self._budget:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _put(self, key: str, kept: CacheEntry) -> None:
        self._bytes += kept.nbytes - (self._kept[key].nbytes if key in self._kept else 0)
        self._kept[key] = kept


def surface_key(picture: Picture, engine: str, settings: Settings, is_render: bool) -> str:
    """The same for the same pixels and the same settings that shape a surface; 32 hexadecimal digits."""
    words = {name: getattr(settings, name) for name in surface_setting_names()} | {"engine": engine, "is_render": is_render}
    part = dataclasses.astuple(picture.part) if picture.part else None
    planes = [plane for plane in (picture.rgb, picture.alpha) if plane is not None]
    shapes = [(plane.shape, str(plane.dtype)) for plane in planes]
    return _digest(json.dumps([words, shapes, part, [_digest_of_values(plane) for plane in planes]]).encode())


def masked_key(key: str, mask: Array) -> str:
    """The key of a surface with this mask image, given its key with another one or none."""
    return f"{key.partition(MASKED)[0]}{MASKED}{_digest_of_values(mask)}"


def _digest_of_values(values: NDArray) -> str:
    """Piece by piece, by all processors: those of 4096 x 4096 bytes of colour take one of them 60 ms."""
    data = np.ascontiguousarray(values).data.cast("B")
    with ThreadPoolExecutor() as pool:
        pieces = pool.map(_digest, (data[start:start + PIECE] for start in range(0, len(data), PIECE)))
        return _digest("".join(pieces).encode())


def _digest(data: bytes | memoryview) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
