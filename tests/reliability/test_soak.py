"""One client and one worker for a long time: memory, descriptors and times stay what they are."""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.core.errors import Cancelled
from blender_midas_normal.core.picture import Picture, Surface, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.surfaces import BUDGET, Kept, Surfaces
from tests.reliability.traces import resident
from tests.requests_for_tests import launch, noise, write_pixels

pytestmark = [pytest.mark.reliability, pytest.mark.slow,
              pytest.mark.skipif(sys.platform != "linux", reason="memory and descriptors are read from /proc")]

DEADLINE = 60.0
PICTURES = 6
"""Different pictures, so that the surfaces that are kept are soon as many as they will be."""

SIDES = (1, 17, 64, 96, 200)
ENGINES = ("LUMINANCE", "LUMINANCE", "RELIEF")

MOST_MEMORY = 60e6
"""Bytes that either process may grow by from the first quarter to the end."""

MOST_DRIFT = 2.0
"""How much slower the last requests may be than the first; machines have their moods."""


class Soak:
    """A client and what it has asked for."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.client = Client()
        self.counts: Counter = Counter()
        self._folder = folder
        self._chance = random.Random(seed)
        self._surfaces: list[str] = []

    def request(self) -> None:
        """One of any kind, to its end."""
        chance = self._chance
        settings = Settings(engine=chance.choice(ENGINES), tileable=chance.choice(("AUTO", "OFF", "BOTH")),
                            strength=chance.uniform(0, 10), blur=chance.choice((0.0, 0.0, 3.0)))
        kind = chance.choice(("map", "map", "re-tune", "re-tune", "cancel"))
        self.client.prepare(launch(self._folder))
        if kind == "re-tune" and self._surfaces:
            job = self.client.submit(settings=settings.words(), surface=chance.choice(self._surfaces[-20:]))
        else:
            side = chance.choice(SIDES)
            pixels = write_pixels(self.client.new_file(), noise(side, side, chance.randrange(PICTURES)))
            job = self.client.submit(settings=settings.words(), pixels=pixels, with_pixels=chance.random() < 0.5)
        if kind == "cancel":
            end = time.monotonic() + chance.uniform(0, 0.02)
            while time.monotonic() < end:
                self.client.pump()
            self.client.cancel(job)
        try:
            result = self.client.wait(job, DEADLINE)
        except Cancelled:
            self.counts["cancelled"] += 1
            return
        with self.client.taken(result) as files:
            assert files.png.startswith(b"\x89PNG")
        self._surfaces.append(result.surface)
        self.counts["re-tuned" if kind == "re-tune" else "made"] += 1

    def probe(self) -> float:
        """Seconds of a request that is always the same work."""
        self.client.prepare(launch(self._folder))
        pixels = write_pixels(self.client.new_file(), noise(64, 64, 10 ** 6 + self._chance.randrange(10)))
        start = time.perf_counter()
        with self.client.taken(self.client.wait(self.client.submit(settings=Settings(engine="LUMINANCE").words(),
                                                                   pixels=pixels), DEADLINE)):
            return time.perf_counter() - start


def test_a_long_life_changes_nothing(tmp_path, temporary, amount, figure):
    soak, count = Soak(tmp_path, 1), amount(2_000, 80)
    try:
        probes = [soak.probe() for _ in range(20)]
        worker = soak.client._worker
        for number in range(count):
            soak.request()
            if number == count // 4:
                quarter = measured(worker.pid)
        after = [soak.probe() for _ in range(20)]
        end = measured(worker.pid)
        assert soak.client._worker is worker and not soak.client.is_busy
        assert not list(worker.folder.iterdir())
    finally:
        soak.client.close()
    first, last = statistics.median(probes), statistics.median(after)
    figure(f"soak: {count} requests in one worker, {dict(soak.counts)}; from a quarter to the end the client grew by "
           f"{(end[0] - quarter[0]) / 1e6:.1f} MB to {end[0] / 1e6:.0f} MB, the worker by "
           f"{(end[1] - quarter[1]) / 1e6:.1f} MB to {end[1] / 1e6:.0f} MB; descriptors {end[2]} and {end[3]}, as before; "
           f"a map of 64 x 64 took {first * 1e3:.1f} ms at first and {last * 1e3:.1f} ms at last")
    assert end[0] - quarter[0] < MOST_MEMORY and end[1] - quarter[1] < MOST_MEMORY
    assert end[2:] == quarter[2:]
    assert last < MOST_DRIFT * first


def measured(worker: int) -> tuple[int, int, int, int]:
    """Bytes of the client and the worker, descriptors of both."""
    return resident(os.getpid()), resident(worker), descriptors(os.getpid()), descriptors(worker)


def descriptors(number: int) -> int:
    return len(list(Path(f"/proc/{number}/fd").iterdir()))


def test_surfaces_that_are_kept_are_bounded_in_bytes_whatever_comes():
    """The only cache that grows with what is asked for."""
    chance, surfaces, budget = random.Random(1), Surfaces(1 << 20), 1 << 20
    for number in range(500):
        side = chance.choice((1, 30, 200, 400, 600))
        heights, slopes = np.zeros((side, side), np.float32), np.zeros((side, side, 2), np.float32)
        surface = Surface(heights, 1.0, False, Wrap(), (side, side), slopes=slopes if number % 2 else None)
        surfaces.keep(str(number), Kept("RELIEF", surface, Picture(np.zeros((side, side, 3), np.uint8))))
        kept = [one.nbytes for one in surfaces._kept.values()]
        assert sum(kept) <= budget or len(kept) == 1
    assert BUDGET == 512 << 20
