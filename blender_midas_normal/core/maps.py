"""The maps of a surface: normal, height, ambient occlusion and curvature, as values that files hold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import parallel_rows
from .filters import a_trous_smooth, blur, pad_field
from .heights import encode_height, height_map, rescale_height
from .normals import apply_convention, normal_map, relief_slopes, slope_factor
from .occlusion import occlusion
from .picture import Wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Surface
    from .settings import Settings

CURVATURE_SCALES = 3
"""Smoothings whose curvatures are averaged, each twice as wide as the one before: sharp edges and broader forms."""

CREASE_FACTOR = 2 * math.sqrt(2 * math.pi)
"""A crease, where the slope falls by m, has the mean curvature m / (CREASE * sigma) once it is smoothed by sigma: half of m
times the Gaussian's highest value.  So CREASE * sigma * curvature has no unit, and says m for a crease at every sigma."""


def curvature(height: Array, wrap: Wrap, radius: float) -> Array:
    """H x W float32, 0..1: 0.5 where flat, more where convex (edges), less where concave (cavities).

    height: H x W float32 in pixels, rows from the top down.  radius: pixels, more than 0; details much finer do not count.
    With a radius that is a share of the picture's sides the map does not depend on the resolution, from a pixel's radius on.
    An edge between slopes that differ by 1 gives 0.5 + 0.5 tanh(1) = 0.88.
    """
    field, sigma = _blur_keeping_planes(height, radius, wrap), radius
    total = np.zeros_like(field)
    _add_curvature(total, field, sigma, wrap)
    for _ in range(CURVATURE_SCALES - 1):
        field, sigma = a_trous_smooth(field, math.sqrt(3) * sigma, wrap), 2 * sigma
        _add_curvature(total, field, sigma, wrap)

    def to_values(part: slice) -> None:
        values = total[part]
        values *= np.float32(1 / CURVATURE_SCALES)
        np.tanh(values, out=values)
        values *= np.float32(0.5)
        values += np.float32(0.5)

    parallel_rows(to_values, *total.shape)
    return total


def mean_curvature(height: Array) -> Array:
    """(H - 2) x (W - 2) float32: the mean of the principal curvatures, per pixel, inside an H x W height field in pixels.

    Positive where convex: 1 / R on a ball of radius R.  Source: do Carmo, "Differential Geometry of Curves and Surfaces",
    section 3.3, the graph of a function; the derivatives are central differences.
    """
    middle = height[1:-1, 1:-1]
    x = (height[1:-1, 2:] - height[1:-1, :-2]) * np.float32(1 / 2)
    y = (height[2:, 1:-1] - height[:-2, 1:-1]) * np.float32(1 / 2)
    xx = height[1:-1, 2:] + height[1:-1, :-2] - 2 * middle
    yy = height[2:, 1:-1] + height[:-2, 1:-1] - 2 * middle
    xy = (height[2:, 2:] - height[2:, :-2] - height[:-2, 2:] + height[:-2, :-2]) * np.float32(1 / 4)
    bulge = 2 * x * y * xy - (1 + y * y) * xx - (1 + x * x) * yy
    steep = 1 + x * x + y * y
    steep *= 2 * np.sqrt(steep)
    bulge /= steep
    return bulge


def _add_curvature(total: Array, field: Array, sigma: float, wrap: Wrap) -> None:
    """Adds the curvature of a field that has been smoothed by sigma, without a unit."""
    bordered = pad_field(field, 1, wrap)

    def add(part: slice) -> None:
        found = mean_curvature(bordered[part.start:part.stop + 2])
        found *= np.float32(CREASE_FACTOR * sigma)
        total[part] += found

    parallel_rows(add, *total.shape)


def _blur_keeping_planes(height: Array, sigma: float, wrap: Wrap) -> Array:
    """Gaussian blur by which a plane stays a plane, at the borders too."""
    reach = math.ceil(3 * sigma)
    return blur(pad_field(height, reach, wrap), sigma, sigma, Wrap())[reach:-reach, reach:-reach]


OCCLUSION_RADIUS = 1 / 8
"""Of ambient occlusion, in shorter sides: what is farther away takes no light."""

CURVATURE_RADIUS = 1 / 512
"""Of curvature, in shorter sides: details much finer than this do not count."""

ALL_ROWS = slice(None)


@dataclass(frozen=True)
class Map:
    """One map: three planes (red, green, blue) or one (grey), H x W float32 each, rows from the top down.

    low: the value of black, -1 for the components of directions, else 0; white is 1.
    scale: of heights only: (value - 0.5) * scale is the height in shorter sides of the picture.
    """

    planes: tuple[Array, ...]
    low: float = 0.0
    scale: float = 0.0

    @property
    def height(self) -> int:
        return len(self.planes[0])

    @property
    def width(self) -> int:
        return self.planes[0].shape[1]

    def encode(self, rows: slice = ALL_ROWS, bits: int = 16) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Rows of the H x W x 3 or H x W picture of 8 or 16 bits, 0..255 or 0..65535, rounded."""
        planes = [plane[rows] for plane in self.planes]
        pixels: NDArray = np.empty((*planes[0].shape, len(planes)), f"u{bits // 8}")
        factor = (2 ** bits - 1) / (1 - self.low)
        for channel, plane in enumerate(planes):
            scaled = plane * np.float32(factor)
            scaled += np.float32(0.5 - self.low * factor)
            pixels[..., channel] = scaled
        return pixels if len(planes) == 3 else pixels[..., 0]

    def to_floats(self) -> tuple[Array, ...]:
        """The planes for a file of floats: colours of 0..1, or heights themselves, in shorter sides about 0."""
        if self.scale:
            return tuple((plane - np.float32(0.5)) * np.float32(self.scale) for plane in self.planes)
        return tuple((plane - np.float32(self.low)) * np.float32(1 / (1 - self.low)) for plane in self.planes)


@dataclass(frozen=True)
class NodeMap:
    """The MiDaS node's own picture: H x W x 3 of 8 bits."""

    pixels: NDArray[np.uint8]
    scale = 0.0

    @property
    def height(self) -> int:
        return len(self.pixels)

    def encode(self, rows: slice = ALL_ROWS, bits: int = 8) -> NDArray[np.uint8]:
        """Rows of it, as they are, whatever the bits that are asked for."""
        return self.pixels[rows]


def relief_heights(surface: Surface, settings: Settings) -> Array:
    """The heights, in pixels, of the slopes that the normal map shows."""
    gx, gy = relief_slopes(surface, settings)
    factor = np.float32(slope_factor(settings))
    gx *= factor
    gy *= factor
    return height_map(gx, gy, surface.wrap)


@dataclass(frozen=True)
class ArrayBackend:
    """The functions that make maps, all on fields of one kind, H x W: numpy's arrays here, other libraries' elsewhere.

    to_numpy: the field as numpy has it.
    """

    normal_map: Callable[[Surface, Settings], Any]
    relief_heights: Callable[[Surface, Settings], Any]
    encode_height: Callable[[Any], tuple[Any, float]]
    occlusion: Callable[[Any, Wrap, float], Any]
    curvature: Callable[[Any, Wrap, float], Any]
    to_numpy: Callable[[Any], Array]


NUMPY_BACKEND = ArrayBackend(normal_map, relief_heights, encode_height, occlusion, curvature, np.asarray)


def make_map(kind: str, surface: Surface, settings: Settings, by: ArrayBackend = NUMPY_BACKEND) -> Map:
    """A map of a kind that `kinds.check_map_type` allows, at the size that the settings ask for.

    Of a surface with a part, which has the source's size, the map is that of the part.
    """
    whole = _make_whole_map(kind, surface, settings, by)
    area = ... if surface.part is None else surface.part.area
    return dataclasses.replace(whole, planes=tuple(by.to_numpy(plane[area]) for plane in whole.planes))


def rescale_height_map(made: Map, scale: float) -> Map:
    """A map of heights with another scale than its own, more than 0; higher and lower than that is clipped."""
    return Map((np.clip(rescale_height(made.planes[0], made.scale, scale), 0.0, 1.0),), scale=scale)


def _make_whole_map(kind: str, surface: Surface, settings: Settings, by: ArrayBackend) -> Map:
    """The planes are still fields of the mathematics."""
    if kind == "NORMAL":
        return Map(apply_convention(by.normal_map(surface, settings), settings.convention), low=-1.0)
    height = by.relief_heights(surface, settings)
    shorter = min(height.shape) if surface.part is None else surface.shorter
    if kind == "HEIGHT":
        values, scale = by.encode_height(height)
        return Map((values,), scale=scale * min(height.shape) / shorter)
    if kind == "AO":
        return Map((by.occlusion(height, surface.wrap, OCCLUSION_RADIUS * shorter),))
    return Map((by.curvature(height, surface.wrap, CURVATURE_RADIUS * shorter),))
