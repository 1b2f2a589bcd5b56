"""Where a picture differs from the one before it: a rectangle, which goes on across borders that repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Wrap


@dataclass(frozen=True)
class Stretch:
    """Pixels start..stop of an axis, the end not included; beyond the axis's length they go on at its beginning."""

    start: int
    stop: int

    def pieces(self, reach: int, length: int, repeats: bool) -> list[Stretch]:
        """The stretch and `reach` pixels more on each side, as one or two stretches that lie within 0..length."""
        start, stop = self.start - reach, self.stop + reach
        if not repeats:
            return [Stretch(max(start, 0), min(stop, length))]
        if stop - start >= length:
            return [Stretch(0, length)]
        start, stop = start % length, (stop - 1) % length + 1
        return [Stretch(start, stop)] if start < stop else [Stretch(0, stop), Stretch(start, length)]


@dataclass(frozen=True)
class Area:
    """A rectangle of a picture."""

    rows: Stretch
    columns: Stretch


def differing(before: NDArray, after: NDArray, wrap: Wrap) -> Area | None:
    """The smallest area outside of which two H x W x C pictures are the same; None where they are the same everywhere."""
    different = before != after
    rows = different.any(axis=(1, 2))
    if not rows.any():
        return None
    return Area(_smallest(rows, wrap.y), _smallest(different[rows].any(axis=(0, 2)), wrap.x))


def _smallest(marked: NDArray[np.bool_], repeats: bool) -> Stretch:
    """The shortest stretch that has all that is marked; where the axis repeats, it leaves out the widest gap."""
    at = np.flatnonzero(marked)
    if not repeats:
        return Stretch(int(at[0]), int(at[-1]) + 1)
    gaps = np.diff(at, append=at[0] + len(marked))
    widest = int(gaps.argmax())
    start = int(at[(widest + 1) % len(at)])
    return Stretch(start, start + len(marked) - int(gaps[widest]) + 1)
