"""How deep pictures of sets are, in a small file beside their maps: a set is measured before the first map is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ...core.paths import resolved
from .shared_record import SharedRecord

STEM = ".midas_normal_ranges"


@dataclass(frozen=True)
class Measure:
    """Of a picture that is made for itself: the range of its depths and the scale of its heights, as in a Result."""

    range: float
    scale: float


class Measures:
    """The measures of an output folder, by content and settings; the last one of a picture counts."""

    def __init__(self, folder: Path) -> None:
        self._record = SharedRecord(resolved(folder), STEM)
        self._lines = self._noted = 0
        self._known: dict[str, Measure] = {}
        self._look_up()

    def get(self, content: str, settings: str) -> Measure | None:
        """None for what was not measured yet."""
        key = content + settings
        if key not in self._known:
            self._look_up()
        return self._known.get(key)

    def note(self, content: str, settings: str, measure: Measure) -> None:
        """Adds a measure, so that a run that is interrupted need not begin again; raises TargetError."""
        key = content + settings
        if self._known.get(key) != measure:
            self._record.add(_words(key, measure))
            self._known[key] = measure
            self._noted += 1

    def close(self) -> None:
        """Ends the record's part of this process; call this at the end of a run."""
        self._record.close(_compact if self._lines + self._noted > 2 * len(self._known) else None)

    def _look_up(self) -> None:
        """Takes in what has come into the record."""
        values = self._record.read()
        if values is not None:
            self._known |= dict(measure for words in values for measure in _read(words))
            self._lines = len(values)


def _compact(values: Sequence[Any]) -> Iterator[list[Any]]:
    """The last line of each picture."""
    for key, measure in dict(measure for words in values for measure in _read(words)).items():
        yield _words(key, measure)


def _words(key: str, measure: Measure) -> list[Any]:
    return [key, *astuple(measure)]


def _read(words: Any) -> list[tuple[str, Measure]]:
    """The measure of a line by its key, or nothing where it is no such line."""
    try:
        key, depth_range, scale = words
    except (ValueError, TypeError):
        return []
    is_measure = isinstance(key, str) and all(isinstance(value, float) and value >= 0 for value in (depth_range, scale))
    return [(key, Measure(depth_range, scale))] if is_measure else []
