"""Share the work of a run among several workers, each with a graphics card of its own and always something to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from ..client.client import Client, ResultFuture

POLL = 0.002
"""Seconds between two looks at workers that are busy."""


class WorkerPool:
    """At first one client; the others when its worker has said how many graphics cards there are.

    wanted: how many there are to be; None for one for each graphics card.
    """

    def __init__(self, wanted: int | None) -> None:
        self.clients = [Client()]
        self._wanted = wanted
        self._is_complete = False

    def complete(self, say: Callable[[str], None]) -> None:
        """Calls the others as soon as it is known how many; call this now and then.

        say is told, once, why a graphics card that is there cannot be used.
        """
        ready = self.clients[0].ready
        if ready is not None and not self._is_complete:
            self._is_complete = True
            if ready.problem:
                say(ready.problem)
            count = self._wanted or max(1, len(ready.gpus))
            self.clients += [Client(gpu=ready.gpus[number % len(ready.gpus)] if ready.gpus else None)
                             for number in range(1, count)]

    def close(self) -> None:
        """Ends all workers."""
        for client in self.clients:
            client.close()


Task = Generator[ResultFuture, None, None]
"""A piece of work that yields each job that it waits for."""

TaskFactory = Callable[[Client], Task]


def max_in_flight(client: Client) -> int:
    """Jobs that keep a worker busy: pictures that it reads ahead, as many in its engine, and the map that it writes."""
    batch = client.ready.batch if client.ready is not None else 1
    return 2 * batch + 1


def one(client: Client) -> int:
    """One job after the other."""
    return 1


class WorkerQueue:
    """A client, and the tasks that wait for it; at_once: how many there may be."""

    def __init__(self, client: Client, at_once: Callable[[Client], int]) -> None:
        self._client = client
        self._at_once = at_once
        self._waiting: list[tuple[ResultFuture, Task]] = []

    @property
    def job(self) -> ResultFuture | None:
        """The job that came first of those that are waited for."""
        return self._waiting[0][0] if self._waiting else None

    def step(self, beginnings: Iterator[TaskFactory]) -> bool:
        """Goes on with the tasks whose jobs have ended, and begins at most one; whether there was anything to do."""
        self._client.pump()
        ended = [(job, task) for job, task in self._waiting if job.outcome is not None]
        self._waiting = [(job, task) for job, task in self._waiting if job.outcome is None]
        for _, task in ended:
            self._go_on(task)
        beginning = next(beginnings, None) if len(self._waiting) < self._at_once(self._client) else None
        if beginning is not None:
            self._go_on(beginning(self._client))
        return bool(ended) or beginning is not None

    def _go_on(self, task: Task) -> None:
        job = next(task, None)
        if job is not None:
            self._waiting.append((job, task))


def run_tasks(beginnings: Iterable[TaskFactory], clients: Sequence[Client], at_once: Callable[[Client], int],
              watch: Callable[[ResultFuture | None], None], stopped: Callable[[], bool]) -> None:
    """Does all pieces of work, `at_once(client)` of them with each client, until all are done or `stopped()`.

    clients: more may come meanwhile.
    watch: called now and then with a job that is waited for.  What a task raises ends all.
    """
    lanes: list[WorkerQueue] = []
    waiting = iter(beginnings)
    while not stopped():
        lanes += [WorkerQueue(client, at_once) for client in clients[len(lanes):]]
        moved = [lane.step(waiting) for lane in lanes]
        watch(next((lane.job for lane in lanes if lane.job is not None), None))
        if not any(moved):
            if all(lane.job is None for lane in lanes):
                return
            time.sleep(POLL)
