"""A normal map from heights that are there, beside one pass of numpy over as many numbers."""

from __future__ import annotations

import cProfile
import pstats
import statistics

import numpy as np

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.core.map_types import MAP_TYPES
from blender_midas_normal.core.maps import make_map
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Surface, Wrap
from blender_midas_normal.core.settings import Settings

ROUNDS = 10
"""For each of the other parts' rounds: three of 40 ms would all lie within one slow moment of the machine."""

STEPS = 8
"""Of a profile."""


def measure(plan: Plan) -> Answer:
    side, settings = plan.surface, Settings()
    height = np.random.default_rng(0).random((side, side), np.float32)
    surface = Surface(height, 1.0, False, Wrap(), (side, side))
    normals = normal_map(surface, settings)
    ways = {"map": lambda: normal_map(surface, settings), "pass": lambda: copy_and_normalise(normals)}
    seconds = in_turn(ways, plan.runs * ROUNDS, plan.patience)
    makers = {kind: lambda kind=kind: make_map(kind, surface, settings) for kind in MAP_TYPES}
    maps = in_turn({"pass": ways["pass"], **makers}, plan.runs, plan.patience)
    ratios = {kind: median_ratio(maps[kind], maps["pass"]) for kind in MAP_TYPES}
    rows = [[MAP_TYPES[kind].label, f"{statistics.median(maps[kind]) * 1000:.0f} ms", f"{ratio:.2f}"]
            for kind, ratio in ratios.items()]
    return Answer({"surface": median_ratio(seconds["map"], seconds["pass"]),
                   **{f"surface {kind.lower()}": ratio for kind, ratio in ratios.items() if kind != "NORMAL"}},
                  {"surface": profile(ways["map"])},
                  [Table(f"Maps of {side} x {side} from cached heights", ["Map", "time", "/ one numpy pass"], rows)])


def copy_and_normalise(normals: np.ndarray) -> np.ndarray:
    """Copy 3 x H x W vectors and make them unit: the least work of a map in numpy."""
    copied = normals.copy()
    copied /= np.sqrt(np.einsum("kij,kij->ij", copied, copied))
    return copied


def profile(work) -> dict:
    """Return the seconds of the functions that take longest by themselves."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler).get_stats_profile().func_profiles
    longest = sorted(stats.items(), key=lambda item: -item[1].tottime)[:STEPS]
    return {name: profile.tottime for name, profile in longest}
