"""What the rows of the check are measured with: its plan, pictures, a network, times, and angles between normals."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..core.errors import Phrase
from ..core.heights import normalise_depth
from ..core.normals import map_slopes, normal_map
from ..core.picture import Surface, Wrap
from ..core.settings import Settings
from ..worker.devices import auto_device
from ..worker.engines.depth_engine import SLOPE_PER_DEPTH
from ..worker.engines.midas.network import Network

NOT_MEASURED = Phrase("not measured")

STEEPNESS = math.tan(math.radians(15))
"""Root mean square of the slopes at which normals are compared: the random weights' own are far from any map's."""


@dataclass(frozen=True)
class Plan:
    """What is measured: weights for MiDaS, the device, sides of pictures and of maps in pixels, seconds for each timing."""

    weights: Path
    device: str
    sides: tuple[int, ...]
    map_side: int
    seconds: float

    @classmethod
    def quick(cls, weights: Path, device: str | None) -> Plan:
        return cls(weights, device or auto_device(), (256,), 256, 0.3)

    @classmethod
    def full(cls, weights: Path, device: str | None) -> Plan:
        return cls(weights, device or auto_device(), (512, 1024), 2048, 6.0)


@contextmanager
def open_network(plan: Plan, device: str) -> Iterator[Network]:
    network = Network(plan.weights.parent)
    network.move(device)
    try:
        yield network
    finally:
        network.close()


def time_call(plan: Plan, call: Callable[[], object]) -> float:
    """Return the median time of a call within the plan's seconds, after one that does not count."""
    times: list[float] = []
    began = None
    with torch.inference_mode():
        while began is None or time.perf_counter() - began < plan.seconds:
            start = time.perf_counter()
            call()
            if plan.device != "cpu":
                getattr(torch, plan.device).synchronize()
            if began is not None:
                times.append(time.perf_counter() - start)
            began = began or time.perf_counter()
    return statistics.median(times)


def degrees_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angles in degrees between the normals of two H x W depths; STEEPNESS is that of the first."""
    surfaces = [Surface(normalise_depth(depth)[0], SLOPE_PER_DEPTH, False, Wrap(), (depth.shape[1], depth.shape[0]))
                for depth in (one, other)]
    steepness = float(np.sqrt(np.square(map_slopes(surfaces[0], Settings())).sum(axis=0).mean()))
    settings = Settings(strength=STEEPNESS / steepness)
    normals = [np.stack(list(normal_map(surface, settings))).astype(np.float64) for surface in surfaces]
    return np.degrees(np.arccos(np.clip((normals[0] * normals[1]).sum(axis=0), -1, 1)))


def make_picture(side: int, seed: int = 0) -> np.ndarray:
    """Return side x side x 3 float32, 0..1: noise over waves of several lengths."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    waves = np.stack([np.sin(9 * x * y + seed), np.cos(7 * x - seed), np.hypot(x, y)], axis=2) * 0.3 + 0.5
    noise = np.random.default_rng(seed).random(waves.shape, np.float32) * 0.4 - 0.2
    return np.clip(waves + noise, 0, 1).astype(np.float32)


def ignore_progress(share: float) -> None:
    """Nobody waits for the progress."""
