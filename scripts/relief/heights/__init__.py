"""The materials' relief: one function per kind, each making a height field from a seed; a file for each family of kinds.

Heights are in pixels of the picture, so slopes are dimensionless.  A kind's function gives the shape; how steep it is
overall is drawn from the kind's range afterwards, as maps made by different hands differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..noise import between, blur, fractal, gradient, pick, share, step
from . import cloth, coats, earth, loose, masonry, pressed, sheets, timber
from .making import STEEPEST, Kind, Relief, feature_size, limit_steepness, mean_slope

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

KINDS: dict[str, Kind] = {
    **masonry.KINDS, **loose.KINDS, **timber.KINDS, **cloth.KINDS, **sheets.KINDS, **coats.KINDS, **earth.KINDS,
    **pressed.KINDS,
}
"""By name, in an order on which the samples of a seed depend."""


def relief(rng: Generator, size: int, name: str) -> Relief:
    """Make one material of a kind, with fine detail, at the resolution and steepness of real maps."""
    material = _single(KINDS[name].make(rng, size))
    low, high = KINDS[name].tilt
    height = blur(_add_detail(rng, material), pick(rng, [0.4, 0.6, 0.9, 1.3, 1.8], [0.2, 0.3, 0.25, 0.15, 0.1]))
    return replace(material, height=scaled_to_tilt(height, rng.triangular(low, 0.4 * low + 0.6 * high, high)))


def _single(material: Relief) -> Relief:
    """Convert a relief to single precision."""
    fields = {name: getattr(material, name) for name in ("height", "joint", "grain")}
    return replace(material, **{name: field.astype(np.float32) for name, field in fields.items() if field is not None})


def scaled_to_tilt(height: Array, degrees: float) -> Array:
    """Scale heights to a mean tilt, or less where the surface would be too steep."""
    slope = np.hypot(*gradient(height))
    steep = float(np.quantile(slope, 0.995))
    if steep < 1e-6:
        return np.zeros_like(height)
    factor = min(np.tan(np.radians(degrees)) / max(float(slope.mean()), 1e-9), STEEPEST / steep)
    for _ in range(3):
        mean = float(np.degrees(np.arctan(slope * factor)).mean())
        factor = min(factor * degrees / max(mean, 1e-6), STEEPEST / steep)
    return height * np.float32(factor)


def _add_detail(rng: Generator, material: Relief) -> Array:
    """Return the height with fine unevenness: none, everywhere, or mostly on the stones or in the joints.

    Sometimes the ground rises and falls, too.
    """
    if rng.random() < 0.2:
        size = material.height.shape[0]
        hills = fractal(rng, size, feature_size(rng, size, 70, 200), 3.2)
        amount = between(rng, 0.1, 0.5) * mean_slope(material.height) / max(mean_slope(hills), 1e-6)
        material = replace(material, height=material.height + np.float32(amount) * hills)
    chance = rng.random()
    if chance < 0.25:
        return material.height
    size = material.height.shape[0]
    rough = fractal(rng, size, between(rng, 4, 40), rng.uniform(1.6, 2.6))
    amount = np.float32(between(rng, 0.05, 0.5) * mean_slope(material.height) / max(mean_slope(rough), 1e-6))
    if material.joint is not None and chance < 0.8:
        amount = amount * (1 - np.float32(rng.uniform(0.3, 1)) * (material.joint if chance < 0.5 else 1 - material.joint))
    return material.height + amount * rough


def mixture(rng: Generator, size: int) -> Relief:
    """Put one material over another: sand between stones, fallen plaster, moss, filled joints."""
    names = list(KINDS)
    under, over = (relief(rng, size, names[i]) for i in rng.choice(len(names), 2, replace=False))
    if rng.random() < 0.5:  # poured over: it fills the low places
        level = float(np.quantile(under.height[::4, ::4], rng.uniform(0.15, 0.6)))
        filling = level + np.float32(rng.uniform(0.2, 1)) * (over.height - over.height.mean())
        covered = step(filling - under.height, -1, 1)
        height = under.height * (1 - covered) + filling * covered
    else:  # a coat with holes
        covered = share(fractal(rng, size, feature_size(rng, size, 30, 150), 2), rng.uniform(0.3, 0.7), 0.15)
        coat = float(under.height.mean()) + np.float32(rng.uniform(0, 4)) + over.height - over.height.mean()
        height = under.height * (1 - covered) + coat * covered
    joint = None if under.joint is None else under.joint * (1 - covered)
    name = f"{over.kind} over {under.kind}"
    return Relief(name, limit_steepness(blur(height.astype(np.float32), 0.6)), under.families, under.piece, joint, covered)


def flat(size: int) -> Relief:
    """Make flat ground, as of prints, labels and screens."""
    families = ("paint", "plaster", "fabric", "metal", "concrete", "wood", "stone")
    return Relief("flat", np.zeros((size, size), np.float32), families)
