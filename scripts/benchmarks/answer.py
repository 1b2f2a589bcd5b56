"""What a part of the benchmark has measured, as it goes from its process into the document."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """Text in rows under headings; the first column is what a row is about."""

    title: str
    columns: list
    rows: list


@dataclass(frozen=True)
class Point:
    """One way to a map at one size: seconds, and megabytes that its process had at most (0 where that is not known)."""

    way: str
    side: int
    seconds: float
    peak: float = 0.0


@dataclass(frozen=True)
class Answer:
    """figures: numbers by the names that bars know; profiles: by such a name, where its time goes, in seconds by step;
    tables: for the document; points: for the plot; versions: of what was measured.
    """

    figures: dict = field(default_factory=dict)
    profiles: dict = field(default_factory=dict)
    tables: list = field(default_factory=list)
    points: list = field(default_factory=list)
    versions: dict = field(default_factory=dict)


def join_answers(answers: list) -> Answer:
    """Join answers into one."""
    def unite(name: str) -> dict:
        return {key: value for answer in answers for key, value in getattr(answer, name).items()}

    def join(name: str) -> list:
        return [each for answer in answers for each in getattr(answer, name)]

    return Answer(unite("figures"), unite("profiles"), join("tables"), join("points"), unite("versions"))


def write(answer: Answer, file: Path) -> None:
    file.write_text(json.dumps(dataclasses.asdict(answer), indent=2) + "\n", encoding="utf-8")


def read(file: Path) -> Answer:
    fields = json.loads(file.read_text(encoding="utf-8"))
    fields["tables"] = [Table(**table) for table in fields["tables"]]
    fields["points"] = [Point(**point) for point in fields["points"]]
    return Answer(**fields)
