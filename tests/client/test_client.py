"""Requests to a real worker, each of which ends with one result or one exception."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_midas_normal.core.errors import Cancelled, EngineError, Message, SourceError, SurfaceGone, WorkerError
from blender_midas_normal.core.protocol import VERSION, Request
from blender_midas_normal.core.settings import Settings
from tests.client.processes import is_alive, wait_until
from tests.client.worker_requests import fake_python, submit, submit_long
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


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
    assert result.why == "Engine: Relief, chosen automatically. MiDaS is not in '{a} ä'."
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


def test_a_cancelled_job_ends_at_once_and_its_late_result_is_swallowed(client, tmp_path):
    job = submit_long(client, tmp_path)
    os.kill(client.worker.pid, signal.SIGSTOP)  # whoever waits for a word of it waits for two minutes
    client.cancel(job)
    with pytest.raises(Cancelled):
        client.wait(job)
    os.kill(client.worker.pid, signal.SIGCONT)
    after = client.wait(submit(client, tmp_path, noise(8, 8)))
    assert not client.is_busy
    assert [path.name for path in client.worker.folder.iterdir()] == [after.file]


LATE = f"""
    from pathlib import Path
    folder = Path(sys.argv[sys.argv.index("--folder") + 1])
    send = lambda **message: print(json.dumps(message), flush=True)
    send(type="hello", protocol={VERSION}, pid=1, python="3")
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "cancel":
            (folder / "late.png").write_bytes(b"late")
            (folder / "late").write_bytes(b"late")
            send(type="result", id=message["id"], file="late.png", pixels="late", width=1, height=1, engine="LUMINANCE",
                device="cpu", why="", surface="")
    """


def test_a_result_that_comes_after_the_cancel_leaves_nothing_behind(client, tmp_path):
    job = submit(client, tmp_path, noise(4, 4), python=fake_python(tmp_path, LATE))
    client.cancel(job)
    assert client.is_busy
    wait_until(lambda: (client.pump(), not client.is_busy)[1])
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


def test_a_second_cancel_kills_the_worker(client, tmp_path):
    job = submit(client, tmp_path, noise(2500, 2500))
    process = client.worker.pid
    client.cancel(job)
    client.cancel(job)
    assert not is_alive(process) and not client.is_busy
    client.wait(submit(client, tmp_path, noise(8, 8)))


def test_a_retune_needs_no_pixels_until_the_worker_is_another(client, tmp_path):
    first = client.wait(submit(client, tmp_path, noise(8, 8)))
    client.wait(client.submit(Request({**LUMINANCE.to_dict(), "strength": 2.0}, surface=first.surface)))
    os.kill(client.worker.pid, signal.SIGKILL)
    wait_until(lambda: (client.pump(), not client.is_running)[1])
    client.prepare(launch(tmp_path))
    with pytest.raises(SurfaceGone):
        client.wait(client.submit(Request(LUMINANCE.to_dict(), surface=first.surface)))


def test_an_answer_that_comes_with_the_last_look_counts(client, tmp_path):
    def late(job):
        while job.outcome is None:
            client.sleep_and_pump()

    assert client.wait(submit(client, tmp_path, noise(8, 8)), timeout=1e-9, watch=late).height == 8
