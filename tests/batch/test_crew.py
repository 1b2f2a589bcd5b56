"""How many workers a run has, and which graphics card each uses."""

from __future__ import annotations

from contextlib import closing

import pytest

from blender_midas_normal.batch.scheduler import WorkerPool
from blender_midas_normal.core.protocol import Ready


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
