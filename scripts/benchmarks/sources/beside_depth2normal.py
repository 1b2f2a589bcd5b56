"""Normals of an array of heights: ours and those of depth2normal, both as 8 bits a colour, each with its best settings.

depth2normal's normals point down in green, and its borders are mirrored, so that errors are compared inside.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from importlib.metadata import version

import depth2normal
import numpy as np
from relief.scores import degrees, unit

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn
from benchmarks.sources.waves import SETTINGS, SIDES, true_normals, waves
from blender_midas_normal.core.gradients import exact_gradient
from blender_midas_normal.core.maps import Map
from blender_midas_normal.core.normals import normals_from_slopes
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.worker.engines.height import smooth_steps

OURS = "ours"
METHODS = {"sobel": {"method": "sobel"}, "scharr": {"method": "scharr"},
           **{f"gaussian {sigma:g}": {"method": "gaussian", "sigma": sigma} for sigma in (0.5, 0.7, 0.8, 0.9, 1.0, 1.2)}}
"""Settings of depth2normal, by the names of our rows."""

INSIDE = 16
"""Pixels at each border that do not count."""


LONG_SIDE = 2048
"""Side in pixels of pictures that take long enough for the plan's rounds; smaller ones are compared more often."""


def measure(plan: Plan) -> Answer:
    answer, rows, ratios = Answer(versions={"depth2normal": version("depth2normal")}), [], []
    for side in SIDES:
        values, across, down = waves(side)
        true = true_normals(across, down)
        for stored, heights in (("floats", values.astype(np.float32)), ("8 bits", np.rint(values * 255).astype(np.uint8))):
            ways = ways_to_normals(heights, side)
            rounds = plan.runs * max(1, LONG_SIDE // side)
            seconds = {way: statistics.median(runs) for way, runs in in_turn(ways, rounds, plan.patience).items()}
            errors = {way: error_of(make(), true) for way, make in ways.items()}
            best, fastest = (min(value for way, value in values.items() if way != OURS) for values in (errors, seconds))
            ratios.append((best / errors[OURS], fastest / seconds[OURS]))
            rows += [[f"{side}, {stored}", way, f"{errors[way]:.3f}", f"{seconds[way] * 1000:.0f} ms"] for way in ways]
    answer.figures["depth2normal error"], answer.figures["depth2normal time"] = map(float, np.min(ratios, axis=0))
    answer.tables.append(Table("Beside depth2normal", ["Side, stored as", "way", "mean error in degrees", "time"], rows))
    return answer


def ways_to_normals(heights: np.ndarray, side: int) -> dict[str, Callable[[], np.ndarray]]:
    """Return functions that make H x W x 3 uint8 normals, OpenGL for ours, DirectX for those of depth2normal."""
    is_byte, scale = heights.dtype == np.uint8, SETTINGS.height_scale * side

    def ours() -> np.ndarray:
        field = smooth_steps(heights / np.float32(255), 1 / 255, Wrap(True, True)) if is_byte else heights
        return Map(tuple(normals_from_slopes(*exact_gradient(field, Wrap(True, True)), scale)), low=-1.0).encode(bits=8)

    def theirs(**settings) -> np.ndarray:
        factor = 1 if is_byte else 255
        return depth2normal.depth_to_normal(heights * np.float32(factor), scale / 255, depth_range="raw", **settings)

    return {OURS: ours} | {name: lambda settings=settings: flip(theirs(**settings)) for name, settings in METHODS.items()}


def flip(pixels: np.ndarray) -> np.ndarray:
    """Turn the green of normals over, in place."""
    np.subtract(255, pixels[..., 1], out=pixels[..., 1])
    return pixels


def error_of(pixels: np.ndarray, true: np.ndarray) -> float:
    """Return the mean error in degrees of 8-bit normals, without the borders."""
    inside = slice(INSIDE, -INSIDE)
    normals = unit(pixels[inside, inside] / np.float32(127.5) - 1)
    return float(degrees(normals, true[inside, inside]).mean())
