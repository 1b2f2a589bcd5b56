"""MiDaS in Blender: the node's own picture, and weights that are not what they should be."""

from __future__ import annotations

import math
import subprocess

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.addon import preferences
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.bridge.queue import IN_PROGRESS, MADE, SKIPPED, build_queue
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.bridge.tasks import Report
from bl_ext.user_default.midas_normal.core.engines import MIDAS_WEIGHTS
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import generation, live_tuning

from tests.conftest import ROOT

from .scenes import Background, textured

pytestmark = [pytest.mark.midas, pytest.mark.usefixtures("with_timers")]


@pytest.fixture
def midas(midas_python, test_weights):
    """The preferences as a user sets them who has an environment and weights."""
    chosen = preferences()
    chosen.environment_folder, chosen.weights_folder, chosen.device = str(midas_python.parents[1]), str(test_weights), "CPU"
    yield chosen
    chosen.environment_folder = chosen.weights_folder = ""
    chosen.device = "AUTO"
    generation.show_outcome(None)


def photograph(path):
    """A byte image of noise with structure, loaded from a file."""
    v, u = np.mgrid[:96, :128] / 96
    rgb = np.stack([np.sin(9 * u * v), np.cos(7 * u), np.hypot(u, v)], axis=2) * 60 + 128
    values = np.ones((96, 128, 4), np.float32)
    values[..., :3] = (rgb + np.random.default_rng(0).normal(0, 9, rgb.shape)).clip(0, 255)[::-1] / 255
    image = bpy.data.images.new("photo", 128, 96)
    image.pixels.foreach_set(values.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    return image


@pytest.mark.slow
def test_the_node_preset_gives_the_nodes_picture_in_blender(midas, midas_python, test_weights, tmp_path):
    image = photograph(tmp_path / "photo.png")
    bpy.ops.midas_normal.generate(preset="NODE", image=image.name, resolution=128, target="NONE")
    normal = bpy.data.images[generation.last_outcome().map_name]
    ours = np.empty(normal.size[0] * normal.size[1] * 4, np.float32)
    normal.pixels.foreach_get(ours)
    ours = np.rint(ours.reshape(normal.size[1], normal.size[0], 4)[::-1, :, :3] * 255)

    (tmp_path / "cases.json").write_text(
        f'[{{"picture": "{tmp_path / "photo.png"}", "a": {2 * math.pi}, "bg_threshold": 0.1, "resolution": 128}}]')
    subprocess.run([str(midas_python), "-I", str(ROOT / "tests" / "worker" / "node_reference.py"), "--weights",
                    str(test_weights), "--cases", str(tmp_path / "cases.json"), "--out", str(tmp_path / "node.npz")],
                   check=True, stderr=subprocess.DEVNULL)
    with np.load(tmp_path / "node.npz") as answers:
        np.testing.assert_array_equal(ours, answers["0"])


@pytest.mark.slow
def test_many_pictures_load_the_network_once_and_those_that_are_current_not_at_all(midas, tmp_path, monkeypatch):
    for name in "ab":
        material = bpy.data.materials.new(name)
        if bpy.app.version < (5, 0):
            material.use_nodes = True
        texture = material.node_tree.nodes.new("ShaderNodeTexImage")
        texture.image = photograph(tmp_path / f"{name}.png")
        shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])

    def stages(skips):
        """What the worker said to be doing for each picture, in a new process."""
        addon.client.close()
        queue = build_queue(bpy.context, "FILE", GenerateRequest(Settings(engine="MIDAS", resolution=64)), skips, None)
        take, said = addon.client.handle, [set(), set()]

        def heard(message):
            said[[item.state for item in queue.items].index(IN_PROGRESS)].add(getattr(message, "stage", ""))
            take(message)

        with monkeypatch.context() as patch:
            patch.setattr(addon.client, "handle", heard)
            queue.task().wait()
        return [item.state for item in queue.items], ["load" in text for text in said]

    assert stages(skips=False) == ([MADE, MADE], [True, False])
    assert stages(skips=True) == ([SKIPPED, SKIPPED], [False, False])


@pytest.mark.slow
@pytest.mark.parametrize(("content", "sentence"), [
    (lambda whole: whole.read_bytes()[:1_000_000], "damaged"), (lambda whole: b"these are no weights", "damaged"),
])
def test_bad_weights_are_one_sentence_and_the_next_map_works(midas, test_weights, tmp_path, content, sentence):
    image = photograph(tmp_path / "photo.png")
    bad = tmp_path / "weights"
    bad.mkdir()
    (bad / MIDAS_WEIGHTS.name).write_bytes(content(test_weights / MIDAS_WEIGHTS.name))
    midas.weights_folder = str(bad)
    before = len(bpy.data.images)
    with pytest.raises(RuntimeError, match=sentence) as caught:
        bpy.ops.midas_normal.generate(image=image.name, engine="MIDAS", resolution=64)
    assert "Traceback" not in str(caught.value) and len(bpy.data.images) == before
    bpy.ops.midas_normal.generate(image=image.name, engine="LUMINANCE", target="NONE")


def test_auto_takes_midas_where_it_is_there_and_says_so(midas, tmp_path):
    image = photograph(tmp_path / "photo.png")
    bpy.ops.midas_normal.generate(image=image.name, resolution=64, target="NONE")
    report = generation.last_outcome()
    assert report.facts["engine"] == "MIDAS" and "Engine: MiDaS" in report.facts["why"]
    assert any("SHA-256" in sentence for sentence in report.messages)


def test_a_slider_of_a_map_of_midas_leaves_the_map_alone_that_another_worker_makes(midas, tmp_path):
    photograph(tmp_path / "photo.png")
    bpy.ops.midas_normal.generate(source="IMAGE", image="photo", resolution=64, target="NONE")
    normal, settings = bpy.data.images[generation.last_outcome().map_name], bpy.context.scene.midas_normal
    assert stored_metadata(normal)["facts"]["engine"] == "MIDAS"
    addon.client.close()
    textured()
    with Background():
        worker = addon.client.worker
        settings.result = normal
        settings.strength = 2.0
    assert isinstance(generation.last_outcome(), Report) and addon.client.worker is worker
    assert not live_tuning.can_retune(normal) and stored_metadata(normal)["settings"]["strength"] == 1


def test_midas_without_weights_names_the_file_and_the_folder(midas, tmp_path):
    midas.weights_folder = str(tmp_path)
    image = photograph(tmp_path / "photo.png")
    with pytest.raises(RuntimeError, match=MIDAS_WEIGHTS.name) as caught:
        bpy.ops.midas_normal.generate(image=image.name, engine="MIDAS")
    assert str(tmp_path) in str(caught.value)


@pytest.mark.slow
def test_the_tiles_of_a_set_have_one_range_of_depths(midas, tmp_path):
    photograph(tmp_path / "wall.1001.png")
    faint = photograph(tmp_path / "wall.1002.png")
    faint.pixels.foreach_set(0.45 + 0.1 * np.array(faint.pixels[:], np.float32))
    faint.save()
    tiles = bpy.data.images.load(str(tmp_path / "wall.1001.png"))
    tiles.source = "TILED"
    factors = []
    fields = {"source": "IMAGE", "engine": "MIDAS", "resolution": 128, "target": "NONE", "strength": 0.02}
    bpy.ops.midas_normal.generate(image=tiles.name, **fields)
    packed = bpy.data.images[generation.last_outcome().map_name].packed_files
    for tile in packed:
        (tmp_path / "tile.png").write_bytes(tile.packed_file.data)
        together = slopes(bpy.data.images.load(str(tmp_path / "tile.png"), check_existing=False))
        lone = bpy.data.images.load(str(tmp_path / f"wall.{tile.tile_number}.png"), check_existing=False)
        bpy.ops.midas_normal.generate(image=lone.name, **fields)
        alone = slopes(bpy.data.images[generation.last_outcome().map_name])
        factors.append(float((together * alone).sum() / (alone * alone).sum()))
        np.testing.assert_allclose(together, alone * factors[-1], atol=2e-3)
    assert max(factors) == pytest.approx(1, abs=1e-3) and 0 < min(factors) < 0.9


def slopes(image):
    """H x W x 2 of a normal map, 8 or 16 bits."""
    image.colorspace_settings.is_data = True
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    vectors = values.reshape(image.size[1], image.size[0], 4)[..., :3] * 2 - 1
    return vectors[..., :2] / vectors[..., 2:]
