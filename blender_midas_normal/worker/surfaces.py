"""The surfaces made so far, kept by the content of their pictures, so that a re-tune never runs an engine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.picture import Picture, Surface
from ..core.settings import Settings, surface_names

if TYPE_CHECKING:
    from ..core.picture import Array

BUDGET = 512 << 20
"""Bytes of surfaces kept, with what is needed to follow their pictures; a surface larger than all of it is kept alone."""

MASKED = "-"
"""Parts the key of a surface from that of its mask image."""


@dataclass(frozen=True)
class Kept:
    """A surface and its engine; picture: the one that the engine saw, from which another one may differ in places."""

    engine: str
    surface: Surface
    picture: Picture | None = None

    @property
    def nbytes(self) -> int:
        return self.surface.nbytes + (self.picture.rgb.nbytes if self.picture is not None else 0)

    def alone(self) -> Kept:
        """What maps are made from, and nothing that a painted picture needs."""
        return Kept(self.engine, self.surface.without_slopes())


class Surfaces:
    """Surfaces by key; when the budget is full, pictures and slopes go first, then surfaces, the one used longest ago first.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._bytes = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, key: str) -> Kept | None:
        """None when it is not there any more."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: str, kept: Kept) -> None:
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

    def _put(self, key: str, kept: Kept) -> None:
        self._bytes += kept.nbytes - (self._kept[key].nbytes if key in self._kept else 0)
        self._kept[key] = kept


def surface_key(picture: Picture, engine: str, settings: Settings, is_render: bool) -> str:
    """The same for the same pixels and the same settings that shape a surface; 32 hexadecimal digits."""
    words = {name: getattr(settings, name) for name in surface_names()} | {"engine": engine, "is_render": is_render}
    part = dataclasses.astuple(picture.part) if picture.part else None
    digest = hashlib.blake2b(json.dumps([words, picture.rgb.shape, str(picture.rgb.dtype), part]).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture.rgb).data)
    if picture.alpha is not None:
        digest.update(np.ascontiguousarray(picture.alpha).data)
    return digest.hexdigest()


def masked_key(key: str, mask: Array) -> str:
    """The key of a surface with this mask image, given its key with another one or none."""
    digest = hashlib.blake2b(np.ascontiguousarray(mask).data, digest_size=16).hexdigest()
    return f"{key.partition(MASKED)[0]}{MASKED}{digest}"
