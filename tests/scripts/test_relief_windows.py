"""Real materials for training: read, weighted, cut into windows, and relit."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

from blender_midas_normal.core.errors import SourceError
from tests.conftest import ROOT

pytest.importorskip("cv2")
sys.path.insert(0, str(ROOT / "scripts"))

import cv2
from relief import materials, relighting, windows
from relief.scores import normals_of

SIDE = 64


def wave(side, along=(2, 1)):
    """Heights in pixels of a wave that repeats, and its slopes: side x side x 2."""
    y, x = (2 * np.pi / side * axis for axis in np.mgrid[:side, :side] + 0.5)
    phase = along[0] * x + along[1] * y
    slopes = np.cos(phase)[..., None] * np.array(along) * 2 * np.pi / side * 8
    return 8 * np.sin(phase), slopes.astype(np.float32)


def plate(side=256, repeats=True):
    """A plate whose colour is its height, so that a window's slopes can be told from its colours."""
    height, slopes = wave(side)
    grey = np.rint(127.5 + 12 * height).astype(np.uint8)
    return windows.Plate(np.dstack([grey] * 3), windows.slope_steps(slopes), repeats)


def write_folder(folder, names=("a", "b"), split="train"):
    lines = ["id\tcategory\tsplit\tlumfit\ttiles_x\ttiles_y"]
    for name in names:
        _, slopes = wave(SIDE)
        normals = normals_of(slopes[..., 0], slopes[..., 1])
        cv2.imwrite(str(folder / f"{name}_color.png"), np.full((SIDE, SIDE, 3), (10, 120, 200), np.uint8))
        cv2.imwrite(str(folder / f"{name}_normal.png"), np.rint(normals[..., ::-1] * 127.5 + 127.5).astype(np.uint8))
        lines.append(f"{name}\tbrick\t{split}\t0.7\tyes\tno")
    (folder / "index.tsv").write_text("\n".join(lines) + "\n")


def test_a_material_is_read_with_its_slopes_upright(tmp_path):
    write_folder(tmp_path)
    first, _ = materials.read_materials(tmp_path, "train")
    assert (first.name, first.category, first.lumfit, first.tiles) == ("a", "brick", 0.7, (True, False))
    assert tuple(first.rgb[0, 0]) == (200, 120, 10)
    np.testing.assert_allclose(first.slopes, wave(SIDE)[1], atol=0.02)
    assert materials.read_materials(tmp_path, "val") == []


def test_a_packed_folder_is_read_like_the_folder(tmp_path):
    write_folder(tmp_path)
    materials.pack(tmp_path, tmp_path / "packed.zip", side=32)
    first, second = materials.read_materials(tmp_path / "packed.zip", "train")
    assert first.rgb.shape == (32, 32, 3) and second.name == "b"
    assert np.corrcoef(first.slopes[..., 0].ravel(), cv2.resize(wave(SIDE)[1], (32, 32))[..., 0].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("missing", ["index.tsv", "a_color.png", "b_normal.png"])
def test_what_is_missing_is_named(tmp_path, missing):
    write_folder(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(SourceError, match=missing.split(".")[0]):
        materials.read_materials(tmp_path)


def test_rare_categories_and_honest_normals_count_for_more():
    def material(name, category, lumfit):
        return materials.Material(name, category, lumfit, (True, True), None, None)

    many = [material(f"soil{i}", "ground", 0.2) for i in range(30)]
    weights = materials.weights_of([*many, material("hide", "leather", 0.2), material("copy", "leather", 0.9)])
    assert weights.sum() == pytest.approx(1)
    assert weights[-2] > 2 * weights[0] and weights[-1] == pytest.approx(weights[-2] / 2)


@pytest.mark.parametrize("seed", range(12))
def test_the_slopes_of_a_window_are_those_of_what_it_shows(seed):
    """Whatever the scale and the turn: colours are heights here, in pixels of the plate."""
    rng = np.random.default_rng(seed)
    sizes = windows.draw(rng, [plate()] * 3, SIDE)
    for size in sizes:
        for rgb, slopes in zip(size.rgb, size.slopes, strict=True):
            blurred = cv2.GaussianBlur(rgb[..., 0].astype(np.float32), (0, 0), 2)
            across, down = (np.gradient(blurred, axis=axis)[6:-6, 6:-6].ravel() for axis in (1, 0))
            inner = cv2.GaussianBlur(slopes, (0, 0), 2)[6:-6, 6:-6].reshape(-1, 2)
            both, truth = np.concatenate([across, down]), np.concatenate([inner[:, 0], inner[:, 1]])
            assert np.corrcoef(both, truth)[0, 1] > 0.97


def test_each_window_lies_inside_the_one_before():
    rng = np.random.default_rng(3)
    for _ in range(10):
        sizes = windows.draw(rng, [plate()], SIDE)
        for before, after in itertools.pairwise(sizes):
            row, column = after.inside
            part = before.rgb[0, row:row + SIDE // 2, column:column + SIDE // 2].astype(float)
            shown = cv2.resize(after.rgb[0], (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
            assert np.abs(part - shown).mean() < 4


def test_a_picture_that_does_not_repeat_is_never_left():
    rng = np.random.default_rng(0)
    grey = np.arange(200, dtype=np.uint8)[None].repeat(256, 0)
    ramp = windows.Plate(np.dstack([grey] * 3), np.zeros((256, 200, 2), np.int16), False)
    for _ in range(20):
        base = windows.draw(rng, [ramp], SIDE)[0].rgb[0, ..., 0].astype(float)
        gradient = np.hypot(*np.gradient(cv2.GaussianBlur(base, (0, 0), 1)))
        assert gradient[4:-4, 4:-4].min() > 0.2  # a mirrored ramp stands still where it turns


def test_relit_materials_have_their_size_and_other_light():
    _, slopes = wave(SIDE)
    material = materials.Material("m", "brick", 0.1, (True, True), np.full((SIDE, SIDE, 3), 128, np.uint8),
                                  normals_of(slopes[..., 0], slopes[..., 1]))
    pictures = [relighting.relit(np.random.default_rng(seed), material) for seed in (1, 2)]
    assert all(picture.shape == (SIDE, SIDE, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert min(picture.std() for picture in pictures) > 1 and np.abs(pictures[0].astype(int) - pictures[1]).mean() > 2
