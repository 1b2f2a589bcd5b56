"""Maps of a part of a picture, where the rest is context."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from blender_midas_normal.core.errors import ProtocolError, SettingsError
from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.protocol import Request
from tests.requests_for_tests import LUMINANCE, noise, opaque, write_pixels
from tests.worker.in_process_worker import components

cv2 = pytest.importorskip("cv2")


@pytest.mark.parametrize("kind", ["NORMAL", "AO", "CURVATURE"])
def test_a_part_of_a_picture_goes_on_where_the_picture_does(worker, tmp_path, kind):
    """The part is as high as the picture, so that both have one unit of length."""
    rgba = blur(noise(64, 96), 2, 2, Wrap()).clip(0, 1)
    settings = dataclasses.replace(LUMINANCE, strength=5, bg_threshold=0.1, blur=1, detail=2)

    def values(rgba, part=()):
        pixels = write_pixels(tmp_path / "pixels", rgba, part=part)
        result = worker.render(Request(settings.to_dict(), id=1, pixels=pixels, map=kind))
        decoded = cv2.imread(str(tmp_path / result.file), cv2.IMREAD_UNCHANGED).astype(int)
        assert decoded.shape[:2] == (result.height, result.width)
        return decoded

    whole, part, alone = values(rgba), values(rgba, (8, 0, 88, 64)), values(rgba[:, 8:88])
    assert np.abs(part - whole[:, 8:88]).max() <= 1 < np.abs(alone - whole[:, 8:88]).max()


def test_the_heights_of_a_part_are_in_its_own_shorter_sides(worker, tmp_path):
    ramp = opaque(np.linspace(0.2, 0.8, 64)[:, None, None].repeat(64, 1).repeat(3, 2))
    heights = []
    for part in ([], [16, 16, 48, 48]):
        pixels = write_pixels(tmp_path / "pixels", ramp, "DISPLAY", part=part)
        result = worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels, map="HEIGHT"))
        values = cv2.imread(str(tmp_path / result.file), cv2.IMREAD_UNCHANGED) / 65535
        heights.append((values[-8, 8] - values[-9, 8]) * result.scale * result.height)
    assert heights[1] == pytest.approx(heights[0] / 2, rel=0.01)  # K of luminance is a slope over one shorter side


@pytest.mark.parametrize("part", [[0, 0, 9, 8], [-1, 0, 4, 4], [4, 0, 4, 4], [0, 0, 8], [0, 0, 8, 8.5], [True, 0, 8, 8]])
def test_a_part_that_the_picture_does_not_have_is_refused(worker, tmp_path, part):
    with pytest.raises(ProtocolError, match="part"):
        worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=write_pixels(tmp_path / "pixels", noise(8, 8), part=part)))


def test_a_part_with_size_node_is_refused(worker, tmp_path):
    settings = dataclasses.replace(LUMINANCE, size="NODE")
    with pytest.raises(SettingsError, match="part"):
        pixels = write_pixels(tmp_path / "pixels", noise(8, 8), part=(0, 0, 4, 4))
        worker.render(Request(settings.to_dict(), id=1, pixels=pixels))


def test_a_part_repeats_only_where_the_picture_does_not_go_on(worker, tmp_path):
    rgba = noise(32, 40)
    maps = []
    for tileable in ("BOTH", "Y"):
        settings = dataclasses.replace(LUMINANCE, tileable=tileable, blur=2)
        pixels = write_pixels(tmp_path / "pixels", rgba, part=(1, 0, 39, 32))
        result = worker.render(Request(settings.to_dict(), id=1, pixels=pixels))
        maps.append(components(tmp_path / result.file))
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize("kind", ["NORMAL", "CURVATURE"])
def test_a_mask_image_masks_a_part_and_those_beside_it_alike(worker, tmp_path, kind):
    """Relief that is masked out goes on nowhere, so that it matters what is masked beyond the border."""
    rgba, mask = blur(noise(64, 192), 2, 2, Wrap()).clip(0, 1), noise(64, 64)
    mask[:, 32:] = (0, 0, 0, 1)
    settings = dataclasses.replace(LUMINANCE, strength=5, mask="IMAGE")

    def values(mask, part=()):
        result = worker.render(Request(settings.to_dict(), id=1, pixels=write_pixels(tmp_path / "pixels", rgba, part=part),
                                       mask_pixels=write_pixels(tmp_path / "mask", mask), map=kind))
        return cv2.imread(str(tmp_path / result.file), cv2.IMREAD_UNCHANGED).astype(int)

    expected = values(np.tile(mask, (1, 3, 1)))[:, 64:128]
    assert np.ptp(expected) > 1000 and np.abs(values(mask, (64, 0, 128, 64)) - expected).max() <= 1
