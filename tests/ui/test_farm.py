"""Jobs for render farms: written for the textures of a file, run as a farm runs them, and their maps loaded again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.batch.jobs import JOB_KINDS
from bl_ext.user_default.midas_normal.batch.jobs.map_list import MAP_LIST_NAME
from bl_ext.user_default.midas_normal.bridge.map_files import file_of
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, stored_settings
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from bl_ext.user_default.midas_normal.ui import farm, generation, menus, operators

from tests.conftest import ROOT

from .scenes import counts, textured
from .test_queue import Layout

MAIN = "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"


@pytest.fixture
def program(tmp_path):
    """The program `midas-normal` of this checkout, as each machine of a farm has it."""
    file = tmp_path / "midas-normal"
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -c "{MAIN}" "$@"\n')
    file.chmod(0o755)
    return file


def save(file, side=24):
    file.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(str(file.name).encode())
    file.write_bytes(encode_png(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8), compress=True))
    return file


def plane(file, name=None):
    """A plane whose material shows a picture file."""
    image, material = textured(8, 8, name or file.name)
    image.source, image.filepath_raw = "FILE", str(file)
    image.reload()
    return image, material


def tiled(folder, numbers=(1001, 1002)):
    """A plane whose material shows UDIM tiles."""
    for number in numbers:
        save(folder / f"wall.{number}.png")
    image, material = textured(8, 8, "wall")
    texture = material.node_tree.nodes["Image Texture"]
    texture.image = image = bpy.data.images.load(str(folder / f"wall.{numbers[0]}.png"))
    image.source = "TILED"
    for number in numbers[1:]:
        image.tiles.new(number)
    image.filepath_raw = str(folder / "wall.<UDIM>.png")
    return image, material


def write(folder, kind="SHELL", **fields):
    fields = {"scope": "FILE", "engine": "LUMINANCE", **fields}
    assert bpy.ops.midas_normal.write_farm_job(directory=str(folder), kind=kind, **fields) == {"FINISHED"}
    return generation.last_message()


def run(job, program, tmp_path, share="0/1"):
    """Run a job as one machine of a farm does."""
    variables = {**os.environ, "MIDAS_NORMAL": str(program), "MIDAS_NORMAL_DATA": str(tmp_path / "data")}
    ended = subprocess.run(["sh", str(job / "midas_normal.sh"), share], capture_output=True, text=True, env=variables,
                           check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def load(job):
    assert bpy.ops.midas_normal.load_finished_maps(directory=str(job)) == {"FINISHED"}
    return generation.last_message()


def normal_of(material):
    """The image that is wired to the Normal of a material's shader."""
    links = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links
    return links[0].from_node.inputs["Color"].links[0].from_node.image if links else None


def test_a_job_is_written_run_and_its_maps_are_wired(tmp_path, program):
    wood, wood_material = plane(save(tmp_path / "a" / "wood.png"))
    other, other_material = plane(save(tmp_path / "b" / "wood.png"), "other wood")
    tiles, tiles_material = tiled(tmp_path / "b")
    job = tmp_path / "job"
    told = write(job, strength=2.0, maps={"NORMAL", "HEIGHT"})
    assert told.startswith(f"The job is in {job}; its pictures: 4. Run `sh midas_normal.sh K/N` on each of N machines")
    for share in ("0/2", "1/2"):
        run(job, program, tmp_path, share)
    assert load(job).startswith("Of the job's maps 6 loaded, 0 skipped, 0 failed, 0 missing.")
    assert [normal_of(material) for material in (wood_material, other_material, tiles_material)] == [
        find_map(image, "NORMAL") for image in (wood, other, tiles)]
    assert file_of(find_map(wood, "NORMAL")) == job / "maps" / "a" / "wood_normal.png"
    assert file_of(find_map(other, "NORMAL")) == job / "maps" / "b" / "wood_normal.png"
    shown = find_map(tiles, "NORMAL")
    assert file_of(shown).name == "wall_normal.<UDIM>.png" and [tile.number for tile in shown.tiles] == [1001, 1002]
    assert all(find_map(image, "NORMAL").colorspace_settings.is_data for image in (wood, other, tiles))
    assert stored_settings(find_map(wood, "HEIGHT")).strength == 2.0


def test_the_example_of_the_page_on_farms_runs(tmp_path, program):
    """Its job for SLURM is run as one of its tasks is, on this machine."""
    page = (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1].replace("/share/job", str(tmp_path / "job"))
    writing, loading = example.splitlines()
    image, material = plane(save(tmp_path / "wood.png"))
    bpy.context.scene.midas_normal.engine = "LUMINANCE"
    exec(writing, {"bpy": bpy})
    variables = {**os.environ, "MIDAS_NORMAL": str(program), "MIDAS_NORMAL_DATA": str(tmp_path / "data"),
                 "SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "1"}
    subprocess.run(["bash", "midas_normal.sbatch"], cwd=tmp_path / "job", env=variables, check=True, timeout=120)
    exec(loading, {"bpy": bpy})
    assert normal_of(material) == find_map(image, "NORMAL")


def test_maps_of_a_job_are_those_that_blender_makes(tmp_path, program):
    """Heights with their scale, too, which decides how far the material is displaced."""
    image, material = plane(save(tmp_path / "wood.png", 64))
    write(tmp_path / "job", maps={"NORMAL", "HEIGHT"})
    run(tmp_path / "job", program, tmp_path)
    load(tmp_path / "job")

    def state():
        displacement = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeDisplacement")
        pixels = np.empty(64 * 64 * 4, np.float32)
        find_map(image, "NORMAL").pixels.foreach_get(pixels)
        return displacement.inputs["Scale"].default_value, pixels

    scale, loaded = state()
    bpy.ops.midas_normal.generate_all(scope="FILE", engine="LUMINANCE", maps={"NORMAL", "HEIGHT"})
    made_scale, made = state()
    assert scale == pytest.approx(made_scale, rel=1e-5) and scale > 0
    np.testing.assert_allclose(loaded, made, atol=2 / 65535)


def test_missing_maps_are_counted_and_named_and_the_next_time_loaded(tmp_path, program):
    images = [plane(save(tmp_path / f"{name}.png"))[0] for name in "abc"]
    job = tmp_path / "job"
    write(job)
    with pytest.raises(RuntimeError, match="Of the job's maps 0 loaded, 0 skipped, 0 failed, 3 missing"):
        bpy.ops.midas_normal.load_finished_maps(directory=str(job))
    run(job, program, tmp_path)
    file = job / "maps" / "b_normal.png"
    content = file.read_bytes()
    file.write_bytes(content[:-20])
    (job / "maps" / "c_normal.png").unlink()
    told = load(job)
    assert told.startswith("Of the job's maps 1 loaded, 0 skipped, 1 failed, 1 missing.")
    assert "c_normal.png: the job has not made them" in told and "b.png: " in told and "is no whole map" in told
    assert [find_map(image, "NORMAL") is not None for image in images] == [True, False, False]
    file.write_bytes(content)
    bpy.data.images.remove(images[2])
    assert load(job).startswith("Of the job's maps 2 loaded, 0 skipped, 0 failed, 0 missing. Pictures of the job that are ")


def test_what_a_user_made_or_changed_stays(tmp_path, program, settings):
    (kept, kept_material), (changed, changed_material) = (plane(save(tmp_path / f"{name}.png")) for name in "ab")
    tree, shader = kept_material.node_tree, kept_material.node_tree.nodes["Principled BSDF"]
    normal, picture = tree.nodes.new("ShaderNodeNormalMap"), tree.nodes.new("ShaderNodeTexImage")
    picture.image = own = bpy.data.images.new("own", 4, 4, is_data=True)
    tree.links.new(picture.outputs["Color"], normal.inputs["Color"])
    tree.links.new(normal.outputs["Normal"], shader.inputs["Normal"])
    job = tmp_path / "job"
    write(job)
    run(job, program, tmp_path)
    bpy.ops.midas_normal.generate(source="IMAGE", image=changed.name, engine="LUMINANCE")
    before = find_map(changed, "NORMAL")
    painted = np.full(24 * 24 * 4, 0.25, np.float32)
    before.pixels.foreach_set(painted)
    state = counts()
    with pytest.raises(RuntimeError, match="Of the job's maps 0 loaded, 1 skipped, 1 failed") as refused:
        bpy.ops.midas_normal.load_finished_maps(directory=str(job))
    assert "keeps its own normal map 'own'" in str(refused.value) and "was changed after it was made" in str(refused.value)
    pixels = np.empty_like(painted)
    before.pixels.foreach_get(pixels)
    assert counts() == state and normal_of(kept_material) == own and np.abs(pixels - painted).max() < 1e-4
    settings.replace = True
    assert load(job).startswith("Of the job's maps 2 loaded")
    assert normal_of(kept_material) == find_map(kept, "NORMAL") and normal_of(changed_material) == before
    assert file_of(before) == job / "maps" / "b_normal.png"


class UndoPush:
    """A FAKE of `bpy.ops.ed.undo_push`, which background Blender refuses, that counts its calls."""

    def __init__(self):
        self.calls = 0

    def poll(self):
        return True

    def __call__(self, message):
        self.calls += 1


def test_loading_is_one_undo_step(tmp_path, program, monkeypatch):
    for name in "ab":
        plane(save(tmp_path / f"{name}.png"))
    write(tmp_path / "job")
    push = UndoPush()
    monkeypatch.setattr(operators, "bpy", SimpleNamespace(ops=SimpleNamespace(ed=SimpleNamespace(undo_push=push))))
    with pytest.raises(RuntimeError, match="2 missing"):
        bpy.ops.midas_normal.load_finished_maps(directory=str(tmp_path / "job"))
    assert push.calls == 0
    run(tmp_path / "job", program, tmp_path)
    load(tmp_path / "job")
    assert push.calls == 1


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_each_kind_says_how_it_is_submitted(tmp_path, kind):
    plane(save(tmp_path / "a.png"))
    told = write(tmp_path / "job", kind)
    assert JOB_KINDS[kind].advice in told
    assert all((tmp_path / "job" / name).is_file() for name in (*JOB_KINDS[kind].files, MAP_LIST_NAME, "pictures.txt"))
    assert kind in [name for name, _, _ in farm.KINDS]


def test_scopes_are_the_active_image_the_selected_objects_and_the_file(tmp_path):
    for name in "ab":
        plane(save(tmp_path / f"{name}.png"))  # each new plane is selected alone
    for scope, names in (("FILE", {"a.png", "b.png"}), ("SELECTED", {"b.png"}), ("ACTIVE", {"b.png"})):
        write(tmp_path / scope, scope=scope)
        lines = (tmp_path / scope / "pictures.txt").read_text().splitlines()
        assert {Path(line.partition("\t")[0]).name for line in lines} == names
    bpy.ops.object.select_all(action="DESELECT")
    with pytest.raises(RuntimeError, match="selected objects has a colour texture with a file"):
        write(tmp_path / "none", scope="SELECTED")
    assert not (tmp_path / "none").exists()


def test_pictures_that_a_farm_cannot_read_are_named(tmp_path):
    plane(save(tmp_path / "a.png"))
    plane(save(tmp_path / "packed.png"))[0].pack()
    textured(8, 8, "painted")
    sequence = plane(save(tmp_path / "shot_0001.png"))[0]
    sequence.source = "SEQUENCE"
    told = write(tmp_path / "job")
    assert told.startswith(f"The job is in {tmp_path / 'job'}; its pictures: 1.")
    assert "packed.png, painted: It has no file" in told
    assert "shot_0001.png: an image sequence is for Blender alone" in told


def test_two_pictures_of_one_name_keep_both_maps(tmp_path, program):
    images = [plane(save(tmp_path / name))[0] for name in ("a.png", "a.jpg")]
    write(tmp_path / "job")
    run(tmp_path / "job", program, tmp_path)
    load(tmp_path / "job")
    assert [file_of(find_map(image, "NORMAL")).name for image in images] == ["a.png_normal.png", "a.jpg_normal.png"]


def test_what_cannot_be_written_or_loaded_is_said(tmp_path, settings):
    plane(save(tmp_path / "a.png"))
    with pytest.raises(RuntimeError, match="is not empty"):
        write(tmp_path)
    with pytest.raises(RuntimeError, match=r"is relative to a \.blend file that is not saved"):
        write("//job")
    with pytest.raises(RuntimeError, match="has no list of maps"):
        bpy.ops.midas_normal.load_finished_maps(directory=str(tmp_path))
    settings.mask = "IMAGE"
    with pytest.raises(RuntimeError, match="No mask image is chosen"):
        write(tmp_path / "job")
    assert not (tmp_path / "job").exists()


def test_both_are_in_the_menu_beside_generate_all(tmp_path):
    layout = Layout()
    menus.MIDAS_NORMAL_MT_generate_all.draw(SimpleNamespace(layout=layout), bpy.context)
    assert layout.drawn[-2:] == ["midas_normal.write_farm_job", "midas_normal.load_finished_maps"]
