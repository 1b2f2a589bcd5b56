"""One running worker: its process, its pipe, its log and its private exchange folder."""

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
"""Bytes; a larger log is set aside as `<name>.old` when the next worker starts, where no other worker has it open."""

MAX_READ_S = 0.02
"""Seconds after which no further piece of the pipe is read in one go, so that a worker that floods it cannot hold the caller
up.  One piece of small messages takes as long, all others together much less."""

KILL_TIMEOUT_S = 2.0
"""Within this time a worker that was killed is gone, or is left to the system: one that waits for a graphics driver that
does not answer cannot be ended, and would freeze whoever waits for it."""


def open_log(path: Path) -> BinaryIO:
    """The log, open for appending; only its owner may read a new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        with suppress(OSError):  # another program has just done it, or, on Windows, a worker writes it: it grows on
            path.replace(path.with_name(path.name + ".old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def read_log_tail(path: Path, since: int, lines: int = 5) -> str:
    """The last lines that were written after byte `since`; none where somebody has taken the log away."""
    try:
        with path.open("rb") as file:
            file.seek(since)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])


class WorkerProcess:
    """Start the worker; raises WorkerError when the interpreter cannot be run.

    The worker, which takes the exchange folder away when nobody listens any more, is there before the folder is: this
    process may be killed in between.

    gpu: the place of the only graphics card that it may use; None for any.
    """

    def __init__(self, launch: Launch, gpu: int | None = None) -> None:
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
        return self._process.pid

    def send(self, message: PipeMessage) -> None:
        """Write the message, without waiting; raises WorkerError when the worker has gone."""
        self._unsent += encode(message)
        self._flush()

    def receive(self) -> list[PipeMessage]:
        """What has arrived, without waiting.  Raises WorkerError at the end of the pipe, ProtocolError for garbage."""
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
        """Write what the pipe takes now; a worker that reads nothing, because it is stopped, must not stop the caller."""
        if self._unsent:
            try:
                sent = write_available(self._process.stdin.fileno(), self._unsent)  # type: ignore[union-attr]
            except OSError:
                raise WorkerError(self.exit_message()) from None
            del self._unsent[:sent]

    def exit_message(self) -> Message:
        """How the worker ended, with the exit status and the end of its log."""
        how = self._how_it_ended()
        last = read_log_tail(self.launch.log, self._log_start)
        return join_messages((how, Message("Its last words:\n{words}", words=last))) if last else how

    def _how_it_ended(self) -> Message:
        try:
            status = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return Message("The worker closed its pipe before it answered; try again.")
        if status < 0:
            return Message("The worker was killed by signal {signal} before it answered; try again.", signal=-status)
        return Message("The worker ended with status {status} before it answered; try again.", status=status)

    def kill(self) -> None:
        """End the worker at once and remove all it left."""
        self._process.kill()
        self._clear()

    def close(self, timeout: float = 1.0) -> None:
        """Ask the worker to end, wait for it up to `timeout` seconds, then kill it."""
        with contextlib.suppress(WorkerError):  # it has gone already, which is what is wanted
            self.send(Shutdown())
        try:
            self._process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._clear()

    def _clear(self) -> None:
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
