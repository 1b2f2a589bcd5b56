"""The first map of a Blender that has just started, at the size of the plan's re-tuned map; for start.py."""

from __future__ import annotations

import time

from bl_ext.user_default.midas_normal import generate

from benchmarks.answer import Answer
from benchmarks.blender_images import Photograph, read
from benchmarks.plan import Plan


def measure(plan: Plan, engine: str) -> Answer:
    photograph = Photograph(plan.tuned)
    start = time.perf_counter()
    read(generate(photograph.image, engine=engine))
    return Answer({"seconds": time.perf_counter() - start})
