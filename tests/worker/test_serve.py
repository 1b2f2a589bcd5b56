"""The worker's life: requests side by side, signs of life, and its end, however it comes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.core.protocol import Decoder, Error, Progress, Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.answering import Reading
from blender_midas_normal.worker.orders import Order
from tests.conftest import ROOT
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels
from tests.worker.talk import Talk

cv2 = pytest.importorskip("cv2")

LARGE = noise(2500, 2500)


@pytest.fixture
def client():
    client = Client()
    yield client
    client.close()


def submit(client, rgba, **words):
    return client.submit(settings=LUMINANCE.words(), pixels=write_pixels(client.new_file(), rgba), **words)


def waited(client, condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        client.pump()
    return condition()


def test_the_next_picture_is_read_while_the_engine_works(client, tmp_path):
    client.prepare(launch(tmp_path))
    first, second = submit(client, LARGE), submit(client, noise(8, 8))
    assert waited(client, lambda: second.stage == "read" or first.outcome)
    assert not first.outcome and first.stage != "write"
    assert client.wait(first).height == 2500 and client.wait(second).height == 8


class Nobody:
    def send(self, message):
        """Nobody hears it."""


def test_one_picture_is_read_ahead_and_no_more(tmp_path):
    """Each may take gigabytes."""
    reading = Reading(tmp_path, Nobody())
    orders = [Order(Request(n, {}, pixels=write_pixels(tmp_path / f"pixels{n}", noise(8, 8)))) for n in range(4)]
    for order in orders:
        reading.begin(order)
    for taken in range(3):
        orders[taken].given.result(10)
        time.sleep(0.1)
        assert [order.given.done() for order in orders] == [n <= taken for n in range(4)]
        assert reading.take(orders[taken]).picture.height == 8
    assert reading.take(orders[3]).picture.height == 8


def test_a_cancellation_is_heard_while_the_engine_works(tmp_path):
    with Talk(Path(sys.executable), tmp_path / "exchange", tmp_path) as talk:
        pixels = write_pixels(talk.folder / "pixels", LARGE)
        answer = talk.ask(LUMINANCE, lambda progress: progress.stage == "luminance", pixels=pixels)
        assert answer.refusal[0] == "Cancelled" and "write" not in answer.stages
        assert talk.ask(LUMINANCE, pixels=write_pixels(talk.folder / "pixels", noise(8, 8))).ok.shape == (8, 8, 3)


def test_the_last_map_is_written_while_the_engine_works(client, tmp_path):
    client.prepare(launch(tmp_path))
    first, second = submit(client, LARGE, compress=True), submit(client, noise(8, 8))
    assert waited(client, lambda: second.stage in ("luminance", "maps") or first.outcome)
    assert not first.outcome and first.stage == "write"
    assert client.wait(first).height == 2500 and client.wait(second).height == 8


def test_a_request_that_waits_can_be_cancelled_and_a_bad_one_harms_no_other(client, tmp_path):
    client.prepare(launch(tmp_path))
    first, second, third = submit(client, LARGE), submit(client, LARGE), submit(client, noise(8, 8))
    bad = client.submit(settings=LUMINANCE.words(), picture=str(tmp_path / "missing.png"))
    client.cancel(second)
    assert waited(client, lambda: first.outcome and third.outcome and bad.outcome and not client.is_busy)
    assert client.wait(first).height == 2500 and client.wait(third).height == 8 and "missing" in str(bad.outcome)
    assert sorted(path.name for path in client._worker.folder.iterdir()) == sorted(
        job.outcome.file for job in (first, third))


def test_a_painted_picture_is_made_from_the_surface_before_it(client, tmp_path):
    """In a real worker, and sooner than all of it."""
    client.prepare(launch(tmp_path))
    settings = Settings(engine="RELIEF", tileable="OFF").words()
    before = noise(1000, 1000)
    after = before.copy()
    after[20:84, 30:94, :3] = 0.0

    def made(rgba, **words):
        result = client.wait(client.submit(settings=settings, pixels=write_pixels(client.new_file(), rgba), **words))
        return result, cv2.imread(str(client.take_file(result)), cv2.IMREAD_UNCHANGED) / 65535 * 2 - 1

    first, _ = made(before)
    second, followed = made(after, preceding=first.surface)
    client.close()
    client.prepare(launch(tmp_path))
    whole, anew = made(after, preceding=first.surface)
    np.testing.assert_allclose(followed, anew, atol=1e-3)
    assert second.surface == whole.surface and second.seconds["engine"] < 0.8 * whole.seconds["engine"]


SIGNS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from blender_midas_normal.core.protocol import Error, Progress
from blender_midas_normal.worker import channel
channel.BEAT = 0.05
sender = channel.Channel(lambda: None)
sender.send(Progress(1, "network", 0.5))
sender.send(Progress(2, "write", 0.0))
sender.send(Error(2, "EngineError", "No."))
time.sleep(0.5)
"""


def test_a_long_stage_gives_signs_of_life_also_when_another_request_spoke_last():
    said = subprocess.run([sys.executable, "-c", SIGNS, str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert said.count('"network"') > 2 and said.count('"write"') == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that nobody reads is another error there")
def test_a_worker_that_nobody_listens_to_ends_and_takes_its_folder_along(tmp_path):
    """Blender may be killed before the worker's first word."""
    folder = tmp_path / "exchange"
    folder.mkdir()
    reading, writing = os.pipe()
    os.close(reading)
    worker = subprocess.Popen(launch(tmp_path).command(folder), stdin=subprocess.PIPE, stdout=writing,
                              stderr=subprocess.PIPE)
    os.close(writing)
    try:
        assert worker.wait(20) == 0 and not worker.stderr.read()
        assert not folder.exists()
    finally:
        worker.kill()
        worker.communicate()


LONG_STAGE = """
import time
from blender_midas_normal.core.protocol import Error, Progress
from blender_midas_normal.worker import channel
channel.BEAT = 0.05
sent = channel.Channel(at_end=lambda: None)
sent.send(Progress(1, "network", 0.5))
time.sleep(0.5)
sent.send(Error(1, "EngineError", "No."))
time.sleep(0.3)
"""


def test_a_long_stage_is_repeated_until_it_ends_and_nothing_after_it():
    """The client takes a worker that is silent for two minutes for stuck."""
    output = subprocess.run([sys.executable, "-c", LONG_STAGE], cwd=ROOT, capture_output=True, check=True).stdout
    *stages, end = Decoder().feed(output)
    assert len(stages) > 2 and set(stages) == {Progress(1, "network", 0.5)} and end == Error(1, "EngineError", "No.")
