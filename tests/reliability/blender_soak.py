"""Run by blender_program.py: requests of every kind in one Blender, and what it and its worker hold meanwhile."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.regenerate import start_retune
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.settings import Settings

from tests.reliability.traces import processor_seconds, resident

PICTURES = 6
"""Different pictures of each size, so that the surfaces that are kept are soon as many as they will be."""

SIDES = (1, 17, 64, 96, 200)
ENGINES = ("LUMINANCE", "LUMINANCE", "RELIEF")
PROBES, SAMPLES = 40, 40

MakePicture = Callable[[int, int, int], bpy.types.Image]


def soaked(count: int, seed: int, picture_of: MakePicture) -> dict:
    """What came of `count` requests; `samples`: (requests, bytes of Blender, bytes of the worker, descriptors of both)."""
    chance, counts, samples, images = random.Random(seed), Counter(), [], len(bpy.data.images)
    first = probed(chance, picture_of)
    worker = addon.client.worker
    while counts.total() < count:
        if counts.total() >= len(samples) * count // SAMPLES:
            samples.append((counts.total(), *held(worker.pid)))
        mixed(chance, counts, picture_of)
    last = probed(chance, picture_of)
    samples.append((counts.total(), *held(worker.pid)))
    return {"counts": counts, "samples": samples, "first": first, "last": last,
            "files": len(list(worker.folder.iterdir())), "images": len(bpy.data.images) - images,
            "one worker": addon.client.worker is worker and not addon.client.is_busy}


def mixed(chance: random.Random, counts: Counter, picture_of: MakePicture) -> None:
    """A map that is given up, made, or made and re-tuned."""
    side = chance.choice(SIDES)
    picture = picture_of(side, side, chance.randrange(PICTURES))
    settings = Settings(engine=chance.choice(ENGINES), tileable=chance.choice(("AUTO", "OFF", "BOTH")),
                        strength=chance.uniform(0, 10), blur=chance.choice((0.0, 0.0, 3.0)))
    task = start_generation(bpy.context, GenerateRequest(settings, source="IMAGE", image_uid=picture.session_uid,
                                                         target="NONE"))
    if chance.random() < 0.2:
        give_up(task, chance.uniform(0, 0.02))
        counts["cancelled"] += 1
    else:
        normal = bpy.data.images[task.wait().map_name]
        counts["made"] += 1
        while chance.random() < 0.5:
            start_retune(normal, replace(settings, strength=chance.uniform(0, 10))).wait()
            counts["re-tuned"] += 1
        bpy.data.images.remove(normal)
    bpy.data.images.remove(picture)


def give_up(task: object, seconds: float) -> None:
    """Goes on for a while, and lets the worker finish what it has begun."""
    end, report = time.monotonic() + seconds, None
    while report is None and time.monotonic() < end:
        addon.client.pump()
        report = task.step() if task.is_ready else None
    if report is None:
        task.cancel()
    else:
        bpy.data.images.remove(bpy.data.images[report.map_name])
    while addon.client.is_busy:
        addon.client.sleep_and_pump()


def probed(chance: random.Random, picture_of: MakePicture) -> float:
    """Mean seconds of a processor, Blender's and the worker's together, for a map that is always the same work."""
    probe(chance, picture_of)  # the first one of all starts the worker
    start = spent()
    for _ in range(PROBES):
        probe(chance, picture_of)
    return (spent() - start) / PROBES


def probe(chance: random.Random, picture_of: MakePicture) -> None:
    picture = picture_of(64, 64, 10 ** 6 + chance.randrange(10 ** 6))
    ask = GenerateRequest(Settings(engine="LUMINANCE"), source="IMAGE", image_uid=picture.session_uid, target="NONE")
    bpy.data.images.remove(bpy.data.images[start_generation(bpy.context, ask).wait().map_name])
    bpy.data.images.remove(picture)


def spent() -> float:
    return sum(map(processor_seconds, (os.getpid(), addon.client.worker.pid)))


def held(worker: int) -> tuple[int, int, int, int]:
    processes = (os.getpid(), worker)
    return (*map(resident, processes), *(len(list(Path(f"/proc/{process}/fd").iterdir())) for process in processes))
