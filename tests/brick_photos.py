"""Photos of a brick wall, as a pinhole camera takes them at an angle, for tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from blender_midas_normal.core.perspective import focal_pixels, transform

SIZE = 640, 480
SAMPLES = 2
BRICK = 64.0, 24.0
JOINT = 3.0


@dataclass(frozen=True)
class View:
    """How a camera sees the wall: the unit normal towards it, and the 3 x 3 matrix from the wall to the photo's pixels."""

    normal: np.ndarray
    to_picture: np.ndarray

    def see(self, *points):
        """Where the photo shows points of the wall."""
        return transform(self.to_picture, np.array(points, float))

    def photo(self):
        """The photo, H x W x 3 uint8."""
        y, x = (np.mgrid[:SIZE[1] * SAMPLES, :SIZE[0] * SAMPLES] + 0.5) / SAMPLES
        points = transform(np.linalg.inv(self.to_picture), np.column_stack([x.ravel(), y.ravel()]))
        colours = wall(points[:, 0], points[:, 1]).reshape(SIZE[1], SAMPLES, SIZE[0], SAMPLES, 3).mean(axis=(1, 3))
        return np.rint(colours * 255).astype(np.uint8)


def wall(x, y):
    """Colours of the wall, 0..1, at points: bricks of 64 x 24 in a running bond, each of a colour of its own."""
    row = np.floor(y / BRICK[1]).astype(int)
    along = x / BRICK[0] + row % 2 / 2
    column = np.floor(along).astype(int)
    near = np.minimum(np.mod(y, BRICK[1]), np.mod(along, 1) * BRICK[0]) < JOINT
    tone = 0.45 + 0.3 * np.modf(np.abs(np.sin(row * 12.9898 + column * 78.233)) * 43758.5453)[0]
    grey = np.where(near, 0.8, tone)
    return np.stack([grey, grey * 0.7, grey * 0.55], axis=-1)


def look(tilt, toward=90.0, roll=0.0, focal_mm=32.0):
    """Return the view of a wall that leans by `tilt` degrees in the direction `toward` of the picture, and is rolled."""
    length, angle = focal_pixels(focal_mm, SIZE), math.radians(toward)
    axis = np.array([-math.sin(angle), math.cos(angle), 0.0])
    axes = turn(axis, tilt) @ turn(np.array([0, 0, 1.0]), roll)
    camera = np.array([[length, 0, SIZE[0] / 2], [0, length, SIZE[1] / 2], [0, 0, 1]])
    return View(-axes[:, 2], camera @ np.column_stack([axes[:, 0], axes[:, 1], [0, 0, length]]))


@cache
def take_photo(*how):
    """Return the photo of a view; `how` are the arguments of `look`."""
    return look(*how).photo()


def turn(axis, degrees):
    """The rotation about a unit vector (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(degrees)
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def angle_between(first, second):
    """The angle between two unit vectors, in degrees."""
    return math.degrees(math.acos(min(1.0, abs(float(np.dot(first, second))))))
