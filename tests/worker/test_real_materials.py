"""Real materials with known normals: detection of repetition, and relief compared with luminance and a flat map."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.colour import luma
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import as_float
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.core.tileable import resolve_wrap
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.engines.relief import Relief
from blender_midas_normal.worker.inputs import picture_from_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import evaluate
from relief.materials import read_materials
from relief.scores import score

pytestmark = pytest.mark.materials


@pytest.fixture(scope="module")
def materials():
    """(folder, names); without MIDAS_NORMAL_MATERIALS the tests are skipped."""
    folder = os.environ.get("MIDAS_NORMAL_MATERIALS")
    if not folder:
        pytest.skip("MIDAS_NORMAL_MATERIALS names no folder with real materials")
    with (Path(folder) / "index.tsv").open(newline="") as file:
        return Path(folder), [row["id"] for row in csv.DictReader(file, delimiter="\t")]


@pytest.fixture(scope="module")
def pictures(materials):
    folder, names = materials
    return {name: picture_from_file(folder / f"{name}_color.png") for name in names}


@pytest.fixture(scope="module")
def relief_scores(materials):
    """The scores of relief's maps, by the materials' names."""
    relief = evaluate.maps_by(Relief(), Settings())
    return {m.name: score(evaluate.make_map(relief, m), m.normals) for m in read_materials(materials[0])}


def test_what_repeats_is_found_and_what_does_not_is_seldom_mistaken(pictures):
    rng = np.random.default_rng(0)
    values, mistaken = [], []
    for picture in pictures.values():
        whole = luma(as_float(picture.rgb))
        wrap = resolve_wrap("AUTO", whole, is_render=False)
        values += [wrap.x, wrap.y]
        for side in (300, 411):
            y, x = rng.integers(0, min(whole.shape) - side, 2)
            wrap = resolve_wrap("AUTO", whole[y:y + side, x:x + side], is_render=False)
            mistaken += [wrap.x, wrap.y]
    print(f"found {np.mean(values):.0%} of {len(values)}, mistook {np.mean(mistaken):.0%} of {len(mistaken)}")
    assert np.mean(values) >= 0.9 and np.mean(mistaken) <= 0.15


def test_luminance_is_nearer_to_the_true_normals_than_a_flat_map(materials, pictures, tmp_path):
    settings = Settings(engine="LUMINANCE", tileable="BOTH")
    for name, picture in pictures.items():
        wrap = resolve_wrap("BOTH", luma(as_float(picture.rgb)), is_render=False)
        surface = Luminance().surface(EngineInput(picture, wrap, settings, lambda stage, share: None))
        np.save(tmp_path / f"{name}.npy", np.moveaxis(normal_map(surface, settings), 0, 2))

    def mean_error(*arguments):
        ended = subprocess.run([sys.executable, str(materials[0] / "score.py"), *arguments], capture_output=True, text=True,
                               check=True)
        last = ended.stdout.splitlines()[-1]
        print(*arguments, last)
        return float(last.split(")")[1].split()[0])

    ours = mean_error(str(tmp_path))
    assert ours < mean_error("--baseline", "flat") - 0.9
    assert abs(ours - mean_error("--baseline", "luminance")) < 0.1


def test_relief_has_a_better_shape_than_luminance_and_the_true_steepness(materials, relief_scores):
    """On the materials whose normals were hardly made from the photo; this is what makes it AUTO's built-in choice.

    The mean error says little here: a flat map has a smaller one than a map that is as steep as the true one where it is
    wrong, too.  So shape is judged by what no factor on the slopes changes, and steepness by itself.
    """
    counted = [m for m in read_materials(materials[0]) if m.lumfit < evaluate.MAX_LUMFIT]
    luminance = evaluate.maps_by(Luminance(), Settings())
    others = [score(evaluate.make_map(luminance, m), m.normals) for m in counted]
    ours = [relief_scores[m.name] for m in counted]
    for measure, better in (("best", -1), ("r_x", 1), ("r_y", 1)):
        values, other = (np.mean([getattr(row, measure) for row in rows]) for rows in (ours, others))
        print(f"{measure}: relief {values:.3f}, luminance {other:.3f}")
        assert better * values > better * other, measure
    assert 0.6 <= np.median([one.amount for one in ours]) <= 1.1
    assert sum(min(one.r_x, one.r_y) < evaluate.WELL_BELOW_ZERO for one in relief_scores.values()) <= 1


def test_no_wall_and_no_floor_is_flat(materials, relief_scores):
    regular = {"brick", "tiles", "stone blocks", "pavers", "pavers/grass", "stone wall", "roof tiles"}
    with (materials[0] / "index.tsv").open(newline="") as file:
        names = {row["id"] for row in csv.DictReader(file, delimiter="\t") if row["kind"] in regular}
    amounts = {name: relief_scores[name].amount for name in names}
    assert len(amounts) == 13
    assert min(amounts.values()) >= 0.3, amounts
