import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_midas_normal.client.client import Client
from blender_midas_normal.core.errors import (
    Cancelled,
    EngineError,
    Message,
    ProtocolError,
    SourceError,
    SurfaceGone,
    WorkerError,
)
from blender_midas_normal.core.protocol import VERSION, Request
from blender_midas_normal.core.settings import Settings
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture
def client():
    client = Client()
    yield client
    client.close()


def submit(client, folder, rgba, settings=LUMINANCE, **words):
    client.prepare(launch(folder, **words))
    return client.submit(Request(settings.to_dict(), pixels=write_pixels(client.new_file(), rgba)))


def test_a_python_whose_packages_are_the_users_own_runs_the_worker(client, tmp_path):
    """An isolated Python leaves these out, where pip puts them for a user who may not write to the Python itself."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(WorkerError, match="numpy"):
        client.wait(submit(client, tmp_path, noise(8, 8), python=bare))
    packages = str(Path(np.__file__).parents[1])
    assert client.wait(submit(client, tmp_path, noise(8, 8), python=bare, user_site=packages)).width == 8


def submit_long(client, folder):
    """A job in the middle of which the worker is: it has more to say of it than a pipe holds, and waits for who listens."""
    job = submit(client, folder, noise(1500, 1500), Settings(engine="RELIEF", tileable="OFF"))
    assert waited(lambda: (client.pump(), job.stage == "network")[1])
    return job


def pid(client):
    return client.worker.pid


def is_alive(process):
    """Whether it runs; a process that nobody has reaped yet does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def waited(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_a_request_is_answered_with_a_file(client, tmp_path):
    result = client.wait(submit(client, tmp_path, noise(20, 30)))
    assert (result.width, result.height, result.engine, result.device) == (30, 20, "LUMINANCE", "cpu")
    with client.open_result_files(result) as files:
        assert files.png.startswith(b"\x89PNG") and files.pixels is None
    assert set(result.seconds) == {"read", "prepare", "engine", "maps", "encode"}
    assert client.ready.engines["LUMINANCE"] == client.ready.engines["RELIEF"] == "" and client.ready.engines["MIDAS"]


def test_pixels_come_as_blender_holds_them(client, tmp_path):
    client.prepare(launch(tmp_path))
    client.submit(Request(LUMINANCE.to_dict(), pixels=write_pixels(client.new_file(), noise(20, 30)), with_pixels=True))
    result = client.wait(client.submit(Request(LUMINANCE.to_dict(), with_pixels=True,
                                               pixels=write_pixels(client.new_file(), noise(20, 30)))))
    with client.open_result_files(result) as files:
        held = np.fromfile(files.pixels, np.float32).reshape(20, 30, 4)
        assert zlib.crc32(held.data) == files.checksum
        shown = np.asarray(Image.open(io.BytesIO(files.png)).convert("RGB"))  # 16 bits as 8
    np.testing.assert_allclose(held[::-1, :, :3] * 255, shown, atol=1)
    assert (held[..., 3] == 1).all()
    assert not Path(files.pixels.name).exists()


def test_the_worker_stays_for_the_next_request(client, tmp_path):
    client.wait(submit(client, tmp_path, noise(8, 8)))
    first = pid(client)
    client.wait(submit(client, tmp_path, noise(8, 8, 1)))
    assert pid(client) == first


def test_an_error_is_the_projects_own_exception_and_the_worker_lives_on(client, tmp_path):
    client.prepare(launch(tmp_path))
    job = client.submit(Request(LUMINANCE.to_dict(), picture=str(tmp_path / "missing.png")))
    with pytest.raises(SourceError, match="missing"):
        client.wait(job)
    client.wait(submit(client, tmp_path, noise(8, 8)))


def test_messages_come_from_the_worker_with_what_they_are_made_of(client, tmp_path):
    """The reason why MiDaS cannot run is told to the worker, which says it in its own message."""
    why = Message("MiDaS is not in {place!r}.", place="{a} ä")
    result = client.wait(submit(client, tmp_path, noise(8, 8), Settings(), without_midas=why))
    assert result.why == "AUTO chose relief, because MiDaS cannot run here: MiDaS is not in '{a} ä'."
    reason = result.why.values["reason"]
    assert (reason.template, reason.values) == (why.template, why.values)
    with pytest.raises(SourceError) as caught:
        client.wait(client.submit(Request(LUMINANCE.to_dict(), picture="/nowhere/{b}.png")))
    message = caught.value.message
    assert (message.template, message.values) == ("There is no picture {path}.", {"path": "/nowhere/{b}.png"})


def test_what_nobody_foresaw_is_answered_and_the_worker_lives_on(client, tmp_path):
    client.prepare(launch(tmp_path))
    pixels = {"file": "never_written", "width": 2, "height": 2, "encoding": "BYTE"}
    with pytest.raises(EngineError, match="FileNotFoundError"):
        client.wait(client.submit(Request(LUMINANCE.to_dict(), pixels=pixels)))
    assert "Traceback" in (tmp_path / "worker.log").read_text()
    client.wait(submit(client, tmp_path, noise(8, 8)))


def test_the_surfaces_of_a_worker_are_known_until_it_says_that_they_are_gone_or_ends(client, tmp_path):
    first, second = (client.wait(submit(client, tmp_path, noise(8, 8, seed))).surface for seed in (0, 1))
    assert client.surfaces == {first, second}
    client.wait(client.submit(Request(LUMINANCE.to_dict(), surface=first)))
    client.surfaces.add("dropped")
    with pytest.raises(SurfaceGone):
        client.wait(client.submit(Request(LUMINANCE.to_dict(), surface="dropped")))
    assert client.surfaces == {first, second}
    client.close()
    assert not client.surfaces


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_worker_killed_in_the_middle_is_reported_and_replaced(client, tmp_path, number):
    job = submit_long(client, tmp_path)
    folder = client.worker.folder
    os.kill(pid(client), number)
    with pytest.raises(WorkerError, match=f"killed by signal {int(number)}"):
        client.wait(job)
    assert not folder.exists()
    client.wait(submit(client, tmp_path, noise(8, 8)))


def test_a_worker_whose_log_is_gone_is_still_said_to_have_been_killed(client, tmp_path):
    client.prepare(launch(tmp_path))
    client.wait(submit(client, tmp_path, noise(8, 8)))
    os.kill(pid(client), signal.SIGSTOP)  # it cannot answer before it is killed
    job = submit(client, tmp_path, noise(8, 8))
    (tmp_path / "worker.log").unlink()
    os.kill(client.worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="killed"):
        client.wait(job)


def test_every_pending_job_gets_an_outcome_when_the_worker_dies(client, tmp_path):
    jobs = [submit(client, tmp_path, noise(500, 500, seed)) for seed in range(4)]
    os.kill(pid(client), signal.SIGKILL)
    assert waited(lambda: (client.pump(), all(job.outcome for job in jobs))[1])


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


def hostile(folder, program):
    """A worker that does as the program says."""
    python = folder / "hostile"
    python.write_text(f"#!{sys.executable}\nimport sys, time, json\n" + textwrap.dedent(program))
    python.chmod(0o755)
    return str(python)


@pytest.mark.parametrize(("program", "reason"), [
    ("print('hello world', flush=True); time.sleep(60)", "no message"),
    ("print(json.dumps({'type': 'hello', 'protocol': 99, 'pid': 1, 'python': '3'}), flush=True); time.sleep(60)",
     "version 99"),
    ("sys.stdout.write('x' * 3_000_000); sys.stdout.flush(); time.sleep(60)", "without an end"),
    ("print(json.dumps({'type': 'shutdown'}), flush=True); time.sleep(60)", "does not send"),
])
def test_a_worker_that_does_not_speak_the_protocol_is_ended(client, tmp_path, program, reason):
    job = submit(client, tmp_path, noise(4, 4), python=hostile(tmp_path, program))
    process = pid(client)
    with pytest.raises(ProtocolError, match=reason):
        client.wait(job, timeout=20)
    assert waited(lambda: not is_alive(process))


def test_a_worker_that_says_nothing_is_given_up(client, tmp_path, monkeypatch):
    monkeypatch.setattr("blender_midas_normal.client.client.HELLO_TIMEOUT_S", 0.3)
    job = submit(client, tmp_path, noise(4, 4), python=hostile(tmp_path, "time.sleep(60)"))
    with pytest.raises(WorkerError, match="did not start"):
        client.wait(job, timeout=10)


def test_a_cancelled_job_ends_at_once_and_its_late_result_is_swallowed(client, tmp_path):
    job = submit_long(client, tmp_path)
    os.kill(pid(client), signal.SIGSTOP)  # whoever waits for a word of it waits for two minutes
    client.cancel(job)
    with pytest.raises(Cancelled):
        client.wait(job)
    os.kill(pid(client), signal.SIGCONT)
    after = client.wait(submit(client, tmp_path, noise(8, 8)))
    assert not client.is_busy
    assert [path.name for path in client.worker.folder.iterdir()] == [after.file]


LATE = f"""
    from pathlib import Path
    folder = Path(sys.argv[sys.argv.index("--folder") + 1])
    say = lambda **words: print(json.dumps(words), flush=True)
    say(type="hello", protocol={VERSION}, pid=1, python="3")
    for line in sys.stdin:
        words = json.loads(line)
        if words["type"] == "cancel":
            (folder / "late.png").write_bytes(b"late")
            (folder / "late").write_bytes(b"late")
            say(type="result", id=words["id"], file="late.png", pixels="late", width=1, height=1, engine="LUMINANCE",
                device="cpu", why="", surface="")
    """


def test_a_result_that_comes_after_the_cancel_leaves_nothing_behind(client, tmp_path):
    job = submit(client, tmp_path, noise(4, 4), python=hostile(tmp_path, LATE))
    client.cancel(job)
    assert client.is_busy and waited(lambda: (client.pump(), not client.is_busy)[1])
    assert isinstance(job.outcome, Cancelled)
    assert not (client.worker.folder / "late.png").exists() and not (client.worker.folder / "late").exists()


def test_a_map_whose_worker_was_replaced_is_said_to_be_gone(client, tmp_path):
    result = client.wait(submit(client, tmp_path, noise(4, 4)))
    client.close()
    for _ in range(2):
        with pytest.raises(WorkerError, match="ended before its map was taken"), client.open_result_files(result):
            pass
        client.prepare(launch(tmp_path))


def test_what_is_asked_of_a_worker_that_is_gone_ends_with_one_sentence(client, tmp_path):
    client.prepare(launch(tmp_path))
    client.close()
    with pytest.raises(WorkerError, match="The worker ended"):
        client.new_file()
    job = client.submit(Request(LUMINANCE.to_dict(), surface="any"))
    assert isinstance(job.outcome, WorkerError) and not client.is_busy


def test_what_was_taken_outlives_the_worker(client, tmp_path):
    client.prepare(launch(tmp_path))
    job = client.submit(Request(LUMINANCE.to_dict(), pixels=write_pixels(client.new_file(), noise(4, 4)), with_pixels=True))
    with client.open_result_files(client.wait(job)) as files:
        client.close()
        assert files.png.startswith(b"\x89PNG") and zlib.crc32(files.pixels.read()) == files.checksum
    assert files.pixels.closed


def test_a_picture_that_cannot_be_handed_over_is_one_sentence(client, tmp_path):
    shutil.rmtree(client.prepare(launch(tmp_path)))
    with pytest.raises(WorkerError, match="cannot be handed over"):
        client.new_file()


def test_a_worker_without_a_folder_or_a_log_is_one_sentence(client, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkerError, match=r"log .*file/worker.log cannot be written"):
        client.prepare(launch(tmp_path, log=tmp_path / "file" / "worker.log"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(WorkerError, match="no folder for its pictures"):
        client.prepare(launch(tmp_path))
    assert not client.is_running


def test_a_second_cancel_kills_the_worker(client, tmp_path):
    job = submit(client, tmp_path, noise(2500, 2500))
    process = pid(client)
    client.cancel(job)
    client.cancel(job)
    assert not is_alive(process) and not client.is_busy
    client.wait(submit(client, tmp_path, noise(8, 8)))


def test_a_retune_needs_no_pixels_until_the_worker_is_another(client, tmp_path):
    first = client.wait(submit(client, tmp_path, noise(8, 8)))
    client.wait(client.submit(Request({**LUMINANCE.to_dict(), "strength": 2.0}, surface=first.surface)))
    os.kill(pid(client), signal.SIGKILL)
    assert waited(lambda: (client.pump(), not client.is_running)[1])
    client.prepare(launch(tmp_path))
    with pytest.raises(SurfaceGone):
        client.wait(client.submit(Request(LUMINANCE.to_dict(), surface=first.surface)))


def test_an_idle_worker_first_gives_its_memory_back(client, tmp_path):
    first = client.wait(submit(client, tmp_path, noise(8, 8), idle_seconds=3.0))
    process = pid(client)
    time.sleep(4.5)  # far from both: after 3 seconds it gives it back, after 6 it ends
    with pytest.raises(SurfaceGone):
        client.wait(client.submit(Request(LUMINANCE.to_dict(), surface=first.surface)))
    assert pid(client) == process


def test_an_idle_worker_ends_and_the_next_request_starts_another(client, tmp_path):
    client.wait(submit(client, tmp_path, noise(8, 8), idle_seconds=0.2))
    first = pid(client)
    assert waited(lambda: (client.pump(), not client.is_running)[1])
    client.wait(submit(client, tmp_path, noise(8, 8), idle_seconds=0.2))
    assert pid(client) != first


def test_closing_does_not_wait_for_a_busy_worker(client, tmp_path):
    client.wait(submit(client, tmp_path, noise(8, 8)))
    job, worker = submit(client, tmp_path, noise(8, 8)), pid(client)
    os.kill(worker, signal.SIGSTOP)
    start = time.monotonic()
    client.close()
    assert time.monotonic() - start < 1.0, "one that is not busy is given a second to end"
    assert not is_alive(worker)
    assert isinstance(job.outcome, Cancelled)


def test_closing_leaves_no_process_and_no_folder(tmp_path):
    client = Client()
    client.wait(submit(client, tmp_path, noise(8, 8)))
    process, folder = pid(client), client.worker.folder
    assert folder.stat().st_mode & 0o777 == 0o700
    client.close()
    assert not is_alive(process) and not folder.exists()


def test_a_worker_that_nothing_can_end_freezes_nobody(client, tmp_path, monkeypatch):
    """As one that waits for a graphics driver that does not answer, for which a kill that does nothing stands."""
    job = submit_long(client, tmp_path)
    process = client.worker._process
    monkeypatch.setattr(process, "kill", lambda: None)
    os.kill(process.pid, signal.SIGSTOP)
    start = time.monotonic()
    client.close()
    assert time.monotonic() - start < 4 and isinstance(job.outcome, Cancelled) and is_alive(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_an_answer_that_comes_with_the_last_look_counts(client, tmp_path):
    def late(job):
        while job.outcome is None:
            client.sleep_and_pump()

    assert client.wait(submit(client, tmp_path, noise(8, 8)), timeout=1e-9, watch=late).height == 8


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
    assert waited(lambda: not is_alive(int(worker)))
    assert not Path(folder).exists()


KILLED_AT_THE_START = """
import os, signal, sys
from pathlib import Path
from blender_midas_normal.client import worker_process
from blender_midas_normal.client.client import Client
from tests.requests_for_tests import launch
start_process = worker_process.start_process

def killed(*words, **more):
    if sys.argv[2] == "after":
        print(start_process(*words, **more).pid, flush=True)
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
    assert waited(lambda: not any(is_alive(int(worker)) for worker in ended.stdout.split()))
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
    assert waited(lambda: "louder" in launched.log.read_text())


def test_the_log_does_not_grow_without_end(client, tmp_path):
    (tmp_path / "worker.log").write_bytes(b"x" * (2 << 20))
    client.wait(submit(client, tmp_path, noise(4, 4)))
    assert (tmp_path / "worker.log").stat().st_size < 1 << 20 and (tmp_path / "worker.log.old").exists()
