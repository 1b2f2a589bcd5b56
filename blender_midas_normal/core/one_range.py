"""One range of depths for several pictures, where an engine stretches those of each to one: the widest counts for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from .settings import Settings

Key = TypeVar("Key")


def has_range(engine: str, settings: Settings) -> bool:
    """Whether the surfaces of an engine have a range (see `core.picture.Surface`)."""
    return engine == "MIDAS" and settings.depth_scale == "NORMALISED"


def strengths(ranges: Mapping[Key, float]) -> dict[Key, float]:
    """The factor on the strength of each picture's map, which makes all as steep as one range of depths does: 0 to 1."""
    widest = max(ranges.values(), default=0.0)
    return {key: own / widest if own < widest else 1.0 for key, own in ranges.items()}
