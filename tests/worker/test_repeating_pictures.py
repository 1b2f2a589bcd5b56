"""Maps of pictures that repeat have no seam at the border."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.picture import as_float
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.engines.relief import Relief
from blender_midas_normal.worker.inputs import picture_from_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmarks import repeating
from relief.samples import sample

ENGINES = {"LUMINANCE": Luminance(), "RELIEF": Relief()}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shift", [(0, 0), (13, 50)])
def test_the_step_across_the_border_is_that_of_the_same_pixels_inside(engine, shift):
    make_normals = repeating.normals_by(ENGINES[engine], 512)
    for seed in repeating.SEEDS:
        rolled = np.roll(sample(seed, 256).rgb, shift, (0, 1))
        assert repeating.seam_ratio(make_normals, rolled) == pytest.approx(1, abs=0.02)


def test_without_wrapping_the_step_across_the_border_differs():
    """What the test above would show where nothing is wrapped."""
    tile = sample(repeating.SEEDS[0], 256).rgb
    wrapped = repeating.normals_by(Luminance(), 512)

    def open_ended(rgb):
        return wrapped(np.pad(rgb, ((8, 8), (8, 8), (0, 0)), mode="edge"))[8:-8, 8:-8]

    assert abs(repeating.seam_ratio(open_ended, tile) - 1) > 0.05


@pytest.mark.slow
@pytest.mark.materials
@pytest.mark.parametrize(("engine", "every"), [("LUMINANCE", 1), ("RELIEF", 3)])
def test_real_materials_that_repeat_have_no_seam(engine, every):
    folder = os.environ.get("MIDAS_NORMAL_MATERIALS")
    if not folder:
        pytest.skip("MIDAS_NORMAL_MATERIALS names no folder with real materials")
    make_normals = repeating.normals_by(ENGINES[engine], 512)
    with (Path(folder) / "index.tsv").open(newline="") as file:
        names = [row["id"] for row in csv.DictReader(file, delimiter="\t")][::every]
    pictures = (as_float(picture_from_file(Path(folder) / f"{name}_color.png").rgb) for name in names)
    ratios = [repeating.seam_ratio(make_normals, rgb) for rgb in pictures]
    print(f"{engine}: {np.mean(ratios):.3f} on {len(names)} materials, {max(ratios):.3f} at most")
    assert np.mean(ratios) <= 1.05
