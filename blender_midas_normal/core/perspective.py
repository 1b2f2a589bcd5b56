"""Rectify a photo of a flat surface that was taken at an angle: from four corners of a rectangle on the surface.

The camera is a pinhole with square pixels whose principal point is the picture's centre.  Points are (x, y) in pixels from
the picture's upper left corner, y downwards; a pixel's centre is at its index + 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import parallel_rows
from .errors import SettingsError

Points = NDArray[np.float64]
"""N x 2, or N x 3 of homogeneous coordinates."""

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""Of 35 mm film, by which focal lengths are given, whatever a camera's sensor is."""

USUAL_FOCAL_MM, FOCAL_DEVIATION = 28.0, 0.35
"""The focal length expected of an unknown camera, and the standard deviation of its logarithm: 20 to 40 mm."""

FOCAL_CANDIDATES = np.geomspace(12.0, 400.0, 241)
"""Focal lengths in mm that are tried."""

RIGHT_ANGLE_DEVIATION = 0.03
"""Standard deviation of the cosine between the sides of a rectangle whose corners somebody has chosen."""

MIN_AREA_SHARE = 1e-3
"""Smallest area between the corners, as a share of the picture's."""

MAX_SAMPLES, SPARED_SAMPLES = 16, 0.3
"""Most samples of a pixel on each axis, and by how much its length may exceed their number: cubics reach over two pixels."""


@dataclass(frozen=True)
class Plane:
    """A plane seen by the camera, and a rectangle on it.

    Attributes:
        normal: unit vector from the plane towards the camera; x right, y down, z away from the camera.
        aspect: width of the rectangle over its height.
        focal_mm: the camera's focal length, as on 35 mm film.
    """

    normal: Points
    aspect: float
    focal_mm: float

    @property
    def tilt(self) -> float:
        """The angle in degrees between the plane and one that faces the camera."""
        return math.degrees(math.acos(min(1.0, abs(float(self.normal[2])))))


def focal_pixels(focal_mm: float, size: tuple[int, int]) -> float:
    """Convert a focal length on 35 mm film to pixels of a picture of this (width, height)."""
    return focal_mm / FILM_DIAGONAL_MM * math.hypot(*size)


def check_corners(values: Sequence[float], size: tuple[int, int]) -> Points:
    """Return the corners in pixels, 4 x 2, in the order upper left, upper right, lower right, lower left.

    Args:
        values: x and y of the four corners, one after the other, in pixels; or as shares of the picture's sides, where none
            is above 1.
        size: (width, height) of the picture.

    Raises:
        SettingsError: they are no four corners of a rectangle that a camera sees.
    """
    if len(values) != 8 or not all(math.isfinite(value) for value in values):
        raise SettingsError("A photo is rectified by four corners, which are eight numbers.")
    corners = np.array(values, np.float64).reshape(4, 2)
    if corners.max() <= 1:
        corners *= size
    if (corners < -0.5).any() or (corners > np.array(size) + 0.5).any():
        raise SettingsError("A corner lies outside the picture of {width} x {height} pixels.", width=size[0], height=size[1])
    sides = np.roll(corners, -1, axis=0) - corners
    turns = _cross(sides, np.roll(sides, -1, axis=0))
    if turns.min() <= MIN_AREA_SHARE * size[0] * size[1]:
        raise SettingsError("The corners are those of no rectangle; give them in the order upper left, upper right, lower "
                            "right, lower left.")
    return corners


def _cross(first: Points, second: Points) -> Points:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def homography(source: Points, target: Points) -> Points:
    """Return the 3 x 3 matrix that maps four points to four others.

    >>> square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    >>> bool(np.allclose(homography(square, square * 2 + 1), [[2, 0, 1], [0, 2, 1], [0, 0, 1]]))
    True
    """
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solution = np.linalg.solve(np.array(rows, np.float64), np.asarray(target, np.float64).ravel())
    return np.append(solution, 1.0).reshape(3, 3)


def transform(matrix: Points, points: Points) -> Points:
    """Map N x 2 points by a 3 x 3 homography."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


def plane_of_corners(corners: Points, size: tuple[int, int], focal_mm: float = 0.0) -> Plane:
    """Find the plane on which four points are the corners of a rectangle.

    After Zhang and He, "Whiteboard scanning and image enhancement", 2007.  Where the corners hardly tell the focal length,
    as in a photo that is turned about one side of the rectangle only, a usual one is assumed.

    Args:
        corners: as `check_corners` returns them.
        size: (width, height) of the picture.
        focal_mm: of the lens, as on 35 mm film; 0 where it is unknown.
    """
    centred = homography(UNIT_SQUARE, corners - np.array(size) / 2)
    focals = np.array([focal_mm]) if focal_mm > 0 else FOCAL_CANDIDATES
    lengths = focal_pixels(1.0, size) * focals
    across, down = (np.outer(1 / lengths, centred[:, k]) for k in (0, 1))
    across[:, 2], down[:, 2] = centred[2, 0], centred[2, 1]
    widths, heights = np.linalg.norm(across, axis=1), np.linalg.norm(down, axis=1)
    cosines = (across * down).sum(axis=1) / (widths * heights)
    best = int(np.argmin((cosines / RIGHT_ANGLE_DEVIATION) ** 2 + focal_surprise(focals)))
    normal = np.cross(across[best], down[best])
    normal *= -np.sign(normal[2]) / np.linalg.norm(normal)
    return Plane(normal, float(widths[best] / heights[best]), float(focals[best]))


UNIT_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
"""Corners in the order of `check_corners`."""


def focal_surprise(focals_mm: Points) -> Points:
    """Return the squared deviations of focal lengths from the usual one, in standard deviations."""
    return (np.log(focals_mm / USUAL_FOCAL_MM) / FOCAL_DEVIATION) ** 2


def rectified_size(corners: Points, aspect: float, size: tuple[int, int]) -> tuple[int, int]:
    """Return (width, height) in pixels of the rectified picture.

    No side of the rectangle has fewer pixels than in the photo, unless a side would be longer than the photo's longer one.

    Args:
        corners: in the photo.
        aspect: width over height of the rectangle.
        size: (width, height) of the photo.
    """
    top, right, bottom, left = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width = max(top, bottom, max(left, right) * aspect)
    width *= min(1.0, max(size) / max(width, width / aspect))
    return max(1, round(width)), max(1, round(width / aspect))


def rectify(picture: NDArray, corners: Points, size: tuple[int, int]) -> NDArray:
    """Resample the part of a picture between four corners to a rectangle.

    Each pixel is the mean of samples by cubic interpolation, about as many as its part of the picture has pixels on either
    axis, so that nothing is aliased where the picture is shrunk.

    Args:
        picture: H x W x C, uint8 or float32 of 0..1.
        corners: as `check_corners` returns them.
        size: (width, height) of the result.

    Returns:
        height x width x C of the same dtype.

    >>> rectify(np.uint8([[[10], [20]], [[30], [40]]]), UNIT_SQUARE * 2, (2, 2))[..., 0].tolist()
    [[10, 20], [30, 40]]
    """
    width, height = size
    matrix = homography(UNIT_SQUARE * np.array(size), corners)
    result = np.empty((height, width, picture.shape[2]), picture.dtype)
    flat = np.ascontiguousarray(picture).reshape(-1, picture.shape[2])

    def work(rows: slice) -> None:
        across, down = _sample_counts(matrix, rows, width)
        total = np.zeros((rows.stop - rows.start, width, picture.shape[2]), np.float32)
        for i in range(across):
            for j in range(down):
                x = np.arange(width) + (i + 0.5) / across
                y = (np.arange(rows.start, rows.stop) + (j + 0.5) / down)[:, None]
                depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
                total += _interpolate(flat, picture.shape[:2], (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / depth,
                                      (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / depth)
        total /= across * down
        result[rows] = np.clip(np.rint(total), 0, 255) if picture.dtype == np.uint8 else np.clip(total, 0, 1)

    parallel_rows(work, height, width * picture.shape[2] * 4)
    return result


def _sample_counts(matrix: Points, rows: slice, width: int) -> tuple[int, int]:
    """Return how many samples across and down a pixel of these rows needs: the lengths of its sides in the picture."""
    ends = np.array([[x, y] for x in (0.0, width - 1.0) for y in (rows.start, rows.stop - 1.0)])
    at = transform(matrix, ends)
    counts = (np.linalg.norm(transform(matrix, ends + step) - at, axis=1).max() for step in np.eye(2))
    across, down = (min(MAX_SAMPLES, max(1, math.ceil(count - SPARED_SAMPLES))) for count in counts)
    return across, down


def _interpolate(flat: NDArray, shape: Sequence[int], x: Points, y: Points) -> NDArray[np.float32]:
    """Interpolate a picture, given as H * W x C, at points by Catmull-Rom's cubic; beyond its border it goes on as there."""
    height, width = shape
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    columns = [np.clip(left + step, 0, width - 1) for step in range(-1, 3)]
    across, down = _cubic_weights((x - left).astype(np.float32)), _cubic_weights((y - top).astype(np.float32))
    total = np.zeros((*x.shape, flat.shape[1]), np.float32)
    for step, share in zip(range(-1, 3), down, strict=True):
        start = np.clip(top + step, 0, height - 1) * width
        for column, weight in zip(columns, across, strict=True):
            total += flat[start + column] * (weight * share)[..., None]
    return total


def _cubic_weights(t: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the weights of the four samples about a point, which lies `t` after the second one."""
    return [((-0.5 * t + 1) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1, ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t]
