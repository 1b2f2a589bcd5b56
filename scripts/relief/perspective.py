"""Photos of materials taken at an angle: a pinhole camera over the tiled plane, which fills the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from blender_midas_normal.core.perspective import Points, focal_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relief.materials import Material

SIZE = 1024, 768
SAMPLES = 3
"""Samples of a pixel on each axis."""

LENSES_MM = 24.0, 50.0
MAX_RAY_ANGLE = 80.0
"""Degrees between the surface's normal and the camera's rays, at most: the surface fills the picture."""

FILM_HALF = math.hypot(36, 24) / 2
"""Half the diagonal of 35 mm film."""

SPAN = 1.5
"""How many times the material's shorter side is seen across the middle of the picture."""

LIGHT = np.array([-0.45, 0.45, 0.77], np.float32)
"""From the upper left; x right, y up, z out of the picture."""


@dataclass(frozen=True)
class View:
    """A photo of a material, and how it was taken.

    Attributes:
        rgb: H x W x 3 uint8.
        normal: unit vector from the surface towards the camera; x right, y down, z away from the camera.
        focal_mm: of the lens, as on 35 mm film.
        to_picture: 3 x 3, from the material's pixels to the photo's.
    """

    rgb: NDArray[np.uint8]
    normal: Points
    focal_mm: float
    to_picture: Points


def lit(material: Material) -> NDArray[np.uint8]:
    """Return the material's colours, lit from the upper left: most are without light and shadow."""
    shade = np.clip(material.normals @ LIGHT, 0, None) / LIGHT[2]
    linear = (material.rgb / np.float32(255)) ** 2.2 * shade[..., None]
    return np.rint(np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def take_photo(material: Material, tilt: float, toward: float, roll: float, random: np.random.Generator) -> View:
    """Take a photo.

    Args:
        material: what the plane shows, repeated, or mirrored where it does not repeat.
        tilt: degrees by which the surface leans.
        toward: degrees in the picture, the direction in which it leans: 90 for a floor.
        roll: degrees by which the material is turned on the surface.
        random: draws the lens.
    """
    while True:
        focal = math.exp(random.uniform(*np.log(LENSES_MM)))
        if tilt + math.degrees(math.atan(FILM_HALF / focal)) < MAX_RAY_ANGLE or focal > 0.95 * LENSES_MM[1]:
            break
    length = focal_pixels(focal, SIZE)
    lean = _about_axis(math.radians(toward), math.radians(tilt))
    axes = lean @ _about_z(math.radians(roll))
    rows, columns = material.rgb.shape[:2]
    scale = SPAN * min(rows, columns) / SIZE[0]
    centre = np.array([columns, rows]) * random.uniform(0.2, 0.8, 2)
    camera = np.array([[length, 0, SIZE[0] / 2], [0, length, SIZE[1] / 2], [0, 0, 1]])
    to_plane = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, length * scale]])
    to_picture = camera @ np.column_stack([axes[:, 0], axes[:, 1], [0, 0, 1]]) @ to_plane
    normal = -axes[:, 2] * np.sign(axes[2, 2])
    return View(render(lit(material), material.tiles, to_picture, SIZE), normal, focal, to_picture)


def render(texture: NDArray[np.uint8], tiles: tuple[bool, bool], to_picture: Points,
           size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw a plane with a texture: bilinear samples, SAMPLES x SAMPLES for each pixel, averaged.

    Args:
        texture, tiles: as of a `Material`.
        to_picture: as of a `View`.
        size: (width, height) of the picture.
    """
    row = np.concatenate([texture, texture if tiles[0] else texture[:, ::-1]], axis=1)
    whole = np.concatenate([row, row if tiles[1] else row[::-1]], axis=0)
    matrix = np.linalg.inv(to_picture) @ np.diag([1 / SAMPLES, 1 / SAMPLES, 1])
    y, x = np.mgrid[0:size[1] * SAMPLES, 0:size[0] * SAMPLES].astype(np.float32) + np.float32(0.5)
    depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / depth - 0.5
    v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / depth - 0.5
    drawn = cv2.remap(whole, np.mod(u, whole.shape[1]).astype(np.float32), np.mod(v, whole.shape[0]).astype(np.float32),
                      cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)


def _about_axis(toward: float, angle: float) -> Points:
    """Return the rotation about the axis in the picture that lies at right angles to a direction."""
    x, y = -math.sin(toward), math.cos(toward)
    cross = np.array([[0, 0, y], [0, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def _about_z(angle: float) -> Points:
    return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
