"""main.py as a child process: started, listened to without waiting, and given up.

Blender polls it from a timer, a script waits for it; it dies with whoever started it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...core.errors import NO_MESSAGE, InstallError, Message, error_from_kind, from_json, reason_of
from ..child_process import LineSplitter, read_available, start_process, terminate_process

SETUP_PROGRAM = Path(__file__).resolve().parent / "main.py"

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at the process while waiting for it."""

CLOSE_TIMEOUT_S = 8.0
"""Seconds that `close` leaves it to end what it started: more than it takes itself."""

EXIT_TIMEOUT_S = 1.0
"""Within this time a process that has said its last line, or closed its pipe, is gone, or is ended."""

CANCELLED_MESSAGES = {"install": Message("The installation was cancelled; installing again goes on from here."),
                      "download": Message("The download was cancelled; downloading again goes on from here.")}
"""By verb, the outcome of a process that was asked to give up and ended without saying more: one that waits for a server
notices nothing and is ended."""

MESSAGE_FIELDS = ("title", "detail", "text", "error")
"""What of a line is for users to read."""


class SetupProcess:
    """One run of main.py.

    verb: install, download, check or remove; folder: the environment's; python: the interpreter to make it from, None to
    look for one; weights: the folder for the weights; online: whether the user allows network access; runner: the Python
    that runs main.py, which needs nothing but the standard library.
    """

    def __init__(self, verb: str, folder: Path, *, python: Path | None = None, backend: str = "auto",
                 weights: Path | None = None, online: bool = True, runner: str = sys.executable) -> None:
        self.verb = verb
        command = [runner, "-I", "-u", str(SETUP_PROGRAM), "--folder", str(folder), "--backend", backend]
        command += ["--python", str(python)] if python is not None else []
        command += ["--weights", str(weights)] if weights is not None else []
        command += [] if online else ["--offline"]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        try:
            self._child = start_process([*command, verb], stdin=subprocess.PIPE, stderr=self._stderr)
        except OSError as error:
            self._stderr.close()
            raise InstallError("{runner} could not be started: {reason}.", runner=runner, reason=reason_of(error)) from error
        self._lines = LineSplitter()
        self._last: dict[str, Any] | None = None
        self._is_cancelled = False

    @property
    def pid(self) -> int:
        """Process id of main.py."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether the last line is still to come from `poll`."""
        return self._last is None

    def poll(self) -> list[dict[str, Any]]:
        """The lines that have come since, without waiting.

        The last one ever, and exactly one, has "ok" or "error", "kind" and "output", however the process ended.
        """
        events: list[dict[str, Any]] = []
        while self._last is None:
            data = read_available(self._child.stdout.fileno())  # type: ignore[union-attr]
            events += self._parse_lines(self._lines.feed(data))
            if data is None and self._last is None:
                self._last = self._unexpected_end()
                events.append(self._last)
            if not data:
                break
        if self._last is not None:
            self._close_pipes()
        return events

    def cancel(self) -> None:
        """Ask the process to give up; `poll` still brings its last line, soon."""
        self._is_cancelled |= self.is_running
        stdin = self._child.stdin
        if stdin is not None and not stdin.closed:
            stdin.close()

    def wait(self, report: Callable[[dict[str, Any]], None] = lambda event: None) -> Message:
        """Wait for the end, each step going to `report`; returns the closing text.

        Raises the exception that the process names, with its `output`.  When waiting is interrupted the process ends too.
        """
        try:
            while self.is_running:
                for event in self.poll():
                    if event is not self._last:
                        report(event)
                if self.is_running:
                    time.sleep(POLL_INTERVAL_S)
        finally:
            self.close()
        return self.result()

    def result(self) -> Message:
        """The closing text of an ended process; raises the exception that it names."""
        event = self._last or {}
        if "error" in event:
            error = error_from_kind(str(event.get("kind")), event["error"])
            error.output = event.get("output", "")  # type: ignore[attr-defined]
            raise error
        return event.get("text", NO_MESSAGE)

    def close(self) -> None:
        """End the process, if it still runs, and all it started; waits for that at most PATIENCE seconds."""
        self.cancel()
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        while self.is_running and time.monotonic() < deadline:
            if not self.poll():
                time.sleep(POLL_INTERVAL_S / 2)
        if self.is_running:
            terminate_process(self._child)
            self.poll()

    def _parse_lines(self, lines: list[str]) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        for line in lines:
            try:
                event = json.loads(line)
                if not isinstance(event, dict):
                    continue
                event |= {name: from_json(event[name]) for name in MESSAGE_FIELDS if name in event}
            except ValueError:
                continue
            if self._last is None:
                events.append(event)
                if "ok" in event or "error" in event:
                    self._last = event
        return events

    def _unexpected_end(self) -> dict[str, Any]:
        self._wait_for_exit()
        if self._is_cancelled:
            message = CANCELLED_MESSAGES.get(self.verb, Message("The work was cancelled."))
            return {"error": message, "kind": "Cancelled", "output": ""}
        code = self._child.returncode
        self._stderr.seek(0)
        output = self._stderr.read()[-4000:].decode("utf-8", "replace").strip()
        sentence = Message("The installing process ended unexpectedly (exit code {code}).", code=code)
        return {"error": sentence, "kind": "InstallError", "output": output}

    def _close_pipes(self) -> None:
        """The process has said its last line and ends by itself: it is waited for, and its pipes are closed."""
        self.cancel()
        self._wait_for_exit()
        self._child.stdout.close()  # type: ignore[union-attr]
        self._stderr.close()

    def _wait_for_exit(self) -> None:
        """Wait a moment for the process, which has nothing more to do, and end it where it does not end by itself."""
        try:
            self._child.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            terminate_process(self._child)
