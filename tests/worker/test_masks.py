"""Maps that are flat where the picture is transparent, or where a mask image is black."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from blender_midas_normal.core.errors import ProtocolError, SettingsError, SourceError
from blender_midas_normal.core.picture import Picture
from blender_midas_normal.core.protocol import Pixels, Request
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.inputs import ALPHA_COUNTS, ALPHA_IGNORED, mask_brightness
from tests.requests_for_tests import LUMINANCE, noise, opaque, write_pixels
from tests.worker.in_process_worker import components, make_map


def test_transparent_parts_are_flat_unless_the_mask_is_off(worker, tmp_path):
    rgba = noise(32, 32)
    rgba[:, :16, 3] = 0
    masked = make_map(worker, tmp_path, rgba)[1]
    assert np.abs(masked[:, :15, :2]).max() < 1e-4 < np.abs(masked[:, 17:, :2]).max()
    assert np.abs(make_map(worker, tmp_path, rgba, dataclasses.replace(LUMINANCE, mask="OFF"))[1][:, 8:16, :2]).max() > 1e-4


def test_alpha_that_is_no_transparency_is_ignored_and_unknown_alpha_has_a_note(worker, tmp_path):
    rgba = noise(32, 32)
    opaque_map = make_map(worker, tmp_path, rgba)[1]
    rgba[..., 3] = 0.2
    for alpha, note in (("OTHER", ALPHA_IGNORED), ("UNKNOWN", ALPHA_COUNTS), ("TRANSPARENCY", "")):
        for _ in range(2):  # its surface is there already the second time
            pixels = {**write_pixels(tmp_path / "pixels", rgba), "alpha": alpha}
            result = worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels))
            values = components(tmp_path / result.file)
            assert [each for each in result.notes if "alpha" in each] == [note] * bool(note)
            assert np.array_equal(values, opaque_map) == (alpha == "OTHER")
    with pytest.raises(ProtocolError, match="no alpha 'GLOSS'"):
        Pixels("pixels", 32, 32, "BYTE", alpha="GLOSS")


MASKED = dataclasses.replace(LUMINANCE, mask="IMAGE")


def write_mask(folder, *levels):
    """The pixels of a mask image of a few columns."""
    rgb = np.array(levels, np.float32)[None, :, None].repeat(3, 2).repeat(2, 0)
    return write_pixels(folder / "mask", opaque(rgb))


def test_the_map_is_flat_where_the_mask_image_is_black(worker, tmp_path):
    rgba = noise(32, 32)
    masked = make_map(worker, tmp_path, rgba, MASKED, mask_pixels=write_mask(tmp_path, 0, 0, 1, 1))[1]
    assert not (tmp_path / "mask").exists()
    assert np.abs(masked[:, :12, :2]).max() < 1e-4
    np.testing.assert_array_equal(masked[:, 20:], make_map(worker, tmp_path, rgba)[1][:, 20:])


def test_a_masks_transparent_parts_are_black():
    rgb, alpha = np.full((1, 2, 3), 0.5, np.float32), np.array([[0.0, 1.0]], np.float32)
    np.testing.assert_allclose(mask_brightness(Picture(rgb, alpha)), [[0, 0.5]], atol=1e-6)


def test_the_mask_of_a_surface_is_changed_and_removed_without_the_engine(worker, tmp_path, monkeypatch):
    rgba = noise(32, 32)
    plain = make_map(worker, tmp_path, rgba)[1]
    monkeypatch.setattr(Luminance, "surface", lambda *_: pytest.fail("the engine ran again"))
    first, left = make_map(worker, tmp_path, rgba, MASKED, mask_pixels=write_mask(tmp_path, 0, 1))
    second = worker.render(Request(MASKED.to_dict(), id=2, surface=first.surface, mask_pixels=write_mask(tmp_path, 1, 0)))
    right = components(tmp_path / second.file)
    assert np.abs(left[:, :7, :2]).max() < 1e-4 < np.abs(left[:, 25:, :2]).max()
    assert np.abs(right[:, 25:, :2]).max() < 1e-4 < np.abs(right[:, :7, :2]).max()
    assert make_map(worker, tmp_path, rgba, MASKED, mask_pixels=write_mask(tmp_path, 1, 0))[0].surface == second.surface
    for request, values in ((Request(MASKED.to_dict(), id=3, surface=first.surface), left),
                            (Request(LUMINANCE.to_dict(), id=4, surface=second.surface), plain)):
        np.testing.assert_array_equal(components(tmp_path / worker.render(request).file), values)


def test_a_missing_mask_image_is_refused(worker, tmp_path):
    with pytest.raises(SettingsError, match="no mask image"):
        make_map(worker, tmp_path, noise(8, 8), MASKED)
    with pytest.raises(SourceError, match=r"nowhere\.png"):
        make_map(worker, tmp_path, noise(8, 8), MASKED, mask_picture=str(tmp_path / "nowhere.png"))
    assert not (tmp_path / "pixels").exists()
