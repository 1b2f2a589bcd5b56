"""Light on a relief: overcast sky with occlusion, a sun with cast shadows, gloss.  Scene-linear values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .noise import between, blur, gradient

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

SHADOW_STEPS = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48)
"""Distances in pixels at which the ray towards the sun is tried."""


@dataclass(frozen=True)
class Lighting:
    """occlusion: strength, 1 is about physical.  sun: share of the light, 0..1.  direction: unit vector to the sun, y down,
    z out of the picture.  gloss: strength of reflections.  roughness: of GGX."""

    occlusion: float
    sun: float
    direction: tuple[float, float, float]
    shadows: bool
    gloss: float
    roughness: float
    metallic: float


def any_lighting(rng: Generator, shiny: bool) -> Lighting:
    """Draw a lighting: most often nearly overcast or even, sometimes a strong sun; reflections for shiny materials."""
    style = rng.choice(["even", "overcast", "soft sun", "sun"], p=[0.15, 0.38, 0.34, 0.13])
    low, high = {"even": (0, 0), "overcast": (0, 0.06), "soft sun": (0.08, 0.4), "sun": (0.4, 0.8)}[style]
    sun = rng.uniform(low, high)
    elevation, azimuth = np.radians(rng.uniform(25, 72)), rng.uniform(0, 2 * np.pi)
    direction = (np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation))
    glossy = rng.random() < (0.75 if shiny else 0.2)
    return Lighting(occlusion=rng.uniform(0.2, 0.9) if style == "even" else rng.uniform(0.4, 1.9), sun=float(sun),
                    direction=tuple(float(d) for d in direction), shadows=style == "sun" or rng.random() < 0.4,
                    gloss=between(rng, 0.1, 1.2) if glossy else 0.0, roughness=rng.uniform(0.2, 0.6),
                    metallic=rng.uniform(0.2, 0.8) if shiny and glossy else 0.0)


def lit(height: Array, albedo: Array, light: Lighting) -> Array:
    """Render a relief with a scene-linear albedo (H x W x 3) to a scene-linear picture."""
    gx, gy = gradient(height)
    nz = 1 / np.sqrt(1 + gx * gx + gy * gy)
    nx, ny = -gx * nz, -gy * nz
    facing = np.maximum(nx * light.direction[0] + ny * light.direction[1] + nz * light.direction[2], 0)
    open_to_sun = sunlit(height, light) if light.shadows and light.sun > 0 else np.float32(1)
    sky = sky_visibility(height, nz, light.occlusion)
    shade = (1 - light.sun) * sky + light.sun * facing * open_to_sun / np.float32(light.direction[2])
    picture = albedo * (shade * np.float32(1 - 0.8 * light.metallic))[..., None]
    if light.gloss <= 0:
        return picture
    shine = _reflection(nx, ny, nz, light) * sky * np.float32(light.gloss)
    tint = albedo * np.float32(light.metallic) + np.float32(0.04 + 0.05 * (1 - light.metallic))
    return picture + tint * shine[..., None]


def sky_visibility(height: Array, nz: Array, strength: float) -> Array:
    """Return the visible share of the sky, about 0.3..1.15: less in hollows of any width and on steep sides."""
    if strength <= 0:
        return np.ones_like(height)
    hollow = np.zeros_like(height)
    for width in (1.5, 4, 11, 30):
        depth = (blur(height, width) - height) / np.float32(width)
        hollow += np.where(depth > 0, depth, np.float32(0.35) * depth)
    steep = np.float32(0.5 * min(strength, 1)) * (1 - nz)
    return np.exp(-np.float32(0.8 * strength) * np.clip(hollow, -0.5, 3)) * (1 - steep)


def sunlit(height: Array, light: Lighting) -> Array:
    """Return 0 in cast shadow and 1 in the sun, with a soft border."""
    across = np.hypot(*light.direction[:2])
    climb = light.direction[2] / across
    above = np.full_like(height, -1e6)
    for distance in SHADOW_STEPS:
        dx, dy = (round(distance * d / across) for d in light.direction[:2])
        away = np.hypot(dx, dy)
        np.maximum(above, np.roll(height, (-dy, -dx), (0, 1)) - height - np.float32(away * climb), out=above)
    return np.clip(np.float32(0.5) - above / 1.5, 0, 1)


def _reflection(nx: Array, ny: Array, nz: Array, light: Lighting) -> Array:
    """Return what a viewer straight above sees mirrored: a GGX lobe of the sun, and a sky brighter on one side."""
    halfway = np.array(light.direction, np.float32) + np.array([0, 0, 1], np.float32)
    halfway /= np.linalg.norm(halfway)
    cosine = np.maximum(nx * halfway[0] + ny * halfway[1] + nz * halfway[2], 0)
    alpha = np.float32(light.roughness ** 2)
    lobe = alpha ** 2 / (np.pi * (cosine * cosine * (alpha ** 2 - 1) + 1) ** 2)
    mirrored = 2 * nz * (nx * light.direction[0] + ny * light.direction[1])
    bright_side = 1 / (1 + np.exp(-(mirrored - 0.1) / np.float32(0.1 + 0.5 * light.roughness)))
    return np.float32(0.25 + 1.5 * light.sun) * np.minimum(lobe, 20) * np.float32(0.5) + bright_side + np.float32(0.4)
