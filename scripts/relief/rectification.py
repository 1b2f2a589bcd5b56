"""Measures how well photos at an angle are rectified, by their lines and by four corners.

AUTO's thresholds were chosen on the training split of CC0 materials; measure on the other one.
"""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from blender_midas_normal.core.auto_rectangle import find_rectangle
from blender_midas_normal.core.colour import luma
from blender_midas_normal.core.errors import NotRectified
from blender_midas_normal.core.perspective import (
    UNIT_SQUARE,
    homography,
    plane_of_corners,
    rectified_size,
    rectify,
    transform,
)
from relief import perspective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from blender_midas_normal.core.perspective import Points
    from relief.materials import Material
    from relief.perspective import View

TILTS = 0, 20, 40, 60
WRONG = 5.0
"""Degrees by which a recovered normal may be off."""

ROLL, LEAN = 8.0, 25.0
"""Degrees: how far the material is turned in the picture, and how far a photo taken from a corner is from 45 degrees."""


@dataclass(frozen=True)
class Attempt:
    """A photo that AUTO was given.

    Attributes:
        tilt: degrees by which the surface leans.
        is_known: whether the focal length was given.
        error: degrees between the recovered normal and the true one; None where the photo was left as it is.
    """

    tilt: int
    is_known: bool
    error: float | None


@dataclass(frozen=True)
class ColourError:
    """Mean difference to the true colours, in steps of 8 bits, by the four true corners: ours, and OpenCV's by Lanczos."""

    tilt: int
    own: float
    lanczos: float


def measure(materials: list[Material]) -> None:
    """Print the two tables for these materials, from one process for each processor."""
    with ProcessPoolExecutor() as pool:
        measured = list(pool.map(_measure_material, range(len(materials)), materials))
    print_attempts([attempt for attempts, _ in measured for attempt in attempts])
    print_colours([error for _, errors in measured for error in errors])


def _measure_material(seed: int, material: Material) -> tuple[list[Attempt], list[ColourError]]:
    attempts: list[Attempt] = []
    colours: list[ColourError] = []
    random = np.random.default_rng(seed)
    for tilt in TILTS:
        for toward in _directions(random):
            view = perspective.take_photo(material, tilt, toward, random.uniform(-ROLL, ROLL), random)
            attempts += [_attempt(view, tilt, is_known) for is_known in (True, False)]
            colours.append(_colour_error(view, tilt, material))
    return attempts, colours


def _directions(random: np.random.Generator) -> tuple[float, float]:
    """Return where a surface leans to: along one of its lines, as a wall from beside, and across both."""
    return (random.integers(4) * 90 + random.uniform(-ROLL, ROLL),
            random.integers(4) * 90 + 45 + random.uniform(-LEAN, LEAN))


def _attempt(view: View, tilt: int, is_known: bool) -> Attempt:
    try:
        rectangle = find_rectangle(luma(view.rgb / np.float32(255)), view.focal_mm if is_known else 0.0)
    except NotRectified:
        return Attempt(tilt, is_known, None)
    cosine = min(1.0, abs(float(rectangle.plane.normal @ view.normal)))
    return Attempt(tilt, is_known, math.degrees(math.acos(cosine)))


def _colour_error(view: View, tilt: int, material: Material) -> ColourError:
    square = _visible_square(view)
    corners = transform(view.to_picture, square)
    plane = plane_of_corners(corners, perspective.SIZE, view.focal_mm)
    size = rectified_size(corners, plane.aspect, perspective.SIZE)
    truth = perspective.render(perspective.lit(material), material.tiles, homography(square, UNIT_SQUARE * size), size)
    own = rectify(view.rgb, corners, size)
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV's pixels have their centres at whole numbers
    lanczos = cv2.warpPerspective(view.rgb, shift @ homography(corners, UNIT_SQUARE * size) @ np.linalg.inv(shift), size,
                                  flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return ColourError(tilt, _difference(own, truth), _difference(lanczos, truth))


def _visible_square(view: View) -> Points:
    """Return the largest square of the material, about the middle of the photo, that the photo shows."""
    middle = transform(np.linalg.inv(view.to_picture), np.array([perspective.SIZE]) / 2)
    low, high = 0.0, 4000.0
    while high - low > 1:
        half = (low + high) / 2
        seen = transform(view.to_picture, middle + (UNIT_SQUARE * 2 - 1) * half)
        depths = np.column_stack([middle + (UNIT_SQUARE * 2 - 1) * half, np.ones(4)]) @ view.to_picture[2]
        is_inside = (depths > 0).all() and (seen >= 0).all() and (seen <= perspective.SIZE).all()
        low, high = (half, high) if is_inside else (low, half)
    return middle + (UNIT_SQUARE * 2 - 1) * low


def _difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.abs(first.astype(np.float32) - second).mean())


def print_attempts(attempts: list[Attempt]) -> None:
    """Print how often AUTO acted, how near it came, and how often it was wrong."""
    print(f"| tilt | focal length | photos | rectified | median error | 90% within | off by more than {WRONG:.0f} degrees |")
    print("|---|---|---|---|---|---|---|")
    for tilt in TILTS:
        for is_known in (True, False):
            chosen = [each for each in attempts if (each.tilt, each.is_known) == (tilt, is_known)]
            errors = [each.error for each in chosen if each.error is not None]
            middle, most = (f"{value:.2f}" for value in np.percentile(errors, (50, 90))) if errors else "--"
            wrong = len(errors) if tilt == 0 else sum(error > WRONG for error in errors)
            print(f"| {tilt} | {'known' if is_known else 'unknown'} | {len(chosen)} | {len(errors)} | {middle} "
                  f"| {most} | {wrong} |")


def print_colours(errors: list[ColourError]) -> None:
    """Print how far colours are from the true ones."""
    print("\n| tilt | mean colour error, steps of 8 bits | the same by OpenCV's Lanczos |")
    print("|---|---|---|")
    for tilt in TILTS:
        chosen = [each for each in errors if each.tilt == tilt]
        own, lanczos = (np.mean([getattr(each, name) for each in chosen]) for name in ("own", "lanczos"))
        print(f"| {tilt} | {own:.2f} | {lanczos:.2f} |")
