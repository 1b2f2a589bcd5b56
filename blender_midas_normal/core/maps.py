"""Maps of a surface (normal, height, ambient occlusion, curvature), with values as files hold them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import parallel_rows
from .colour import inpaint_transparent
from .filters import a_trous_smooth, blur, pad_field
from .heights import encode_height, height_map, rescale_height
from .normals import apply_convention, map_slopes, normal_map, slope_factor
from .occlusion import occlusion
from .picture import Wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Surface
    from .settings import Settings

CURVATURE_SCALES = 3
"""Scales whose curvatures are averaged, each twice as wide as the one before: sharp edges and broader shapes."""

CREASE_FACTOR = 2 * math.sqrt(2 * math.pi)
"""A crease, where the slope falls by m, has the mean curvature m / (CREASE_FACTOR * sigma) once smoothed by sigma: half of
m times the Gaussian's maximum.  So CREASE_FACTOR * sigma * curvature is dimensionless and is m at every sigma."""

OCCLUSION_RADIUS = 1 / 8
"""Radius of ambient occlusion in shorter sides of the picture: heights farther away do not occlude."""

CURVATURE_RADIUS = 1 / 512
"""Radius of curvature maps in shorter sides of the picture: details much finer than this do not count."""

ALL_ROWS = slice(None)


def curvature(height: Array, wrap: Wrap, radius: float) -> Array:
    """Compute a curvature map: the mean curvature of a height field, averaged over scales.

    An edge between slopes that differ by 1 gives 0.5 + 0.5 tanh(1) = 0.88.  With a radius that is a share of the picture's
    sides the map does not depend on the resolution, from a radius of one pixel on.

    Args:
        height: H x W float32 in pixels, rows from the top down.
        wrap: the directions that repeat.
        radius: pixels, more than 0; details much finer do not count.

    Returns:
        H x W float32, 0..1: 0.5 where flat, more where convex (edges), less where concave (cavities).

    >>> curvature(np.zeros((4, 4), np.float32), Wrap(), 1.0)[0].tolist()
    [0.5, 0.5, 0.5, 0.5]
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
    """Compute the mean of the principal curvatures of a height field, without its border pixels.

    Source: do Carmo, "Differential Geometry of Curves and Surfaces", section 3.3, the graph of a function; the derivatives
    are central differences.

    Args:
        height: H x W float32 in pixels.

    Returns:
        (H - 2) x (W - 2) float32 per pixel, positive where convex: 1 / R on a sphere of radius R.

    >>> mean_curvature(np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]])).tolist()
    [[2.0]]
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
    """Add the dimensionless curvature of a field that has been smoothed by sigma to the total."""
    bordered = pad_field(field, 1, wrap)

    def add(part: slice) -> None:
        values = mean_curvature(bordered[part.start:part.stop + 2])
        values *= np.float32(CREASE_FACTOR * sigma)
        total[part] += values

    parallel_rows(add, *total.shape)


def _blur_keeping_planes(height: Array, sigma: float, wrap: Wrap) -> Array:
    """Blur with a Gaussian by which a plane stays a plane, at the borders too."""
    margin = math.ceil(3 * sigma)
    return blur(pad_field(height, margin, wrap), sigma, sigma, Wrap())[margin:-margin, margin:-margin]


@dataclass(frozen=True)
class Map:
    """A map as floats.

    Attributes:
        planes: three (red, green, blue) or one (grey), H x W float32 each, rows from the top down.
        low: the value of black: -1 for components of normals, else 0; white is 1.
        scale: of height maps: (value - 0.5) * scale is the height in shorter sides of the picture; else 0.
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
        """Return rows of the map as H x W x 3 or H x W uint8 or uint16, 0..255 or 0..65535, rounded.

        >>> Map((np.float32([[0, 0.5, 1]]),)).encode(bits=8).tolist()
        [[0, 128, 255]]
        """
        planes = [plane[rows] for plane in self.planes]
        pixels: NDArray = np.empty((*planes[0].shape, len(planes)), f"u{bits // 8}")
        factor = (2 ** bits - 1) / (1 - self.low)
        for channel, plane in enumerate(planes):
            scaled = plane * np.float32(factor)
            scaled += np.float32(0.5 - self.low * factor)
            pixels[..., channel] = scaled
        return pixels if len(planes) == 3 else pixels[..., 0]

    def to_floats(self) -> tuple[Array, ...]:
        """Return the planes for a file of floats: colours 0..1, or heights about 0 in shorter sides of the picture."""
        if self.scale:
            return tuple((plane - np.float32(0.5)) * np.float32(self.scale) for plane in self.planes)
        return tuple((plane - np.float32(self.low)) * np.float32(1 / (1 - self.low)) for plane in self.planes)


@dataclass(frozen=True)
class MidasNodePicture:
    """The MiDaS node's own map: H x W x 3 uint8."""

    pixels: NDArray[np.uint8]
    scale = 0.0

    @property
    def height(self) -> int:
        return len(self.pixels)

    def encode(self, rows: slice = ALL_ROWS, bits: int = 8) -> NDArray[np.uint8]:
        """Return rows of the map; it always has 8 bits."""
        return self.pixels[rows]


def integrated_heights(surface: Surface, settings: Settings) -> Array:
    """Integrate the slopes that the normal map shows to heights, H x W float32 in pixels."""
    gx, gy = map_slopes(surface, settings)
    factor = np.float32(slope_factor(settings))
    gx *= factor
    gy *= factor
    return height_map(gx, gy, surface.wrap, surface.is_measured or surface.measured_slopes is not None)


@dataclass(frozen=True)
class ArrayBackend:
    """The functions that make maps, on H x W arrays of one library: numpy here, torch in the worker.

    Each does what the function of that name in core does; `to_numpy` turns the library's array into numpy's.
    """

    normal_map: Callable[[Surface, Settings], Any]
    integrated_heights: Callable[[Surface, Settings], Any]
    encode_height: Callable[[Any], tuple[Any, float]]
    occlusion: Callable[[Any, Wrap, float], Any]
    curvature: Callable[[Any, Wrap, float], Any]
    to_numpy: Callable[[Any], Array]


NUMPY_BACKEND = ArrayBackend(normal_map, integrated_heights, encode_height, occlusion, curvature, np.asarray)


def make_map(map_type: str, surface: Surface, settings: Settings, backend: ArrayBackend = NUMPY_BACKEND) -> Map:
    """Make a map of a surface, at the size that the settings ask for.

    Args:
        map_type: one of `core.map_types.MAP_TYPES` that `check_map_type` allows.
        surface: if it has a part, the map is that of the part.
        settings: how the map looks.
        backend: the library that computes it.
    """
    if surface.islands is not None:
        maps = [make_map(map_type, layer, settings, backend) for layer in surface.layers]
        return _join_layers(maps, surface.islands.layers, is_normal=map_type == "NORMAL")
    whole = _make_whole_map(map_type, surface, settings, backend)
    area = ... if surface.part is None else surface.part.area
    return dataclasses.replace(whole, planes=tuple(backend.to_numpy(plane[area]) for plane in whole.planes))


def rescale_height_map(heights: Map, scale: float) -> Map:
    """Give a height map another scale, more than 0; values beyond 0..1 are clipped."""
    return Map((np.clip(rescale_height(heights.planes[0], heights.scale, scale), 0.0, 1.0),), scale=scale)


def _join_layers(maps: list[Map], layers: NDArray[np.uint8], is_normal: bool) -> Map:
    """Take each island from the map of its layer, and continue the map outwards from there, so that filtering shows no seam.

    Args:
        maps: of each layer.
        layers: as in `core.picture.Islands`.
    """
    scale = max(part.scale for part in maps)
    maps = [rescale_height_map(part, scale) if scale else part for part in maps]
    rows, columns = maps[0].height, maps[0].width
    layers = layers[np.arange(rows) * len(layers) // rows][:, np.arange(columns) * layers.shape[1] // columns]
    joined = np.stack(maps[0].planes, axis=2)
    for number, part in enumerate(maps[1:], 2):
        inside = layers == number
        for channel, plane in enumerate(part.planes):
            joined[inside, channel] = plane[inside]
    joined = inpaint_transparent(joined, (layers > 0).astype(np.float32))
    if is_normal:
        outside = layers == 0
        joined[outside] /= np.linalg.norm(joined[outside], axis=1, keepdims=True)
    planes = tuple(np.ascontiguousarray(joined[..., channel]) for channel in range(joined.shape[2]))
    return Map(planes, maps[0].low, scale)


def _make_whole_map(map_type: str, surface: Surface, settings: Settings, backend: ArrayBackend) -> Map:
    """Make the map of all of the surface; its planes are still arrays of the backend."""
    if map_type == "NORMAL":
        return Map(apply_convention(backend.normal_map(surface, settings), settings.convention), low=-1.0)
    height = backend.integrated_heights(surface, settings)
    shorter = min(height.shape) if surface.part is None else surface.shorter
    if map_type == "HEIGHT":
        values, scale = backend.encode_height(height)
        return Map((values,), scale=scale * min(height.shape) / shorter)
    if map_type == "AO":
        return Map((backend.occlusion(height, surface.wrap, OCCLUSION_RADIUS * shorter),))
    if map_type == "CURVATURE":
        return Map((backend.curvature(height, surface.wrap, CURVATURE_RADIUS * shorter),))
    raise NotImplementedError(map_type)
