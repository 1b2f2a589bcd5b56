"""What each process of a Dask cluster does in a run: it keeps one worker with its model, and makes the sets it is given.

The functions here are those that the process which started the run has Dask call (see dask_cluster).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import __version__
from ..client.client import ResultFuture
from ..client.launch import Launch, choose_launch, this_python, user_paths
from .api import IDLE_SECONDS, WITHOUT_MIDAS, items_of_files, run_sets
from .inputs import InputFile, Inputs
from .options import BatchOptions
from .report import Record
from .runner import BatchRunner
from .scheduler import WorkerPool


@dataclass(frozen=True)
class ClusterJob:
    """What the processes of a cluster have to know of a run.

    Attributes:
        run: tells it from other runs.
        pictures: with absolute paths.
        titles: what messages call each.
        options: with absolute paths.
        launch: how to start workers; None where each machine finds that out itself.
        weights: the folder of weights, on each machine; None for the one in the user's data folder.
        gpus: the graphics cards of this machine, which its processes share out; empty where Dask's processes were given
            theirs by CUDA_VISIBLE_DEVICES.
    """

    run: str
    pictures: tuple[InputFile, ...]
    titles: tuple[str, ...]
    options: BatchOptions
    launch: Launch | None
    weights: Path | None
    gpus: tuple[int, ...]


@dataclass(frozen=True)
class TaskResult:
    """What became of some sets.

    Attributes:
        records: those of each set; None for a set that was not finished, because the run was stopped.
        lines: what was reported meanwhile: whether it is an error, and the text.
        seconds: how long it took.
    """

    records: list[list[Record] | None]
    lines: list[tuple[bool, str]]
    seconds: float


@dataclass
class _LineCollector:
    """A reporter that keeps the lines, for the process that started the run."""

    lines: list[tuple[bool, str]] = field(default_factory=list)

    def print_line(self, line: str) -> None:
        self.lines.append((False, line))

    def print_error(self, line: str) -> None:
        self.lines.append((True, line))

    def show_progress(self, job: ResultFuture | None, finished: int, total: int) -> None:
        """Show nothing: the process that started the run has the bar."""

    def clear(self) -> None:
        """Nothing to remove."""


class _ProcessRun:
    """What one of Dask's processes keeps during a run: a worker with its model, and the records of the output folder."""

    def __init__(self, job: ClusterJob, number: int) -> None:
        """Prepare for a run.

        Args:
            number: of the process among those of this machine.

        Raises:
            EngineUnavailable: the engine cannot run on this machine.
        """
        _remove_limits()
        options = job.options
        launch = job.launch or choose_launch(options.settings, user_paths(options.out, job.weights), this_python(),
                                             IDLE_SECONDS, WITHOUT_MIDAS)
        items = items_of_files(Inputs(list(job.pictures)), options)
        items = [replace(item, title=title) for item, title in zip(items, job.titles, strict=True)]
        self.run = job.run
        self._reporter = _LineCollector()
        self._runner = BatchRunner(items, options, launch, self._reporter)
        self._pool = WorkerPool(1, job.gpus[number % len(job.gpus)] if job.gpus else None)

    def make(self, numbers: Sequence[int]) -> TaskResult:
        """Make the maps of the sets with these numbers."""
        start = time.monotonic()
        sets = [self._runner.begin_set(number) for number in numbers]
        run_sets(self._runner, sets, self._pool, self._reporter, lambda: self.run in _stopped_runs)
        lines, self._reporter.lines = self._reporter.lines, []
        return TaskResult([[record for picture in pictures for record in picture.records]
                           if all(picture.is_done for picture in pictures) else None for pictures in sets], lines,
                          time.monotonic() - start)

    def close(self) -> None:
        self._pool.close()
        self._runner.close()


def _remove_limits() -> None:
    """Remove the environment variables that Dask gives its processes.

    They limit arithmetic to one thread and give memory back at once, which slows our worker down to less than half.
    """
    import dask.config

    for name, value in dask.config.get("distributed.nanny.pre-spawn-environ", {}).items():
        if os.environ.get(name) == str(value):
            del os.environ[name]


_current: _ProcessRun | None = None
_stopped_runs: set[str] = set()
_lock = threading.Lock()
"""State of one of Dask's processes; held while it makes maps, since it may have several threads."""


def make_sets(job: ClusterJob, numbers: Sequence[int]) -> TaskResult:
    """Make the maps of some sets, in one of Dask's processes."""
    global _current
    with _lock:
        if _current is None or _current.run != job.run:
            _close_run()
            _current = _ProcessRun(job, _process_number())
        return _current.make(numbers)


def _process_number() -> int:
    from distributed import get_worker

    name = get_worker().name
    return name if isinstance(name, int) else 0


def _close_run() -> None:
    global _current
    ending, _current = _current, None
    if ending is not None:
        ending.close()


def stop_run(run: str) -> None:
    """Let a run end in one of Dask's processes before its maps are all made."""
    _stopped_runs.add(run)


def end_run(run: str) -> None:
    """End the worker and close the records of a run in one of Dask's processes."""
    _stopped_runs.add(run)
    with _lock:
        if _current is not None and _current.run == run:
            _close_run()


def dask_setup(worker: object) -> None:
    """Let Dask's processes on this machine leave Ctrl+C to the one that started the run; Dask calls this in each of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def program_version() -> str:
    """Return the version of this program in one of Dask's processes."""
    return __version__
