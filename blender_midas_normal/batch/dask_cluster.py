"""Run a batch on a Dask cluster: share its sets out among Dask's processes, some at a time, and collect the records.

Whole sets go to one process; the maps are written by the processes themselves (see dask_process), so that only records come
back.  Where a process or its machine ends, Dask gives the sets that it had to another one, which makes their maps again.
"""

from __future__ import annotations

import logging
import math
import queue
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..client.client import Client
from ..client.launch import Launch
from ..core.errors import EngineUnavailable, InstallError, Message, MidasNormalError, Phrase, WorkerError
from ..core.files import resolve_path
from . import dask_process
from .api import BatchResult, pool_size, report_unusable
from .dask_process import ClusterJob, end_run, make_sets, program_version, stop_run
from .inputs import InputFile, Inputs
from .options import LOCAL_CLUSTER, BatchOptions
from .pictures import BatchItem, ItemSet
from .report import FAILED, Record, Reporter
from .runner import chosen_sets

TASK_SECONDS = 10.0
"""Seconds that a process should take for the pictures that it gets at a time: enough to keep its engine busy, and not much
to make again where it ends."""

FIRST_PICTURES, MAX_PICTURES = 2, 64
"""Pictures of a task before it is known how long they take, and at most."""

TASKS_PER_PROCESS = 2
"""Tasks that each process has: one that it works on, and the next."""

MAX_REASON = 200
"""Characters of what Dask says that a message repeats."""

QUIET_PROCESSES = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "500 ms"}
"""Settings of Dask for processes on this machine: by default each looks a hundred times a second at what it does."""

LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application")
"""Loggers with which Dask prints to the standard error."""

CONNECT_TIMEOUT_S = 60.0
"""Seconds for which the scheduler, and then its first process, is waited for."""

STOP_TIMEOUT_S = 10.0
"""Seconds for which the processes may finish what they do after Ctrl+C."""

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at what else may have happened, while nothing has been finished."""

SCHEDULER_LOST = Message("The Dask scheduler was restarted or cannot be reached any more; the maps that are finished are "
                         "there.")


def run_on_dask(items: Collection[BatchItem], options: BatchOptions, launch: Launch | None, weights: Path | None,
                inputs: Inputs, reporter: Reporter, stopped: Callable[[], bool] = lambda: False) -> BatchResult:
    """Make the maps of all items, as `run_batch` does, on the cluster that the options name.

    Args:
        launch: how to start workers, of a cluster on this machine.
        weights: see `ClusterJob`.

    Raises:
        InstallError: Dask is not installed.
        EngineUnavailable: the engine cannot run on one of the machines.
        WorkerError: there is no cluster, or it has another version of this program.
    """
    report_unusable(inputs, reporter)
    sets, _ = chosen_sets(items, options)
    for each in sets:
        if len(each.members) > 1:
            reporter.print_line(each.sentence)
    out = resolve_path(options.out)
    pictures = tuple(InputFile(resolve_path(each.file), each.folder, each.line) for each in inputs.pictures)
    with _connected(options, launch) as (cluster, gpus):
        job = ClusterJob(secrets.token_hex(8), pictures, tuple(item.title for item in items),
                         replace(options, out=out), launch, weights and resolve_path(weights), gpus)
        records = _Run(cluster, job, sets, reporter, stopped).records()
    failed = [Record(folder, FAILED, error=sentence) for folder, sentence in inputs.unusable_folders.items()]
    made = [_as_given(record, out, options.out) for number in sorted(records) for record in records[number]]
    not_tried = sum(len(each.members) for number, each in enumerate(sets) if number not in records)
    return BatchResult(failed + made, [each.missing_message for each in sets if each.missing_message], not_tried)


def _as_given(record: Record, out: Path, given: Path) -> Record:
    """Return a record whose map's path begins with the output folder as it was given."""
    return replace(record, output=str(given / Path(record.output).relative_to(out))) if record.output else record


class _SchedulerLost(Exception):
    """The scheduler was restarted, or cannot be reached any more."""


@contextmanager
def _calling_scheduler() -> Iterator[None]:
    """Raise _SchedulerLost where a call to Dask fails because of the connection; what a task raised is no such failure."""
    from distributed.client import ClosedClientError

    try:
        yield
    except (OSError, TimeoutError, CancelledError, ClosedClientError) as error:
        raise _SchedulerLost from error


class _Run:
    """A run on a cluster, as the process sees it that started it."""

    def __init__(self, cluster: Any, job: ClusterJob, sets: Sequence[ItemSet], reporter: Reporter,
                 stopped: Callable[[], bool]) -> None:
        """Prepare a run, and give the job to the cluster.

        Args:
            cluster: a connected `distributed.Client`.
        """
        self._cluster = cluster
        self._run = job.run
        self._sets = sets
        self._reporter = reporter
        self._stopped = stopped
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._shares = Shares(sets)
        self._pending: dict[Any, list[int]] = {}
        self._records: dict[int, list[Record]] = {}
        self._finished = 0
        # A task of its own, which Dask runs again where the process that had its result has ended.
        self._job_future = cluster.submit(_same, job, key=f"midas-normal-{job.run}", pure=False)

    def records(self) -> dict[int, list[Record]]:
        """Make the maps; return the records by the number of the set, without sets that were not finished.

        Raises:
            MidasNormalError: that one of the processes has raised, which others would raise, too.
        """
        try:
            self._collect()
        except _SchedulerLost:
            self._reporter.print_error(SCHEDULER_LOST)
        finally:
            self._on_all_processes(end_run)
        return self._records

    def _submit_more(self) -> None:
        """Give all processes that there are now enough to do."""
        with _calling_scheduler():
            processes = max(1, len(self._cluster.scheduler_info(n_workers=-1)["workers"]))
        while len(self._pending) < TASKS_PER_PROCESS * processes and (numbers := self._shares.take(processes)):
            self._submit(numbers)

    def _submit(self, numbers: list[int]) -> None:
        with _calling_scheduler():
            future = self._cluster.submit(make_sets, self._job_future, numbers, pure=False,
                                          key=f"midas-normal-{self._run}-{numbers[0]}-{len(numbers)}")
        self._pending[future] = numbers
        future.add_done_callback(self._ended.put)

    def _collect(self) -> None:
        deadline = math.inf
        self._submit_more()
        while self._pending:
            if deadline == math.inf and self._stopped():
                deadline = time.monotonic() + STOP_TIMEOUT_S
                self._on_all_processes(stop_run)
            if time.monotonic() > deadline:
                return
            with suppress(queue.Empty):
                future = self._ended.get(timeout=POLL_INTERVAL_S)
                numbers = self._pending.pop(future)
                if future.status in ("cancelled", "lost"):
                    raise _SchedulerLost
                self._take(future, numbers)
                if deadline == math.inf:
                    self._submit_more()
            self._reporter.show_progress(None, self._finished, sum(len(each.members) for each in self._sets))

    def _take(self, future: Any, numbers: list[int]) -> None:
        """Take the result of a task, which Dask need not keep any longer then."""
        with _calling_scheduler():
            error = future.exception()
            result: Any = future.result() if error is None else None
        if isinstance(error, MidasNormalError):
            raise error
        if error is not None and len(numbers) > 1:  # one of them alone may have ended the processes
            for number in numbers:
                self._submit([number])
        elif error is not None:
            self._fail(numbers[0], error)
        else:
            for is_error, line in result.lines:
                (self._reporter.print_error if is_error else self._reporter.print_line)(line)
            for number, records in zip(numbers, result.records, strict=True):
                if records is not None:
                    self._set_records(number, records)
            self._shares.learn(sum(len(self._sets[number].members) for number in numbers), result.seconds)

    def _fail(self, number: int, error: BaseException) -> None:
        sentence = Message("Its worker on the cluster ended ({error}: {reason}).", error=type(error).__name__,
                           reason=str(error)[:MAX_REASON])
        titles = [item.title for _, item in self._sets[number].members]
        for title in titles:
            self._reporter.print_error(f"{title}: error: {sentence}")
        self._set_records(number, [Record(title, FAILED, error=sentence) for title in titles])

    def _set_records(self, number: int, records: list[Record]) -> None:
        self._records[number] = records
        self._finished += len(self._sets[number].members)

    def _on_all_processes(self, function: Callable[[str], None]) -> None:
        """Call a function in all of Dask's processes that can be reached."""
        if self._cluster.status == "running":
            with suppress(OSError, TimeoutError):
                self._cluster.run(function, self._run, on_error="ignore")


def _same(job: ClusterJob) -> ClusterJob:
    return job


class Shares:
    """Shares the sets of a run out, so many at a time as take about TASK_SECONDS, and fewer towards the end."""

    def __init__(self, sets: Sequence[ItemSet]) -> None:
        self._sizes = [len(each.members) for each in sets]
        self._next = 0
        self._left = sum(self._sizes)
        self._pictures = FIRST_PICTURES

    def take(self, processes: int) -> list[int]:
        """Return the numbers of the next sets, none when all are shared out.

        Args:
            processes: how many there are, which should all end at about the same time.
        """
        wanted = min(self._pictures, math.ceil(self._left / (2 * processes)))
        first, pictures = self._next, 0
        while self._next < len(self._sizes) and pictures < wanted:
            pictures += self._sizes[self._next]
            self._next += 1
        self._left -= pictures
        return list(range(first, self._next))

    def learn(self, pictures: int, seconds: float) -> None:
        """Take in how long some pictures took."""
        self._pictures = min(max(1, round(pictures * TASK_SECONDS / max(seconds, 1e-3))), MAX_PICTURES)


@contextmanager
def _connected(options: BatchOptions, launch: Launch | None) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Yield a `distributed.Client`, and the graphics cards of this machine where its processes have to share them out."""
    try:
        import dask.config
        import distributed
    except ImportError:
        raise InstallError("--on needs Dask; install this package with its extra farm, as in pip install '.[farm]'."
                           ) from None
    for name in LOGGERS:
        logging.getLogger(name).handlers = [logging.NullHandler()]  # what went wrong is said once, in the report
    with ExitStack() as stack:
        if options.on == LOCAL_CLUSTER:
            assert launch is not None
            gpus = _graphics_cards(launch)
            stack.enter_context(dask.config.set(QUIET_PROCESSES))
            cluster = stack.enter_context(distributed.LocalCluster(
                n_workers=pool_size(options) or max(1, len(gpus)), threads_per_worker=1, processes=True, host="127.0.0.1",
                dashboard_address="127.0.0.1:0", memory_limit=0, preload=[dask_process.__name__],
                silence_logs=logging.CRITICAL))
            address, advice = cluster.scheduler_address, "try it with --jobs"
        else:
            gpus = ()
            address = f"tcp://{options.on.removeprefix('dask://')}"
            advice = "start it, and its workers, as docs/farm.md says"
        try:
            client = stack.enter_context(distributed.Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False))
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            raise WorkerError("The Dask cluster {address} cannot be used: {reason}; {advice}.", address=address,
                              reason=str(error)[:MAX_REASON], advice=advice) from None
        _check_versions(client)
        yield client, gpus


def _check_versions(client: Any) -> None:
    """Raise WorkerError where one of the cluster's processes lacks this program, or has another version of it."""
    try:  # the scheduler needs it, too, since it reads what it passes on
        versions = {"scheduler": client.run_on_scheduler(program_version)}
    except (ImportError, AttributeError) as error:
        versions = {"scheduler": error}
    versions |= client.run(program_version, on_error="return")
    for process, version in versions.items():
        if version != __version__:
            raise WorkerError("The Dask process {process} has {found}, this one {version}; install the same for all.",
                              process=process, version=__version__,
                              found=version if isinstance(version, str) else Phrase("no midas-normal"))


def _graphics_cards(launch: Launch) -> tuple[int, ...]:
    """Ask a worker which graphics cards this machine has."""
    client = Client()
    try:
        client.prepare(launch)
        while client.ready is None and client.is_running:
            client.sleep_and_pump()
        if client.ready is None:
            raise EngineUnavailable("The worker cannot be started; its log is {log}.", log=launch.log)
        return tuple(client.ready.gpus)
    finally:
        client.close()
