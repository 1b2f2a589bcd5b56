"""The check of what this computer's device computes, and how fast: its rows, and the process that measures them."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import Cancelled, InstallError, Message, Phrase, reason_of
from .child_process import run_process
from .setup.environment import Environment, EnvironmentState, environment_status

CHECK_PROGRAM = Path(__file__).resolve().parents[1] / "checks" / "main.py"

TEMPORARY_BYTES = 500_000_000
"""Size of the check's temporary files, which are nearly all weights."""

REMOVE_TIMEOUT_S = 1.0
"""Seconds in which workers of a check that was cancelled may close their files in its folder."""

VERDICTS = {True: "ok", False: "MISSED", None: ""}
"""The last column of the table, by whether the row's bar is met."""


@dataclass(frozen=True)
class Row:
    """A measurement: what, its value in words, its number if it has one, and whether its bar is met (None without one)."""

    name: Message
    value: Message
    number: float | None = None
    passed: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of one line on the pipe."""
        return asdict(self)


@dataclass(frozen=True)
class CheckEvent:
    """A line of the check's program: the computer's description, a step or a row."""

    fields: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of one line on the pipe."""
        return self.fields


def format_table(rows: Sequence[Row]) -> str:
    """Return the rows as a table of plain text, one a line."""
    width = max((len(row.name) for row in rows), default=0)
    return "\n".join(f"{row.name:{width}s}  {row.value:44s}  {VERDICTS[row.passed]}".rstrip() for row in rows)


def check_computer(environment: Environment, report: Callable[[CheckEvent], None], cancelled: Callable[[], bool]) -> Message:
    """Run the check with the Python of the MiDaS environment, in a private folder that is removed; return its outcome.

    Args:
        report: called with each line of the check's program as soon as it is there.
        cancelled: called often; the check is ended when it returns true.

    Raises:
        InstallError: the environment is not ready, or the check ended before it had measured all.
        Cancelled: `cancelled()` returned true.
    """
    status = environment_status(environment)
    if status.state is not EnvironmentState.READY:
        raise InstallError(status.sentence)
    passed: list[bool | None] = []
    last_words = ""

    def on_line(line: str) -> None:
        nonlocal last_words
        try:
            event = json.loads(line)
        except ValueError:
            last_words = line
            return
        if isinstance(event, dict):
            report(CheckEvent(event))
            if "passed" in event:
                passed.append(event["passed"])

    try:
        folder = Path(tempfile.mkdtemp(prefix="midas_normal_"))
    except OSError as error:
        raise InstallError("The check can have no folder for its files: {reason}; free some space.",
                           reason=reason_of(error)) from None
    try:
        ended = run_process([str(environment.python), "-I", "-u", str(CHECK_PROGRAM), "--folder", str(folder)], on_line,
                            cancelled)
    except Cancelled:
        raise Cancelled("The check was cancelled.") from None
    except OSError as error:
        raise InstallError("{runner} could not be started: {reason}.", runner=environment.python,
                           reason=reason_of(error)) from None
    finally:
        _remove_folder(folder)
    if ended.code != 0:
        raise InstallError("The check ended early (exit code {code}): {words}", code=ended.code,
                           words=last_words or Phrase("it printed no reason"))
    return Message("This computer was checked: {missed} of {count} values missed their bar.", missed=passed.count(False),
                   count=len(passed))


def _remove_folder(folder: Path) -> None:
    """Remove a folder in which processes that are ending may still have files open."""
    deadline = time.monotonic() + REMOVE_TIMEOUT_S
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)
