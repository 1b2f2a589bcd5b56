"""The surfaces made so far, kept by the content of their pictures, so that a re-tune never runs an engine."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from ..core.picture import Picture, Surface
from ..core.settings import Settings, surface_names

if TYPE_CHECKING:
    from ..core.picture import Array

BUDGET = 512 << 20
"""Bytes of heights kept; a surface larger than all of it is kept alone."""

MASKED = "-"
"""Parts the key of a surface from that of its mask image."""


class Surfaces:
    """Surfaces by key; the one used longest ago goes first when the budget is full."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._kept: OrderedDict[str, tuple[str, Surface]] = OrderedDict()

    def get(self, key: str) -> tuple[str, Surface] | None:
        """(engine, surface), or None when it is not there any more."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: str, engine: str, surface: Surface) -> None:
        self._kept[key] = engine, surface
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(s.nbytes for _, s in self._kept.values()) > self._budget:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()


def surface_key(picture: Picture, engine: str, settings: Settings, is_render: bool) -> str:
    """The same for the same pixels and the same settings that shape a surface; 32 hexadecimal digits."""
    words = {name: getattr(settings, name) for name in surface_names()} | {"engine": engine, "is_render": is_render}
    digest = hashlib.blake2b(json.dumps([words, picture.rgb.shape, str(picture.rgb.dtype)]).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture.rgb).data)
    if picture.alpha is not None:
        digest.update(np.ascontiguousarray(picture.alpha).data)
    return digest.hexdigest()


def masked_key(key: str, mask: Array) -> str:
    """The key of a surface with this mask image, given its key with another one or none."""
    digest = hashlib.blake2b(np.ascontiguousarray(mask).data, digest_size=16).hexdigest()
    return f"{key.partition(MASKED)[0]}{MASKED}{digest}"
