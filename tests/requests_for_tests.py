"""Requests as Blender makes them, for tests of the worker and the client without Blender."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import Launch
from blender_midas_normal.core.settings import Settings

LUMINANCE = Settings(engine="LUMINANCE", tileable="OFF")


def launch(folder: Path, **words) -> Launch:
    """A worker with the built-in engines on the Python that runs the tests."""
    return Launch(**{"python": sys.executable, "weights": folder, "without_midas": "MiDaS is not wanted in this test.",
                     "idle_seconds": 60.0, "log": folder / "worker.log"} | words)


def until_ready(client: Client, seconds: float = 60.0) -> None:
    """Waits until the worker that `prepare` started says what it can do."""
    end = time.monotonic() + seconds
    while client.ready is None and time.monotonic() < end:
        client.sleep_and_pump()
    assert client.ready is not None, "the worker did not become ready"


def write_pixels(path: Path, rgba: np.ndarray, encoding: str = "BYTE", premultiplied: bool = False,
                 part: Sequence[int] = ()) -> dict:
    """Writes H x W x 4 values of 0..1, rows from the top down, as Blender's rows run, and says what they are."""
    upwards = rgba[::-1].astype(np.float32)
    (np.rint(upwards * 255).astype(np.uint8) if encoding == "BYTE" else upwards).tofile(path)
    return {"file": path.name, "width": rgba.shape[1], "height": rgba.shape[0], "encoding": encoding,
            "premultiplied": premultiplied, "part": list(part)}


def opaque(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, np.ones(rgb.shape[:2])]).astype(np.float32)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """An opaque picture of noise, in steps of 1/255."""
    return opaque(np.random.default_rng(seed).integers(0, 256, (height, width, 3)) / 255)
