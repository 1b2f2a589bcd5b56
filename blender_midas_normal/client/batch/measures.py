"""How deep pictures of sets are, in a small file beside their maps: a set is measured before the first map is made."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ...core.paths import resolved
from .shared_record import SharedRecord

STEM = ".midas_normal_ranges"

LOOK_UP_EVERY = 1.0
"""Seconds between two looks at what other processes have measured meanwhile: each lists the folder, which may be large, and
what is overlooked is only measured once more."""


@dataclass(frozen=True)
class Measure:
    """Of a picture that is made for itself: the range of its depths and the scale of its heights, as in a Result."""

    range: float
    scale: float


class Measures:
    """The measures of an output folder, by content and settings; the last one of a picture counts."""

    def __init__(self, folder: Path) -> None:
        self._record = SharedRecord(resolved(folder), STEM, _key_of, kept=1)
        self._known: dict[str, Measure] = {}
        self._look_up()

    def get(self, content: str, settings: str) -> Measure | None:
        """None for what was not measured yet."""
        key = content + settings
        if key not in self._known and time.monotonic() - self._looked_up > LOOK_UP_EVERY:
            self._look_up()
        return self._known.get(key)

    def note(self, content: str, settings: str, measure: Measure) -> None:
        """Adds a measure, so that a run that is interrupted need not begin again; raises TargetError."""
        key = content + settings
        if self._known.get(key) != measure:
            self._record.add([key, *astuple(measure)])
            self._known[key] = measure

    def close(self) -> None:
        """Ends the record's part of this process; call this at the end of a run."""
        self._record.close()

    def _look_up(self) -> None:
        """Takes in what has come into the record."""
        self._known |= dict(measure for words in self._record.read() for measure in _read(words))
        self._looked_up = time.monotonic()


def _key_of(words: Any) -> str | None:
    """The key of a line of the record; None where it is no such line."""
    return next((key for key, _ in _read(words)), None)


def _read(words: Any) -> list[tuple[str, Measure]]:
    """The measure of a line by its key, or nothing where it is no such line."""
    try:
        key, depth_range, scale = words
    except (ValueError, TypeError):
        return []
    is_measure = isinstance(key, str) and all(isinstance(value, float) and value >= 0 for value in (depth_range, scale))
    return [(key, Measure(depth_range, scale))] if is_measure else []
