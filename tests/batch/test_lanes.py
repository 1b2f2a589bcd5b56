"""Work on few workers, with clients that answer when the test says so."""

from __future__ import annotations

import pytest

from blender_midas_normal.batch.scheduler import run_tasks
from blender_midas_normal.client.client import ResultFuture
from blender_midas_normal.core.errors import SourceError


class Slow:
    """A client whose jobs end in their order, one with every second look."""

    def __init__(self):
        self.jobs, self.most, self._looks = [], 0, 0

    def submit(self, name):
        self.jobs.append(ResultFuture(name))
        self.most = max(self.most, len(self.jobs))
        return self.jobs[-1]

    def pump(self):
        self._looks += 1
        if self.jobs and self._looks % 2 == 0:
            self.jobs.pop(0).outcome = SourceError("done")


def three(client):
    return 3


def work(done, name, steps=2):
    def beginning(client):
        for _ in range(steps):
            job = client.submit(name)
            yield job
            assert job.outcome is not None
        done.append((name, client))
    return beginning


@pytest.mark.parametrize(("clients", "at_once"), [(1, 1), (1, 3), (2, 3)])
def test_all_work_is_done_and_each_client_has_so_much_of_it_at_once(clients, at_once):
    crew, done = [Slow() for _ in range(clients)], []
    run_tasks([work(done, n) for n in range(10)], crew, lambda client: at_once, lambda job: None, lambda: False)
    assert sorted(name for name, _ in done) == list(range(10))
    assert [client.most for client in crew] == [at_once] * clients and {client for _, client in done} == set(crew)


def test_clients_that_come_later_take_their_share_and_nothing_is_done_twice():
    crew, done = [Slow()], []

    def watch(job):
        if len(done) == 2 and len(crew) == 1:
            crew.extend([Slow(), Slow()])

    run_tasks([work(done, n) for n in range(20)], crew, three, watch, lambda: False)
    assert sorted(name for name, _ in done) == list(range(20)) and {client for _, client in done} == set(crew)


def test_work_without_jobs_ends_and_nothing_begins_after_the_stop():
    done, client = [], Slow()
    run_tasks([work(done, n, steps=0) for n in range(5)], [client], three, lambda job: None, lambda: len(done) == 3)
    assert len(done) == 3
    run_tasks([], [client], three, lambda job: None, lambda: False)


def test_what_work_raises_ends_all():
    def beginning(client):
        yield client.submit(1)
        raise SourceError("no more")

    with pytest.raises(SourceError, match="no more"):
        run_tasks([beginning], [Slow()], three, lambda job: None, lambda: False)
