"""A worker from start to end: requests in parallel, heartbeats, cancellation and the ways in which it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.core.errors import SourceError, WorkerError
from blender_midas_normal.core.protocol import Decoder, Error, Hello, Progress, Request, Result, decode, encode
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.channel import Job
from blender_midas_normal.worker.request_loop import InputReader
from tests.conftest import ROOT
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels
from tests.worker.worker_process import WorkerProcess

cv2 = pytest.importorskip("cv2")

LARGE = noise(2500, 2500)
RELIEF = Settings(engine="RELIEF", tileable="OFF")


@pytest.fixture
def client():
    client = Client()
    yield client
    client.close()


@pytest.fixture
def heard(client, monkeypatch):
    """What the worker has said, in turn: (number of the request, the stage that it is in, or "end")."""
    events, take = [], client.handle

    def noted(message):
        if isinstance(message, (Progress, Result, Error)):
            events.append((message.id, getattr(message, "stage", "end")))
        take(message)

    monkeypatch.setattr(client, "handle", noted)
    return events


def submit(client, rgba, **fields):
    return client.submit(Request(LUMINANCE.to_dict(), pixels=write_pixels(client.new_file(), rgba), **fields))


def test_the_next_picture_is_read_while_the_engine_runs(client, heard, tmp_path):
    client.prepare(launch(tmp_path))
    first, second = submit(client, LARGE), submit(client, noise(8, 8))
    assert client.wait(first).height == 2500 and client.wait(second).height == 8
    assert heard.index((second.id, "read")) < heard.index((first.id, "write"))


class Nobody:
    def send(self, message):
        """Nobody hears it."""


def test_one_picture_is_read_ahead_and_no_more(tmp_path):
    """Each may take gigabytes."""
    reader = InputReader(tmp_path, Nobody())
    jobs = [Job(Request({}, id=n, pixels=write_pixels(tmp_path / f"pixels{n}", noise(8, 8)))) for n in range(4)]
    for job in jobs:
        reader.submit(job)
    for index in range(3):
        jobs[index].inputs.result(10)
        time.sleep(0.1)
        assert [job.inputs.done() for job in jobs] == [n <= index for n in range(4)]
        assert reader.result(jobs[index]).picture.height == 8
    assert reader.result(jobs[3]).picture.height == 8


def test_a_cancellation_arrives_while_the_engine_runs(tmp_path):
    with WorkerProcess(Path(sys.executable), tmp_path / "exchange", tmp_path) as worker:
        pixels = write_pixels(worker.folder / "pixels", LARGE)
        answer = worker.render(RELIEF, lambda progress: progress.stage == "network", pixels=pixels)
        assert answer.error[0] == "Cancelled" and "write" not in answer.stages
        assert worker.render(LUMINANCE, pixels=write_pixels(worker.folder / "pixels", noise(8, 8))).pixels.shape == (8, 8, 3)


def test_the_last_map_is_written_while_the_engine_runs(client, heard, tmp_path):
    client.prepare(launch(tmp_path))
    first, second = submit(client, LARGE, compress=True), submit(client, noise(8, 8))
    assert client.wait(first).height == 2500 and client.wait(second).height == 8
    assert heard.index((second.id, "luminance")) < heard.index((first.id, "end"))


def test_a_waiting_request_can_be_cancelled_and_a_bad_one_harms_no_other(client, tmp_path):
    client.prepare(launch(tmp_path))
    first, second, third = submit(client, LARGE), submit(client, LARGE), submit(client, noise(8, 8))
    bad = client.submit(Request(LUMINANCE.to_dict(), picture=str(tmp_path / "missing.png")))
    client.cancel(second)
    assert client.wait(first).height == 2500 and client.wait(third).height == 8
    with pytest.raises(SourceError, match="missing"):
        client.wait(bad)
    assert not client.is_busy
    assert sorted(path.name for path in client.worker.folder.iterdir()) == sorted(
        job.outcome.file for job in (first, third))


def test_the_surface_of_a_painted_picture_is_updated_from_the_one_before(client, heard, tmp_path):
    """In a real worker, whose network does less than for all of it."""
    client.prepare(launch(tmp_path))
    before = noise(1000, 1000)
    after = before.copy()
    after[20:84, 30:94, :3] = 0.0

    def make(rgba, **fields):
        pixels = write_pixels(client.new_file(), rgba)
        result = client.wait(client.submit(Request(RELIEF.to_dict(), pixels=pixels, **fields)))
        return result, cv2.imread(str(client.take_map_file(result)), cv2.IMREAD_UNCHANGED) / 65535 * 2 - 1

    first, _ = make(before)
    second, followed = make(after, preceding=first.surface)
    client.close()
    client.prepare(launch(tmp_path))
    whole, anew = make(after, preceding=first.surface)
    apart = np.abs(followed - anew)
    assert (apart > 2e-3).mean() < 0.005 and apart.max() < 0.01  # UPDATE_MARGIN says why
    assert second.surface == whole.surface
    assert 0 < heard.count((second.id, "network")) < 0.5 * heard.count((whole.id, "network"))


SIGNS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from blender_midas_normal.core.protocol import Error, Progress
from blender_midas_normal.worker import channel
channel.HEARTBEAT_S = 0.05
sender = channel.Channel(lambda: None)
sender.send(Progress(1, "network", 0.5))
sender.send(Progress(2, "write", 0.0))
sender.send(Error(2, "EngineError", "No."))
before = sender.sent_count
while sender.sent_count < before + 2:
    time.sleep(0.01)
"""


def test_a_long_stage_sends_heartbeats_also_after_messages_of_another_request():
    said = subprocess.run([sys.executable, "-c", SIGNS, str(ROOT)], capture_output=True, text=True, check=True,
                          timeout=60).stdout
    until_end, _, after = said.partition('"error"')
    assert '"write"' in until_end and '"network"' in after and '"write"' not in after


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that nobody reads is another error there")
def test_a_worker_without_a_client_ends_and_removes_its_folder(tmp_path):
    """Blender may be killed before the worker's first word."""
    folder = tmp_path / "exchange"
    folder.mkdir()
    reader, writing = os.pipe()
    os.close(reader)
    worker = subprocess.Popen(launch(tmp_path).command(folder), stdin=subprocess.PIPE, stdout=writing,
                              stderr=subprocess.PIPE)
    os.close(writing)
    try:
        assert worker.wait(60) == 0 and not worker.stderr.read()
        assert not folder.exists()
    finally:
        worker.kill()
        worker.communicate()


def test_a_workers_first_message_is_its_version_also_where_a_request_waits(tmp_path):
    """By it the client knows that the rest is meant for it."""
    for number in range(3):
        folder = tmp_path / f"exchange{number}"
        folder.mkdir()
        requests = encode(Request(LUMINANCE.to_dict(), id=1, picture="nowhere.png"))
        worker = subprocess.Popen(launch(tmp_path).command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        worker.stdin.write(requests)
        worker.stdin.flush()
        first = worker.stdout.readline()
        worker.communicate(timeout=60)
        assert isinstance(decode(first), Hello)


LONG_STAGE = """
import time
from blender_midas_normal.core.protocol import Error, Progress
from blender_midas_normal.worker import channel
channel.HEARTBEAT_S = 0.05
sent = channel.Channel(on_close=lambda: None)
sent.send(Progress(1, "network", 0.5))
while sent.sent_count < 3:
    time.sleep(0.01)
sent.send(Error(1, "EngineError", "No."))
time.sleep(0.3)
"""


def test_the_message_of_a_long_stage_is_repeated_until_the_stage_ends():
    """The client takes a worker that is silent for two minutes for stuck."""
    output = subprocess.run([sys.executable, "-c", LONG_STAGE], cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    *stages, end = Decoder().feed(output)
    assert len(stages) >= 3 and set(stages) == {Progress(1, "network", 0.5)} and end == Error(1, "EngineError", "No.")


STUCK = """
import time
from blender_midas_normal.core.protocol import Error, Progress
from blender_midas_normal.worker import channel
channel.HEARTBEAT_S, channel.STAGE_TIMEOUT_S["network"], channel.LONG_STAGE_TIMEOUT_S = 0.05, 0.5, 600
sent = channel.Channel(on_close=lambda: None)
sent.send(Progress(1, "network", 0.5))
sent.send(Progress(2, "{other}", 0.0))
time.sleep(1.5)
sent.send(Progress(1, "network", 0.6))
time.sleep(0.3)
"""


@pytest.mark.parametrize("other", ["network", "write"])
def test_the_message_of_a_stage_without_progress_is_repeated_for_a_limited_time(other):
    """The client shall take a worker for stuck whose graphics driver does not answer, and no other."""
    output = subprocess.run([sys.executable, "-c", STUCK.format(other=other)], cwd=ROOT, capture_output=True, check=True,
                            timeout=60).stdout
    said = list(Decoder().feed(output))
    stuck, again, slow = (said.count(message) for message in (Progress(1, "network", 0.5), Progress(1, "network", 0.6),
                                                              Progress(2, other, 0.0)))
    assert 3 <= stuck <= 11 and again >= 2
    assert slow == stuck if other == "network" else slow > 2 * stuck


HANGING = """
import importlib, os, runpy, sys, time
sys.argv = sys.argv[5:]
start = runpy.run_path(sys.argv[0])
package = runpy.run_path(str(start["STANDALONE"]))["load_package"]()
channel, luminance = (importlib.import_module(f"{package}.worker.{name}") for name in ("channel", "engines.luminance"))
channel.HEARTBEAT_S, channel.STAGE_TIMEOUT_S["network"] = 0.05, 0.5

def hang(self, item):
    item.report("network", 0.1)
    time.sleep(600)

luminance.Luminance.surface = hang
start["main"]()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its interpreter is a script")
def test_a_worker_whose_engine_hangs_is_killed_and_the_next_one_makes_the_map(client, tmp_path, monkeypatch):
    """In a real worker; the engine hangs as in a graphics driver that does not answer, for which a long sleep stands."""
    monkeypatch.setattr("blender_midas_normal.client.client.SILENCE_TIMEOUT_S", 2.0)
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}{HANGING}")
    python.chmod(0o755)
    client.prepare(launch(tmp_path, python=str(python)))
    with pytest.raises(WorkerError, match="said nothing"):
        client.wait(submit(client, noise(8, 8)), timeout=30)
    monkeypatch.undo()
    client.prepare(launch(tmp_path))
    assert client.wait(submit(client, noise(8, 8))).height == 8
