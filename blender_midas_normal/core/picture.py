"""The data of the pipeline: a Picture goes into an engine, and a Surface comes out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .colour import luma
from .engines import COLOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .errors import Message
    from .regions import Tile


LUMA_ROWS = 16
"""Rows converted at a time: they stay in the processor's cache."""


@dataclass(frozen=True)
class Wrap:
    """Which directions repeat: x from left to right, y from top to bottom."""

    x: bool = False
    y: bool = False

    @property
    def any(self) -> bool:
        return self.x or self.y


@dataclass(frozen=True)
class Picture:
    """A picture, rows from the top down.

    Attributes:
        rgb: H x W x 3, uint8 (0..255) or float32 (0..1); of grey DATA a view of one channel, see `is_grey`.
        alpha: H x W of the same dtype, or None when opaque.
        content: COLOUR or DATA, see `core.engines`.
        step: of DATA, the distance between two neighbouring values that its file can hold; 0 where that is no matter.
        is_srgb: of DATA, the heights are the values decoded from sRGB.
        pixel_aspect: a pixel's width divided by its height on the surface that shows the picture.
        part: the part of which a map is made, the rest being context around it; None for the whole.
        notes: messages to the user about how it was read.
        uv_triangles: of the meshes that show it, see `core.islands.rasterise_islands`; None where unknown.
    """

    rgb: NDArray
    alpha: NDArray | None = None
    part: Tile | None = None
    notes: tuple[Message, ...] = ()
    content: str = COLOUR
    step: float = 0.0
    is_srgb: bool = False
    pixel_aspect: float = 1.0
    uv_triangles: Array | None = None

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def is_grey(self) -> bool:
        """Whether the three colours are views of one channel in memory, as `np.broadcast_to` makes them."""
        return self.rgb.strides[2] == 0

    @property
    def shorter(self) -> int:
        """Pixels of the shorter side of the picture, or of its part: the unit of lengths."""
        return _shorter(self.part, (self.width, self.height))

    def rgb_float(self) -> Array:
        """H x W x 3 float32, 0..1."""
        return as_float(self.rgb)

    def luma(self) -> Array:
        """Return the luma, H x W float32, 0..1; of DATA the same sum of its channels, whatever their range.

        Some rows at a time, which takes half as long and needs no memory for all colours as floats.
        """
        if self.is_grey:
            return as_float(self.rgb[..., 0])
        values = np.empty(self.rgb.shape[:2], np.float32)
        for top in range(0, self.height, LUMA_ROWS):
            rows = slice(top, top + LUMA_ROWS)
            values[rows] = luma(as_float(self.rgb[rows]))
        return values

    def alpha_float(self) -> Array | None:
        """H x W float32, 0..1, or None when opaque."""
        return None if self.alpha is None else as_float(self.alpha)

    def to_uint8(self) -> NDArray[np.uint8]:
        """Return H x W x 3 or x 4 uint8, as the MiDaS node takes it."""
        planes = self.rgb if self.alpha is None else np.dstack([self.rgb, self.alpha])
        if planes.dtype == np.uint8:
            return planes
        return np.rint(np.clip(planes, 0.0, 1.0) * 255.0).astype(np.uint8)


@dataclass(frozen=True)
class SlopePyramid:
    """Dimensionless slopes (dh/dx, dh/dy), y downwards, of a picture at several sizes.

    sizes: h x w x 2 float32 each, smallest first.
    """

    sizes: tuple[Array, ...]

    @property
    def full(self) -> Array:
        """The slopes at the picture's own size."""
        return self.sizes[-1]

    @property
    def nbytes(self) -> int:
        return sum(int(slopes.nbytes) for slopes in self.sizes)


@dataclass(frozen=True)
class Surface:
    """The result of an engine: a height field from which every map is made.

    Attributes:
        height: H x W float32, rows from the top down; at most the source's size.
        slope_gain: slope dh/du per unit of height, u in shorter sides (see `shorter`): K in the NORMALISED formula.
        raw: heights are in the network's own units (depth_scale RAW), and `slope_gain` is not used.
        wrap: the directions in which the heights repeat.
        source_size: (width, height) of the picture in pixels.
        notes: messages to the user.
        alpha: H x W at the source's size, as in Picture, with which the map may be masked.
        mask: H x W float32, 0..1, at the source's size: the brightness of a mask image; None without one.
        fine: the surface whose fine relief is mixed in, if any.
        range: how many of the engine's own units became heights from 0 to 1, where that differs between pictures; else 0.
        slopes: the slopes that were integrated to the heights, if an engine can update them; else None.
        part: as in Picture.
        device: torch's name of the device on which it was made.
        is_measured: heights are data, not estimates: their slopes are taken as they are, not smoothed by Sobel's operator.
        measured_slopes: 2 x H x W float32 (dh/dx, dh/dy), y downwards, of a normal map, from which normals are made instead
            of from the heights; else None.
        islands: where only islands of the picture count, and there are several surfaces; this is that of their first layer.
    """

    height: Array
    slope_gain: float
    raw: bool
    wrap: Wrap
    source_size: tuple[int, int]
    notes: tuple[Message, ...] = ()
    alpha: NDArray | None = None
    mask: Array | None = None
    fine: Surface | None = None
    range: float = 0.0
    slopes: SlopePyramid | None = None
    part: Tile | None = None
    device: str = "cpu"
    is_measured: bool = False
    measured_slopes: Array | None = None
    islands: Islands | None = None

    @property
    def shorter(self) -> int:
        """Pixels of the shorter side of the source, or of its part: the unit of lengths."""
        return _shorter(self.part, self.source_size)

    @property
    def nbytes(self) -> int:
        parts = (self.height, self.alpha, self.mask, self.fine, self.slopes, self.measured_slopes)
        own = sum(int(part.nbytes) for part in parts if part is not None)
        return own + (0 if self.islands is None else self.islands.nbytes)

    @property
    def layers(self) -> tuple[Surface, ...]:
        """The surfaces of all layers of islands, each as one without islands."""
        others = () if self.islands is None else self.islands.others
        return (dataclasses.replace(self, islands=None),
                *(dataclasses.replace(other, alpha=self.alpha, mask=self.mask) for other in others))

    def without_slopes(self) -> Surface:
        """Return a copy without the slopes, which maps do not need."""
        return dataclasses.replace(self, slopes=None, fine=None if self.fine is None else self.fine.without_slopes())


@dataclass(frozen=True)
class Islands:
    """The islands of a texture, in layers that were mapped each without the others.

    Attributes:
        layers: H x W uint8 at the source's size: the number of the layer from 1 on, 0 outside of all islands.
        others: the surfaces of the layers from the second on.
    """

    layers: NDArray[np.uint8]
    others: tuple[Surface, ...] = ()

    @property
    def nbytes(self) -> int:
        return int(self.layers.nbytes) + sum(other.nbytes for other in self.others)


def _shorter(part: Tile | None, size: tuple[int, int]) -> int:
    return min(size if part is None else part.size)


def as_float(values: NDArray) -> Array:
    """Convert uint8 0..255 or floats to float32 0..1.

    >>> as_float(np.uint8([0, 255])).tolist()
    [0.0, 1.0]
    """
    if values.dtype == np.uint8:
        return values.astype(np.float32) * np.float32(1.0 / 255.0)
    return values.astype(np.float32, copy=False)
