"""Tileable pictures: detection of the directions that repeat, periodic padding, and periodic heights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .picture import Wrap

if TYPE_CHECKING:
    from .arrays import Array

MAX_BORDER_STEP = 0.6
"""A direction repeats if the step across the border is at most here on the scale from a usual step nearby (0) to a step
between unrelated rows (1).  On both directions of 25 tileable materials and of crops of them that are not, this finds 94% of
those that repeat and mistakes 10% of the others."""

NEARBY_SHARE = 0.05
"""Share of the picture's length, at each border, whose steps count as nearby."""

SAMPLED_ROWS = 64
"""How many rows far from the border are compared with it."""


def resolve_wrap(tileable: str, luma: Array, is_render: bool) -> Wrap:
    """Return the directions that repeat, for a value of the setting `tileable`.

    AUTO compares the borders of the H x W luma, and is off for renders.

    >>> resolve_wrap("X", np.zeros((9, 9), np.float32), is_render=False)
    Wrap(x=True, y=False)
    """
    if tileable == "AUTO":
        return Wrap() if is_render else Wrap(x=_repeats(luma.T), y=_repeats(luma))
    return Wrap(x=tileable in ("X", "BOTH"), y=tileable in ("Y", "BOTH"))


def _repeats(luma: Array) -> bool:
    """Tell whether the step from the last row to the first is like the steps between rows inside."""
    count = len(luma)
    if count < 8:
        return False
    border_rows = max(4, int(count * NEARBY_SHARE))
    across = float(np.abs(luma[-1] - luma[0]).mean())
    nearby = float(np.median(np.concatenate([_row_steps(luma[:border_rows]), _row_steps(luma[-border_rows:])])))
    inner = luma[np.linspace(count // 8, count - 1 - count // 8, SAMPLED_ROWS).astype(int)]
    unrelated = float(np.median(np.abs(inner - luma[[0, -1]][:, None]).mean(axis=2)))
    return across <= nearby + MAX_BORDER_STEP * max(unrelated - nearby, 0.0) + 1e-6


def _row_steps(rows: Array) -> Array:
    return np.abs(np.diff(rows, axis=0)).mean(axis=1)


def wrap_margins(width: int, height: int, wrap: Wrap, share: float, multiple: int = 1) -> tuple[int, int]:
    """Return (x, y) pixels to pad on each side of a picture that repeats: a share of its length, rounded up to a multiple.

    >>> wrap_margins(90, 50, Wrap(x=True), 1 / 8, multiple=4)
    (12, 0)
    """
    def margin(length: int) -> int:
        return min(length, -(-int(length * share) // multiple) * multiple)

    return (margin(width) if wrap.x else 0), (margin(height) if wrap.y else 0)


def pad_periodic(field: Array, margin: tuple[int, int]) -> Array:
    """Pad an H x W (x C) field on each side with `margin` (x, y) pixels of its own repetition."""
    x, y = margin
    return np.pad(field, [(y, y), (x, x)] + [(0, 0)] * (field.ndim - 2), mode="wrap")


def make_periodic(field: Array, margin: tuple[int, int]) -> Array:
    """Cut one period out of the H x W heights of a padded picture; the inverse of `pad_periodic` for heights.

    The heights that a network estimates for a padded picture repeat only roughly, often on a ramp.  The margin is seen
    twice, one period apart: the median difference is the ramp, and a cross-fade closes the seam.
    """
    x, y = margin
    return _make_rows_periodic(_make_rows_periodic(field, y).T, x).T


def _make_rows_periodic(field: Array, margin: int) -> Array:
    if margin == 0:
        return field
    period = len(field) - 2 * margin
    seen_again = min(2 * margin, period + margin)
    rise = np.median(field[period:period + seen_again] - field[:seen_again])
    level = field - np.float32(rise / period) * np.arange(len(field), dtype=np.float32)[:, None]
    result = level[margin:margin + period].copy()
    overlap = min(margin, period)
    fade = (np.arange(overlap, dtype=np.float32) / overlap)[:, None]
    beyond = level[margin + period:margin + period + overlap]
    result[:overlap] = fade * result[:overlap] + (1 - fade) * beyond
    return result
