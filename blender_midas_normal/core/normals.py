"""From a surface to the normal map: the NORMALISED and the RAW formula, conventions and encoding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .filters import blur, blur_around_plane, gradient, node_gradient, resize, resize_mask
from .picture import Surface, as_float
from .settings import Settings, node_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

MIN_A = 1e-3
"""Below this, `a` counts as this in the NORMALISED formula: the map stays finite at a = 0."""

MIN_SOFTNESS = 1e-6
"""Softness of the background below which it ends with a step: heights are no finer than that."""

DETAIL_RADIUS = 1 / 128
"""Radius in shorter sides: relief finer than this is detail."""


def normal_map(surface: Surface, settings: Settings) -> Array:
    """3 x H x W float32 unit normals, OpenGL (x right, y up, z out), rows from the top down, at the size asked for."""
    if surface.raw:
        return _raw_normals(surface, settings)
    gx, gy = relief_slopes(surface, settings)
    return normals_from_slopes(gx, gy, slope_factor(settings))


def map_size(source_size: tuple[int, int], settings: Settings) -> tuple[int, int]:
    """(width, height) of the map in pixels, of a source of that (width, height)."""
    return node_size(*source_size, settings.resolution) if settings.size == "NODE" else source_size


def slope_factor(settings: Settings) -> float:
    """s = strength * 2 pi / max(a, 1e-3): 1 at the node's default a, smaller as a grows, negative when inverted."""
    return _signed_strength(settings) * 2 * math.pi / max(settings.a, MIN_A)


def _signed_strength(settings: Settings) -> float:
    """Slopes are inverted, not heights: the background stays where it is."""
    return -settings.strength if settings.invert else settings.strength


def relief_slopes(surface: Surface, settings: Settings) -> tuple[Array, Array]:
    """Dimensionless slopes g = K * (dh/du, dh/dv), v downwards, u and v in shorter sides of the source.

    H x W float32 each, at the map's size; all settings that shape relief are applied, but not the strength.
    """
    height, *relief = _height_and_gradient(surface, settings)
    if surface.fine is not None:
        fine = _height_and_gradient(surface.fine, settings)[1:]
        relief = [_mix_fine_relief(own, other, surface, settings) for own, other in zip(relief, fine, strict=True)]
    gx, gy = relief
    for kept in _masks(height, surface, settings):
        gx *= kept
        gy *= kept
    return gx, gy


def _height_and_gradient(surface: Surface, settings: Settings) -> tuple[Array, Array, Array]:
    """(heights, dh/du, dh/dv) of one surface at the map's size.

    Heights are resized, not slopes: the Sobel operator smooths, so at the surface's own size it would lose what the surface
    holds (2.5 degrees in 3.2 for six waves over 64 pixels, enlarged to 512).
    """
    width, rows = map_size(surface.source_size, settings)
    height = resize(filter_height(surface, settings), width, rows, surface.wrap)
    gx, gy = gradient(height, surface.wrap)
    gx *= np.float32(surface.relief * surface.shorter * width / surface.source_size[0])
    gy *= np.float32(surface.relief * surface.shorter * rows / surface.source_size[1])
    return height, gx, gy


def _mix_fine_relief(own: Array, other: Array, surface: Surface, settings: Settings) -> Array:
    """A slope whose large shapes are its own and whose fine relief is the other's."""
    rows, columns = own.shape
    across, down = settings.crossover * columns / surface.source_size[0], settings.crossover * rows / surface.source_size[1]
    fine = other - blur(other, across, down, surface.wrap)
    return blur(own, across, down, surface.wrap) + np.float32(settings.mix_amount) * fine


def _masks(height: Array, surface: Surface, settings: Settings) -> Iterator[Array]:
    """Factors on the slopes, H x W float32, 0..1."""
    if settings.bg_threshold > 0:
        yield foreground_mask(height, settings.bg_threshold, settings.bg_softness)
    rows, columns = height.shape
    if settings.mask != "OFF" and surface.alpha is not None:
        yield resize_mask(as_float(surface.alpha), columns, rows, surface.wrap)
    if settings.mask == "IMAGE" and surface.mask is not None:
        yield resize_mask(surface.mask, columns, rows, surface.wrap)


def foreground_mask(height: Array, threshold: float, softness: float) -> Array:
    """H x W float32, 0 where the height lies below the threshold, 1 above, smooth between over the softness about it.

    threshold, softness: 0..1 of the heights' range; without softness a height at the threshold counts as above, as in RAW.
    """
    low, span = _minimum_and_range(height)
    if span == 0:
        return np.ones_like(height)
    above = (height - low) / span - threshold
    if softness < MIN_SOFTNESS:
        return (above >= 0).astype(np.float32)
    t = above / softness + 0.5
    t = np.clip(t, 0.0, 1.0)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def normals_from_slopes(gx: Array, gy: Array, factor: float = 1.0) -> Array:
    """normalize(-factor * gx, +factor * gy, 1): slopes with y downwards to OpenGL unit normals, 3 x H x W float32."""
    normals = np.empty((3, *gx.shape), np.float32)

    def find(part: slice) -> None:
        x, y, z = normals[:, part]
        np.multiply(gx[part], np.float32(-factor), out=x)
        np.multiply(gy[part], np.float32(factor), out=y)
        np.multiply(x, x, out=z)
        z += y * y
        z += 1
        np.sqrt(z, out=z)
        np.divide(1, z, out=z)
        x *= z
        y *= z

    parallel_rows(find, *gx.shape)
    return normals


def _raw_normals(surface: Surface, settings: Settings) -> Array:
    height = filter_height(surface, settings)
    x, y = node_gradient(height, surface.wrap)
    low, span = _minimum_and_range(height)
    if settings.bg_threshold > 0 and span > 0:
        background = (height - low) / span < settings.bg_threshold
        x[background] = 0
        y[background] = 0
    strength = np.float32(_signed_strength(settings))
    normals = np.stack([-strength * x, strength * y, np.full_like(x, settings.a)])
    width, rows = map_size(surface.source_size, settings)
    return _normalise_vectors(np.stack([resize(plane, width, rows, surface.wrap) for plane in _normalise_vectors(normals)]))


def filter_height(surface: Surface, settings: Settings) -> Array:
    """The heights, H x W float32 at the surface's size, as blur, high_pass and detail make them."""
    height = blur(surface.height, *_in_surface_pixels(settings.blur, surface), surface.wrap)
    if settings.high_pass > 0:
        height = height - blur_around_plane(height, *_in_surface_pixels(settings.high_pass, surface), surface.wrap)
    if settings.detail != 1:
        reach = DETAIL_RADIUS * surface.shorter
        large = blur_around_plane(height, *_in_surface_pixels(reach, surface), surface.wrap)
        height = large + np.float32(settings.detail) * (height - large)
    return height


def _in_surface_pixels(radius: float, surface: Surface) -> tuple[float, float]:
    """A radius in pixels of the source as one in columns and one in rows of the surface."""
    rows, columns = surface.height.shape
    return radius * columns / surface.source_size[0], radius * rows / surface.source_size[1]


def _minimum_and_range(height: Array) -> tuple[float, float]:
    low = float(height.min())
    return low, float(height.max()) - low


def _normalise_vectors(normals: Array) -> Array:
    """3 x H x W vectors made unit in place; where there is no direction (a = 0 on a flat pixel) it is (0, 0, 1)."""
    length = np.sqrt(np.einsum("kij,kij->ij", normals, normals))
    empty = length < 1e-20
    normals[2][empty] = 1
    length[empty] = 1
    normals /= length
    return normals


def z_channel(convention: str) -> int:
    """Where `apply_convention` puts the component that points out of the surface."""
    return 0 if convention == "CONTROLNET" else 2


def apply_convention(normals: Array, convention: str) -> tuple[Array, Array, Array]:
    """OpenGL unit normals (3 x H x W) to the components that go into red, green and blue, -1..1.

    OPENGL (x, y, z); DIRECTX (x, -y, z); CONTROLNET (z, y, -x), the node's reversed channels and inverted x.
    OBJECT (x, y, z), for the picture lies on the object's XY plane as it lies in its file: right is X, up is Y.
    """
    x, y, z = normals
    if convention == "DIRECTX":
        return x, -y, z
    if convention == "CONTROLNET":
        return z, y, -x
    return x, y, z


MAX_SLOPE = 1000
"""Slope that a pixel of a normal map can stand for: one that lies on its side has none."""


def average_maps(maps: Iterable[tuple[float, NDArray[np.uint16]]], out: int | None) -> NDArray[np.uint16]:
    """The mean of maps of one size, each with its share: H x W x 3 or H x W of 0..65535.  They are looked at one by one.

    out: of normal maps the channel of the component that points out of the surface; their slopes are averaged, as heights
    are, and not their directions.  None for maps of values.
    """
    total = reduce(np.add, (np.float32(share) * (values if out is None else _decode_slopes(values, out))
                            for share, values in maps))
    return np.rint(total if out is None else _encode_directions(total)).astype(np.uint16)


def _decode_slopes(values: NDArray[np.uint16], out: int) -> Array:
    """H x W x 3: the directions, as long as their component that points out of the surface is 1."""
    directions = values * np.float32(2 / 65535) - 1
    return directions / np.maximum(directions[..., out, None], np.float32(1 / MAX_SLOPE))


def _encode_directions(directions: Array) -> Array:
    length = np.sqrt(np.einsum("ijk,ijk->ij", directions, directions))
    return (directions / length[..., None] + 1) * np.float32(65535 / 2)
