"""Real materials lit anew: their colours are mostly albedo, photographs as users have them hold light and shadow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from blender_midas_normal.core.heights import integrate_slopes
from blender_midas_normal.core.picture import Wrap

from . import camera, light

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from .materials import Material

SHINY = {"metal": 0.8, "leather": 0.5, "tiles": 0.4}
"""Share of a category's materials that reflect as polished ones do."""


def relit(rng: Generator, material: Material) -> NDArray[np.uint8]:
    """Render the material under random light, and photograph it: H x W x 3 uint8.

    The light is that of the made-up samples, from heights that are integrated from the normals: sky with occlusion in
    hollows, a sun with cast shadows, gloss.
    """
    across, down = material.tiles
    height = integrate_slopes(material.slopes[..., 0], material.slopes[..., 1], Wrap(across, down))
    linear = (material.rgb.astype(np.float32) / 255) ** np.float32(2.2)
    lighting = light.any_lighting(rng, bool(rng.random() < SHINY.get(material.category, 0.05)))
    pictured = camera.photograph(rng, light.lit(height, linear, lighting))
    return np.rint(pictured * 255).astype(np.uint8)


def write_relit(folder: Path, source: Path, name: str, number: int, seed: int) -> None:
    """Write the relit picture of one material, if it does not exist."""
    from .materials import read_material

    path = relit_file(folder, name, number)
    if path.exists():
        return
    rng = np.random.default_rng([seed, number, *name.encode()])
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.save(file, relit(rng, read_material(source, name)), allow_pickle=False)
    unfinished.replace(path)


def relit_file(folder: Path, name: str, number: int) -> Path:
    return folder / f"relit_{name}_{number}.npy"
