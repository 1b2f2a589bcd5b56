"""Photos at an angle: the geometry of four corners, resampling, and what lines tell."""

from __future__ import annotations

import numpy as np
import pytest

from blender_midas_normal.core.auto_rectangle import find_rectangle
from blender_midas_normal.core.colour import luma
from blender_midas_normal.core.errors import NotRectified, SettingsError
from blender_midas_normal.core.perspective import (
    UNIT_SQUARE,
    check_corners,
    plane_of_corners,
    rectified_size,
    rectify,
    transform,
)
from tests.brick_photos import SIZE, angle_between, look, take_photo, wall

SQUARE = UNIT_SQUARE * [200, 100] - [100, 50]
"""Corners on the wall."""


@pytest.mark.parametrize("focal", [24.0, 50.0])
@pytest.mark.parametrize("tilt", [15, 40, 60])
def test_corners_tell_aspect_and_normal_without_the_focal_length(tilt, focal):
    photo = look(tilt, 40, 10, focal)
    plane = plane_of_corners(photo.see(*SQUARE), SIZE)
    assert plane.aspect == pytest.approx(2, rel=0.06)
    assert angle_between(plane.normal, photo.normal) < 6 and np.dot(plane.normal, photo.normal) > 0
    known = plane_of_corners(photo.see(*SQUARE), SIZE, focal)
    assert known.aspect == pytest.approx(2, rel=1e-6) and angle_between(known.normal, photo.normal) < 1e-3


def test_a_floor_seen_straight_ahead_takes_a_usual_focal_length():
    photo = look(50, 90, 0, 28)
    assert plane_of_corners(photo.see(*SQUARE), SIZE).aspect == pytest.approx(2, rel=0.02)


def test_a_rectified_photo_is_the_wall_as_seen_from_the_front():
    made = rectify(take_photo(40, 30, 5), look(40, 30, 5).see(*SQUARE), (400, 200)) / 255
    y, x = (np.mgrid[:200 * 3, :400 * 3] + 0.5) / 3
    truth = wall(x / 2 - 100, y / 2 - 50).reshape(200, 3, 400, 3, 3).mean(axis=(1, 3))
    error = np.abs(made - truth).mean()
    shifted = np.abs(made[:, 3:] - truth[:, :-3]).mean()
    assert error < 0.012 and shifted > 1.5 * error


def test_shrinking_averages_and_floats_stay_floats():
    stripes = np.zeros((64, 64, 1), np.float32)
    stripes[:, ::2] = 1
    made = rectify(stripes, UNIT_SQUARE * 64, (8, 8))
    assert made.dtype == np.float32 and np.abs(made - 0.5).max() < 1e-5


def test_a_picture_of_one_row_is_resampled_too():
    assert rectify(np.uint8([[[7], [9]]]), UNIT_SQUARE * [2, 1], (2, 1))[..., 0].tolist() == [[7, 9]]


def test_no_side_loses_pixels_unless_it_would_be_longer_than_the_photo():
    corners = np.array([[100, 0], [200, 0], [300, 100], [0, 100]], float)
    assert rectified_size(corners, 1.0, (640, 480)) == (300, 300)
    assert rectified_size(corners, 0.25, (640, 480)) == (160, 640)


@pytest.mark.parametrize(("corners", "sentence"), [
    ([0.0] * 8, "The corners are those of no rectangle"),
    ([0, 0, 100, 0, 0, 100, 100, 100], "The corners are those of no rectangle"),
    ([0, 0, 0, 100, 100, 100, 100, 0], "The corners are those of no rectangle"),
    ([0, 0, 700, 0, 100, 100, 0, 100], "A corner lies outside the picture of 640 x 480 pixels."),
    ([0, 0, float("nan"), 0, 100, 100, 0, 100], "A photo is rectified by four corners"),
    ([1, 2, 3], "A photo is rectified by four corners"),
])
def test_corners_of_no_rectangle_are_refused(corners, sentence):
    with pytest.raises(SettingsError, match=sentence):
        check_corners(corners, SIZE)


def test_corners_may_be_shares():
    assert check_corners([0, 0, 1, 0, 1, 1, 0, 0.5], SIZE).tolist() == [[0, 0], [640, 0], [640, 480], [0, 240]]


@pytest.mark.parametrize(("tilt", "toward", "focal"), [(20, 45, 0.0), (40, 50, 0.0), (60, 120, 0.0), (40, 90, 32.0)])
def test_lines_of_bricks_tell_how_the_wall_leans(tilt, toward, focal):
    how = tilt, toward, 4, 50 if tilt == 60 else 32
    photo = look(*how)
    rectangle = find_rectangle(luma(take_photo(*how) / np.float32(255)), focal)
    assert angle_between(rectangle.plane.normal, photo.normal) < 2.5
    seen = np.linalg.inv(photo.to_picture) @ np.column_stack([rectangle.corners, np.ones(4)]).T
    on_wall = (seen[:2] / seen[2]).T
    sides = np.roll(on_wall, -1, axis=0) - on_wall
    assert np.abs(np.degrees(np.arctan2(sides[:, 1], sides[:, 0])) % 90 - 45).min() > 43
    width, height = np.linalg.norm(sides, axis=1)[:2]
    assert rectangle.plane.aspect == pytest.approx(width / height, rel=0.06)
    assert (rectangle.corners >= 0).all() and (rectangle.corners <= SIZE).all()


@pytest.mark.parametrize(("picture", "reason"), [
    (lambda: take_photo(0), "faces the camera"),
    (lambda: np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8), "."),
    (lambda: np.full((480, 640, 3), 128, np.uint8), "too few straight lines"),
    (lambda: np.full((1, 1, 3), 128, np.uint8), "too few straight lines"),
    (lambda: take_photo(40, 90), "the focal length"),
], ids=["straight", "noise", "flat", "tiny", "one vanishing point"])
def test_a_photo_whose_lines_do_not_tell_is_left_as_it_is(picture, reason):
    with pytest.raises(NotRectified, match=rf"The photo was left as it is, because .*{reason}"):
        find_rectangle(luma(picture() / np.float32(255)))


def test_boards_alone_tell_nothing():
    rows = np.repeat(take_photo(0)[:, :1], 640, axis=1)
    with pytest.raises(NotRectified):
        find_rectangle(luma(rows / np.float32(255)))


def test_lines_in_three_directions_are_not_taken_for_two_at_right_angles():
    """As of hexagons and triangles: two of them could be a rectangle's that leans otherwise."""
    view = look(40, 90, 4, 32)
    y, x = np.mgrid[:SIZE[1], :SIZE[0]] + 0.5
    points = transform(np.linalg.inv(view.to_picture), np.column_stack([x.ravel(), y.ravel()]))
    lines = [np.mod(points @ [np.cos(angle), np.sin(angle)], 30) < 4 for angle in np.radians([90, 30, 150])]
    triangles = np.where(np.any(lines, axis=0), 0.2, 0.8).reshape(SIZE[1], SIZE[0]).astype(np.float32)
    for focal in (0.0, 32.0):
        with pytest.raises(NotRectified, match="do not tell for sure"):
            find_rectangle(triangles, focal)


def test_the_same_photo_has_the_same_outcome():
    values = luma(take_photo(40, 50, 4, 32) / np.float32(255))
    assert (find_rectangle(values).corners == find_rectangle(values).corners).all()


