"""UDIM sets, sequences and movies on disks that take no maps, with a picture that is none, and with names of all kinds."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map
from bl_ext.user_default.midas_normal.core.errors import SourceError, TargetError
from generation_runs import generate_map
from test_sequence import movie, sequence
from test_udim import tile_set

from tests.conftest import changed, fill

STEMS = ("wall of stone, old", "壁_ü", "x" * 200)


def tiles(folder, stem="wall"):
    return tile_set(folder, stem + ".{}.png")


def frames(folder, stem="shot"):
    return sequence(folder, name=stem + "_{:04d}.png")


def film(folder, stem="clip"):
    image = movie(folder, frames=3)
    path = Path(image.filepath_raw)
    bpy.data.images.remove(image)
    return bpy.data.images.load(str(path.rename(path.with_stem(stem))))


SOURCES = {"tiles": tiles, "sequence": frames, "movie": film}


@pytest.fixture(params=SOURCES)
def source_in(request):
    """source_in(folder): a source of several pictures whose files lie in the folder."""
    return SOURCES[request.param]


def made(image, **fields):
    """The map, beside its source."""
    return bpy.data.images[reported(image, **fields).map_name]


def reported(image, **fields):
    """What is told of the map."""
    return generate_map(image, **{"save": "BESIDE", **fields})[1]


def contents(folder):
    """All files and folders, with what is in them."""
    return {path.relative_to(folder).as_posix(): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_a_disk_that_is_full_in_the_middle_is_left_as_it_was(source_in, disk):
    folder = disk("size=4m")
    image = source_in(folder)
    everything = fill(folder)
    with everything.open("r+b") as file:
        file.truncate(everything.stat().st_size - 4096)  # room for the first map
    before, images = contents(folder), len(bpy.data.images)
    with pytest.raises(TargetError, match=r"_normal[._](1002|0004|0002)\.png: No space left"):
        made(image)
    assert contents(folder) == before and len(bpy.data.images) == images
    everything.unlink()
    assert made(image) == find_map(image, "NORMAL")


def test_a_folder_that_may_only_be_read_takes_no_map(source_in, disk):
    folder = disk("size=4m")
    image = source_in(folder)
    changed(folder, "ro")
    images = len(bpy.data.images)
    with pytest.raises(TargetError, match="Read-only file system"):
        made(image)
    assert len(bpy.data.images) == images
    if image.source == "TILED":
        assert made(image, save="PACK") == find_map(image, "NORMAL")
    changed(folder, "rw")
    assert made(image) == find_map(image, "NORMAL")


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("name", ["wall.1002.png", "shot_0004.png"])
def test_a_picture_that_is_none_is_named_and_the_others_have_their_maps(name, across, tmp_path):
    image = tiles(tmp_path) if name.startswith("wall") else frames(tmp_path)
    whole = contents(tmp_path)
    (tmp_path / name).write_bytes(b"no picture")
    images = len(bpy.data.images)
    report = reported(image, across=across)
    assert [sentence for sentence in report.messages if "has no map" in sentence] == [
        f"The {'tile 1002' if name.startswith('wall') else 'frame 4'} has no map: The file {tmp_path / name} of the image "
        f"{name if name.startswith('wall') else image.name!r} is no picture or movie of a known kind."]
    files = [path.name for path in tmp_path.rglob("*_normal*.png")]
    assert len(files) == len(whole) - 1 and Path(name).stem[-4:] not in "".join(files)
    assert len(bpy.data.images) == images + 1


@pytest.mark.parametrize("set_in", [tiles, frames])
def test_of_pictures_that_are_all_none_nothing_is_left(set_in, tmp_path):
    image = set_in(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"no picture")
    before, images = contents(tmp_path), len(bpy.data.images)
    with pytest.raises(SourceError, match=r"is no picture or movie of a known kind|which this Blender cannot read"):
        made(image)
    assert contents(tmp_path) == before and len(bpy.data.images) == images


def test_a_movie_that_was_cut_has_its_last_frame_to_the_end(tmp_path):
    """Blender tells of as many frames as its header does."""
    whole = movie(tmp_path, frames=8)
    folder, path = tmp_path / "clip_normal", tmp_path / "clip.mkv"
    made(whole)
    before = contents(folder)
    bpy.data.images.remove(whole)
    path.write_bytes(path.read_bytes()[:path.stat().st_size * 6 // 10])
    made(bpy.data.images.load(str(path)))
    after = contents(folder)
    kept = [name for name in sorted(after) if after[name] == before[name]]
    assert 1 < len(kept) < 8 and kept == sorted(after)[:len(kept)] and len(after) == 8
    assert {after[name] for name in sorted(after)[len(kept):]} == {after[kept[-1]]}


@pytest.mark.parametrize("stem", STEMS)
def test_names_may_be_long_and_hold_spaces_and_any_letters(source_in, tmp_path, stem):
    image = source_in(tmp_path, stem)
    normal = made(image)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and f"{stem}_normal" in path.name]
    assert len(files) == {"TILED": 3, "SEQUENCE": 4, "MOVIE": 3}[image.source] and find_map(image, "NORMAL") == normal
    assert made(image) == normal
