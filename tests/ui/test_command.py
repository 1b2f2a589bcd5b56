"""`blender --command midas_normal`, called as Blender calls it."""

from __future__ import annotations

import json
import shutil

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.core.settings import setting_domains
from bl_ext.user_default.midas_normal.ui.command import run
from blender_data import pixels_of_file

from tests.conftest import ROOT

from .scenes import textured

BRICKS = ROOT / "tests" / "materials" / "bricks_color.png"


def test_pictures_become_maps_and_a_bad_one_stops_no_other(tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    shutil.copy(BRICKS, tmp_path / "wall.png")
    report = tmp_path / "report.json"
    pictures = [str(tmp_path / name) for name in ("bad.png", "wall.png")]
    code = run([*pictures, "--out", str(tmp_path / "maps"), "--engine", "luminance", "--json", str(report)])
    assert not bpy.data.images.get("wall.png") and code == 1 and "bad.png: error" in capsys.readouterr().err
    assert [("error" in item) for item in json.loads(report.read_text())] == [True, False]
    normal = bpy.data.images.load(str(tmp_path / "maps" / "wall_normal.png"))
    assert normal.is_float and normal.size[0] == bpy.data.images.load(str(BRICKS)).size[0]


def test_without_pictures_the_colour_textures_of_the_file_become_maps(tmp_path):
    textured(name="photo.png")
    image, _ = textured(name="roughness.png")
    image.colorspace_settings.is_data = True
    assert run(["--out", str(tmp_path), "--engine", "luminance"]) == 0
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["photo_normal.png"]


def test_a_linked_texture_is_no_file_that_a_map_may_replace(tmp_path):
    """Its name in Blender starts from the file that it is linked from."""
    image, material = textured(name="wall.png")
    image.filepath_raw, image.file_format = str(tmp_path / "wall.png"), "PNG"
    image.save()
    picture = (tmp_path / "wall.png").read_bytes()
    bpy.data.libraries.write(str(tmp_path / "library.blend"), {material}, path_remap="RELATIVE")
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, loaded):
        loaded.materials = ["photo"]
    assert bpy.data.images["wall.png"].filepath == "//wall.png"
    assert run(["--out", str(tmp_path), "--pattern", "{stem}", "--engine", "luminance"]) == 0
    assert (tmp_path / "wall_opengl.png").exists() and (tmp_path / "wall.png").read_bytes() == picture


def test_a_mask_image_is_laid_over_the_pictures_of_the_file_and_of_folders(tmp_path):
    mask = bpy.data.images.new("mask", 16, 1)
    mask.pixels.foreach_set([0, 0, 0, 1] * 8 + [1, 1, 1, 1] * 8)
    mask.filepath_raw, mask.file_format = str(tmp_path / "mask.png"), "PNG"
    mask.save()
    textured(name="photo.png")
    shutil.copy(BRICKS, tmp_path / "wall.png")
    for arguments, name in (([str(tmp_path / "wall.png")], "wall_normal.png"), ([], "photo_normal.png")):
        assert run([*arguments, "--out", str(tmp_path / "maps"), "--engine", "luminance", "--mask-image",
                    str(tmp_path / "mask.png")]) == 0
        normal = pixels_of_file(tmp_path / "maps" / name)
        left, right = np.split(np.abs(normal[..., :2] - 0.5), 2, axis=1)
        middle = left.shape[1] // 2
        assert left[:, middle].max() < 1e-4 < right[:, middle].max()


def test_folders_are_mirrored_and_what_is_there_is_skipped_until_it_changes(tmp_path, capsys):
    """Of files by their content, of images of the open file by their pixels."""
    (tmp_path / "textures" / "a").mkdir(parents=True)
    shutil.copy(BRICKS, tmp_path / "textures" / "a" / "wall.png")
    image, _ = textured(name="Tiles.001")
    for arguments, name in (([str(tmp_path / "textures"), "--recursive"], "a/wall_ao.exr"), ([], "Tiles.001_ao.exr")):
        out = [*arguments, "--out", str(tmp_path / "maps"), "--engine", "luminance", "--maps", "ao", "--format", "exr",
               "--existing", "skip"]
        for text in ("1 made", "1 skipped"):
            assert run(out) == 0 and text in capsys.readouterr().out and (tmp_path / "maps" / name).is_file()
    image.pixels[0] = 1 - image.pixels[0]
    assert run(out) == 0 and "1 made" in capsys.readouterr().out


def test_a_file_of_the_users_own_is_left_unless_it_is_to_be_overwritten(tmp_path, capsys):
    own = tmp_path / "bricks_color_normal.png"
    own.write_bytes(b"mine")
    arguments = [str(BRICKS), "--out", str(tmp_path), "--engine", "luminance"]
    for existing in ([], ["--existing", "skip"]):
        assert run([*arguments, *existing]) == 1 and own.read_bytes() == b"mine"
        assert f"{own} is there already and was not made by this extension; move it" in capsys.readouterr().err
    assert run([*arguments, "--existing", "overwrite"]) == 0 and own.read_bytes() != b"mine"


def test_frames_that_blender_reads_are_made_as_a_set(tmp_path, capsys):
    frames = tmp_path / "frames"
    frames.mkdir()
    for number, name in ((1, "bricks"), (2, "planks"), (4, "weave")):
        shutil.copy(BRICKS.with_name(f"{name}_color.png"), frames / f"shot_{number}.png")
    out = [str(frames), "--out", str(tmp_path), "--engine", "luminance", "--sets", "sequence", "--smoothing", "1",
           "--maps", "normal,height", "--existing", "skip"]
    for text in ("6 made", "6 skipped"):
        assert run(out) == 0 and text in (said := capsys.readouterr().out)
        assert "3 frames" in said and "no files of these frames: 3" in said
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        f"shot_{kind}_{number}.png" for kind in ("height", "normal") for number in (1, 2, 4)]


def test_wrong_usage_ends_with_2_and_an_engine_that_is_not_there_with_3(tmp_path, capsys):
    for arguments in (["--out", str(tmp_path)], [str(BRICKS)], [str(BRICKS), "--out", str(tmp_path), "--strength", "-1"],
                      ["--out", str(tmp_path), "--sets", "udim"]):
        with pytest.raises(SystemExit) as ended:
            run(arguments)
        assert ended.value.code == 2
    assert run([str(BRICKS), "--out", str(tmp_path), "--engine", "midas"]) == 3
    assert "MiDaS" in capsys.readouterr().err


def test_every_setting_is_an_option(capsys):
    with pytest.raises(SystemExit):
        run(["--help"])
    shown = capsys.readouterr().out
    assert all("--" + name.replace("_", "-") in shown for name in setting_domains())


def test_a_run_in_blender_is_reviewed_too(tmp_path, capsys):
    page = tmp_path / "review.html"
    assert run([str(BRICKS), "--out", str(tmp_path / "maps"), "--engine", "luminance", "--review", str(page)]) == 0
    shown = page.read_text()
    assert shown.count("<img ") == 1 and "Others: 1" in shown and len(list((tmp_path / "review_files").iterdir())) == 1
    capsys.readouterr()
