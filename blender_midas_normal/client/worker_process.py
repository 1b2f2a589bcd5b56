"""One worker process: its pipes, its log and its exchange folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..core.errors import Message, WorkerError, join_messages, reason_of
from ..core.protocol import Decoder, PipeMessage, Shutdown, encode
from .child_process import make_non_blocking, read_available, start_process, write_available
from .launch import Launch, gpu_variables

MAX_LOG_BYTES = 1 << 20
"""A log with more bytes is renamed to `<name>.old` when a worker starts, unless another program keeps it open on Windows."""

MAX_READ_S = 0.02
"""Seconds after which `receive` reads no further block, so that a worker that floods the pipe cannot block the caller."""

KILL_TIMEOUT_S = 2.0
"""Seconds that a killed worker is waited for: the system cannot end a process that waits for a graphics driver that does not
respond, and waiting for it would freeze the interface."""


def open_log(path: Path) -> BinaryIO:
    """Open the log to append to it, renaming one that has become too large; only its owner may read a new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        with suppress(OSError):  # another program has just renamed it, or keeps it open on Windows: it grows further
            path.replace(path.with_name(path.name + ".old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def read_log_tail(path: Path, since: int, lines: int = 5) -> str:
    """Return the last lines after byte `since` of the log; "" where the log was removed."""
    try:
        with path.open("rb") as file:
            file.seek(since)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])


class WorkerProcess:
    """A running worker.

    Attributes:
        launch: how it was started.
        folder: the exchange folder, which `kill` and `close` remove.
    """

    def __init__(self, launch: Launch, gpu: int | None = None) -> None:
        """Start the worker.

        The exchange folder is created after the worker has started, which removes it when this process ends: so nothing is
        left behind when this process is killed in between.

        Args:
            gpu: index of the only graphics card that the worker may use; None for any.

        Raises:
            WorkerError: the interpreter cannot be started, or the log or the folder cannot be written.
        """
        self.launch = launch
        self._decoder = Decoder()
        self._unsent = bytearray()
        try:
            log = open_log(launch.log)
            self._log_start = launch.log.stat().st_size
        except OSError as error:
            raise WorkerError("The worker's log {log} cannot be written: {reason}.", log=launch.log,
                              reason=reason_of(error)) from None
        with log:
            self.folder = _new_folder_path()
            try:
                self._process = start_process(launch.command(self.folder), stdin=subprocess.PIPE, stderr=log,
                                              **(gpu_variables(gpu, os.environ) if gpu is not None else {}))
            except OSError as error:
                raise WorkerError("The worker could not be started with {python}: {reason}; choose another Python in the "
                                  "preferences.", python=launch.python, reason=reason_of(error)) from None
        make_non_blocking(self._process.stdin.fileno())  # type: ignore[union-attr]
        try:
            self.folder.mkdir(mode=0o700)  # fails where anything has this name, a link too
        except OSError as error:
            self.kill()
            raise _folder_error(error) from None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, message: PipeMessage) -> None:
        """Send a message without blocking; raise WorkerError when the worker has ended."""
        self._unsent += encode(message)
        self._flush()

    def receive(self) -> list[PipeMessage]:
        """Return the messages that have arrived; raise WorkerError when the worker has ended, ProtocolError for bad ones."""
        assert self._process.stdout is not None
        self._flush()
        messages: list[PipeMessage] = []
        end = time.monotonic() + MAX_READ_S
        while time.monotonic() < end:
            data = read_available(self._process.stdout.fileno())
            if data is None:
                if messages:
                    break
                raise WorkerError(self.exit_message())
            if not data:
                break
            messages += self._decoder.feed(data)
        return messages

    def _flush(self) -> None:
        """Write what the pipe accepts now; a worker that does not read, such as a suspended one, must not block us."""
        if self._unsent:
            try:
                sent = write_available(self._process.stdin.fileno(), self._unsent)  # type: ignore[union-attr]
            except OSError:
                raise WorkerError(self.exit_message()) from None
            del self._unsent[:sent]

    def exit_message(self) -> Message:
        """Say how the worker ended, with its exit status and the last lines of its log."""
        status = self._exit_status()
        tail = read_log_tail(self.launch.log, self._log_start)
        return join_messages((status, Message("Its last words:\n{words}", words=tail))) if tail else status

    def _exit_status(self) -> Message:
        try:
            status = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return Message("The worker closed its pipe before it answered; try again.")
        if status < 0:
            return Message("The worker was killed by signal {signal} before it answered; try again.", signal=-status)
        return Message("The worker ended with status {status} before it answered; try again.", status=status)

    def kill(self) -> None:
        """Kill the worker and remove its folder."""
        self._process.kill()
        self._clean_up()

    def close(self, timeout: float = 1.0) -> None:
        """Ask the worker to end and remove its folder; kill it when it has not ended after `timeout` seconds."""
        with contextlib.suppress(WorkerError):  # it has ended already
            self.send(Shutdown())
        try:
            self._process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._clean_up()

    def _clean_up(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=KILL_TIMEOUT_S)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _new_folder_path() -> Path:
    try:
        return Path(tempfile.gettempdir()) / f"midas_normal_{secrets.token_hex(8)}"
    except OSError as error:
        raise _folder_error(error) from None


def _folder_error(error: OSError) -> WorkerError:
    return WorkerError("The worker can have no folder for its pictures: {reason}; free some space.", reason=reason_of(error))
