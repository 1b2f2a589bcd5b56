"""From a surface to the normal map: the NORMALISED and the RAW formula, conventions and encoding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .filters import blur, gradient, node_gradient, resize
from .picture import Surface
from .settings import Settings, node_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .picture import Array

SMALLEST_A = 1e-3
"""Below this, `a` counts as this in the NORMALISED formula: the map stays finite at a = 0."""

BACKGROUND_SOFTNESS = 0.02
"""Share of the height range over which bg_threshold fades slopes out, so that the background ends without a step."""


def normal_map(surface: Surface, settings: Settings) -> Array:
    """H x W x 3 float32 unit normals, OpenGL (x right, y up, z out), rows from the top down, at the size asked for."""
    if surface.raw:
        return _raw_normals(surface, settings)
    gx, gy = slopes(surface, settings)
    width, height = map_size(surface, settings)
    field = resize(np.dstack([gx, gy]), width, height, surface.wrap)
    return normals_from_slopes(field[..., 0], field[..., 1], slope_factor(settings))


def map_size(surface: Surface, settings: Settings) -> tuple[int, int]:
    """(width, height) of the map in pixels."""
    if settings.size == "NODE":
        return node_size(*surface.source_size, settings.resolution)
    return surface.source_size


def slope_factor(settings: Settings) -> float:
    """s = strength * 2 pi / max(a, 1e-3): 1 at the node's default a, smaller as a grows."""
    return settings.strength * 2 * math.pi / max(settings.a, SMALLEST_A)


def slopes(surface: Surface, settings: Settings) -> tuple[Array, Array]:
    """Dimensionless slopes g = K * (dh/du, dh/dv), v downwards, u and v in shorter sides of the source.

    H x W float32 each, at the surface's own size; blur and bg_threshold are applied.
    """
    height = surface.height
    rows, columns = height.shape
    width_px, height_px = surface.source_size
    shorter = min(width_px, height_px)
    if settings.blur > 0:
        height = blur(height, settings.blur * columns / width_px, settings.blur * rows / height_px, surface.wrap)
    gx, gy = gradient(height, surface.wrap)
    gx *= np.float32(surface.relief * shorter * columns / width_px)
    gy *= np.float32(surface.relief * shorter * rows / height_px)
    if settings.bg_threshold > 0:
        kept = foreground(height, settings.bg_threshold)
        gx *= kept
        gy *= kept
    return gx, gy


def foreground(height: Array, threshold: float) -> Array:
    """H x W float32, 0 where the height lies below the threshold (0..1 of its range), 1 above, smooth between."""
    low, span = _range(height)
    if span == 0:
        return np.ones_like(height)
    t = ((height - low) / span - threshold) / BACKGROUND_SOFTNESS + 0.5
    t = np.clip(t, 0.0, 1.0)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def normals_from_slopes(gx: Array, gy: Array, factor: float = 1.0) -> Array:
    """normalize(-factor * gx, +factor * gy, 1): slopes with y downwards to OpenGL unit normals, H x W x 3 float32."""
    normals = np.empty((*gx.shape, 3), np.float32)
    np.multiply(gx, np.float32(-factor), out=normals[..., 0])
    np.multiply(gy, np.float32(factor), out=normals[..., 1])
    normals[..., 2] = 1.0
    return _unit(normals)


def _raw_normals(surface: Surface, settings: Settings) -> Array:
    height = surface.height
    rows, columns = height.shape
    width_px, height_px = surface.source_size
    if settings.blur > 0:
        height = blur(height, settings.blur * columns / width_px, settings.blur * rows / height_px, surface.wrap)
    x, y = node_gradient(height, surface.wrap)
    low, span = _range(height)
    if settings.bg_threshold > 0 and span > 0:
        background = (height - low) / span < settings.bg_threshold
        x[background] = 0
        y[background] = 0
    normals = np.dstack([-settings.strength * x, settings.strength * y, np.full_like(x, settings.a)])
    normals = _unit(normals.astype(np.float32))
    width, height_out = map_size(surface, settings)
    return _unit(resize(normals, width, height_out, surface.wrap))


def _range(height: Array) -> tuple[float, float]:
    low = float(height.min())
    return low, float(height.max()) - low


def _unit(vectors: Array) -> Array:
    """Unit vectors in place; where there is no direction at all (a = 0 on a flat pixel) the normal is (0, 0, 1)."""
    length = np.sqrt(np.einsum("ijk,ijk->ij", vectors, vectors))
    empty = length < 1e-20
    if empty.any():
        vectors[empty] = (0.0, 0.0, 1.0)
        length[empty] = 1.0
    vectors /= length[..., None]
    return vectors


def in_convention(normals: Array, convention: str) -> Array:
    """OpenGL unit normals to the components that go into red, green and blue, -1..1.

    OPENGL (x, y, z); DIRECTX (x, -y, z); CONTROLNET (z, y, -x), the node's reversed channels and inverted x.
    """
    if convention == "DIRECTX":
        return normals * np.array([1, -1, 1], np.float32)
    if convention == "CONTROLNET":
        return normals[..., ::-1] * np.array([1, 1, -1], np.float32)
    return normals


def encoded(components: Array) -> NDArray[np.uint16]:
    """Components -1..1 to 16 bits, 0..65535, rounded."""
    scaled = components * np.float32(32767.5)
    scaled += np.float32(32768.0)
    return scaled.astype(np.uint16)
