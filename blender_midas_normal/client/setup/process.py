"""Run main.py as a child process, which Blender polls from a timer and a script waits for.

It ends with the process that started it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import NO_MESSAGE, InstallError, Message, error_from_kind, from_json, reason_of
from ..child_process import LineSplitter, read_available, start_process, terminate_process

SETUP_PROGRAM = Path(__file__).resolve().parent / "main.py"

POLL_INTERVAL_S = 0.1
"""Seconds between two calls of `poll` in `wait`."""

CLOSE_TIMEOUT_S = 8.0
"""Seconds that `close` waits for the process to end what it started; more than main.py allows itself."""

EXIT_TIMEOUT_S = 1.0
"""Seconds that a process may run after its last line or the end of its pipe, before it is terminated."""

CANCELLED_MESSAGES = {"install": Message("The installation was cancelled; installing again goes on from here."),
                      "download": Message("The download was cancelled; downloading again goes on from here.")}
"""The outcome, by verb, of a cancelled process that ended without a last line, as one does that waits for a server."""

MESSAGE_FIELDS = ("title", "detail", "text", "error", "computer", "name", "value")
"""The fields of a line that hold messages for the user."""


class SetupProcess:
    """One run of main.py."""

    def __init__(self, verb: str, folder: Path, *, python: Path | None = None, backend: str = "auto",
                 parts: Sequence[str] = ("midas",), weights: Path | None = None, engine: str = "MIDAS", model: str = "SMALL",
                 online: bool = True, runner: str = sys.executable) -> None:
        """Start the process.

        Args:
            verb: install, download, check, remove or check_computer.
            folder: that of the environment.
            python: the interpreter to make the environment from; None to search for one.
            backend: the build of PyTorch, see `install.TORCH_BUILD_PATTERN`.
            parts: what is installed, see `environment.PARTS`.
            weights: the folder of weights.
            engine, model: whose weights are downloaded, as in the settings.
            online: whether the user allows network access.
            runner: the Python that runs main.py, which needs the standard library only.

        Raises:
            InstallError: the process cannot be started.
        """
        self.verb = verb
        command = [runner, "-I", "-u", str(SETUP_PROGRAM), "--folder", str(folder), "--backend", backend,
                   "--parts", ",".join(parts), "--engine", engine, "--model", model]
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
        """The process id of main.py."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether `poll` has not returned the last line yet."""
        return self._last is None

    def poll(self) -> list[dict[str, Any]]:
        """Return the lines that have arrived since the last call, without blocking.

        Exactly one line, the last one, has "ok", or "error", "kind" and "output", however the process has ended.
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
        """Ask the process to give up; `poll` still returns its last line soon."""
        self._is_cancelled |= self.is_running
        stdin = self._child.stdin
        if stdin is not None and not stdin.closed:
            stdin.close()

    def wait(self, report: Callable[[dict[str, Any]], None] = lambda event: None) -> Message:
        """Block until the process has ended; return its closing message.

        An exception that interrupts the waiting ends the process.

        Args:
            report: called with each step, as in `ProgressEvent.to_dict`.

        Raises:
            MidasNormalError: what the process failed with; its attribute `output` has the last lines of the failed step.
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
        """Return the closing message of a process that has ended, or raise what it failed with."""
        event = self._last or {}
        if "error" in event:
            error = error_from_kind(str(event.get("kind")), event["error"])
            error.output = event.get("output", "")  # type: ignore[attr-defined]
            raise error
        return event.get("text", NO_MESSAGE)

    def close(self) -> None:
        """End the process and all that it started, which takes CLOSE_TIMEOUT_S at most."""
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
        """Wait for a process that has printed its last line, and close its pipes."""
        self.cancel()
        self._wait_for_exit()
        self._child.stdout.close()  # type: ignore[union-attr]
        self._stderr.close()

    def _wait_for_exit(self) -> None:
        """Wait EXIT_TIMEOUT_S for the process, which has nothing more to do, then terminate it."""
        try:
            self._child.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            terminate_process(self._child)
