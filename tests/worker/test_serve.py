"""The worker's end, however it comes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

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
