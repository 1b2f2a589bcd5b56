"""Report a run: lines and a progress bar on the terminal, and the records of maps as JSON and CSV."""

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
LOGGER.addHandler(logging.NullHandler())  # a program that configures no logging prints nothing

MADE, SKIPPED, FAILED = "made", "skipped", "failed"

PLANNED = "planned"
"""The outcome of a map that a dry run would make."""

STDOUT = Path("-")
"""Given as the file of a report, it stands for the standard output."""

CSV_COLUMNS = ("input", "outcome", "map", "output", "engine", "device", "width", "height", "seconds", "notes", "error")
"""Columns of the CSV report."""

REVIEW_HEAD = "<!DOCTYPE html><!-- Review of midas-normal -->"
"""The beginning of a page on which maps are reviewed."""

REPORT_HEAD = re.compile(rb'\[(\]|\s*\{\s*"input")|input,outcome,| *\d+ made, in |' + re.escape(REVIEW_HEAD.encode()))
"""Matches the first bytes of a report: JSON, CSV, a summary or a review."""

BAR_WIDTH = 24
"""Width of the progress bar in characters."""

BAR_INTERVAL_S = 0.1
"""Least time in seconds between two updates of the progress bar."""


OPENJD_INTERVAL_S = 1.0
"""Least time in seconds between two lines of progress."""


@dataclass(frozen=True)
class Record:
    """What became of one map, or of an input that could not be used; what does not apply is None.

    Attributes:
        input: title of the picture.
        outcome: MADE, SKIPPED or FAILED; of a dry run PLANNED, SKIPPED or FAILED.
        map: the type of map.
        output: path of the map's file.
        why: why AUTO chose the engine.
        device: of the engine, such as `cuda`.
        size: (width, height) in pixels.
        seconds: by stage.
        notes: sentences about a map that was made, or why one was skipped that nothing would use.
        error: why the map was not made.
        bytes: of a planned map, without compression.
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
    bytes: int | None = None


def as_json(records: Sequence[Record]) -> str:
    """Serialise the records as a JSON list of objects, which lack the fields that do not apply."""
    objects = [{name: value for name, value in dataclasses.asdict(record).items() if value is not None}
               for record in records]
    return json.dumps(objects, indent=2) + "\n"


def as_csv(records: Sequence[Record]) -> str:
    """Serialise the records as CSV, one row each; the column seconds is the sum over all stages."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_row(record) for record in records)
    return table.getvalue()


def _row(record: Record) -> tuple[Any, ...]:
    width, height = record.size or ("", "")
    seconds = f"{sum(record.seconds.values()):.3f}" if record.seconds is not None else ""
    return (record.input, record.outcome, record.map, record.output, record.engine, record.device, width, height, seconds,
            " ".join(record.notes or ()), record.error)


def summary(records: Sequence[Record], other_files: int, not_tried: int, seconds: float, links: int = 0) -> str:
    """Summarise a run in several lines: numbers of maps by outcome, and the reasons of those that were not made.

    Args:
        other_files: number of files that were not pictures.
        not_tried: number of pictures that were not processed.
        seconds: duration of the run.
        links: number of links to folders that were not followed.
    """
    made, failed = (sum(record.outcome == outcome for record in records) for outcome in (MADE, FAILED))
    return "\n".join([f"{made:8d} made, in {seconds:.1f} seconds",
                      *outcome_lines(records, f"{failed:8d} failed", other_files, not_tried, links)])


def outcome_lines(records: Sequence[Record], failed: str, other_files: int, not_tried: int, links: int) -> list[str]:
    """Return the lines about all maps that are not made, and why.

    Args:
        failed: the line above the reasons of those that failed.
    """
    unused = [record for record in records if record.outcome == SKIPPED and record.notes]
    current = sum(record.outcome == SKIPPED for record in records) - len(unused)
    lines = [f"{current:8d} skipped, as they are there already"]
    if unused:
        lines.append(f"{len(unused):8d} skipped, as nothing would use them")
        lines += [f"{'':10}{record.input}: {' '.join(record.notes or ())}" for record in unused]
    lines.append(failed)
    lines += [f"{'':10}{record.input}: {record.error}" for record in records if record.outcome == FAILED]
    if other_files:
        lines.append(f"{other_files:8d} other files left alone")
    if links:
        lines.append(f"{links:8d} links to folders not followed; name those whose pictures you want")
    if not_tried:
        lines.append(f"{not_tried:8d} pictures not done, for the run was interrupted")
    return lines


def check_report(file: Path) -> None:
    """Check before a run that its report can be written, and create the folder for it.

    Raises:
        TargetError: the file cannot be written, or is something other than a report.
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
    """Raise TargetError where the file exists and is not a report."""
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
    """Write a report; raise TargetError where that fails."""
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
    """Where a run reports what it does."""

    def print_line(self, line: str) -> None:
        """Report a map that was made or skipped."""

    def print_error(self, line: str) -> None:
        """Report a map that could not be made."""

    def show_progress(self, job: ResultFuture | None, finished: int, total: int) -> None:
        """Report the progress: finished and total steps, and the job that is waited for."""

    def clear(self) -> None:
        """Remove the progress bar, so that other lines can be printed."""


class TerminalReporter:
    """Print the lines to a stream, by default the standard output; errors and the progress bar to the standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what the terminal cannot show
        self._has_bar = sys.stderr.isatty()
        self._shown_at = 0.0

    def print_line(self, line: str) -> None:
        self._print(line, self._out)

    def print_error(self, line: str) -> None:
        self._print(line, sys.stderr)

    def show_progress(self, job: ResultFuture | None, finished: int, total: int) -> None:
        now = time.monotonic()
        if self._has_bar and now - self._shown_at > BAR_INTERVAL_S:
            self._shown_at = now
            full = BAR_WIDTH * finished // max(total, 1)
            stage = f"  {job.stage} {job.share:.0%}" if job is not None else ""
            print(f"\r\x1b[K[{'#' * full}{'.' * (BAR_WIDTH - full)}] {finished}/{total}{stage}", end="", file=sys.stderr,
                  flush=True)

    def clear(self) -> None:
        if self._has_bar:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _print(self, line: str, stream: TextIO) -> None:
        self.clear()
        try:
            print(line, file=stream, flush=True)
        except OSError:  # the reader of a pipe has gone or a disk is full, which must not stop the run
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class OpenJDReporter(TerminalReporter):
    """Print lines as on a terminal, and the progress as Open Job Description's runners read it."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__(out)
        self._has_bar = False

    def show_progress(self, job: ResultFuture | None, finished: int, total: int) -> None:
        now = time.monotonic()
        if now - self._shown_at > OPENJD_INTERVAL_S:
            self._shown_at = now
            self.print_line(f"openjd_progress: {100 * finished / max(total, 1):.1f}")


class LoggingReporter:
    """Report a run to the program that calls `make_maps`: lines through `logging`, progress through a function."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        """Create a reporter.

        Args:
            progress: called with the numbers of finished and of all steps.
        """
        self._progress = progress

    def print_line(self, line: str) -> None:
        LOGGER.info("%s", line)

    def print_error(self, line: str) -> None:
        LOGGER.warning("%s", line)

    def show_progress(self, job: ResultFuture | None, finished: int, total: int) -> None:
        if self._progress is not None:
            self._progress(finished, total)

    def clear(self) -> None:
        """Nothing to remove."""
