"""One map in Blender, by stage: by the worker's own clock, and by ours for what Blender does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import bpy
from bl_ext.user_default.midas_normal.bridge import generate
from bl_ext.user_default.midas_normal.bridge.addon import client
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest, PreparedRequest
from bl_ext.user_default.midas_normal.bridge.tasks import Report, Task
from bl_ext.user_default.midas_normal.client.client import ResultFuture
from bl_ext.user_default.midas_normal.core.settings import Settings

from benchmarks.blender_images import read

STAGES = {
    "read": "Blender's pixels into a file",
    "send": "the request into the pipe",
    "queue": "the worker has not begun, or its answer is not seen yet",
    "convert": "the file's values into a picture",
    "preprocess": "filling of transparent parts; does the picture repeat?",
    "forward": "the network",
    "surface": "heights",
    "maps": "normals of the heights",
    "encode": "a PNG file of 16 bits, and the pixels as Blender holds them",
    "return": "the PNG file into Blender's memory, and all that is not named",
    "write": "the pixels into the image, and the packed file",
    "wire": "the nodes of the material",
}
ARITHMETIC = ("preprocess", "forward", "surface", "maps")
"""Stages that are arithmetic on the picture; all others are transport."""

OF_WORKER = {"read": "convert", "prepare": "preprocess", "maps": "maps", "encode": "encode"}
"""Our names for stages of the worker's clock; its "engine" is "forward" and "surface"."""

OF_BLENDER = ((PreparedRequest, "submit", "send"), (generate, "store_map", "write"),
              (PreparedRequest, "apply_to_materials", "wire"))
"""Functions that are stages: where they are called from, their names there, and ours."""


def seconds_of_map(image: bpy.types.Image, kwargs: dict) -> dict[str, float]:
    """Make one normal map, wired, with these settings; return the seconds by stage, and remove the map's image."""
    start = time.perf_counter()
    with time_blender() as seconds:
        report, waiting = finish_task(generate.start_generation(bpy.context, GenerateRequest(
            Settings().replace_fields(kwargs), "IMAGE", image.session_uid)))
    wall = time.perf_counter() - start
    read(bpy.data.images[report.map_name])
    bpy.data.images.remove(bpy.data.images[report.map_name])
    clock = report.facts["seconds"]
    seconds.update({ours: clock[name] for name, ours in OF_WORKER.items()})
    seconds["surface"] = waiting.surface if waiting.surface else clock["engine"] * (not waiting.network)
    seconds["surface"] = min(seconds["surface"], clock["engine"])
    seconds["forward"] = clock["engine"] - seconds["surface"]
    seconds["queue"] = max(0.0, waiting.seconds - sum(clock.values()))
    seconds["return"] = max(0.0, wall - sum(seconds.values()))
    return {stage: seconds[stage] for stage in STAGES}


@contextmanager
def time_blender() -> Iterator[Counter]:
    """Measure the stages that run in Blender during the `with` block; yields the seconds."""
    seconds: Counter = Counter()
    with ExitStack() as until_end:
        exported = _timed_pieces(generate.export_image_pixels, seconds, "read")
        until_end.enter_context(patch.object(generate, "export_image_pixels", exported))
        for owner, name, stage in OF_BLENDER:
            until_end.enter_context(patch.object(owner, name, _time_stage(getattr(owner, name), seconds, stage)))
        yield seconds


def _time_stage(function, seconds: Counter, stage: str):
    def call(*arguments, **kwargs):
        start = time.perf_counter()
        try:
            return function(*arguments, **kwargs)
        finally:
            seconds[stage] += time.perf_counter() - start

    return call


def _timed_pieces(function, seconds: Counter, stage: str):
    def call(*arguments, **kwargs):
        pieces = function(*arguments, **kwargs)
        step = _time_stage(pieces.__next__, seconds, stage)
        while True:
            try:
                step()
            except StopIteration as end:
                return end.value
            yield

    return call


class Waiting:
    """The time spent waiting for the worker, and what it said meanwhile.

    network: whether one ran; surface: seconds from its end to the maps.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._first: dict[str, float] = {}
        self._last = 0.0

    def moment(self, job: ResultFuture) -> None:
        start = time.perf_counter()
        client.sleep_and_pump()
        self._last = time.perf_counter()
        self.seconds += self._last - start
        self._first.setdefault(job.stage, self._last)

    @property
    def network(self) -> bool:
        return "network" in self._first

    @property
    def surface(self) -> float:
        """The seconds of the surface; 0 where no network ran.  If a short stage was missed, the next one ends it."""
        end = next((self._first[stage] for stage in ("maps", "write") if stage in self._first), self._last)
        return end - self._first.get("height", end)


def finish_task(task: Task) -> tuple[Report, Waiting]:
    """Run a task to its end; return its report, as `Task.wait` does, and how it was waited for."""
    waiting, report = Waiting(), None
    while report is None:
        while not task.is_ready:
            waiting.moment(task.job)
        report = task.step()
    return report, waiting
