"""A cache of surfaces by the content of their pictures, so that new tuning settings need no engine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.engines import values_that_tell_maps_apart
from ..core.picture import Picture, Surface
from ..core.settings import Settings, surface_setting_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.arrays import Array

SURFACE_CACHE_BYTES = 512 << 20
"""Bytes of cached surfaces, with what is needed to update them; a larger surface is cached alone."""

HASH_CHUNK_BYTES = 4 << 20
"""Bytes of a picture hashed at a time."""

MASK_SEPARATOR = "-"
"""Separates the key of a surface from that of its mask image."""


@dataclass(frozen=True)
class CacheEntry:
    """A surface and its engine; picture: the one that the engine got, to find out where a painted one differs."""

    engine: str
    surface: Surface
    picture: Picture | None = None

    @property
    def nbytes(self) -> int:
        return self.surface.nbytes + (self.picture.rgb.nbytes if self.picture is not None else 0)

    def without_picture(self) -> CacheEntry:
        """Return a copy with all that maps are made from, without what updates need."""
        return CacheEntry(self.engine, self.surface.without_slopes())


class SurfaceCache:
    """Surfaces by key, least recently used ones dropped first; before that pictures and slopes are dropped."""

    def __init__(self, budget: int = SURFACE_CACHE_BYTES) -> None:
        self._budget = budget
        self._bytes = 0
        self._entries: OrderedDict[str, CacheEntry] = OrderedDict()

    def get(self, key: str) -> CacheEntry | None:
        """Return the surface of a key; None when it is not cached."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: str, entry: CacheEntry) -> None:
        self._replace(key, entry)
        self._entries.move_to_end(key)
        for old in list(self._entries):
            if self._bytes <= self._budget:
                return
            self._replace(old, self._entries[old].without_picture())
        while len(self._entries) > 1 and self._bytes > self._budget:
            self._bytes -= self._entries.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def _replace(self, key: str, entry: CacheEntry) -> None:
        self._bytes += entry.nbytes - (self._entries[key].nbytes if key in self._entries else 0)
        self._entries[key] = entry


def surface_key(picture: Picture, engine: str, settings: Settings, is_render: bool, base: Picture | None = None) -> str:
    """Return a key for these pixels and the settings that shape a surface: 32 hexadecimal digits.

    base: the normal map that is there, of the setting base EXISTING.
    """
    values = values_that_tell_maps_apart(settings, engine)
    fields = {name: values[name] for name in surface_setting_names() if name in values} | {"is_render": is_render}
    if picture.is_srgb or picture.pixel_aspect != 1:
        fields |= {"is_srgb": picture.is_srgb, "pixel_aspect": picture.pixel_aspect}
    part = dataclasses.astuple(picture.part) if picture.part else None
    pictures = [picture] if base is None else [picture, base]
    planes = [plane for each in pictures for plane in (each.rgb, each.alpha, each.uv_triangles) if plane is not None]
    shapes = [(plane.shape, str(plane.dtype)) for plane in planes]
    return _digest(json.dumps([fields, shapes, part, [_digest_of_values(plane) for plane in planes]]).encode())


def masked_key(key: str, mask: Array) -> str:
    """Return the key of a surface with this mask image, given its key with another one or none."""
    return f"{key.partition(MASK_SEPARATOR)[0]}{MASK_SEPARATOR}{_digest_of_values(mask)}"


def _digest_of_values(values: NDArray) -> str:
    """Hash in chunks on all processors: one takes 60 ms for 4096 x 4096 bytes of each colour."""
    once = values[..., :1] if values.strides[-1] == 0 else values  # a view of one channel, see `Picture.is_grey`
    data = np.ascontiguousarray(once).data.cast("B")
    with ThreadPoolExecutor() as pool:
        pieces = pool.map(_digest, (data[start:start + HASH_CHUNK_BYTES] for start in range(0, len(data), HASH_CHUNK_BYTES)))
        return _digest("".join(pieces).encode())


def _digest(data: bytes | memoryview) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
