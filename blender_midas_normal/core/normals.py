"""Normal maps of surfaces: the NORMALISED and the RAW formula, masks, conventions, and the mean of several maps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows, smoothstep
from .filters import blur, blur_around_plane, resize, resize_mask
from .gradients import exact_gradient, gradient, node_gradient
from .picture import Surface, as_float
from .settings import Settings, node_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

MIN_A = 1e-3
"""Lower limit of `a` in the NORMALISED formula: the map stays finite at a = 0."""

MIN_SOFTNESS = 1e-6
"""Softness below which the background ends with a step: heights are no more exact than that."""

DETAIL_RADIUS = 1 / 128
"""Radius in shorter sides of the picture: relief finer than this is detail."""

MAX_SLOPE = 1000
"""Largest slope that is read from a pixel of a normal map: a normal in the plane of the picture has none."""


def normal_map(surface: Surface, settings: Settings) -> Array:
    """Compute unit normals, 3 x H x W float32, OpenGL (x right, y up, z out), rows from the top down, at the map's size."""
    if surface.raw:
        return _raw_normals(surface, settings)
    gx, gy = map_slopes(surface, settings)
    return normals_from_slopes(gx, gy, slope_factor(settings))


def map_size(source_size: tuple[int, int], settings: Settings) -> tuple[int, int]:
    """Return (width, height) in pixels of the map of a source with that (width, height).

    >>> map_size((300, 200), Settings()), map_size((300, 200), Settings(size="NODE", resolution=128))
    ((300, 200), (192, 128))
    """
    return node_size(*source_size, settings.resolution) if settings.size == "NODE" else source_size


def slope_factor(settings: Settings) -> float:
    """Return s = strength * 2 pi / max(a, 1e-3): 1 at the node's default a, smaller as a grows, negative when inverted.

    >>> slope_factor(Settings()), slope_factor(Settings(a=math.pi, invert=True))
    (1.0, -2.0)
    """
    return _signed_strength(settings) * 2 * math.pi / max(settings.a, MIN_A)


def _signed_strength(settings: Settings) -> float:
    """Return the strength, negative when inverted: slopes are inverted, not heights, so the background stays where it is."""
    return -settings.strength if settings.invert else settings.strength


def map_slopes(surface: Surface, settings: Settings) -> tuple[Array, Array]:
    """Compute dimensionless slopes g = K * (dh/du, dh/dv), v downwards, u and v in shorter sides of the source.

    All settings that shape the relief are applied, but not the strength.

    Returns:
        (gx, gy), H x W float32 each, at the map's size.
    """
    height, *gradients = _height_and_gradient(surface, settings)
    if surface.fine is not None:
        fine = _height_and_gradient(surface.fine, settings)[1:]
        gradients = [_mix_fine_relief(large, detail, surface, settings)
                     for large, detail in zip(gradients, fine, strict=True)]
    gx, gy = gradients
    for mask in _masks(height, surface, settings):
        gx *= mask
        gy *= mask
    return gx, gy


def _height_and_gradient(surface: Surface, settings: Settings) -> tuple[Array, Array, Array]:
    """Compute (heights, dh/du, dh/dv) of one surface at the map's size.

    Heights are resized, not slopes: the Sobel operator smooths, so at the surface's own size it would lose fine relief
    (2.5 degrees of 3.2 for six waves over 64 pixels, enlarged to 512).
    """
    width, rows = map_size(surface.source_size, settings)
    height, *slopes = (resize(filter_field(field, surface, settings), width, rows, surface.wrap)
                       for field in (surface.height, *(() if surface.measured_slopes is None else surface.measured_slopes)))
    if slopes:
        gx, gy = (np.float32(surface.slope_gain) * slope for slope in slopes)
        return height, gx, gy
    gx, gy = (exact_gradient if surface.is_measured else gradient)(height, surface.wrap)
    gx *= np.float32(surface.slope_gain * surface.shorter * width / surface.source_size[0])
    gy *= np.float32(surface.slope_gain * surface.shorter * rows / surface.source_size[1])
    return height, gx, gy


def _mix_fine_relief(large: Array, detail: Array, surface: Surface, settings: Settings) -> Array:
    """Combine the large shapes of one slope field, all of an existing normal map's, with the fine relief of another."""
    rows, columns = large.shape
    across, down = settings.crossover * columns / surface.source_size[0], settings.crossover * rows / surface.source_size[1]
    fine = detail - blur(detail, across, down, surface.wrap)
    kept = large if settings.base == "EXISTING" else blur(large, across, down, surface.wrap)
    return kept + np.float32(settings.mix_amount) * fine


def _masks(height: Array, surface: Surface, settings: Settings) -> Iterator[Array]:
    """Yield the masks of the settings, factors on the slopes: H x W float32, 0..1."""
    if settings.bg_threshold > 0:
        yield foreground_mask(height, settings.bg_threshold, settings.bg_softness)
    rows, columns = height.shape
    if settings.mask != "OFF" and surface.alpha is not None:
        yield resize_mask(as_float(surface.alpha), columns, rows, surface.wrap)
    if settings.mask == "IMAGE" and surface.mask is not None:
        yield resize_mask(surface.mask, columns, rows, surface.wrap)


def foreground_mask(height: Array, threshold: float, softness: float) -> Array:
    """Return a mask that is 0 where heights lie below the threshold and 1 above, with a smooth step of width `softness`.

    Args:
        height: H x W float32.
        threshold, softness: 0..1, shares of the heights' range; without softness a height at the threshold counts as
            above, as in RAW.

    Returns:
        H x W float32, 0..1.

    >>> foreground_mask(np.float32([[0, 1, 2, 4]]), 0.5, 0.0).tolist()
    [[0.0, 0.0, 1.0, 1.0]]
    """
    low, span = _minimum_and_range(height)
    if span == 0:
        return np.ones_like(height)
    above = (height - low) / span - threshold
    if softness < MIN_SOFTNESS:
        return (above >= 0).astype(np.float32)
    return smoothstep(above / softness + 0.5, 0.0, 1.0).astype(np.float32)


def normals_from_slopes(gx: Array, gy: Array, factor: float = 1.0) -> Array:
    """Return normalize(-factor * gx, +factor * gy, 1): OpenGL unit normals, 3 x H x W float32.

    Args:
        gx, gy: H x W float32 slopes, y downwards.
        factor: multiplies the slopes.

    >>> print(normals_from_slopes(np.float32([[0.75]]), np.float32([[0]]))[:, 0, 0].round(2))
    [-0.6  0.   0.8]
    """
    normals = np.empty((3, *gx.shape), np.float32)

    def normalise(part: slice) -> None:
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

    parallel_rows(normalise, *gx.shape)
    return normals


def _raw_normals(surface: Surface, settings: Settings) -> Array:
    """Compute normals by the MiDaS node's own arithmetic, on heights in the network's own units."""
    height = filter_field(surface.height, surface, settings)
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


def filter_field(field: Array, surface: Surface, settings: Settings) -> Array:
    """Apply the settings blur, high_pass and detail to the heights of a surface, or to slopes of its size: H x W float32."""
    field = blur(field, *_in_surface_pixels(settings.blur, surface), surface.wrap)
    if settings.high_pass > 0:
        field = field - blur_around_plane(field, *_in_surface_pixels(settings.high_pass, surface), surface.wrap)
    if settings.detail != 1:
        radius = DETAIL_RADIUS * surface.shorter
        large = blur_around_plane(field, *_in_surface_pixels(radius, surface), surface.wrap)
        field = large + np.float32(settings.detail) * (field - large)
    return field


def _in_surface_pixels(radius: float, surface: Surface) -> tuple[float, float]:
    """Convert a radius in pixels of the source to columns and rows of the surface."""
    rows, columns = surface.height.shape
    return radius * columns / surface.source_size[0], radius * rows / surface.source_size[1]


def _minimum_and_range(height: Array) -> tuple[float, float]:
    low = float(height.min())
    return low, float(height.max()) - low


def _normalise_vectors(normals: Array) -> Array:
    """Normalise 3 x H x W vectors in place; null vectors (a = 0 on a flat pixel) become (0, 0, 1)."""
    length = np.sqrt(np.einsum("kij,kij->ij", normals, normals))
    empty = length < 1e-20
    normals[2][empty] = 1
    length[empty] = 1
    normals /= length
    return normals


def z_channel(convention: str) -> int:
    """Return the index of the channel in which `apply_convention` puts z, the component out of the surface."""
    return 0 if convention == "CONTROLNET" else 2


def apply_convention(normals: Array, convention: str) -> tuple[Array, Array, Array]:
    """Return the components of OpenGL unit normals (3 x H x W) that become red, green and blue, -1..1.

    OPENGL (x, y, z); DIRECTX (x, -y, z); CONTROLNET (z, y, -x), the node's reversed channels and inverted x.
    OBJECT (x, y, z), because the picture is assumed to lie on the object's XY plane: right is X, up is Y.

    >>> print([component.item() for component in apply_convention(np.float32([0, 0.5, 1]), "CONTROLNET")])
    [1.0, 0.5, -0.0]
    """
    x, y, z = normals
    if convention == "DIRECTX":
        return x, -y, z
    if convention == "CONTROLNET":
        return z, y, -x
    return x, y, z


def average_maps(maps: Iterable[tuple[float, NDArray[np.uint16]]], z: int | None) -> NDArray[np.uint16]:
    """Average maps of one size.  They are taken from the iterable one by one, so one at a time needs to be in memory.

    Args:
        maps: (weight, H x W x 3 or H x W pixels, 0..65535) each; the sum of the weights is 1.
        z: of normal maps the index of their z channel: their slopes are averaged, not their directions, as an average of
            heights would do.  None for other maps.

    Returns:
        uint16 pixels of the same shape.

    >>> average_maps([(0.5, np.uint16([[0]])), (0.5, np.uint16([[100]]))], None).tolist()
    [[50]]
    """
    total = reduce(np.add, (np.float32(weight) * (pixels if z is None else _decode_slopes(pixels, z))
                            for weight, pixels in maps))
    return np.rint(total if z is None else _encode_directions(total)).astype(np.uint16)


def _decode_slopes(pixels: NDArray[np.uint16], z: int) -> Array:
    """Return H x W x 3 vectors along the normals, scaled so that their z is 1."""
    directions = pixels * np.float32(2 / 65535) - 1
    return directions / np.maximum(directions[..., z, None], np.float32(1 / MAX_SLOPE))


def _encode_directions(directions: Array) -> Array:
    """Normalise H x W x 3 vectors and scale them to 0..65535."""
    length = np.sqrt(np.einsum("ijk,ijk->ij", directions, directions))
    return (directions / length[..., None] + 1) * np.float32(65535 / 2)
