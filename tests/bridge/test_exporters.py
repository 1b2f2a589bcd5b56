"""What Blender's exporters make of wired maps: each material keeps its own."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import addon_utils
import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import map_images
from bl_ext.user_default.midas_normal.bridge.nodes.map_nodes import find_image_node, node_has_convention
from bl_ext.user_default.midas_normal.bridge.nodes.normal_map import wire_normal_map
from bl_ext.user_default.midas_normal.bridge.nodes.traversal import NodeInstance
from bl_ext.user_default.midas_normal.bridge.regenerate import start_retune
from bl_ext.user_default.midas_normal.client.result_files import ResultFiles
from bl_ext.user_default.midas_normal.core.errors import TargetError
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, feed_base_color, pixels_of, saved_by_blender
from generation_runs import generate_map
from wave_relief import mapped, waves

RED = {"Brick": 0.05, "Stone": 0.75}
"""The materials, each with the red of its map by which it is known again."""

FLAT = ResultFiles(encode_png(np.full((4, 4, 3), 32768, np.uint16), 1))

ADDONS = ("io_scene_fbx", "io_scene_gltf2")


@pytest.fixture(scope="module", autouse=True)
def exporters():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ADDONS:
            assert addon_utils.enable(name) is not None
    yield
    for name in ADDONS:
        addon_utils.disable(name)


@pytest.fixture
def maps(tmp_path):
    """Two planes, each with a material whose texture has a packed map, in a saved file; the maps by the material's name."""
    found = {}
    for name, red in RED.items():
        material = add_material(name)
        saved_by_blender(tmp_path / f"{name}.png", np.full((4, 4, 4), red))
        texture = bpy.data.images.load(str(tmp_path / f"{name}.png"))
        feed_base_color(material, texture)
        values = np.full((4, 4, 3), (red * 65535, 32768, 65535), np.uint16)
        found[name] = map_images.store_map(texture, ResultFiles(encode_png(values, 1)), {}, {"map": "NORMAL"})
        assert wire_normal_map(material, texture, found[name]).done
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    return found


def fbx_embedded(folder):
    bpy.ops.export_scene.fbx(filepath=str(folder / "scene.fbx"), path_mode="COPY", embed_textures=True)
    return bpy.ops.import_scene.fbx


def fbx_copied(folder):
    bpy.ops.file.unpack_all(method="WRITE_LOCAL")  # Blender's exporter copies files only
    bpy.ops.export_scene.fbx(filepath=str(folder / "scene.fbx"), path_mode="COPY")
    return bpy.ops.import_scene.fbx


def glb(folder):
    bpy.ops.export_scene.gltf(filepath=str(folder / "scene.glb"))
    return bpy.ops.import_scene.gltf


def gltf(folder):
    bpy.ops.export_scene.gltf(filepath=str(folder / "scene.gltf"), export_format="GLTF_SEPARATE")
    return bpy.ops.import_scene.gltf


def obj(folder):
    """Blender's exporter names the files of packed images and leaves it to the user to put them there."""
    maps = [image for image in bpy.data.images if image.packed_file]
    bpy.ops.wm.obj_export(filepath=str(folder / "scene.obj"), path_mode="COPY")
    for image in maps:
        (folder / Path(bpy.path.abspath(image.filepath)).name).write_bytes(image.packed_file.data)
    return bpy.ops.wm.obj_import


def obj_copied(folder):
    bpy.ops.file.unpack_all(method="WRITE_LOCAL")
    bpy.ops.wm.obj_export(filepath=str(folder / "scene.obj"), path_mode="COPY")
    return bpy.ops.wm.obj_import


def usd(folder):
    bpy.ops.wm.usd_export(filepath=str(folder / "scene.usda"))
    return bpy.ops.wm.usd_import


EXPORTERS = (fbx_embedded, fbx_copied, glb, gltf, obj, obj_copied, usd)


@pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda exporter: exporter.__name__)
def test_each_material_comes_back_with_its_own_map(maps, tmp_path, exporter):
    folder = tmp_path / "out"
    folder.mkdir()
    with redirect_stdout(io.StringIO()):
        load = exporter(folder)
        bpy.ops.wm.read_homefile(use_empty=True)
        file, = (path for path in folder.glob("scene.*") if path.suffix not in (".mtl", ".bin", ".fbm"))
        load(filepath=str(file))
    found = {material.name: nearest(map_in(material)) for material in bpy.data.materials if material.name in RED}
    assert found == {name: name for name in RED}


@pytest.mark.parametrize("exporter, keeps", [(fbx_embedded, False), (obj, False), (glb, True), (usd, True)])
def test_who_exports_a_map_that_nodes_turn(tmp_path, exporter, keeps):
    source, map_image = waves()
    material = add_material("Brick")
    mapped(feed_base_color(material, source), 90)
    assert any("FBX and OBJ files leave such a map out" in text
               for text in wire_normal_map(material, source, map_image).messages)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    folder = tmp_path / "out"
    folder.mkdir()
    with redirect_stdout(io.StringIO()):
        exporter(folder)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.suffix in (".fbx", ".mtl", ".glb", ".usda"))
    assert (b"waves_normal" in written) == keeps


def map_in(material):
    """The image of the Normal Map node of an imported material."""
    node = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeNormalMap")
    return find_image_node(NodeInstance(node)).node.image


def nearest(image):
    """Whose map it is; USD of 4.2 encodes the values once more."""
    image.colorspace_settings.is_data = True
    red = pixels_of(image)[0, 0, 0]
    return min(RED, key=lambda name: abs(RED[name] - red))


def test_a_packed_map_has_a_path_of_its_own_while_the_packed_file_has_none(maps):
    for name, image in maps.items():
        assert (image.filepath_raw, image.packed_files[0].filepath) == (f"//{name}_normal.png", "")


@pytest.mark.parametrize("other", ("/elsewhere/brick_normal.png", "//BRICK_NORMAL.PNG"))
def test_the_path_is_no_other_images(other):
    bpy.data.images.new("mine", 4, 4).filepath_raw = other
    assert stored("brick").filepath_raw == "//brick_normal.001.png"


def test_the_path_is_no_files_beside_the_blend_file_which_reload_does_not_read(tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    first = stored("brick")
    saved_by_blender(tmp_path / "brick_normal.png", np.ones((4, 4, 4)))
    first.reload()
    assert pixels_of(first)[0, 0, 0] == pytest.approx(0.5, abs=1e-4)
    assert stored("brick").filepath_raw == "//brick_normal.001.png"


def test_a_path_of_a_name_that_no_file_can_have():
    assert stored('a/b\\c:"d".png').filepath_raw == "//a_b_c__d__normal.png"


def test_a_map_whose_path_was_a_files_before_it_was_packed(tmp_path):
    texture = bpy.data.images.load(str(saved_by_blender(tmp_path / "brick.png", np.ones((4, 4, 4)))))
    image = stored(texture, save="BESIDE")
    assert image.filepath_raw == str(tmp_path / "brick_normal.png")
    assert stored(texture) == image and image.filepath_raw == "//brick_normal.png" and image.packed_file


def test_a_map_that_lost_its_packed_file_is_not_written_into_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = stored("brick")
    image.unpack(method="REMOVE")
    with pytest.raises(TargetError, match="'brick_normal' has neither a file nor packed pixels"):
        map_images.update_map(image, FLAT, {}, {"map": "NORMAL"})
    assert not list(tmp_path.iterdir())
    assert stored("brick") == image and image.packed_file


def stored(source, save="PACK"):
    """The map of an image, or of the image of this name."""
    if isinstance(source, str):
        source = bpy.data.images.get(source) or bpy.data.images.new(source, 4, 4)
    return map_images.store_map(source, FLAT, {}, {"map": "NORMAL"}, save)


@pytest.mark.parametrize("convention", ["OPENGL", "DIRECTX", "OBJECT"])
def test_what_is_exported_is_opengl_or_the_report_warns(tmp_path, convention):
    """A slope that rises upwards, so that the sign of green shows; the map of one in object space lies as the others do."""
    texture = bpy.data.images.new("ramp", 32, 32)
    values = np.ones((32, 32, 4), np.float32)
    values[..., :3] = np.linspace(0, 1, 32)[:, None, None]
    texture.pixels.foreach_set(values.ravel())
    material = add_material("Ramp")
    feed_base_color(material, texture)
    settings = Settings(engine="LUMINANCE", tileable="OFF", strength=10, convention=convention)
    normal, report = generate_map(texture, settings, target="AUTO")
    retuned = start_retune(normal, settings).wait()
    with redirect_stdout(io.StringIO()):
        load = glb(tmp_path)
        bpy.ops.wm.read_homefile(use_empty=True)
        load(filepath=str(tmp_path / "scene.glb"))
    image = map_in(bpy.data.materials["Ramp"])
    image.colorspace_settings.is_data = True
    is_opengl = convention != "OBJECT" and pixels_of(image)[16, 16, 1] < 0.5
    for outcome in (report, retuned):
        assert any("choose OPENGL for a material to be exported" in text for text in outcome.messages) != is_opengl
    assert is_opengl == (convention == "OPENGL" or (convention == "DIRECTX" and not node_has_convention()))
