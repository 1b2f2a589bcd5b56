"""One Blender and one worker for a long time: memory, descriptors and times stay what they are."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.picture import Picture, Surface, Wrap
from blender_midas_normal.worker.surface_cache import SURFACE_CACHE_BYTES, CacheEntry, SurfaceCache

pytestmark = [pytest.mark.reliability, pytest.mark.slow,
              pytest.mark.skipif(sys.platform != "linux", reason="memory and descriptors are read from /proc")]

BLENDER = Path(__file__).with_name("blender_program.py")

MOST_MEMORY = 60e6
"""Bytes that either process may grow by from the first quarter to the end."""

MOST_DRIFT = 2.0
"""How much longer the last requests may keep a processor than the first; machines have their moods."""


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="this Python has no bpy")
def test_a_long_life_changes_nothing(tmp_path, temporary, amount, figure):
    count = amount(2_000, 80)
    run = subprocess.run([sys.executable, str(BLENDER), "soak", str(tmp_path / "resources"), str(count), "1"],
                         capture_output=True, text=True, timeout=60 + count, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["one worker"] and (found["files"], found["images"]) == (0, 0)
    numbers, *held = zip(*found["samples"][len(found["samples"]) // 4:], strict=True)
    slopes = [float(np.polyfit(numbers, series, 1)[0]) for series in held[:2]]
    grown = [series[-1] - series[0] for series in held]
    growth = [f"by {more / 1e6:.1f} MB to {series[-1] / 1e6:.0f} MB, {slope / 1e3:.1f} kB a request"
              for more, series, slope in zip(grown, held, slopes, strict=False)]
    figure(f"soak: {numbers[-1]} requests in one Blender and one worker, {found['counts']}; from a quarter to the end "
           f"Blender grew {growth[0]}, the worker {growth[1]}; descriptors {held[2][-1]} and {held[3][-1]}, as before; a "
           f"map of 64 x 64 took {found['first'] * 1e3:.1f} ms of a processor at first and {found['last'] * 1e3:.1f} ms at "
           "last")
    assert max(grown[:2]) < MOST_MEMORY
    assert grown[2:] == [0, 0]
    assert found["last"] < MOST_DRIFT * found["first"]


def test_surfaces_that_are_kept_are_bounded_in_bytes_whatever_comes():
    """The only cache that grows with what is asked for."""
    chance, surfaces, budget = random.Random(1), SurfaceCache(1 << 20), 1 << 20
    for number in range(500):
        side = chance.choice((1, 30, 200, 400, 600))
        heights, slopes = np.zeros((side, side), np.float32), np.zeros((side, side, 2), np.float32)
        surface = Surface(heights, 1.0, False, Wrap(), (side, side), slopes=slopes if number % 2 else None)
        surfaces.put(str(number), CacheEntry("RELIEF", surface, Picture(np.zeros((side, side, 3), np.uint8))))
        entries = [surfaces.get(str(key)) for key in range(number + 1)]  # oldest first, so that the order stays
        kept = [entry.nbytes for entry in entries if entry is not None]
        assert sum(kept) <= budget or len(kept) == 1
    assert SURFACE_CACHE_BYTES == 512 << 20
