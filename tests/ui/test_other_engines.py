"""Engines with other networks, as users reach them: operator, panel, function and command line; random checkpoints."""

from __future__ import annotations

import json
import subprocess

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.addon import preferences
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.ui import generation

from tests.conftest import ROOT

from .scenes import textured

pytestmark = [pytest.mark.midas, pytest.mark.slow, pytest.mark.usefixtures("with_timers")]

ENGINES = ("DEPTH_ANYTHING", "MOGE", "NORMAL_BAE")


@pytest.fixture
def chosen(midas_python, checkpoints):
    """The preferences as a user sets them who has an environment and weights."""
    chosen = preferences()
    chosen.environment_folder, chosen.weights_folder, chosen.device = str(midas_python.parents[1]), str(checkpoints), "CPU"
    yield chosen
    chosen.environment_folder = chosen.weights_folder = ""
    chosen.device = "AUTO"
    generation.show_outcome(None)


def relief_of(image):
    """Deviation of the map's red and green."""
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(-1, 4)[:, :2].std()


def test_operator_panel_and_function_make_maps_with_every_engine(chosen):
    image, material = textured()
    settings = bpy.context.scene.midas_normal
    for engine in ENGINES:
        bpy.ops.midas_normal.generate(image=image.name, engine=engine, resolution=70, target="NONE")
        by_operator = bpy.data.images[generation.last_outcome().map_name]
        assert stored_metadata(by_operator)["facts"]["engine"] == engine and relief_of(by_operator) > 1e-3
        settings.engine, settings.resolution = engine, 96
        assert not addon.engine_unavailable_reason(settings)
        bpy.ops.midas_normal.generate(image=image.name)
        assert stored_metadata(bpy.data.images[generation.last_outcome().map_name])["settings"]["resolution"] == 96
        by_function = extension.generate(image, engine=engine, resolution=70)
        assert stored_metadata(by_function)["facts"]["engine"] == engine
    assert any(node.type == "NORMAL_MAP" for node in material.node_tree.nodes)


def test_what_is_not_there_is_said_before_anything_is_made(chosen, tmp_path):
    image, _ = textured()
    settings, before = bpy.context.scene.midas_normal, len(bpy.data.images)
    settings.engine, settings.model = "MOGE", "LARGE"
    assert "ViT-L" in addon.engine_unavailable_reason(settings)
    with pytest.raises(RuntimeError, match=r"moge-2-vitl-normal/model.pt \(1326 MB\)"):
        bpy.ops.midas_normal.generate(image=image.name)
    settings.model, settings.model_folder = "FOLDER", str(tmp_path)
    with pytest.raises(RuntimeError, match=r"has no file model\.pt"):
        bpy.ops.midas_normal.generate(image=image.name)
    assert len(bpy.data.images) == before


def test_a_folder_beside_the_file_is_found(chosen, checkpoints):
    image, _ = textured()
    bpy.ops.wm.save_as_mainfile(filepath=str(checkpoints / "scene.blend"))
    settings = bpy.context.scene.midas_normal
    settings.engine, settings.model, settings.model_folder = "MOGE", "FOLDER", "//moge-2-vits-normal"
    assert not addon.engine_unavailable_reason(settings)
    bpy.ops.midas_normal.generate(image=image.name, resolution=70, target="NONE")
    facts = stored_metadata(bpy.data.images[generation.last_outcome().map_name])
    assert facts["settings"]["model_folder"] == str(checkpoints / "moge-2-vits-normal")


def test_the_command_line_makes_maps_with_another_network(midas_python, checkpoints, tmp_path):
    picture = ROOT / "tests" / "materials" / "tiles_color.png"
    ended = subprocess.run(
        [str(midas_python), str(ROOT / "scripts" / "normal_map.py"), str(picture), "--out", str(tmp_path / "maps"),
         "--engine", "moge", "--weights", str(checkpoints), "--resolution", "70", "--json", "-"],
        capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert [entry["engine"] for entry in json.loads(ended.stdout)] == ["MOGE"]
    assert (tmp_path / "maps" / "tiles_color_normal.png").exists()
