"""The worker's end, however it comes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from blender_midas_normal.core.protocol import Decoder, Error, Progress
from tests.conftest import ROOT
from tests.requests_for_tests import launch


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
