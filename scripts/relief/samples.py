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
    """Make the sample of a seed and size, always the same; `size` is best a multiple of 32."""
    rng = np.random.default_rng([seed, size])
    subject = scene(rng, size)
    rgb = picture(rng, subject)
    slopes = np.stack(gradient(subject.relief.height), axis=2)
    return rotate(Sample(rgb, slopes, subject.relief.kind), int(rng.integers(4)), bool(rng.random() < 0.5))


def scene(rng: Generator, size: int) -> Scene:
    if rng.random() < FLAT_SHARE:
        return _print(rng, size)
    if rng.random() < MIXTURE_SHARE:
        relief = heights.mixture(rng, size)
    else:
        relief = heights.relief(rng, size, _any_kind(rng))
    paint = albedo.paint(rng, relief)
    return Scene(relief, paint, light.any_lighting(rng, paint.shiny))


def picture(rng: Generator, subject: Scene) -> Array:
    """Photograph a scene: sRGB, size x size x 3."""
    linear = light.lit(subject.relief.height, subject.paint.albedo ** np.float32(2.2), subject.lighting)
    return camera.photograph(rng, linear)


def rotate(original: Sample, quarters: int, mirrored: bool) -> Sample:
    """Rotate a sample anticlockwise by quarters, then mirror it left to right; the slopes follow."""
    rgb, slopes = original.rgb, original.slopes
    for _ in range(quarters % 4):
        rgb = np.rot90(rgb)
        slopes = np.rot90(slopes)[..., ::-1] * np.array([1, -1], np.float32)
    if mirrored:
        rgb = rgb[:, ::-1]
        slopes = slopes[:, ::-1] * np.array([-1, 1], np.float32)
    return Sample(np.ascontiguousarray(rgb), np.ascontiguousarray(slopes), original.kind)


def _any_kind(rng: Generator) -> str:
    weights = np.array([kind.weight for kind in heights.KINDS.values()])
    return list(heights.KINDS)[rng.choice(len(weights), p=weights / weights.sum())]


def _print(rng: Generator, size: int) -> Scene:
    """Make marks on ground that is exactly flat, or nearly, or shaped in a way that the marks do not follow."""
    relief = heights.flat(size)
    if rng.random() < 0.2:
        relief = heights.relief(rng, size, ("plaster", "weave", "worn_metal", "concrete", "folds")[rng.integers(5)])
    return Scene(relief, albedo.flat_print(rng, relief), light.any_lighting(rng, False))
