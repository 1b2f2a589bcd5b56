"""How deep pictures of sets are, in a small file beside their maps: a set is measured before the first map is made."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from .json_lines import JsonLines

NAME = ".midas_normal_ranges.jsonl"


@dataclass(frozen=True)
class Measure:
    """Of a picture that is made for itself: the range of its depths and the scale of its heights, as in a Result."""

    range: float
    scale: float


class Measures:
    """The measures of an output folder, by content and settings; the last one of a picture counts."""

    def __init__(self, folder: Path) -> None:
        self._record = JsonLines(folder / NAME)
        self._known = dict(measure for words in self._record.read() for measure in _read(words))

    def get(self, content: str, settings: str) -> Measure | None:
        """None for what was not measured yet."""
        return self._known.get(content + settings)

    def note(self, content: str, settings: str, measure: Measure) -> None:
        """Adds a measure, so that a run that is interrupted need not begin again; raises TargetError."""
        if self.get(content, settings) != measure:
            self._record.add([content + settings, *astuple(measure)])


def _read(words: Any) -> list[tuple[str, Measure]]:
    """The measure of a line by its key, or nothing where it is no such line."""
    try:
        key, depth_range, scale = words
    except (ValueError, TypeError):
        return []
    is_measure = isinstance(key, str) and all(isinstance(value, float) and value >= 0 for value in (depth_range, scale))
    return [(key, Measure(depth_range, scale))] if is_measure else []
