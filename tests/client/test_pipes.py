"""Pipes are read without waiting."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

from blender_midas_normal.client.child_process import READ_SIZE, make_non_blocking, read_available


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    make_non_blocking(reading)
    ends = [reading, writing]
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_an_empty_pipe_gives_nothing_at_once(pipe):
    started = time.monotonic()
    assert read_available(pipe[0]) == b""
    assert time.monotonic() - started < 0.5


def test_what_was_written_comes_out_then_nothing(pipe):
    os.write(pipe[1], b"one\ntwo\n")
    assert read_available(pipe[0]) == b"one\ntwo\n"
    assert read_available(pipe[0]) == b""


def test_a_closed_pipe_gives_its_rest_and_then_none(pipe):
    os.write(pipe[1], b"last")
    os.close(pipe[1])
    assert read_available(pipe[0]) == b"last"
    assert read_available(pipe[0]) is None
    assert read_available(pipe[0]) is None


def test_a_child_that_writes_more_than_a_pipe_holds_is_read_whole():
    count = 5 * READ_SIZE + 17
    child = subprocess.Popen([sys.executable, "-c", f"import sys; sys.stdout.write('x' * {count})"],
                             stdout=subprocess.PIPE)
    fd = child.stdout.fileno()
    make_non_blocking(fd)
    total, deadline = 0, time.monotonic() + 20
    while (data := read_available(fd)) is not None:
        assert time.monotonic() < deadline
        assert len(data) <= READ_SIZE
        total += len(data)
        time.sleep(0.001)
    child.stdout.close()
    assert child.wait(5) == 0
    assert total == count
