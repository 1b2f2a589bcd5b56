"""A worker's process, from its start to its end, however it ends; its log, and the graphics card that it sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import CUDA_VARIABLE, HIP_VARIABLE
from blender_midas_normal.client.worker_process import MAX_LOG_BYTES, open_log
from blender_midas_normal.core.errors import Cancelled, ProtocolError, SurfaceGone, WorkerError
from blender_midas_normal.core.protocol import Request
from tests.client.processes import is_alive, wait_until
from tests.client.worker_requests import fake_python, submit, submit_long
from tests.requests_for_tests import LUMINANCE, launch, noise, until_ready

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def test_a_python_whose_packages_are_the_users_own_runs_the_worker(client, tmp_path):
    """An isolated Python leaves these out, where pip puts them for a user who may not write to the Python itself."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(WorkerError, match="numpy"):
        client.wait(submit(client, tmp_path, noise(8, 8), python=bare))
    packages = str(Path(np.__file__).parents[1])
    assert client.wait(submit(client, tmp_path, noise(8, 8), python=bare, user_site=packages)).width == 8


def test_the_worker_stays_for_the_next_request(client, tmp_path):
    client.wait(submit(client, tmp_path, noise(8, 8)))
    first = client.worker.pid
    client.wait(submit(client, tmp_path, noise(8, 8, 1)))
    assert client.worker.pid == first


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_worker_killed_in_the_middle_is_reported_and_replaced(client, tmp_path, number):
    job = submit_long(client, tmp_path)
    folder = client.worker.folder
    os.kill(client.worker.pid, number)
    with pytest.raises(WorkerError, match=f"killed by signal {int(number)}"):
        client.wait(job)
    assert not folder.exists()
    client.wait(submit(client, tmp_path, noise(8, 8)))


def test_a_worker_whose_log_is_gone_is_still_said_to_have_been_killed(client, tmp_path):
    client.prepare(launch(tmp_path))
    client.wait(submit(client, tmp_path, noise(8, 8)))
    os.kill(client.worker.pid, signal.SIGSTOP)  # it cannot answer before it is killed
    job = submit(client, tmp_path, noise(8, 8))
    (tmp_path / "worker.log").unlink()
    os.kill(client.worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="killed"):
        client.wait(job)


def test_every_pending_job_gets_an_outcome_when_the_worker_dies(client, tmp_path):
    jobs = [submit(client, tmp_path, noise(500, 500, seed)) for seed in range(4)]
    os.kill(client.worker.pid, signal.SIGKILL)
    wait_until(lambda: (client.pump(), all(job.outcome for job in jobs))[1])


def test_the_last_words_of_a_dying_worker_are_in_the_message(client, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no module named numpy' >&2\nexit 3\n")
    python.chmod(0o755)
    job = submit(client, tmp_path, noise(4, 4), python=str(python))
    with pytest.raises(WorkerError, match=r"status 3(.|\n)*no module named numpy"):
        client.wait(job, timeout=10)


@pytest.mark.parametrize("content", [None, "just text"])
def test_an_interpreter_that_is_none_is_named(client, tmp_path, content):
    python = tmp_path / "no_python"
    if content:
        python.write_text(content)
    with pytest.raises(WorkerError, match="no_python"):
        client.prepare(launch(tmp_path, python=str(python)))


@pytest.mark.parametrize(("program", "reason"), [
    ("print('hello world', flush=True); time.sleep(60)", "no message"),
    ("print(json.dumps({'type': 'hello', 'protocol': 99, 'pid': 1, 'python': '3'}), flush=True); time.sleep(60)",
     "version 99"),
    ("sys.stdout.write('x' * 3_000_000); sys.stdout.flush(); time.sleep(60)", "without an end"),
    ("print(json.dumps({'type': 'shutdown'}), flush=True); time.sleep(60)", "does not send"),
])
def test_a_worker_that_does_not_speak_the_protocol_is_ended(client, tmp_path, program, reason):
    job = submit(client, tmp_path, noise(4, 4), python=fake_python(tmp_path, program))
    process = client.worker.pid
    with pytest.raises(ProtocolError, match=reason):
        client.wait(job, timeout=20)
    wait_until(lambda: not is_alive(process))


def test_a_worker_that_says_nothing_is_given_up(client, tmp_path, monkeypatch):
    monkeypatch.setattr("blender_midas_normal.client.client.HELLO_TIMEOUT_S", 0.3)
    job = submit(client, tmp_path, noise(4, 4), python=fake_python(tmp_path, "time.sleep(60)"))
    with pytest.raises(WorkerError, match="did not start"):
        client.wait(job, timeout=10)


def test_a_worker_without_a_folder_or_a_log_is_one_sentence(client, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkerError, match=r"log .*file/worker.log cannot be written"):
        client.prepare(launch(tmp_path, log=tmp_path / "file" / "worker.log"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(WorkerError, match="no folder for its pictures"):
        client.prepare(launch(tmp_path))
    assert not client.is_running


def test_an_idle_worker_first_gives_its_memory_back(client, tmp_path):
    first = client.wait(submit(client, tmp_path, noise(8, 8), idle_seconds=3.0))
    process = client.worker.pid
    time.sleep(4.5)  # far from both: after 3 seconds it gives it back, after 6 it ends
    with pytest.raises(SurfaceGone):
        client.wait(client.submit(Request(LUMINANCE.to_dict(), surface=first.surface)))
    assert client.worker.pid == process


def test_an_idle_worker_ends_and_the_next_request_starts_another(client, tmp_path):
    client.wait(submit(client, tmp_path, noise(8, 8), idle_seconds=0.2))
    first = client.worker.pid
    wait_until(lambda: (client.pump(), not client.is_running)[1])
    client.wait(submit(client, tmp_path, noise(8, 8), idle_seconds=0.2))
    assert client.worker.pid != first


def test_closing_does_not_wait_for_a_busy_worker(client, tmp_path):
    client.wait(submit(client, tmp_path, noise(8, 8)))
    job, worker = submit(client, tmp_path, noise(8, 8)), client.worker.pid
    os.kill(worker, signal.SIGSTOP)
    start = time.monotonic()
    client.close()
    assert time.monotonic() - start < 1.0, "one that is not busy is given a second to end"
    assert not is_alive(worker)
    assert isinstance(job.outcome, Cancelled)


def test_closing_leaves_no_process_and_no_folder(tmp_path):
    client = Client()
    client.wait(submit(client, tmp_path, noise(8, 8)))
    process, folder = client.worker.pid, client.worker.folder
    assert folder.stat().st_mode & 0o777 == 0o700
    client.close()
    assert not is_alive(process) and not folder.exists()


def test_a_worker_that_nothing_can_end_freezes_nobody(client, tmp_path, monkeypatch):
    """As one that waits for a graphics driver that does not answer, for which a kill that does nothing stands."""
    job = submit_long(client, tmp_path)
    worker = client.worker
    os.kill(worker.pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "kill", lambda process: None)
        start = time.monotonic()
        client.close()
        assert time.monotonic() - start < 4 and isinstance(job.outcome, Cancelled) and is_alive(worker.pid)
    worker.kill()
    assert not is_alive(worker.pid)


PARENT = """
import sys, time
from pathlib import Path
from blender_midas_normal.client.client import Client
from tests.requests_for_tests import launch, until_ready
folder = Path(sys.argv[1])
client = Client()
exchange = client.prepare(launch(folder))
until_ready(client)
print(client.worker.pid, exchange, flush=True)
time.sleep(60)
"""


def test_the_worker_dies_with_its_parent_even_when_that_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    worker, folder = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(int(worker)))
    assert not Path(folder).exists()


KILLED_AT_THE_START = """
import os, signal, sys
from pathlib import Path
from blender_midas_normal.client import worker_process
from blender_midas_normal.client.client import Client
from tests.requests_for_tests import launch
start_process = worker_process.start_process

def killed(*arguments, **options):
    if sys.argv[2] == "after":
        print(start_process(*arguments, **options).pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

worker_process.start_process = killed
Client().prepare(launch(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_program_that_is_killed_as_it_starts_the_worker_leaves_nothing(moment, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = subprocess.run([sys.executable, "-c", KILLED_AT_THE_START, str(tmp_path), moment], capture_output=True,
                           text=True, env={**os.environ, "TMPDIR": str(temporary)}, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    wait_until(lambda: not any(is_alive(int(worker)) for worker in ended.stdout.split()))
    assert not list(temporary.iterdir())


def test_no_library_can_disturb_the_protocol(client, tmp_path):
    """What is printed in the worker goes to the log."""
    launched = launch(tmp_path)
    start = tmp_path / "loud"
    start.write_text(f"#!{sys.executable}\n" + textwrap.dedent("""
        import os, runpy, sys, threading, time

        def be_loud():
            while not os.path.samestat(os.fstat(1), os.fstat(2)):
                time.sleep(0.001)
            print("loud", flush=True)
            os.write(1, b"louder")

        threading.Thread(target=be_loud, daemon=True).start()
        sys.argv = sys.argv[5:]
        runpy.run_path(sys.argv[0], run_name="__main__")
        """))
    start.chmod(0o755)
    job = submit(client, tmp_path, noise(1500, 1500), python=str(start))
    client.wait(job)
    wait_until(lambda: "louder" in launched.log.read_text())


def test_the_log_does_not_grow_without_end(client, tmp_path):
    (tmp_path / "worker.log").write_bytes(b"x" * (2 << 20))
    client.wait(submit(client, tmp_path, noise(4, 4)))
    assert (tmp_path / "worker.log").stat().st_size < 1 << 20 and (tmp_path / "worker.log.old").exists()


def test_another_program_may_set_it_aside_at_the_same_moment(tmp_path, monkeypatch):
    log, replace = tmp_path / "worker.log", Path.replace
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

    def late(path, target):
        replace(path, target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", late)
    open_log(log).close()
    assert log.stat().st_size == 0 and (tmp_path / "worker.log.old").stat().st_size == MAX_LOG_BYTES + 1


def test_a_log_that_another_worker_has_open_grows_on_where_the_system_lets_nobody_move_it(tmp_path, monkeypatch):
    """Windows does not, for which its error stands."""
    log = tmp_path / "worker.log"
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

    def held(path, target):
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    monkeypatch.setattr(Path, "replace", held)
    with open_log(log) as opened:
        opened.write(b"more")
    assert log.stat().st_size == MAX_LOG_BYTES + 5


@pytest.mark.skipif(sys.platform != "linux", reason="variables are read from /proc")
def test_a_real_worker_is_shown_its_card_and_one_that_may_use_any_what_the_user_shows(tmp_path, monkeypatch):
    monkeypatch.setenv(CUDA_VARIABLE, "4,6")
    monkeypatch.delenv(HIP_VARIABLE, raising=False)
    for gpu, expected in ((1, {f"{CUDA_VARIABLE}=6", f"{HIP_VARIABLE}=6"}), (None, {f"{CUDA_VARIABLE}=4,6"})):
        with closing(Client(gpu)) as client:
            client.prepare(launch(tmp_path))
            until_ready(client)  # a process that has only just been started shows no variables yet
            lines = Path(f"/proc/{client.worker.pid}/environ").read_text().split("\0")
            assert {line for line in lines if line.startswith((CUDA_VARIABLE, HIP_VARIABLE))} == expected
