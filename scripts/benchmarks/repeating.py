"""How well maps of pictures that repeat repeat themselves.

seam  the step between the normals on both sides of the border / the same step where the picture, rolled by half, has these
      pixels inside: 1 when the border is a place like any other
roll  mean angle between the map of the picture rolled by an odd way, rolled back, and its map / mean tilt of the map:
      0 when it does not matter where a picture that repeats begins
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from relief.samples import sample
from relief.scores import degrees, tilt

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.engines.midas import Midas
from blender_midas_normal.worker.engines.relief import Relief

SIDE = 256

SEEDS = 2, 8, 11
"""Of procedural materials that repeat: rock, bricks, and a wall of rubble."""

ODD_WAY = 13, 50
"""Pixels down and to the right: no multiples of any network's stride."""

MakeNormals = Callable[[np.ndarray], np.ndarray]
"""made(H x W x 3 pixels, 0..1) -> H x W x 3 unit normals."""


def measure(plan: Plan) -> Answer:
    engines = {"luminance": Luminance(), "relief": Relief(), "midas": Midas(Path(plan.weights))}
    tiles = [sample(seed, SIDE).rgb for seed in SEEDS]
    answer, rows = Answer(), []
    for name in (name for name in plan.engines if name != "midas" or plan.weights):
        make_normals = normals_by(engines[name], SIDE)
        seam = float(np.mean([seam_ratio(make_normals, tile) for tile in tiles]))
        roll = roll_ratio(make_normals, tiles)
        answer.figures.update({f"seam {name}": seam, f"roll {name}": roll})
        rows.append([name, f"{seam:.2f}", f"{roll:.3f}"])
    title = f"{len(SEEDS)} pictures of {SIDE} x {SIDE} that repeat"
    answer.tables.append(Table(title, ["Engine", "step across the border / inside", "difference when rolled / tilt"], rows))
    return answer


def normals_by(engine: Luminance | Relief | Midas, resolution: int) -> MakeNormals:
    settings = Settings(tileable="BOTH", resolution=resolution, device="CPU")

    def make_normals(rgb: np.ndarray) -> np.ndarray:
        surface = engine.surface(EngineInput(Picture(rgb), Wrap(True, True), settings, lambda stage, share: None))
        return np.moveaxis(normal_map(surface, settings), 0, 2)

    return make_normals


def seam_ratio(make_normals: MakeNormals, rgb: np.ndarray) -> float:
    """See above; of both directions, the larger one."""
    middle = np.array(rgb.shape[:2]) // 2
    at_border, inside = make_normals(rgb), make_normals(np.roll(rgb, middle, (0, 1)))
    return max(steps_across_rows(turned(at_border))[0] / steps_across_rows(turned(inside))[half]
               for turned, half in ((np.asarray, middle[0]), (lambda normals: normals.swapaxes(0, 1), middle[1])))


def steps_across_rows(normals: np.ndarray) -> np.ndarray:
    """Return how far each row's vectors are from those of the row before it; the row before the first is the last."""
    return np.abs(normals - np.roll(normals, 1, axis=0)).mean(axis=(1, 2))


def roll_ratio(make_normals: MakeNormals, tiles: list) -> float:
    """See above, of several pictures: one that is nearly flat counts for little."""
    apart = sum(rolled_apart(make_normals, rgb, ODD_WAY) for rgb in tiles)
    return apart / sum(float(tilt(make_normals(rgb)).mean()) for rgb in tiles)


def rolled_apart(make_normals: MakeNormals, rgb: np.ndarray, shift: tuple) -> float:
    """Return the mean degrees between the map of the rolled picture, rolled back, and the picture's map."""
    rolled = np.roll(make_normals(np.roll(rgb, shift, (0, 1))), (-shift[0], -shift[1]), (0, 1))
    return float(degrees(rolled, make_normals(rgb)).mean())
