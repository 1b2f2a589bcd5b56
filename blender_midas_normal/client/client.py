"""The client of the worker: it starts the process, sends requests, and ends each with exactly one result or exception."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import Cancelled, MidasNormalError, ProtocolError, SurfaceGone, WorkerError, error_from_kind, reason_of
from ..core.protocol import Cancel, Error, Hello, PipeMessage, Progress, Ready, Request, Result, check_version
from .launch import Launch
from .result_files import RESULT_GONE, ResultFiles, find_map_file, find_pixels_file
from .worker_process import WorkerProcess

HELLO_TIMEOUT_S = 60.0
"""Within this time a new worker says Hello, or counts as one that does not work."""

SILENCE_TIMEOUT_S = 120.0
"""A worker that has something to do and says nothing for so long counts as stuck; a live one says something every 10, as
long as its work goes on (`worker/channel.py`)."""

MAX_SILENCE_PER_PUMP_S = 1.0
"""Seconds of silence that one look counts at most: while this process is frozen or the computer sleeps, nobody listens."""


@dataclass
class ResultFuture:
    """The result of a request, which comes later.

    Attributes:
        surface: key of the surface that the request names, "" for a picture's.
        stage: name of the worker's stage, and `share` how much of it is done, 0..1.
        started: when the request was sent, in seconds of `time.monotonic`.
        outcome: None until the end, then a Result or the exception that says why there is none.
    """

    id: int
    surface: str = ""
    stage: str = "start"
    share: float = 0.0
    started: float = field(default_factory=time.monotonic)
    outcome: Result | MidasNormalError | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the request was made."""
        return time.monotonic() - self.started

    def result(self) -> Result:
        """The result; raises the exception that stands in its place."""
        if isinstance(self.outcome, MidasNormalError):
            raise self.outcome
        assert self.outcome is not None
        return self.outcome


class Client:
    """Keep one worker process, started when it is first needed, and again when it has died.

    Nothing here waits, except `wait`: call `pump` often while jobs are pending.
    surfaces: keys of those that the worker keeps, as far as it has told.
    """

    def __init__(self, gpu: int | None = None) -> None:
        """Create a client without a worker.

        Args:
            gpu: index of the only graphics card that the worker may use, among those that are visible; None for any.
        """
        self.gpu = gpu
        self.worker: WorkerProcess | None = None
        self._ids = itertools.count(1)
        self._pending: dict[int, ResultFuture] = {}
        self._cancelled_ids: set[int] = set()
        self._has_said_hello = False
        self._started_at = 0.0
        self._pumped_at = 0.0
        self._silence = 0.0
        self.ready: Ready | None = None
        self.surfaces: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """Whether a job is pending, or a cancelled one still keeps the worker."""
        return bool(self._pending or self._cancelled_ids)

    def is_draining(self, job: ResultFuture) -> bool:
        """Tell whether the worker still works on a job that was cancelled."""
        return job.id in self._cancelled_ids

    @property
    def is_running(self) -> bool:
        return self.worker is not None

    def prepare(self, launch: Launch) -> Path:
        """Start a worker that can serve the launch, unless one runs; return the exchange folder.

        Raises WorkerError when it cannot be started.  A worker of another kind is closed first; its jobs fail.
        """
        self.pump()
        if self.worker is not None and not self.worker.launch.is_compatible_with(launch):
            self._stop_worker(WorkerError("The worker was restarted for another engine."))
        if self.worker is None:
            self.worker = WorkerProcess(launch, self.gpu)
            self._has_said_hello, self._started_at, self.ready = False, time.monotonic(), None
            self._pumped_at, self._silence = self._started_at, 0.0
        return self.worker.folder

    def new_file(self) -> Path:
        """A new, empty, private file in the exchange folder, for pixels; raises WorkerError when there can be none."""
        folder = self._running_worker().folder
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix="pixels_", delete=False) as file:
                return Path(file.name)
        except OSError as error:
            raise WorkerError("The picture cannot be handed over in {folder}: {reason}.", folder=folder,
                              reason=reason_of(error)) from None

    def submit(self, request: Request) -> ResultFuture:
        """Send a request, with an id of its own, to the worker that `prepare` started.

        Returns:
            Its job, which has ended already where the worker is gone.
        """
        job = ResultFuture(next(self._ids), request.surface or "")
        self._pending[job.id] = job
        self._send(dataclasses.replace(request, id=job.id))
        return job

    def cancel(self, job: ResultFuture) -> None:
        """End the job at once; what the worker still sends for it is dropped.  A second call kills the worker."""
        if job.id in self._cancelled_ids:
            self._stop_worker(WorkerError("The worker was stopped."), kill=True)
        elif job.id in self._pending:
            self._finish(job.id, Cancelled("Cancelled."))
            self._cancelled_ids.add(job.id)
            self._send(Cancel(job.id))

    def pump(self) -> None:
        """Take in what the worker has sent, without waiting; never raises: what goes wrong is the outcome of the jobs."""
        if self.worker is None:
            return
        try:
            messages = self.worker.receive()
            for message in messages:
                self.handle(message)
            self._check_silence(bool(messages))
            if not self._has_said_hello and time.monotonic() - self._started_at > HELLO_TIMEOUT_S:
                raise WorkerError("{python} did not start the worker within {seconds:.0f} seconds; choose another Python in "
                                  "the preferences.", python=self.worker.launch.python, seconds=HELLO_TIMEOUT_S)
        except WorkerError as error:
            self._stop_worker(error, kill=True)
        except OSError as error:
            self._stop_worker(WorkerError("The worker's files cannot be removed: {reason}.", reason=reason_of(error)),
                              kill=True)

    def wait(self, job: ResultFuture, timeout: float | None = None,
             watch: Callable[[ResultFuture], None] = lambda job: None) -> Result:
        """Pump until the job has ended; return its result or raise the exception in its place.

        timeout: seconds, after which the job is cancelled and WorkerError raised; watch: called with the job now and then.
        """
        while job.outcome is None:
            self.sleep_and_pump()
            watch(job)
            if timeout is not None and job.outcome is None and job.elapsed > timeout:
                self.cancel(job)
                raise WorkerError("The worker did not answer within {seconds:.0f} seconds.", seconds=timeout)
        return job.result()

    def sleep_and_pump(self) -> None:
        """Sleep for 2 ms, which leaves the processor to the worker, then pump once."""
        time.sleep(0.002)
        self.pump()

    def take_map_file(self, result: Result) -> Path:
        """The path of a result's PNG file; whoever takes it moves or removes it.

        Raises WorkerError when it is gone, or cannot be what the result says.
        """
        return find_map_file(self._running_worker().folder, result)

    @contextmanager
    def open_result_files(self, result: Result) -> Iterator[ResultFiles]:
        """The result's files, which are removed at the end of the `with` block.  Raises WorkerError when they are gone."""
        try:
            png, pixels = self.take_map_file(result), find_pixels_file(self._running_worker().folder, result)
            with pixels.open("rb") if pixels is not None else nullcontext() as opened:
                yield ResultFiles(png.read_bytes(), opened, result.checksum)
        finally:
            self._remove_files(result)

    def close(self) -> None:
        """End the worker, without asking when it is busy; pending jobs end as cancelled."""
        self._stop_worker(Cancelled("The worker was closed."), kill=self.is_busy)

    def _send(self, message: PipeMessage) -> None:
        try:
            self._running_worker().send(message)
        except WorkerError as error:
            self._stop_worker(error, kill=True)

    def handle(self, message: PipeMessage) -> None:
        """Take in one message of the worker."""
        if isinstance(message, Hello):
            check_version(message)
            self._has_said_hello = True
        elif isinstance(message, Ready):
            self.ready = message
        elif isinstance(message, Progress):
            if message.id in self._pending:
                job = self._pending[message.id]
                job.stage, job.share = message.stage, message.share
        elif isinstance(message, Error):
            self._end(message.id, error_from_kind(message.kind, message.text))
        elif isinstance(message, Result):
            if message.id not in self._pending:
                self._remove_files(message)
            self._end(message.id, message)
        else:
            raise ProtocolError("A worker does not send {kind}.", kind=type(message).__name__)

    def _end(self, job: int, outcome: Result | MidasNormalError) -> None:
        if job in self._pending:
            self._finish(job, outcome)
        self._cancelled_ids.discard(job)

    def _running_worker(self) -> WorkerProcess:
        """The worker; raises WorkerError when it has ended."""
        if self.worker is None:
            raise WorkerError(RESULT_GONE)
        return self.worker

    def _remove_files(self, result: Result) -> None:
        """A worker that has ended took its folder along."""
        if self.worker is not None:
            for name in filter(None, (result.file, result.pixels)):
                (self.worker.folder / name).unlink(missing_ok=True)

    def _check_silence(self, heard: bool) -> None:
        """Raise WorkerError when the worker has something to do and has said nothing for SILENCE_TIMEOUT_S."""
        now = time.monotonic()
        gap, self._pumped_at = now - self._pumped_at, now
        self._silence = 0.0 if heard or not self.is_busy else self._silence + min(gap, MAX_SILENCE_PER_PUMP_S)
        if self._silence > SILENCE_TIMEOUT_S:
            raise WorkerError("The worker said nothing for {seconds:.0f} seconds and was ended; try again, and choose "
                              "the device CPU where that happens again.", seconds=SILENCE_TIMEOUT_S)

    def _finish(self, job: int, outcome: Result | MidasNormalError) -> None:
        ended = self._pending.pop(job)
        ended.outcome = outcome
        if isinstance(outcome, Result):
            self.surfaces.add(outcome.surface)
        elif isinstance(outcome, SurfaceGone):
            self.surfaces.discard(ended.surface)

    def _stop_worker(self, reason: MidasNormalError, kill: bool = False) -> None:
        """End the worker and all its jobs."""
        worker, self.worker, self.ready = self.worker, None, None
        self._cancelled_ids.clear()
        self.surfaces.clear()
        for job in list(self._pending):
            self._finish(job, reason)
        if worker is not None:
            worker.kill() if kill else worker.close()
