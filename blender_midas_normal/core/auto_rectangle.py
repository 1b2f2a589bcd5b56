"""Find a rectangle on the surface in a photo that was taken at an angle, or say why none is found for sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import NotRectified
from .filters import resize_area
from .perspective import UNIT_SQUARE, Plane, Points, focal_pixels, transform
from .vanishing_points import Orientation, find_orientation, find_segments

if TYPE_CHECKING:
    from .arrays import Array

WORKING_SIDE = 640
"""Pixels of the longer side of the copy in which lines are looked for."""

MIN_SEGMENTS = 30
MIN_EXPLAINED = 0.5
MIN_SECOND_SHARE = 0.05
MIN_CONTRAST = 1.5
MAX_RIVAL = 0.16
MAX_DEVIATION = 2.0
"""What a photo's lines must be for the outcome to count as sure: at least so many; shares of their length that run in the
two directions together, and in the one that has fewer; how many times more run in it than in any other direction of the
surface; share of a third direction, as hexagons have; standard deviation of the normal in degrees.  Chosen on the training
split of CC0 materials alone."""

LIKELY_FOCALS_MM = 17.0, 60.0
"""Focal lengths that lines may tell; others are more often those of lines that are not at right angles."""

MIN_TILT, MIN_TILT_DEVIATIONS = 4.0, 3.0
"""A surface that leans by fewer degrees, or by fewer standard deviations, is left as it is."""

MAX_DEPTH_RATIO = 2.5
"""The rectangle ends where the surface is so many times further off than in front."""

GRID = 64
"""Positions that are tried for each side of the rectangle."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle on the surface: its corners in the photo, as `perspective.check_corners` returns them, and its plane."""

    corners: Points
    plane: Plane


def find_rectangle(luma: Array, focal_mm: float = 0.0) -> Rectangle:
    """Find a large rectangle along the lines of a photo's surface.

    Args:
        luma: H x W, of the whole photo.
        focal_mm: of the lens, as on 35 mm film; 0 where it is unknown.

    Raises:
        NotRectified: the surface faces the camera, or its lines do not tell for sure how it leans.
    """
    height, width = luma.shape
    share = min(1.0, WORKING_SIDE / max(luma.shape))
    size = max(2, round(width * share)), max(2, round(height * share))
    segments = find_segments(resize_area(luma, *size))
    orientation = find_orientation(segments, size, focal_mm)
    if orientation is None or len(segments.lengths) < MIN_SEGMENTS:
        raise NotRectified("The photo was left as it is, because it has too few straight lines; give its four corners.")
    _check_sure(orientation, focal_mm)
    return _largest_rectangle(_upright(orientation.axes), orientation.focal_mm, (width, height))


def _check_sure(orientation: Orientation, focal_mm: float) -> None:
    """Raise NotRectified where the surface faces the camera, or it is not sure how it leans."""
    if (sum(orientation.shares) < MIN_EXPLAINED or min(orientation.shares) < MIN_SECOND_SHARE
            or orientation.contrast < MIN_CONTRAST or orientation.rival > MAX_RIVAL):
        raise NotRectified("The photo was left as it is, because its lines do not tell for sure how it was taken; give its "
                           "four corners.")
    if orientation.tilt < max(MIN_TILT, MIN_TILT_DEVIATIONS * orientation.deviation):
        raise NotRectified("The photo was left as it is, because its surface faces the camera as far as its lines tell.")
    is_likely = focal_mm > 0 or LIKELY_FOCALS_MM[0] <= orientation.focal_mm <= LIKELY_FOCALS_MM[1]
    if orientation.deviation > MAX_DEVIATION or not is_likely:
        advice = "its four corners" if focal_mm > 0 else "the focal length, or its four corners"
        raise NotRectified("The photo was left as it is, because its lines tell only roughly how it was taken; give "
                           "{advice}.", advice=advice)


def _upright(axes: Points) -> Points:
    """Return the axes so that the normal points away from the camera, the first one right and the second one down."""
    across, down, normal = axes.T
    if normal[2] < 0:
        down, normal = -down, -normal
    turned = [(across, down), (down, -across), (-across, -down), (-down, across)]
    across, down = max(turned, key=lambda pair: pair[0][0] + pair[1][1])
    return np.column_stack([across, down, normal])


def _largest_rectangle(axes: Points, focal_mm: float, size: tuple[int, int]) -> Rectangle:
    """Return the rectangle along the axes that lies within the photo and has the most of its pixels."""
    length = focal_pixels(focal_mm, size)
    to_picture = axes * np.array([length, length, 1.0])[:, None]
    corners = transform(np.linalg.inv(to_picture), (UNIT_SQUARE - 0.5) * size)
    depths = np.column_stack([corners, np.ones(4)]) @ to_picture[2]
    sides = np.roll(corners, -1, axis=0) - corners
    inward = np.column_stack([-sides[:, 1], sides[:, 0]])  # the corners run clockwise as seen, y downwards
    slopes = np.vstack([inward, -to_picture[2, :2]])  # slopes @ point >= limits: inside, and near enough
    limits = np.append((inward * corners).sum(axis=1), to_picture[2, 2] - MAX_DEPTH_RATIO * depths.min())
    x = np.linspace(corners[:, 0].min(), corners[:, 0].max(), GRID)
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = (limits[:, None] - slopes[:, :1] * x) / slopes[:, 1:]
    low = np.where(slopes[:, 1:] > 0, bounds, -np.inf).max(axis=0)
    high = np.where(slopes[:, 1:] < 0, bounds, np.inf).min(axis=0)
    first, last = np.triu_indices(GRID, 1)
    top, bottom = np.maximum(low[first], low[last]), np.minimum(high[first], high[last])
    rectangles = np.stack([np.column_stack([x[first], top]), np.column_stack([x[last], top]),
                           np.column_stack([x[last], bottom]), np.column_stack([x[first], bottom])], axis=1)
    seen = transform(to_picture, rectangles.reshape(-1, 2)).reshape(-1, 4, 2)
    areas = np.where(bottom > top, _areas(seen), -np.inf)
    best = int(np.argmax(areas))
    aspect = float((x[last] - x[first])[best] / (bottom - top)[best])
    return Rectangle(np.clip(seen[best] + np.array(size) / 2, 0, size), Plane(-axes[:, 2], aspect, focal_mm))


def _areas(polygons: Points) -> Points:
    """Return the areas of N x 4 x 2 polygons."""
    following = np.roll(polygons, -1, axis=1)
    return np.abs((polygons[..., 0] * following[..., 1] - polygons[..., 1] * following[..., 0]).sum(axis=1)) / 2
