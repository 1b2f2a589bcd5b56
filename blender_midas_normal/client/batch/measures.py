"""How deep pictures of sets are, in a small file beside their maps: a set is measured before the first map is made."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from pathlib import Path

from ...core.errors import TargetError
from ...core.paths import is_file

NAME = ".midas_normal_ranges.jsonl"


@dataclass(frozen=True)
class Measure:
    """Of a picture that is made for itself: the range of its depths and the scale of its heights, as in a Result."""

    range: float
    scale: float


class Measures:
    """The measures of an output folder, by content and settings, one a line; a line that is damaged only makes work."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME
        self._known: dict[str, Measure] = {}
        if is_file(self._file):
            self._known = dict(filter(None, map(_read, self._file.read_bytes().splitlines())))

    def get(self, content: str, settings: str) -> Measure | None:
        """None for what was not measured yet."""
        return self._known.get(content + settings)

    def note(self, content: str, settings: str, measure: Measure) -> None:
        """Adds a measure, so that a run that is interrupted need not begin again; raises TargetError."""
        if self.get(content, settings) == measure:
            return
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([content + settings, *astuple(measure)]) + "\n")
        except OSError as error:
            raise TargetError(f"{self._file} cannot be written: {error.strerror}.") from None


def _read(line: bytes) -> tuple[str, Measure] | None:
    try:
        key, depth_range, scale = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    is_measure = isinstance(key, str) and all(isinstance(value, float) and value >= 0 for value in (depth_range, scale))
    return (key, Measure(depth_range, scale)) if is_measure else None
