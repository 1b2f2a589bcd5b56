"""Small pictures of maps, and which maps are suspicious."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.core.protocol import LOOKS_INVERTED, NEARLY_FLAT
from blender_midas_normal.core.review import PANEL_SIDE, review_normal_map, review_other_map, sample, shrink
from tests.conftest import ROOT

MATERIALS = ROOT / "tests" / "materials"


def bump(side=120, height=0.5):
    """(heights, normal map 0..1) of a round bump."""
    y, x = np.mgrid[-1:1:side * 1j, -1:1:side * 1j].astype(np.float32)
    heights = np.exp(-4 * (x * x + y * y))
    gx, gy = -8 * x * heights * height, -8 * y * heights * height
    normals = np.stack([-gx, gy, np.ones_like(gx)], 2) / np.sqrt(1 + gx * gx + gy * gy)[..., None]
    return heights, normals * 0.5 + 0.5


def as_convention(normals, convention):
    if convention == "DIRECTX":
        return normals * [1, -1, 1] + [0, 1, 0]
    return normals[..., ::-1] if convention == "CONTROLNET" else normals


@pytest.mark.parametrize("convention", ["OPENGL", "DIRECTX", "CONTROLNET"])
@pytest.mark.parametrize("bits", [8, 32])
def test_light_falls_from_the_upper_left_in_each_convention(convention, bits):
    _, normals = bump()
    values = as_convention(normals, convention).astype(np.float32)
    values = np.rint(values * 255).astype(np.uint8) if bits == 8 else values
    sheet, notes = review_normal_map(np.full((240, 240, 3), 128, np.uint8), values, convention)
    picture, lit = sheet[:, :PANEL_SIDE - 40], sheet[:, -120:].astype(int)
    assert np.ptp(picture) == 0 and not notes
    assert lit[40, 40].mean() > lit[2, 2].mean() + 20 > lit[80, 80].mean() + 60
    assert abs(lit[2, 2].mean() - 128) < 3, "what is flat keeps its colour"


def test_what_is_bright_and_deep_looks_inverted_and_what_is_dark_and_deep_does_not():
    heights, normals = bump()
    photo = np.repeat(heights[..., None], 3, 2)
    assert review_normal_map(photo, normals, "OPENGL")[1] == []
    assert review_normal_map(1 - photo, normals, "OPENGL")[1] == [LOOKS_INVERTED]
    assert review_normal_map(photo, as_convention(normals, "DIRECTX"), "DIRECTX")[1] == []
    assert review_normal_map(np.zeros_like(photo), normals, "OPENGL")[1] == []


def test_a_map_without_slopes_is_nearly_flat():
    photo = np.random.default_rng(0).random((90, 90, 3), np.float32)
    assert review_normal_map(photo, bump(height=0.01)[1], "OPENGL")[1] == [NEARLY_FLAT]
    assert review_normal_map(photo, bump(height=0.1)[1], "OPENGL")[1] != [NEARLY_FLAT]


def test_of_real_materials_none_is_flat_and_one_looks_inverted():
    notes = {}
    for colour in sorted(MATERIALS.glob("*_color.png")):
        rgb, normals = (np.asarray(PIL.Image.open(file).convert("RGB"))
                        for file in (colour, colour.with_name(colour.name.replace("_color", "_normal"))))
        notes[colour.name] = review_normal_map(rgb, normals, "OPENGL")[1]
    suspicious = {name: note for name, note in notes.items() if note}
    assert len(notes) == 8 and suspicious == {"pebbles_color.png": [LOOKS_INVERTED]}


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (159, 161), (161, 320), (4000, 37), (2048, 2048), (3000, 5000)])
def test_panels_are_small_and_of_any_picture(shape):
    values = np.broadcast_to(np.float32([0.25, 0.5, 0.75]), (*shape, 3))
    panel = shrink(sample(values))
    assert max(panel.shape[:2]) <= PANEL_SIDE and min(panel.shape[:2]) >= 1
    assert np.allclose(panel, [0.25, 0.5, 0.75])
    sheet, _ = review_normal_map(values, np.full((50, 30, 3), (128, 128, 255), np.uint8), "OPENGL")
    assert sheet.shape[1] == panel.shape[1] + 60 and sheet.shape[0] == max(50, len(panel))


def test_other_maps_are_shown_whatever_their_range():
    photo = np.zeros((10, 10, 3), np.uint8)
    heights = np.linspace(-0.1, 0.1, 300, dtype=np.float32).reshape(10, 10, 3)
    assert review_other_map(photo, np.broadcast_to(heights[..., :1], (10, 10, 3))).shape == (10, 20, 3)
    grey = np.full((10, 10, 3), 77, np.uint8)
    assert np.array_equal(review_other_map(photo, grey)[:, 10:], grey)
