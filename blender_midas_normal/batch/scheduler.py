"""Distribute the work of a run over several workers, one for each graphics card, and keep all of them busy."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from ..client.client import Client, ResultFuture

POLL_INTERVAL_S = 0.002
"""Seconds between two reads of the messages of busy workers."""


class WorkerPool:
    """The clients of a run: at first one, the others when its worker has said which graphics cards there are.

    Attributes:
        clients: those that there are now.
    """

    def __init__(self, size: int | None, gpu: int | None = None) -> None:
        """Create a pool with its first client.

        Args:
            size: the number of workers that it is to have; None for one for each graphics card.
            gpu: of the first client, see `Client`.
        """
        self.clients = [Client(gpu)]
        self._size = size
        self._is_complete = False

    def add_workers(self, print_line: Callable[[str], None]) -> None:
        """Add the other clients as soon as the number of graphics cards is known; call this often.

        Args:
            print_line: called, once, with the reason where a graphics card cannot be used.
        """
        ready = self.clients[0].ready
        if ready is not None and not self._is_complete:
            self._is_complete = True
            if ready.problem:
                print_line(ready.problem)
            count = self._size or max(1, len(ready.gpus))
            self.clients += [Client(gpu=ready.gpus[number % len(ready.gpus)] if ready.gpus else None)
                             for number in range(1, count)]

    def close(self) -> None:
        """End all workers."""
        for client in self.clients:
            client.close()


BatchTask = Generator[ResultFuture, None, None]
"""A piece of work, which yields each job whose outcome it waits for."""

TaskFactory = Callable[[Client], BatchTask]
"""Starts a task with the client that it is assigned to."""


def max_in_flight(client: Client) -> int:
    """Return how many jobs keep a worker busy: a batch being read, a batch in the engine, and a map being written."""
    batch = client.ready.batch if client.ready is not None else 1
    return 2 * batch + 1


def one_in_flight(client: Client) -> int:
    """Return 1: a worker gets one job after the other."""
    return 1


class WorkerQueue:
    """The tasks that are assigned to a client and wait for one of its jobs."""

    def __init__(self, client: Client, max_tasks: Callable[[Client], int]) -> None:
        """Create an empty queue.

        Args:
            max_tasks: returns how many tasks the client may have at a time.
        """
        self._client = client
        self._max_tasks = max_tasks
        self._waiting: list[tuple[ResultFuture, BatchTask]] = []

    @property
    def job(self) -> ResultFuture | None:
        """The oldest job that is waited for."""
        return self._waiting[0][0] if self._waiting else None

    def step(self, factories: Iterator[TaskFactory]) -> bool:
        """Resume the tasks whose jobs have ended and start at most one; tell whether there was anything to do."""
        self._client.pump()
        ended = [(job, task) for job, task in self._waiting if job.outcome is not None]
        self._waiting = [(job, task) for job, task in self._waiting if job.outcome is None]
        for _, task in ended:
            self._resume(task)
        factory = next(factories, None) if len(self._waiting) < self._max_tasks(self._client) else None
        if factory is not None:
            self._resume(factory(self._client))
        return bool(ended) or factory is not None

    def _resume(self, task: BatchTask) -> None:
        job = next(task, None)
        if job is not None:
            self._waiting.append((job, task))


def run_tasks(factories: Iterable[TaskFactory], clients: Sequence[Client], max_tasks: Callable[[Client], int],
              watch: Callable[[ResultFuture | None], None], stopped: Callable[[], bool]) -> None:
    """Run all tasks; an exception that one of them raises ends the run.

    Args:
        clients: the list may grow meanwhile.
        max_tasks: returns how many tasks a client may have at a time.
        watch: called often with a job that is waited for.
        stopped: called often; the run ends early when it returns true.
    """
    queues: list[WorkerQueue] = []
    remaining = iter(factories)
    while not stopped():
        queues += [WorkerQueue(client, max_tasks) for client in clients[len(queues):]]
        has_moved = [queue.step(remaining) for queue in queues]
        watch(next((queue.job for queue in queues if queue.job is not None), None))
        if not any(has_moved):
            if all(queue.job is None for queue in queues):
                return
            time.sleep(POLL_INTERVAL_S)
