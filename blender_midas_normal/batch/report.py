"""Report a run: lines and a progress bar on the terminal, and the results as JSON and CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from ..client.client import ResultFuture
from ..core.errors import Message, TargetError, reason_of
from ..core.files import PICTURE_SUFFIXES, exists, is_file, resolve_path

LOGGER = logging.getLogger(__name__)
LOGGER.addHandler(logging.NullHandler())  # a program that does not listen prints nothing: the records tell all

MADE, SKIPPED, FAILED = "made", "skipped", "failed"

STDOUT = Path("-")
"""In place of a report's file: the standard output."""

COLUMNS = ("input", "outcome", "map", "output", "engine", "device", "width", "height", "seconds", "notes", "error")
"""Of the table."""

REPORT_HEAD = re.compile(rb'\[(\]|\s*\{\s*"input")|input,outcome,| *\d+ made, in ')
"""Of a report, as JSON, a table or a summary."""

WIDTH = 24
"""Characters of the bar."""

GAP = 0.1
"""Seconds between two pictures of the bar."""


@dataclass(frozen=True)
class Record:
    """One map, or the picture that could not be used; what does not apply is None.

    input: the picture's title; size: (width, height); seconds: by stage.
    notes: sentences about a map that was made; of one that was skipped, why nothing would use it.
    """

    input: str
    outcome: str
    map: str | None = None
    output: str | None = None
    engine: str | None = None
    why: str | None = None
    device: str | None = None
    size: tuple[int, int] | None = None
    seconds: dict[str, float] | None = None
    notes: list[Message] | None = None
    error: Message | None = None


def as_json(records: Sequence[Record]) -> str:
    """A list of objects, without what does not apply."""
    words = [{name: value for name, value in dataclasses.asdict(record).items() if value is not None} for record in records]
    return json.dumps(words, indent=2) + "\n"


def as_csv(records: Sequence[Record]) -> str:
    """A table with a row for each record; seconds are those of all stages together."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(record) for record in records)
    return table.getvalue()


def _row(record: Record) -> tuple[Any, ...]:
    width, height = record.size or ("", "")
    seconds = f"{sum(record.seconds.values()):.3f}" if record.seconds is not None else ""
    return (record.input, record.outcome, record.map, record.output, record.engine, record.device, width, height, seconds,
            " ".join(record.notes or ()), record.error)


def summary(records: Sequence[Record], no_pictures: int, not_tried: int, seconds: float, links: int = 0) -> str:
    """How many maps came to what end, and why those that failed, or were skipped though they are not there, did."""
    made, failed = (sum(record.outcome == outcome for record in records) for outcome in (MADE, FAILED))
    unused = [record for record in records if record.outcome == SKIPPED and record.notes]
    current = sum(record.outcome == SKIPPED for record in records) - len(unused)
    lines = [f"{made:8d} made, in {seconds:.1f} seconds", f"{current:8d} skipped, as they are there already"]
    if unused:
        lines.append(f"{len(unused):8d} skipped, as nothing would use them")
        lines += [f"{'':10}{record.input}: {' '.join(record.notes or ())}" for record in unused]
    lines.append(f"{failed:8d} failed")
    lines += [f"{'':10}{record.input}: {record.error}" for record in records if record.outcome == FAILED]
    if no_pictures:
        lines.append(f"{no_pictures:8d} other files left alone")
    if links:
        lines.append(f"{links:8d} links to folders not followed; name those whose pictures you want")
    if not_tried:
        lines.append(f"{not_tried:8d} pictures not done, for the run was interrupted")
    return "\n".join(lines)


def check_report(file: Path) -> None:
    """Makes the folder of a report that is still to come; STDOUT needs none.

    Raises TargetError where that could not be written, or would take the place of anything but a report.
    """
    if file == STDOUT:
        return
    if file.suffix.lower() in PICTURE_SUFFIXES:
        raise TargetError("The report cannot be {file}, which is the name of a picture; choose another.", file=file)
    if file.name.startswith(".midas_normal"):
        raise TargetError("The report cannot be {file}, which is the name of a record of maps; choose another.", file=file)
    check_replaceable(file)
    is_new = not exists(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("ab").close()
        if is_new:
            resolve_path(file).unlink()  # not a link that leads there
    except OSError as error:
        raise _not_written(file, error) from None


def check_replaceable(file: Path) -> None:
    """Raises TargetError where a file is there that is no report."""
    if not is_file(file):
        return
    try:
        with file.open("rb") as stream:
            beginning = stream.read(100)
    except OSError as error:
        raise _not_written(file, error) from None
    if beginning and not REPORT_HEAD.match(beginning):
        raise TargetError("{file} is there already and is no report; choose another name for the report, or move it.",
                          file=file)


def write_report(file: Path, text: str) -> None:
    """Writes a report; raises TargetError."""
    try:
        if file == STDOUT:
            print(text, end="", flush=True)
        else:
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise _not_written(file, error) from None


def _not_written(file: Path, error: OSError) -> TargetError:
    return TargetError("The report cannot be written as {file}: {reason}.", file=file, reason=reason_of(error))


class Reporter(Protocol):
    """Whoever is told how a run goes."""

    def say(self, line: str) -> None:
        """Take a line about a map that was made or skipped."""

    def print_error(self, line: str) -> None:
        """Take a line about one that could not be made."""

    def show(self, job: ResultFuture | None, done: int, of: int) -> None:
        """Take how many pictures are done, and the job that is waited for."""

    def clear(self) -> None:
        """Let nothing stand in the way of other lines."""


class Screen:
    """Lines go to the standard output, or where they are told to; errors and the bar go to the standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what the terminal cannot show
        self._has_bar = sys.stderr.isatty()
        self._shown = 0.0

    def say(self, line: str) -> None:
        self._print(line, self._out)

    def print_error(self, line: str) -> None:
        self._print(line, sys.stderr)

    def show(self, job: ResultFuture | None, done: int, of: int) -> None:
        """Draws the bar: how many pictures are done, and how far the job is that is waited for."""
        now = time.monotonic()
        if self._has_bar and now - self._shown > GAP:
            self._shown = now
            full = WIDTH * done // max(of, 1)
            doing = f"  {job.stage} {job.done:.0%}" if job is not None else ""
            print(f"\r\x1b[K[{'#' * full}{'.' * (WIDTH - full)}] {done}/{of}{doing}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the bar away."""
        if self._has_bar:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _print(self, line: str, stream: TextIO) -> None:
        self.clear()
        try:
            print(line, file=stream, flush=True)
        except OSError:  # whoever read the lines has gone, or their disk is full; that is no reason to make no maps
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class ProgramLog:
    """What a program that calls `make_maps` may hear of a run: its lines through `logging`, and how far it is.

    Args:
        progress: called with how much is done, and of how much.
    """

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress

    def say(self, line: str) -> None:
        LOGGER.info("%s", line)

    def print_error(self, line: str) -> None:
        LOGGER.warning("%s", line)

    def show(self, job: ResultFuture | None, done: int, of: int) -> None:
        if self._progress is not None:
            self._progress(done, of)

    def clear(self) -> None:
        """There is nothing to take away."""
