"""A map that follows a slider, in Blender: from the call to pixels that are shown."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import replace

import bpy
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge.regenerate import start_retune
from bl_ext.user_default.midas_normal.core.settings import Settings

from benchmarks.answer import Answer
from benchmarks.blender_images import Photograph
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn

ROUNDS = 4
"""As many times the rounds of the plan, for a re-tune is short."""

BLUR = 8.0
"""Pixels."""


def measure(plan: Plan) -> Answer:
    settings = Settings(engine="LUMINANCE")
    normal = generate(Photograph(plan.tuned).image, settings)
    strengths = itertools.count(1)
    seconds_of_worker: dict[str, list[dict]] = {"retune": [], "retune blur": []}

    def tune(name: str, blur: float) -> None:
        """Retune with another strength each time."""
        new_settings = replace(settings, strength=1 + next(strengths) % 50 / 50, blur=blur)
        seconds_of_worker[name].append(start_retune(normal, new_settings).wait().facts["seconds"])

    seconds = in_turn({"retune": lambda: tune("retune", 0.0), "retune blur": lambda: tune("retune blur", BLUR)},
                      plan.runs * ROUNDS, plan.patience)
    bpy.data.images.remove(normal)
    whole = {name: statistics.median(values) for name, values in seconds.items()}
    return Answer({name: value * 1000 for name, value in whole.items()},
                  {name: _profile(whole[name], seconds_of_worker[name]) for name in whole})


def _profile(whole: float, clocks: list[dict]) -> dict:
    """Return the seconds of the worker's stages, and of all else together."""
    stages = {stage: statistics.median(clock[stage] for clock in clocks) for stage in clocks[0]}
    return {**stages, "pipe and Blender": max(0.0, whole - sum(stages.values()))}
