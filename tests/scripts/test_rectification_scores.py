"""The photos by which rectifying is measured, and their true answers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from blender_midas_normal.core.perspective import plane_of_corners, transform
from tests.conftest import ROOT

pytest.importorskip("cv2")
sys.path.insert(0, str(ROOT / "scripts"))

from relief import perspective, rectification
from relief.materials import read_material


@pytest.fixture
def material(monkeypatch):
    monkeypatch.setattr(perspective, "SIZE", (320, 240))
    return read_material(ROOT / "tests" / "materials", "tiles")


@pytest.mark.parametrize("tilt", [0, 40])
def test_true_corners_give_the_true_normal_and_colours(material, tilt):
    view = perspective.take_photo(material, tilt, 50, 5, np.random.default_rng(0))
    assert view.rgb.shape == (240, 320, 3)
    corners = transform(view.to_picture, rectification._visible_square(view))
    plane = plane_of_corners(corners, (320, 240), view.focal_mm)
    assert plane.aspect == pytest.approx(1) and plane.normal @ view.normal == pytest.approx(1)
    assert (corners >= -0.01).all() and (corners <= [320.01, 240.01]).all()
    error = rectification._colour_error(view, tilt, material)
    shifted = perspective.render(material.rgb, material.tiles, np.eye(3), (64, 64))
    assert 0 < error.own < 1.5 * error.lanczos + 1 < 8 and shifted.shape == (64, 64, 3)


def test_the_table_counts_what_was_rectified_and_what_was_wrong(capsys):
    attempts = [rectification.Attempt(20, True, error) for error in (1.0, 2.0, 7.0, None)]
    rectification.print_attempts([*attempts, rectification.Attempt(0, True, 1.0)])
    lines = capsys.readouterr().out.splitlines()
    assert "| 20 | known | 4 | 3 | 2.00 | 6.00 | 1 |" in lines
    assert "| 0 | known | 1 | 1 | 1.00 | 1.00 | 1 |" in lines
