"""The worker's main loop: answers requests, reading the next one and writing the last one while an engine works."""

from __future__ import annotations

import io
import os
import platform
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import NO_MESSAGE, Cancelled, Message, MidasNormalError, shorten_message
from ..core.files import redact_home
from ..core.protocol import VERSION, Error, Hello, Progress, Ready, Result
from ..core.settings import Settings
from . import memory
from .channel import Channel, Inbox
from .devices import (
    auto_device,
    default_batch_size,
    describe_device,
    device_problem,
    empty_cache,
    torch_version,
    usable_gpus,
)
from .engines import EngineOptions, EngineRegistry
from .inputs import LoadedInputs, load_inputs
from .memory import TOO_LITTLE_MEMORY, available_bytes, is_out_of_memory
from .outputs import write_map
from .pipeline import MapPipeline
from .rectification import rectify_picture, write_rectified
from .review_sheet import draw_review, write_review

if TYPE_CHECKING:
    from .channel import Job
    from .engines import Report
    from .outputs import WrittenFiles
    from .pipeline import PendingMap, RenderedMap

MAX_ERROR_CHARACTERS = 5000
"""Longest text in an error, in characters: more than the longest path has."""

READ_AHEAD_BYTES = 256 << 20
"""Bytes of pictures that wait for the engine, from which on no further one is read."""

CACHE_IDLE_S = 2.0
"""Seconds without a request after which memory of the device is released that torch keeps for the next pass: Blender may
want to render on the same card, and to allocate it again takes milliseconds."""

REMOVE_ATTEMPTS = 20
"""How often removing the exchange folder is tried, should another thread write into it meanwhile."""


class InputReader:
    """Reads the inputs of jobs in a thread, ahead of the engine but not many at once: pictures can be large."""

    def __init__(self, folder: Path, channel: Channel) -> None:
        self._folder = folder
        self._channel = channel
        self._thread = ThreadPoolExecutor(1, "reading")
        self._ahead = 1
        self._waiting: dict[Job, int] = {}
        self._changed = threading.Condition()

    def read_ahead(self, count: int) -> None:
        """Read up to `count` pictures ahead, fewer where they take READ_AHEAD_BYTES."""
        with self._changed:
            self._ahead = count
            self._changed.notify()

    def submit(self, job: Job) -> None:
        """Have the inputs of a job read; call this for each job, from any thread."""
        job.inputs = self._thread.submit(self._read, job)

    def result(self, job: Job) -> LoadedInputs:
        """Wait for the inputs of a job and return them, or raise what reading them raised; call this once for each job."""
        try:
            return job.inputs.result()
        finally:
            with self._changed:
                del self._waiting[job]
                self._changed.notify()

    def _read(self, job: Job) -> LoadedInputs:
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._waiting[job] = 0
        with job.clock.stage("read"):
            inputs = load_inputs(job.request, self._folder, make_reporter(job, self._channel))
        self._waiting[job] = inputs.nbytes
        return inputs

    def _has_room(self) -> bool:
        return not self._waiting or (len(self._waiting) < self._ahead and sum(self._waiting.values()) < READ_AHEAD_BYTES)


class RequestLoop:
    """Answers jobs: sends exactly one terminal message for each, whatever happens."""

    def __init__(self, pipeline: MapPipeline, reader: InputReader, folder: Path, channel: Channel) -> None:
        self._pipeline = pipeline
        self._reader = reader
        self._folder = folder
        self._channel = channel
        self._thread = ThreadPoolExecutor(1, "writing")
        self._last: Future[None] = Future()
        self._last.set_result(None)

    def answer(self, jobs: Sequence[Job]) -> None:
        """Render the jobs' maps, each of which is written and sent while the next one is rendered."""
        pending_maps: list[tuple[Job, PendingMap]] = []
        for job in jobs:
            with self._send_errors(job):
                inputs, report = self._reader.result(job), make_reporter(job, self._channel)
                if job.request.rectify is not None:
                    self._rectify(job, inputs, report)
                    continue
                if job.request.review:
                    self._review(job, inputs)
                    continue
                pending_maps.append((job, self._pipeline.prepare(job.request, inputs, report, job.clock)))
        ready_maps = self._infer([pending for _, pending in pending_maps])
        for (job, _), pending in zip(pending_maps, ready_maps, strict=True):
            with self._send_errors(job):
                rendered = self._pipeline.render(pending)
                self.finish()
                self._last = self._thread.submit(self._write, job, rendered)

    def finish(self) -> None:
        """Wait until the last job has been answered."""
        self._last.result()

    def _infer(self, pending_maps: Sequence[PendingMap]) -> Sequence[PendingMap]:
        """Run the engine on several pictures at once; where that fails, each runs alone later and has its own error."""
        try:
            return self._pipeline.infer(pending_maps)
        except Cancelled:
            return pending_maps  # all are cancelled; each is answered so when it is rendered
        except Exception:  # noqa: BLE001 - memory ran short, for one; what is wrong with a picture alone is its answer
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
            return pending_maps

    def _write(self, job: Job, rendered: RenderedMap) -> None:
        with self._send_errors(job):
            report = make_reporter(job, self._channel)
            report("write", 0.0)
            with job.clock.stage("encode"), write_map(rendered.map, job.request, self._folder) as files:
                result = _make_result(job, rendered, files)
            self._channel.send(result)

    def _rectify(self, job: Job, inputs: LoadedInputs, report: Report) -> None:
        """Answer a request for a rectified picture."""
        with job.clock.stage("rectify"):
            rectified = rectify_picture(inputs.picture, job.request, report)
        with job.clock.stage("encode"), write_rectified(rectified, self._folder) as file:
            height, width = rectified.pixels.shape[:2]
            self._channel.send(Result(job.request.id, file, width, height, engine="", device="", why=NO_MESSAGE, surface="",
                                      seconds=job.clock.seconds, notes=[rectified.note]))

    def _review(self, job: Job, inputs: LoadedInputs) -> None:
        """Answer a request for small pictures of a finished map."""
        with job.clock.stage("review"):
            sheet = draw_review(inputs, job.request)
        with write_review(sheet, self._folder) as file:
            height, width = sheet.pixels.shape[:2]
            self._channel.send(Result(job.request.id, file, width, height, engine="", device="", why=NO_MESSAGE, surface="",
                                      seconds=job.clock.seconds, notes=sheet.notes))

    @contextmanager
    def _send_errors(self, job: Job) -> Iterator[None]:
        """Send what is raised in the `with` block as the job's answer."""
        request = job.request.id
        try:
            yield
        except MidasNormalError as error:
            self._channel.send(Error(request, type(error).__name__, shorten_message(error.message, MAX_ERROR_CHARACTERS)))
        except Exception as error:  # noqa: BLE001 - any error of a library is logged and sent; the worker goes on
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
            self._channel.send(Error(request, "EngineError", _unexpected_error(error)))


def _make_result(job: Job, rendered: RenderedMap, files: WrittenFiles) -> Result:
    device = describe_device(rendered.device) if rendered.device else ""
    return Result(job.request.id, files.map, rendered.width, rendered.height, rendered.engine, device, rendered.why,
                  rendered.surface, job.clock.seconds, list(rendered.notes), files.pixels, files.checksum,
                  rendered.map.scale, rendered.range)


def make_reporter(job: Job, channel: Channel) -> Report:
    """Return a function that reports a job's progress to the client; it raises Cancelled once the job is cancelled."""
    def report(stage: str, share: float) -> None:
        if job.cancelled:
            raise Cancelled("The request was cancelled.")
        channel.send(Progress(job.request.id, stage, float(share)))

    return report


def _unexpected_error(error: Exception) -> Message:
    if is_out_of_memory(error):
        return TOO_LITTLE_MEMORY
    return Message("The engine failed ({error}: {reason}); the log has the details.", error=type(error).__name__,
                   reason=_first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0][:200]


def serve(folder: Path, weights: Path, without_midas: Message, idle_seconds: float, batch: int = 0) -> None:
    """Answer requests until the client goes, or none has come for twice `idle_seconds`.

    After CACHE_IDLE_S without requests, memory of the device that no network uses is released.

    Args:
        folder: the exchange folder, which belongs to this worker and its client, and is removed when the worker ends.
        weights: the folder of weights.
        without_midas: "" or the message that says why the engines of the MiDaS environment cannot run in this process.
        idle_seconds: after one such time without requests engines are unloaded, after the second the process ends.
        batch: pictures in one batch of the MiDaS network; 0 for the device's default.
    """
    redact_standard_error()
    memory.preallocate_blas()
    channel = Channel(on_close=lambda: _end_process(folder))
    channel.send(Hello(VERSION, os.getpid(), platform.python_version()))
    reader = InputReader(folder, channel)
    inbox = Inbox(on_close=lambda: _end_process(folder), begin=reader.submit)
    engines = EngineRegistry(EngineOptions(weights, without_midas, batch))
    torch = torch_version()
    device = auto_device() if torch else "cpu"
    batch_size = batch or default_batch_size(device)
    reader.read_ahead(batch_size)
    problem = device_problem()
    if problem:
        print(problem, file=sys.stderr)
    channel.send(Ready(engines.unavailable(Settings()), describe_device(device), torch, available_bytes(device),
                       usable_gpus(), batch_size, problem))
    pipeline = MapPipeline(engines)
    loop = RequestLoop(pipeline, reader, folder, channel)

    def end() -> None:
        loop.finish()
        _end_process(folder)

    cache_idle = min(CACHE_IDLE_S, idle_seconds / 2)
    idle_steps = ((cache_idle, lambda: empty_cache(device)), (idle_seconds - cache_idle, pipeline.unload),
                  (idle_seconds, end))
    idle_step = 0
    while True:
        seconds, release = idle_steps[idle_step]
        jobs = inbox.next_jobs(seconds, batch_size)
        if jobs:
            idle_step = 0
            loop.answer(jobs)
        else:
            idle_step += 1
            release()


class RedactedLog(io.TextIOWrapper):
    """A text stream that replaces the user's home folder and writes at once."""

    def write(self, text: str) -> int:
        super().write(redact_home(text))
        return len(text)


def redact_standard_error() -> None:
    """Redact what Python prints to standard error, on a copy of its descriptor; see `decoding.silent_libraries`."""
    sys.stderr = RedactedLog(io.FileIO(os.dup(2), "w"), "utf-8", "backslashreplace", write_through=True)


def _end_process(folder: Path) -> None:
    """Remove the exchange folder and end the process at once, from any thread."""
    for _ in range(REMOVE_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.01)  # another thread was just writing a file there
    os._exit(0)
