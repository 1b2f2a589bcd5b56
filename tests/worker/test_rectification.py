"""The worker rectifies photos: by corners and by lines, with alpha, in 8 and 16 bits."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from blender_midas_normal.core.errors import NotRectified, ProtocolError, SettingsError
from blender_midas_normal.core.protocol import Rectification, Request
from tests.brick_photos import look, take_photo
from tests.requests_for_tests import opaque, write_pixels
from tests.worker.in_process_worker import InProcessWorker

WHOLE = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
LEANING = 40, 50, 4, 32


@pytest.fixture
def worker(tmp_path):
    return InProcessWorker(tmp_path)


def rectified(worker, rgba, encoding="BYTE", **how):
    """The result for a photo, and the picture as OpenCV reads it, RGB or RGBA."""
    pixels = write_pixels(worker.folder / "pixels", rgba, encoding)
    result = worker.render(Request({}, id=1, pixels=pixels, rectify=dataclasses.asdict(Rectification(**how))))
    picture = cv2.imread(str(worker.folder / result.file), cv2.IMREAD_UNCHANGED)
    return result, picture[..., [2, 1, 0, *range(3, picture.shape[2])]]


def test_the_whole_picture_as_corners_gives_the_picture_bit_for_bit(worker):
    rgba = opaque(np.random.default_rng(0).integers(0, 256, (30, 40, 3)) / 255)
    result, picture = rectified(worker, rgba, corners=WHOLE)
    assert (result.width, result.height) == (40, 30) and picture.dtype == np.uint8
    assert (picture == np.rint(rgba[..., :3] * 255)).all()
    assert not (worker.folder / "pixels").exists()


def test_floats_get_16_bits(worker):
    rgba = opaque(np.random.default_rng(0).random((30, 40, 3)))
    _, picture = rectified(worker, rgba, "DISPLAY", corners=WHOLE)
    assert picture.dtype == np.uint16 and np.abs(picture / 65535 - rgba[..., :3]).max() < 1e-4


def test_hidden_colours_do_not_bleed_into_those_that_show(worker):
    rgba = np.ones((64, 64, 4), np.float32)
    rgba[:, :32] = (1, 0, 0, 0)
    _, picture = rectified(worker, rgba, corners=[0.1, 0.1, 0.8, 0.0, 0.9, 1.0, 0.0, 0.9])
    shown = picture[..., 3] > 8
    assert picture.shape[2] == 4 and 0.3 < shown.mean() < 0.7
    assert (picture[shown][:, :3] > 250).all()


def test_a_photo_of_bricks_is_rectified_by_its_lines(worker):
    rgba = opaque(take_photo(*LEANING) / 255)
    result, picture = rectified(worker, rgba)
    assert result.notes[0].startswith("The photo was rectified: its surface leans by 4")
    rows, rows_before = (np.abs(np.diff(each.mean(axis=(1, 2)))).mean() for each in (picture, take_photo(*LEANING)))
    assert rows > 2 * rows_before  # the courses run straight across the picture now


def test_what_cannot_be_rectified_says_why(worker):
    with pytest.raises(NotRectified, match="faces the camera"):
        rectified(worker, opaque(take_photo(0) / 255))
    with pytest.raises(SettingsError, match="those of no rectangle"):
        rectified(worker, opaque(np.zeros((8, 8, 3))), corners=[0.0] * 8)
    pixels = write_pixels(worker.folder / "pixels", opaque(np.zeros((8, 8, 3))))
    with pytest.raises(ProtocolError, match="unknown fields"):
        worker.render(Request({}, id=1, pixels=pixels, rectify={"corner": []}))


def test_requests_that_make_no_sense_are_refused():
    with pytest.raises(ProtocolError, match="must have a picture"):
        Request({}, rectify={})
    with pytest.raises(ProtocolError, match="eight numbers"):
        Rectification([1.0, 2.0])
    with pytest.raises(ProtocolError, match="focal length"):
        Rectification(focal_length=-1.0)


def test_four_true_corners_give_the_wall(worker):
    corners = look(*LEANING).see([-60, -30], [60, -30], [60, 30], [-60, 30]) / [640, 480]
    result, _ = rectified(worker, opaque(take_photo(*LEANING) / 255), corners=corners.ravel().tolist(), focal_length=32.0)
    assert result.width / result.height == pytest.approx(2, rel=0.01)
