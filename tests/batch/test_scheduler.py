"""Tasks on few workers, with fake clients whose jobs end when the test says so, and the number of workers of a run."""

from __future__ import annotations

from contextlib import closing

import pytest

from blender_midas_normal.batch.scheduler import WorkerPool, run_tasks
from blender_midas_normal.client.client import ResultFuture
from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.protocol import Ready


class FakeClient:
    """A client whose jobs end in their order, one with every second call of `pump`."""

    def __init__(self):
        self.jobs, self.most, self._pumps = [], 0, 0

    def submit(self, name):
        self.jobs.append(ResultFuture(name))
        self.most = max(self.most, len(self.jobs))
        return self.jobs[-1]

    def pump(self):
        self._pumps += 1
        if self.jobs and self._pumps % 2 == 0:
            self.jobs.pop(0).outcome = SourceError("done")


def up_to_three(client):
    return 3


def task(done, name, steps=2):
    def start(client):
        for _ in range(steps):
            job = client.submit(name)
            yield job
            assert job.outcome is not None
        done.append((name, client))
    return start


@pytest.mark.parametrize(("clients", "at_once"), [(1, 1), (1, 3), (2, 3)])
def test_all_work_is_done_and_each_client_has_so_much_of_it_at_once(clients, at_once):
    pool, done = [FakeClient() for _ in range(clients)], []
    run_tasks([task(done, n) for n in range(10)], pool, lambda client: at_once, lambda job: None, lambda: False)
    assert sorted(name for name, _ in done) == list(range(10))
    assert [client.most for client in pool] == [at_once] * clients and {client for _, client in done} == set(pool)


def test_clients_that_come_later_take_their_share_and_nothing_is_done_twice():
    pool, done = [FakeClient()], []

    def watch(job):
        if len(done) == 2 and len(pool) == 1:
            pool.extend([FakeClient(), FakeClient()])

    run_tasks([task(done, n) for n in range(20)], pool, up_to_three, watch, lambda: False)
    assert sorted(name for name, _ in done) == list(range(20)) and {client for _, client in done} == set(pool)


def test_work_without_jobs_ends_and_nothing_begins_after_the_stop():
    done, client = [], FakeClient()
    run_tasks([task(done, n, steps=0) for n in range(5)], [client], up_to_three, lambda job: None, lambda: len(done) == 3)
    assert len(done) == 3
    run_tasks([], [client], up_to_three, lambda job: None, lambda: False)


def test_what_work_raises_ends_all():
    def start(client):
        yield client.submit(1)
        raise SourceError("no more")

    with pytest.raises(SourceError, match="no more"):
        run_tasks([start], [FakeClient()], up_to_three, lambda job: None, lambda: False)


@pytest.mark.parametrize(("size", "gpus", "cards"), [
    (None, [], [None]), (None, [0], [None]), (None, [0, 1, 2, 3], [None, 1, 2, 3]), (None, [1, 3], [None, 3]),
    (1, [0, 1], [None]), (2, [0, 1, 2], [None, 1]), (5, [0, 1], [None, 1, 0, 1, 0]), (3, [], [None, None, None]),
    (4, [2, 3], [None, 3, 2, 3]),
])
def test_each_graphics_card_gets_a_worker_unless_another_number_is_wanted(size, gpus, cards):
    """The first one may use any, and uses the first card that works; those that do not work are not among them."""
    with closing(WorkerPool(size)) as pool:
        pool.add_workers(print)
        assert len(pool.clients) == 1
        pool.clients[0].ready = Ready({}, gpus=gpus)
        for _ in range(2):
            pool.add_workers(print)
            assert [client.gpu for client in pool.clients] == cards


def test_why_a_graphics_card_cannot_be_used_is_said_once():
    lines = []
    with closing(WorkerPool(None)) as pool:
        pool.clients[0].ready = Ready({}, "cpu", problem="The device cuda cannot be used (unknown error).")
        for _ in range(3):
            pool.add_workers(lines.append)
    assert lines == ["The device cuda cannot be used (unknown error)."]
