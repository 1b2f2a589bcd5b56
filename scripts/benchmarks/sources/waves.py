"""The engine HEIGHT on sums of sines, whose slopes are known, stored as files of 8 and 16 bits and of floats hold them."""

from __future__ import annotations

import numpy as np
from relief.scores import degrees, unit

from benchmarks.answer import Answer, Table
from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.height import Height

SIDES = (512, 2048)
STORED = {"16 bits": 65535, "floats": 0, "8 bits": 255}
"""How heights are stored, and the largest number that a file has for them."""

COUNT, SHORTEST = 20, 16
"""How many waves are added, and the shortest length of one in pixels."""

SETTINGS = Settings(engine="HEIGHT", tileable="BOTH", height_scale=0.1)


def measure() -> Answer:
    exact, eight, rows = [], [], []
    for side in SIDES:
        values, across, down = waves(side)
        true = true_normals(across, down)
        for name, largest in STORED.items():
            stored = (np.rint(values * largest) / largest if largest else values).astype(np.float32)
            errors = degrees(normals_of(stored, 1 / 255 if largest == 255 else 0.0), true)
            unsmoothed = degrees(normals_of(stored), true).mean() if largest == 255 else errors.mean()
            if largest == 255:
                eight.append(errors.mean() / unsmoothed)
            else:
                exact.append((errors.mean(), errors.max()))
            rows.append([f"{side}, {name}", *(f"{value:.3f}" for value in (errors.mean(), errors.max(), unsmoothed))])
    mean, largest_error = np.max(exact, axis=0)
    return Answer({"waves mean": float(mean), "waves largest": float(largest_error), "waves 8 bits": float(max(eight))},
                  tables=[Table("HEIGHT on sums of sines, degrees", ["Side, stored as", "mean error", "largest",
                                                                      "mean without smoothing"], rows)])


def waves(side: int, seed: int = 0) -> np.ndarray:
    """Return heights 0..1 that repeat, of waves of at least SHORTEST pixels, and their slopes dh/du and dh/dv, v downwards.

    u and v are measured in sides; longer waves are higher, as in real relief.
    """
    random = np.random.default_rng(seed)
    v, u = np.mgrid[:side, :side] / side
    planes = np.zeros((3, side, side))
    for _ in range(COUNT):
        across, down = random.integers(-side // 23, side // 23 + 1, 2)
        if not 0 < np.hypot(across, down) <= side / SHORTEST:
            continue
        size, phase = random.random() / np.hypot(across, down), 2 * np.pi * (across * u + down * v) + random.random() * 7
        planes += size * np.stack([np.sin(phase), 2 * np.pi * across * np.cos(phase), 2 * np.pi * down * np.cos(phase)])
    low, span = planes[0].min(), np.ptp(planes[0])
    return np.stack([(planes[0] - low) / span, planes[1] / span, planes[2] / span])


def true_normals(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return the unit normals, H x W x 3, of heights with these slopes at the scale of SETTINGS."""
    scale = SETTINGS.height_scale
    return unit(np.stack([-scale * across, scale * down, np.ones_like(across)], axis=2))


def normals_of(values: np.ndarray, step: float = 0.0) -> np.ndarray:
    """Return the normals, H x W x 3, that the engine makes of heights; step: distance of two values of their file."""
    picture = Picture(np.repeat(values[..., None], 3, axis=2), content=DATA, step=step)
    surface = Height().surface(EngineInput(picture, Wrap(True, True), SETTINGS, lambda stage, share: None))
    return np.moveaxis(normal_map(surface, SETTINGS), 0, 2)
