"""Child processes: their output, read without waiting, and their end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

from blender_midas_normal.client import child_process
from blender_midas_normal.client.child_process import READ_SIZE, make_non_blocking, read_available
from blender_midas_normal.core.errors import Cancelled

posix = pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes, or for a shell")


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


def test_a_child_gets_no_variables_of_another_python(monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_TORCH_BACKEND", "PIP_USER"):
        monkeypatch.setenv(name, "/somewhere")
    monkeypatch.setenv("UV_CACHE_DIR", "/mine")
    names = child_process.clean_environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_TORCH_BACKEND", "PIP_USER"} & set(names)
    assert names["UV_CACHE_DIR"] == "/mine" and "PATH" in names


def test_a_childs_output_comes_line_by_line_whatever_ends_them():
    seen = []
    program = r"import os; os.write(1, b'one\rtwo\r\n\n'); os.write(2, b'\xff last'); raise SystemExit(3)"
    ended = child_process.run_process([sys.executable, "-I", "-c", program], seen.append)
    assert seen == ["one", "two", "� last"] and ended == child_process.CompletedProcess(3, "one\ntwo\n� last")


def test_only_the_end_of_a_long_output_is_kept():
    ended = child_process.run_process([sys.executable, "-I", "-c", "for i in range(100_000): print(i)"])
    assert ended.tail.split("\n") == [str(i) for i in range(100_000 - child_process.TAIL_LINES, 100_000)]


@posix
@pytest.mark.parametrize("limit", ["cancelled", "seconds"])
def test_a_child_that_closes_its_output_and_lives_on_is_still_given_up(limit):
    command = ["/bin/sh", "-c", "exec >&- 2>&-; exec sleep 30"]
    started = time.monotonic()
    if limit == "cancelled":
        with pytest.raises(Cancelled):
            child_process.run_process(command, cancelled=lambda: time.monotonic() > started + 0.5)
    else:
        with pytest.raises(TimeoutError):
            child_process.run_process(command, seconds=0.5)
    assert time.monotonic() - started < 10


@posix
def test_a_child_that_nothing_can_end_is_not_waited_for(monkeypatch):
    """As one that waits for a driver that does not answer, for which signals that do not arrive stand."""
    child = child_process.start_process([sys.executable, "-c", "import time; time.sleep(60)"])
    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(child_process.os, "killpg", lambda group, number: None)
        child_process.terminate_process(child)
    assert child.poll() is None and time.monotonic() - started < 3 * child_process.TERMINATE_TIMEOUT_S
    child_process.terminate_process(child)
    child.stdout.close()
    assert child.poll() is not None
