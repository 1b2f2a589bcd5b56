"""Maps from cached heights by numpy and on the GPU, the heights' way there and the map's way back included."""

from __future__ import annotations

import statistics

import numpy as np
import torch

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.core.map_types import MAP_TYPES
from blender_midas_normal.core.maps import NUMPY_BACKEND, make_map
from blender_midas_normal.core.picture import Surface, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.torch_backend import to_tensor, torch_array_backend

TITLE = "from heights in memory, by numpy and on the GPU"


def measure(plan: Plan) -> Answer:
    side = plan.surface
    surface = Surface(np.random.default_rng(0).random((side, side), np.float32), 1.0, False, Wrap(), (side, side))
    has_gpu = torch.cuda.is_available()
    rows = [_compare(kind, surface, plan) if has_gpu else [MAP_TYPES[kind].label, *["not measured"] * 3]
            for kind in MAP_TYPES]
    rows.append(["The heights' way to the GPU", "", _upload(surface, plan) if has_gpu else "not measured", ""])
    return Answer(tables=[Table(f"Maps of {side} x {side} {TITLE}", ["Map", "numpy", "CUDA", "numpy / CUDA"], rows)])


def _compare(kind: str, surface: Surface, plan: Plan) -> list:
    ways = {name: lambda by=by: make_map(kind, surface, Settings(), by)
            for name, by in (("numpy", NUMPY_BACKEND), ("cuda", torch_array_backend("cuda")))}
    seconds = in_turn(ways, plan.runs, plan.patience)
    return [MAP_TYPES[kind].label, *(_milliseconds(seconds[name]) for name in ways),
            f"{median_ratio(seconds['numpy'], seconds['cuda']):.2f}"]


def _upload(surface: Surface, plan: Plan) -> str:
    def upload() -> None:
        to_tensor(surface.height, "cuda")
        torch.cuda.synchronize()

    return _milliseconds(in_turn({"upload": upload}, plan.runs)["upload"])


def _milliseconds(seconds: list) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms"
