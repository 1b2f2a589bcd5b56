"""Read normal maps: the vectors of their colours, the slopes of these, which way green points, and what is no normal map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .picture import as_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

MIN_Z = math.cos(math.radians(85.0))
"""Least z of a unit vector whose slope is read: those that are turned farther from the viewer get this one's slope."""

MIDDLE_BYTES = (127, 128)
"""Bytes that stand for 0, which lies between them: else flat regions would lean by 0.2 degrees."""

SIGNED_BELOW = -0.01
"""A value below this in red or green means that the file stores components from -1 to 1, not colours from 0 to 1."""

CONSTANT_BLUE = 2 / 255
"""Range of blue up to which it says nothing, so that z is computed from red and green."""

BLANK = 0.04
"""Red, green and blue up to this are no vector but black ground."""

LENGTH_TOLERANCE = 0.1
"""How much the length of a vector may differ from 1: rounding to 8 bits and JPEG make 0.6% of vectors differ more, of the
207 normal maps of the training split of real materials, where 4.9% to 100% of the colours of the same materials do."""

MAX_SHARE_OFF = 0.3
"""Share of vectors of another length beyond which a picture is no normal map, if its mean vector says so too."""

MAX_LEAN_DEGREES, MIN_MEAN_LENGTH = 30.0, 0.5
"""A mean vector that leans more, or is shorter, is that of no normal map: of the training split 11 degrees and 0.75 at most
and at least, while all colour pictures lie beyond one of the two."""

EVIDENT_SHARE = 0.02
"""Share of vectors that are not as they should be up to which a picture is evidently a normal map."""

SAMPLED_SIDE = 256
"""Pixels of the shorter side that are looked at to tell whether a picture is a normal map."""

MIN_AGREEMENT = 0.05
"""Agreement of the cross derivatives below which it is undecided which way green points: of the training split 0.09 at
least."""


@dataclass(frozen=True)
class NormalMapSlopes:
    """What a normal map says.

    Attributes:
        slopes: 2 x H x W float32, dh/dx and dh/dy, y downwards, with green taken as up; 0 where there is no vector.
        blank: share of pixels that are black ground, 0..1.
        off_length: share of the vectors whose length is not 1.
        inward: share of the vectors that point into the surface, which count as flat.
        mean: the mean vector (x, y, z).
        is_rebuilt: whether z was computed from red and green.
    """

    slopes: Array
    blank: float
    off_length: float
    inward: float
    mean: tuple[float, float, float]
    is_rebuilt: bool

    @property
    def is_normal_map(self) -> bool:
        """Whether the picture can be a normal map."""
        return self.off_length <= MAX_SHARE_OFF or self.has_mean_of_normals

    @property
    def has_mean_of_normals(self) -> bool:
        """Whether the mean vector is that of a normal map: long, and out of the surface."""
        length = math.sqrt(sum(component ** 2 for component in self.mean))
        return length >= MIN_MEAN_LENGTH and self.mean[2] >= length * math.cos(math.radians(MAX_LEAN_DEGREES))


def read_normal_map(rgb: NDArray) -> NormalMapSlopes:
    """Read the slopes of a tangent-space normal map.

    A vector's length does not matter, since only its direction makes a slope.

    Args:
        rgb: H x W x 3: uint8 0..255, float32 0..1, or float32 -1..1 where some values are negative; red right, blue out.
    """
    height, width = rgb.shape[:2]
    blue = as_float(rgb[..., 2])
    is_rebuilt = float(np.ptp(blue)) <= CONSTANT_BLUE
    is_signed = rgb.dtype != np.uint8 and float(rgb[..., :2].min()) < SIGNED_BELOW
    slopes = np.empty((2, height, width), np.float32)
    sums: list[NDArray[np.float64]] = []

    def read(rows: slice) -> None:
        x, y, z = (_component(rgb[rows, :, channel], is_signed) for channel in range(3))
        is_blank = np.zeros(x.shape, bool) if is_signed else as_float(rgb[rows]).max(axis=2) <= BLANK
        if is_rebuilt:
            z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
            is_blank[:] = False
        length = np.sqrt(x * x + y * y + z * z)
        is_vector = ~is_blank & (length > 0)
        is_flat = ~is_vector | (z < 0)
        steepness = np.maximum(z, length * np.float32(MIN_Z))
        steepness[is_flat] = 1
        slopes[0, rows] = np.where(is_flat, 0, -x / steepness)
        slopes[1, rows] = np.where(is_flat, 0, y / steepness)
        counts = [is_blank.sum(), is_vector.sum(), (is_vector & (np.abs(length - 1) > LENGTH_TOLERANCE)).sum(),
                  (is_vector & (z < 0)).sum()]
        sums.append(np.array([*counts, *(values[is_vector].sum(dtype=np.float64) for values in (x, y, z))], np.float64))

    parallel_rows(read, height, width)
    blank, vectors, off_length, inward, *mean = np.sum(sums, axis=0)
    x, y, z = (float(component) / max(vectors, 1) for component in mean)
    return NormalMapSlopes(slopes, blank / (height * width), 0.0 if is_rebuilt else off_length / max(vectors, 1),
                           inward / max(vectors, 1), (x, y, z), is_rebuilt)


def looks_like_normal_map(rgb: NDArray) -> bool:
    """Tell whether a picture is evidently a normal map: nearly all vectors have unit length and point out of the surface.

    Of 207 normal maps of the training split of real materials all do, of the colours of the same materials none.

    Args:
        rgb: as of `read_normal_map`; some pixels are looked at.
    """
    step = max(1, min(rgb.shape[:2]) // SAMPLED_SIDE)
    read = read_normal_map(rgb[::step, ::step])
    return not read.is_rebuilt and read.has_mean_of_normals and max(read.blank, read.inward, read.off_length) < EVIDENT_SHARE


def green_agreement(slopes: Array) -> float:
    """Tell how well slopes fit together as those of one surface, from -1 to 1.

    Of heights h, d/dy (dh/dx) and d/dx (dh/dy) are equal (Schwarz's theorem), and with green the other way they are
    opposite.  This is their correlation, the mean of that at full and at half size, since noise of single pixels agrees
    with nothing.

    Args:
        slopes: as of `NormalMapSlopes`.

    Returns:
        1 where green points up as it was taken, -1 where it points down; near 0 it cannot be told, as on a flat map.
    """
    gx, gy = slopes
    return (_cross_correlation(gx, gy) + _cross_correlation(_half_size(gx), _half_size(gy))) / 2


def _component(values: NDArray, is_signed: bool) -> Array:
    """Turn the values of a channel into components of vectors, -1..1."""
    if is_signed:
        return values
    components = as_float(values) * 2 - 1
    if values.dtype == np.uint8:
        components[(values == MIDDLE_BYTES[0]) | (values == MIDDLE_BYTES[1])] = 0
    return components


def _cross_correlation(gx: Array, gy: Array) -> float:
    if min(gx.shape) < 3:
        return 0.0
    bends = ((gx[2:, 1:-1], gx[:-2, 1:-1]), (gy[1:-1, 2:], gy[1:-1, :-2]))
    sums: list[NDArray[np.float64]] = []

    def add(rows: slice) -> None:
        down, across = (after[rows] - before[rows] for after, before in bends)
        sums.append(np.array([np.vdot(down, across), np.vdot(down, down), np.vdot(across, across)], np.float64))

    parallel_rows(add, gx.shape[0] - 2, gx.shape[1] - 2)
    products = np.sum(sums, axis=0)
    spread = math.sqrt(products[1] * products[2])
    return float(products[0] / spread) if spread > 0 else 0.0


def _half_size(field: Array) -> Array:
    rows, columns = field.shape[0] // 2 * 2, field.shape[1] // 2 * 2
    even = field[:rows, :columns]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(1 / 4)
