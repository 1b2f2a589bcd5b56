"""Requests to a client's worker, and programs in a worker's place."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np

from blender_midas_normal.client.client import Client, ResultFuture
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from tests.client.processes import wait_until
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels


def submit(client: Client, folder: Path, rgba: np.ndarray, settings: Settings = LUMINANCE, **launch_fields) -> ResultFuture:
    """Request the map of a picture, starting a worker where none runs."""
    client.prepare(launch(folder, **launch_fields))
    return client.submit(Request(settings.to_dict(), pixels=write_pixels(client.new_file(), rgba)))


def submit_long(client: Client, folder: Path) -> ResultFuture:
    """Request a map and return while the worker makes it.

    It reports more progress than a pipe holds, so that it cannot finish before somebody reads it.
    """
    job = submit(client, folder, noise(1500, 1500), Settings(engine="RELIEF", tileable="OFF"))
    wait_until(lambda: (client.pump(), job.stage == "network")[1])
    return job


def fake_python(folder: Path, program: str) -> str:
    """Return an interpreter that runs this program in the worker's place."""
    python = folder / "fake_python"
    python.write_text(f"#!{sys.executable}\nimport sys, time, json\n" + textwrap.dedent(program))
    python.chmod(0o755)
    return str(python)
