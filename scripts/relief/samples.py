"""Training samples: a picture of a made-up material beside the slopes that are really there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import albedo, camera, heights, light
from .noise import gradient

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

FLAT_SHARE = 0.2
MIXTURE_SHARE = 0.12


@dataclass(frozen=True)
class Sample:
    """One picture and its truth; both wrap in x and y.

    rgb: H x W x 3 float32, sRGB values 0..1.  slopes: H x W x 2 float32, dh/dx and dh/dy per pixel, y downwards, heights
    in pixels.  kind: name of the relief; "flat" is exactly flat.
    """

    rgb: Array
    slopes: Array
    kind: str


@dataclass(frozen=True)
class Scene:
    """What a sample is made of."""

    relief: heights.Relief
    paint: albedo.Paint
    lighting: light.Lighting


def sample(seed: int, size: int = 256) -> Sample:
    """The same sample for the same seed and size; `size` is best a multiple of 32."""
    rng = np.random.default_rng([seed, size])
    made = scene(rng, size)
    rgb = picture(rng, made)
    slopes = np.stack(gradient(made.relief.height), axis=2)
    return turned(Sample(rgb, slopes, made.relief.kind), int(rng.integers(4)), bool(rng.random() < 0.5))


def scene(rng: Generator, size: int) -> Scene:
    if rng.random() < FLAT_SHARE:
        return _print(rng, size)
    if rng.random() < MIXTURE_SHARE:
        relief = heights.mixture(rng, size)
    else:
        relief = heights.relief(rng, size, _any_kind(rng))
    paint = albedo.painted(rng, relief)
    return Scene(relief, paint, light.any_lighting(rng, paint.shiny))


def picture(rng: Generator, made: Scene) -> Array:
    """The scene photographed: sRGB, size x size x 3."""
    linear = light.lit(made.relief.height, made.paint.albedo ** np.float32(2.2), made.lighting)
    return camera.photographed(rng, linear)


def turned(made: Sample, quarters: int, mirrored: bool) -> Sample:
    """The sample turned anticlockwise by quarters, then mirrored left to right; the slopes turn with it."""
    rgb, slopes = made.rgb, made.slopes
    for _ in range(quarters % 4):
        rgb = np.rot90(rgb)
        slopes = np.rot90(slopes)[..., ::-1] * np.array([1, -1], np.float32)
    if mirrored:
        rgb = rgb[:, ::-1]
        slopes = slopes[:, ::-1] * np.array([-1, 1], np.float32)
    return Sample(np.ascontiguousarray(rgb), np.ascontiguousarray(slopes), made.kind)


def _any_kind(rng: Generator) -> str:
    weights = np.array([kind.weight for kind in heights.KINDS.values()])
    return list(heights.KINDS)[rng.choice(len(weights), p=weights / weights.sum())]


def _print(rng: Generator, size: int) -> Scene:
    """Marks on ground that is exactly flat, or nearly, or shaped in a way that the marks do not follow."""
    relief = heights.flat(size)
    if rng.random() < 0.2:
        relief = heights.relief(rng, size, ("plaster", "weave", "worn_metal", "concrete", "folds")[rng.integers(5)])
    return Scene(relief, albedo.flat_print(rng, relief), light.any_lighting(rng, False))
