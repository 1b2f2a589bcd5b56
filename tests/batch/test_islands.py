"""Textures of islands as files: found without a mesh, left alone when asked, and on record as such."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
import PIL.Image

from blender_midas_normal.batch.pictures import item_of_file
from blender_midas_normal.core.engines import values_that_tell_maps_apart
from blender_midas_normal.core.settings import Settings
from tests.batch.batch_runs import run_items
from tests.requests_for_tests import launch


def save_atlas(file):
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[6:50, 4:26] = np.random.default_rng(0).integers(60, 200, (44, 22, 3))
    rgb[10:58, 34:60] = np.random.default_rng(1).integers(60, 200, (48, 26, 3))
    PIL.Image.fromarray(rgb).save(file)


def test_islands_are_found_in_files_unless_they_are_off_which_makes_another_map(tmp_path):
    save_atlas(tmp_path / "atlas.png")
    item = item_of_file(tmp_path / "atlas.png", PurePath(), lambda client: {"picture": str(tmp_path / "atlas.png")})

    def run(*arguments):
        [record] = run_items([item], tmp_path / "out", launch(tmp_path), "--strength", "8", *arguments).records
        normal = np.asarray(PIL.Image.open(tmp_path / "out" / "atlas_normal.png").convert("RGB")).astype(int)
        goes_on = np.abs(normal[:4, :, :2] - 127).max() > 4
        return record.outcome, any("Islands: 2," in note for note in record.notes or ()), goes_on

    assert run() == ("made", True, True)
    assert run("--existing", "skip")[0] == "skipped"
    assert run("--islands", "off") == ("made", False, False)


def test_maps_made_before_the_setting_was_there_count_as_those_of_auto():
    assert "islands" not in values_that_tell_maps_apart(Settings(), "RELIEF")
    assert values_that_tell_maps_apart(Settings(islands="OFF"), "RELIEF")["islands"] == "OFF"
