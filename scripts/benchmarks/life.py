"""Memory while picture after picture is made, once all the surfaces that are kept have been made."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import memory, pictures
from benchmarks.answer import Answer
from benchmarks.plan import Plan
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import MIDAS_NOT_NEEDED, Launch
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.surface_cache import SURFACE_CACHE_BYTES

SIDE = 1024
FULL_AFTER = SURFACE_CACHE_BYTES // (SIDE * SIDE * 4)
"""Pictures after which the surfaces of floats take all the memory that they may."""


def measure(plan: Plan) -> Answer:
    if plan.life <= FULL_AFTER:
        return Answer()
    values = pictures.repeat_pattern(np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE), SIDE)
    rgba = (values * 255).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Client()) as client:
        launch = Launch(sys.executable, Path(folder), MIDAS_NOT_NEEDED, 600.0, Path(folder) / "log")
        in_memory = [_after(client, launch, rgba, number) for number in range(plan.life)]
    last = np.array(in_memory[FULL_AFTER:])
    per_picture = np.polyfit(np.arange(len(last)), last, 1)[0]
    return Answer({"memory per 100": float(per_picture.sum()) * 100})


def _after(client: Client, launch: Launch, rgba: np.ndarray, number: int) -> tuple[float, float]:
    """Return the megabytes of this process and of the worker after the map of one more picture."""
    rgba[0, 0, :2] = np.divmod(number, 256)
    client.prepare(launch)
    file = client.new_file()
    rgba.tofile(file)
    job = client.submit(Request(Settings(engine="LUMINANCE", tileable="OFF").to_dict(), with_pixels=True,
                                pixels={"file": file.name, "width": SIDE, "height": SIDE, "encoding": "BYTE"}))
    with client.open_result_files(client.wait(job)):
        return memory.now_and_of_children()
