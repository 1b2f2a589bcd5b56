"""Files that version 1.0.0 has written in Blender: a .blend file with maps, a preset and preferences."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon, map_state
from bl_ext.user_default.midas_normal.bridge.map_metadata import (
    find_maps,
    mask_of,
    stored_facts,
    stored_metadata,
    stored_settings,
)
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import live_tuning

from tests.conftest import ROOT

from .scenes import values

FILES = ROOT / "tests" / "version_1_0_0"

CHOSEN = Settings(engine="LUMINANCE", strength=2.5, a=5.0, blur=1.0, tileable="BOTH", enlargement="EDGES", device="CPU",
                  precision="FLOAT32", mask="OFF")
"""The settings with which its user made the maps of the bricks."""

LAST_VALUES = {
    "engine": "LUMINANCE", "mix": "LUMINANCE", "mask": "OFF", "tileable": "BOTH", "convention": "CONTROLNET",
    "depth_scale": "NORMALISED", "size": "NODE", "enlargement": "EDGES", "device": "CPU", "precision": "FLOAT32",
    "source": "VIEWER", "target": "NONE", "save": "BESIDE", "existing": "SKIP", "maps": {"HEIGHT", "AO", "CURVATURE"},
    "strength": 10.0, "resolution": 16384, "high_pass": 4096.0, "blur": 64.0, "smoothing": 16, "invert": True,
    "animation": True,
}
"""The last values that its choices and numbers had: Blender stores a choice by its number."""

PREFERENCES = {"environment_folder": "/shared/midas/environment", "interpreter": "/usr/bin/python3.11", "backend": "cu126",
               "weights_folder": "/shared/midas/weights", "device": "CPU", "idle_minutes": 25}
"""Its build of torch for CUDA 12.8 is no longer there; the one for CUDA 12.6 runs with the same drivers."""

READ_PREFERENCES = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import installed_extension
installed_extension.install(Path(sys.argv[2]))
import bpy, os
bpy.ops.wm.read_userpref()
preferences = bpy.context.preferences.addons[installed_extension.NAME].preferences
print({name: getattr(preferences, name) for name in sys.argv[3:]}, flush=True)
installed_extension.uninstall()
os._exit(0)
"""


@pytest.fixture
def wall(tmp_path):
    """The open .blend file, in a copy of its folder, and its maps of the bricks; no worker has their surface."""
    addon.client.close()
    folder = shutil.copytree(FILES, tmp_path / "files")
    bpy.ops.wm.open_mainfile(filepath=str(folder / "wall.blend"))
    return folder, bpy.data.images["bricks_normal"], bpy.data.images["bricks_height"]


def test_the_settings_of_its_scenes_are_read(wall):
    settings = bpy.data.scenes["Scene"].midas_normal
    assert settings.values().is_close_to(CHOSEN) and settings.result == wall[1] and settings.live_paint
    assert (settings.image.name, settings.maps, settings.smoothing) == ("bricks.png", {"NORMAL", "HEIGHT"}, 2)
    last = bpy.data.scenes["Last values"].midas_normal
    assert {name: getattr(last, name) for name in LAST_VALUES} == LAST_VALUES
    assert last.mask_image.name == "bricks.png"


def test_its_maps_are_known_with_their_settings_and_as_unchanged(wall):
    for image in wall[1:]:
        assert stored_settings(image).is_close_to(CHOSEN) and stored_facts(image)["engine"] == "LUMINANCE"
    assert find_maps(bpy.data.images["bricks.png"]) == list(wall[1:])
    for source, name in (("plaster.png", "plaster_normal"), ("floor", "floor_normal"), ("clay.png", "clay_normal")):
        assert find_maps(bpy.data.images[source]) == [bpy.data.images[name]]
    assert mask_of(bpy.data.images["clay_normal"]) == bpy.data.images["mask"]
    for image in filter(stored_metadata, bpy.data.images):
        assert not any(map_state._is_changed(image)), image.name


def test_those_that_are_up_to_date_are_skipped_and_the_others_are_made(wall):
    """The others have other settings than the scene."""
    before = {image.name: image["midas_normal"] for image in bpy.data.images if stored_metadata(image)}
    bpy.ops.midas_normal.generate_all(scope="FILE", existing="SKIP", target="AUTO", replace=False, across=False)
    after = {image.name: image["midas_normal"] for image in bpy.data.images if stored_metadata(image)}
    assert all(after[image.name] == before[image.name] for image in wall[1:])
    for name in ("plaster_normal", "clay_normal", "floor_normal"):
        assert after[name] != before[name] and stored_settings(bpy.data.images[name]).is_close_to(CHOSEN), name


def test_its_tiles_are_made_again_in_their_files(wall):
    files = [wall[0] / "textures" / f"floor_normal.{number}.png" for number in (1001, 1002)]
    before = [file.read_bytes() for file in files]
    bpy.ops.midas_normal.generate(source="IMAGE", image="floor", engine="LUMINANCE", strength=6.0, save="BESIDE",
                                  replace=False, target="AUTO", maps={"NORMAL"}, across=False)
    assert all(file.read_bytes() != old for file, old in zip(files, before, strict=True))
    assert stored_settings(bpy.data.images["floor_normal"]).strength == 6.0


def test_its_maps_are_made_again_in_the_same_images_with_the_same_values(wall):
    before, pixels = bpy.data.images.keys(), [values(image) for image in wall[1:]]
    bpy.ops.midas_normal.generate(replace=False)
    assert bpy.data.images.keys() == before
    for image, old in zip(wall[1:], pixels, strict=True):
        np.testing.assert_allclose(values(image), old, atol=2e-3)
        assert stored_metadata(image)["settings"] == CHOSEN.to_dict() | stored_metadata(image)["settings"]


def test_its_map_on_disk_is_made_again_in_its_file(wall):
    file = wall[0] / "textures" / "plaster_normal.png"
    before = file.read_bytes()
    bpy.ops.midas_normal.generate(source="IMAGE", image="plaster.png", engine="LUMINANCE", save="BESIDE", replace=False,
                                  target="AUTO", maps={"NORMAL"})
    assert file.read_bytes() != before and stored_facts(bpy.data.images["plaster_normal"])["engine"] == "LUMINANCE"


def test_a_map_of_it_that_a_user_has_painted_on_stays(wall):
    normal = wall[1]
    normal.pixels[0] = 0.123
    normal.update()
    with pytest.raises(RuntimeError, match="'bricks_normal' was changed after it was made and stays as it is"):
        bpy.ops.midas_normal.generate(replace=False, maps={"NORMAL"})
    assert normal.pixels[0] == pytest.approx(0.123)


def test_its_maps_are_tuned_once_they_have_been_made_again(wall, settings):
    assert not live_tuning.can_retune(wall[1])
    with pytest.raises(RuntimeError, match="generate one first"):
        bpy.ops.midas_normal.retune()
    bpy.ops.midas_normal.generate()
    assert live_tuning.can_retune(wall[1])
    settings.strength = 1.0
    bpy.ops.midas_normal.retune()
    assert stored_settings(wall[1]).strength == 1.0


def test_a_preset_is_applied(settings):
    settings.quality, settings.strength = "FAST", 9.0
    bpy.ops.midas_normal.preset_choose(filepath=str(FILES / "Rough_walls.py"))
    assert settings.values().is_close_to(CHOSEN.replace_fields({"mix": "RELIEF", "convention": "DIRECTX"}))


@pytest.mark.skipif(bpy.app.version < (4, 3), reason="the bpy module of 4.2 crashes when it reads preferences")
def test_its_preferences_are_read(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "userpref.blend").write_bytes(gzip.decompress((FILES / "userpref.blend.gz").read_bytes()))
    environment = {name: value for name, value in os.environ.items() if name != "BLENDER_USER_RESOURCES"}
    ended = subprocess.run([sys.executable, "-c", READ_PREFERENCES, str(ROOT / "scripts"), str(tmp_path), *PREFERENCES],
                           capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0 and ended.stdout.splitlines()[-1] == str(PREFERENCES), ended.stdout + ended.stderr
