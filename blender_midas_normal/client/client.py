"""The client: starts the worker, sends requests to it, and completes each with exactly one result or exception."""

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
"""Seconds within which a new worker must send Hello."""

SILENCE_TIMEOUT_S = 120.0
"""Seconds without a message after which a busy worker counts as stuck; one that works sends a message at least every 10
seconds (`worker/channel.py`)."""

MAX_SILENCE_PER_PUMP_S = 1.0
"""The most silence in seconds that one call of `pump` counts, since this process may have been suspended before it."""


@dataclass
class ResultFuture:
    """A request that was sent, and its result when that has arrived.

    Attributes:
        id: number of the request.
        surface: key of the cached surface that the request names, "" where it names a picture.
        stage: name of the stage that the worker is in.
        share: how much of that stage is done, 0..1.
        started: when the request was sent, in seconds of `time.monotonic`.
        outcome: None as long as the request is pending, then its result or the exception in its place.
    """

    id: int
    surface: str = ""
    stage: str = "start"
    share: float = 0.0
    started: float = field(default_factory=time.monotonic)
    outcome: Result | MidasNormalError | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the request was sent."""
        return time.monotonic() - self.started

    def result(self) -> Result:
        """Return the result, or raise the exception in its place; call this only when there is an outcome."""
        if isinstance(self.outcome, MidasNormalError):
            raise self.outcome
        assert self.outcome is not None
        return self.outcome


class Client:
    """The client of one worker process, which is started when it is needed and again after it has ended.

    No method blocks, except `wait`; call `pump` often while jobs are pending.

    Attributes:
        gpu: index of the graphics card that the worker may use, among those that are visible; None for any.
        worker: the running process, None where there is none.
        ready: the worker's message about its engines and devices, None until it has arrived.
        surfaces: keys of the surfaces that the worker has in its cache, as far as known.
    """

    def __init__(self, gpu: int | None = None) -> None:
        """Create a client without a worker.

        Args:
            gpu: see the attribute.
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
        """Whether the worker has work: a pending job, or a cancelled one that it has not given up yet."""
        return bool(self._pending or self._cancelled_ids)

    def is_draining(self, job: ResultFuture) -> bool:
        """Tell whether the worker has not given up a cancelled job yet."""
        return job.id in self._cancelled_ids

    @property
    def is_running(self) -> bool:
        return self.worker is not None

    def prepare(self, launch: Launch) -> Path:
        """Start a worker that can do what the launch asks for, unless one runs.

        A running worker that cannot do so is ended; its jobs fail.

        Returns:
            The exchange folder, in which files are passed to and from the worker.

        Raises:
            WorkerError: the worker cannot be started.
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
        """Create an empty file for pixels in the exchange folder; raise WorkerError where that fails."""
        folder = self._running_worker().folder
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix="pixels_", delete=False) as file:
                return Path(file.name)
        except OSError as error:
            raise WorkerError("The picture cannot be handed over in {folder}: {reason}.", folder=folder,
                              reason=reason_of(error)) from None

    def submit(self, request: Request) -> ResultFuture:
        """Send a request to the worker that `prepare` started; its id is replaced by a new one.

        Returns:
            The job, which has failed already where the worker has ended.
        """
        job = ResultFuture(next(self._ids), request.surface or "")
        self._pending[job.id] = job
        self._send(dataclasses.replace(request, id=job.id))
        return job

    def cancel(self, job: ResultFuture) -> None:
        """End a job as cancelled and tell the worker to give it up; called again for the same job, kill the worker."""
        if job.id in self._cancelled_ids:
            self._stop_worker(WorkerError("The worker was stopped."), kill=True)
        elif job.id in self._pending:
            self._set_outcome(job.id, Cancelled("Cancelled."))
            self._cancelled_ids.add(job.id)
            self._send(Cancel(job.id))

    def pump(self) -> None:
        """Handle the messages that have arrived, without blocking; raises nothing, since errors are the outcomes of jobs."""
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
        """Block until a job has an outcome; return its result or raise the exception in its place.

        Args:
            timeout: seconds after which the job is cancelled and WorkerError raised; None for no limit.
            watch: called with the job after each `pump`.
        """
        while job.outcome is None:
            self.sleep_and_pump()
            watch(job)
            if timeout is not None and job.outcome is None and job.elapsed > timeout:
                self.cancel(job)
                raise WorkerError("The worker did not answer within {seconds:.0f} seconds.", seconds=timeout)
        return job.result()

    def sleep_and_pump(self) -> None:
        """Sleep for 2 ms, so that the worker can use the processor, then call `pump`."""
        time.sleep(0.002)
        self.pump()

    def take_map_file(self, result: Result) -> Path:
        """Return the path of a result's map file; the caller moves or removes it.

        Raises:
            WorkerError: the file is gone or damaged.
        """
        return find_map_file(self._running_worker().folder, result)

    @contextmanager
    def open_result_files(self, result: Result) -> Iterator[ResultFiles]:
        """Open the files of a result and remove them after the `with` block; raise WorkerError when they are gone."""
        try:
            png, pixels = self.take_map_file(result), find_pixels_file(self._running_worker().folder, result)
            with pixels.open("rb") if pixels is not None else nullcontext() as pixels_file:
                yield ResultFiles(png.read_bytes(), pixels_file, result.checksum)
        finally:
            self._remove_files(result)

    def close(self) -> None:
        """End the worker, by killing it when it is busy; pending jobs end as cancelled."""
        self._stop_worker(Cancelled("The worker was closed."), kill=self.is_busy)

    def _send(self, message: PipeMessage) -> None:
        try:
            self._running_worker().send(message)
        except WorkerError as error:
            self._stop_worker(error, kill=True)

    def handle(self, message: PipeMessage) -> None:
        """Handle one message of the worker."""
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
            self._complete(message.id, error_from_kind(message.kind, message.text))
        elif isinstance(message, Result):
            if message.id not in self._pending:
                self._remove_files(message)
            self._complete(message.id, message)
        else:
            raise ProtocolError("A worker does not send {kind}.", kind=type(message).__name__)

    def _complete(self, id: int, outcome: Result | MidasNormalError) -> None:
        """Give a job its outcome, unless it was cancelled; in both cases the worker is done with it."""
        if id in self._pending:
            self._set_outcome(id, outcome)
        self._cancelled_ids.discard(id)

    def _running_worker(self) -> WorkerProcess:
        """Return the worker; raise WorkerError when it has ended."""
        if self.worker is None:
            raise WorkerError(RESULT_GONE)
        return self.worker

    def _remove_files(self, result: Result) -> None:
        """Remove the files of a result; a worker that has ended has removed its folder."""
        if self.worker is not None:
            for name in filter(None, (result.file, result.pixels)):
                (self.worker.folder / name).unlink(missing_ok=True)

    def _check_silence(self, has_sent: bool) -> None:
        """Raise WorkerError when a busy worker has sent nothing for SILENCE_TIMEOUT_S."""
        now = time.monotonic()
        gap, self._pumped_at = now - self._pumped_at, now
        self._silence = 0.0 if has_sent or not self.is_busy else self._silence + min(gap, MAX_SILENCE_PER_PUMP_S)
        if self._silence > SILENCE_TIMEOUT_S:
            raise WorkerError("The worker said nothing for {seconds:.0f} seconds and was ended; try again, and choose "
                              "the device CPU where that happens again.", seconds=SILENCE_TIMEOUT_S)

    def _set_outcome(self, id: int, outcome: Result | MidasNormalError) -> None:
        job = self._pending.pop(id)
        job.outcome = outcome
        if isinstance(outcome, Result) and outcome.surface:
            self.surfaces.add(outcome.surface)
        elif isinstance(outcome, SurfaceGone):
            self.surfaces.discard(job.surface)

    def _stop_worker(self, reason: MidasNormalError, kill: bool = False) -> None:
        """End the worker and all its jobs."""
        worker, self.worker, self.ready = self.worker, None, None
        self._cancelled_ids.clear()
        self.surfaces.clear()
        for id in list(self._pending):
            self._set_outcome(id, reason)
        if worker is not None:
            worker.kill() if kill else worker.close()
