"""The map's image: its pixels, its place, and that running again updates it and nothing else."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import zlib
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import map_images, map_metadata, map_state
from bl_ext.user_default.midas_normal.client.result_files import ResultFiles
from bl_ext.user_default.midas_normal.core.errors import TargetError
from bl_ext.user_default.midas_normal.core.files import PICTURE_SUFFIXES
from bl_ext.user_default.midas_normal.core.image_io import encode_png, to_blender_pixels
from bl_ext.user_default.midas_normal.core.maps import MidasNodePicture
from blender_data import pixels_of, rgba, write_png


def values(height=3, width=5, seed=0, dtype=np.uint16):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, 3), dtype=dtype, endpoint=True)


@pytest.fixture
def store():
    """Stores a map as the worker hands it over: the PNG file, and for a packed map its pixels."""
    def stored(source, map_values, save="PACK"):
        facts = {"engine": "LUMINANCE", "map": "NORMAL"}
        return map_images.store_map(source, taken(map_values, save), {"a": 6.28}, facts, save)
    return stored


def taken(map_values, save="PACK"):
    held = b"".join(rows.tobytes() for rows in to_blender_pixels(MidasNodePicture(map_values)))
    pixels = tempfile.TemporaryFile()  # noqa: SIM115 - it is handed over open
    pixels.write(held)
    pixels.flush()
    return ResultFiles(encode_png(map_values, 1), pixels if save == "PACK" else None, zlib.crc32(held))


def assert_shows(image, map_values):
    found = pixels_of(image)
    np.testing.assert_allclose(found[..., :3], map_values / np.iinfo(map_values.dtype).max, atol=1e-6)
    assert (found[..., 3] == 1.0).all()
    assert image.colorspace_settings.is_data


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def source():
    return bpy.data.images.new("brick.png", 5, 3)


@pytest.fixture
def source_file(tmp_path):
    return bpy.data.images.load(str(write_png(tmp_path / "brick.png", rgba(), 8)))


def test_map_is_packed_data_with_sixteen_bits(store, source):
    image = store(source, values())
    assert image.name == "brick_normal"
    assert (image.is_float, image.source, image.packed_file is not None) == (True, "FILE", True)
    assert_shows(image, values())
    assert map_metadata.stored_metadata(image)["settings"] == {"a": 6.28}
    assert map_metadata.stored_metadata(image)["facts"].items() >= {"engine": "LUMINANCE", "map": "NORMAL"}.items()


def test_eight_bit_picture_stays_eight_bit(store, source):
    image = store(source, values(dtype=np.uint8))
    assert not image.is_float
    assert_shows(image, values(dtype=np.uint8))


@pytest.mark.parametrize("dtype", (np.uint8, np.uint16))
def test_the_packed_file_holds_the_pixels_that_are_shown(store, source, dtype):
    image = store(source, values(dtype=dtype))
    shown_before = pixels_of(image)
    image.buffers_free()  # Blender reads the packed file again
    np.testing.assert_allclose(pixels_of(image), shown_before, atol=1e-6)


def test_a_map_that_nobody_painted_on_counts_as_saved_with_the_file(source):
    files = taken(values())
    untouched, painted = (map_images.store_map(made_of, files, {}, {"map": "NORMAL"}) for made_of in (source, source.copy()))
    for image in (untouched, painted):
        map_state.remember_shown(image, files)
    painted.pixels[0] = 0.123
    map_state.release_saved_pixels()
    assert (untouched.is_dirty, painted.is_dirty) == (False, True)
    assert_shows(untouched, values())
    assert painted.pixels[0] == pytest.approx(0.123)


def test_map_and_its_tie_to_the_source_survive_saving(store, source, tmp_path):
    store(source, values()).use_fake_user = True
    source.name = "renamed"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    image = map_metadata.find_map(bpy.data.images["renamed"], "NORMAL")
    assert image.name == "brick_normal"
    assert_shows(image, values())
    assert map_metadata.stored_metadata(image)["settings"] == {"a": 6.28}


@pytest.mark.parametrize("shape", ((3, 5), (9, 2)))
def test_running_again_updates_the_same_image(store, source, shape):
    first = store(source, values())
    pixels_of(first)
    again = store(source, values(*shape, seed=1))
    assert again == first
    assert len(bpy.data.images) == 2
    assert_shows(again, values(*shape, seed=1))


def test_running_again_follows_renamed_images(store, source):
    first = store(source, values())
    first.name, source.name = "my map", "my stone"
    assert store(source, values(seed=1)) == first
    assert first.name == "my map"


def test_running_again_replaces_the_maps_colour_space(store, source):
    image = store(source, values())
    image.colorspace_settings.name = "sRGB"
    assert_shows(store(source, values(seed=1)), values(seed=1))


def test_an_image_that_only_has_the_maps_name_is_left_alone(store, source):
    other = bpy.data.images.new("brick_normal", 4, 4)
    image = store(source, values())
    assert (image != other, image.name, tuple(other.size)) == (True, "brick_normal.001", (4, 4))
    assert store(source, values(seed=1)) == image
    assert len(bpy.data.images) == 3


def test_two_sources_have_two_maps(store, source):
    other = source.copy()
    assert store(source, values()) != store(other, values())


@pytest.mark.parametrize("name, expected", (
    ("brick", "brick_normal"), ("brick.png", "brick_normal"), ("brick.JPEG", "brick_normal"), ("v1.2", "v1.2_normal"),
    ("brick.png.001", "brick.001_normal"), ("Render Result", "Render Result_normal"), ("ä" * 40, "ä" * 28 + "_normal"),
))
def test_map_name(name, expected):
    assert map_metadata.map_name(name, "NORMAL") == expected
    assert bpy.data.images.new(expected, 4, 4).name == expected


@pytest.mark.parametrize("suffix", sorted({*PICTURE_SUFFIXES, ".dpx", ".mp4"}))
def test_a_maps_name_has_no_picture_file_ending(suffix):
    assert map_metadata.map_name(f"brick{suffix}", "NORMAL") == "brick_normal"


def test_unreadable_map_is_refused_and_leaves_no_image(source):
    png = encode_png(values(), 1)
    with pytest.raises(TargetError, match="cannot read the map"):
        map_images.store_map(source, ResultFiles(png[:40] + b"nothing"), {}, {"map": "NORMAL"})
    assert list(bpy.data.images) == [source]


def test_beside_the_file(store, source_file, tmp_path):
    image = store(source_file, values(), save="BESIDE")
    assert names(tmp_path) == ["brick.png", "brick_normal.png"]
    assert (image.filepath_raw, image.packed_file) == (str(tmp_path / "brick_normal.png"), None)
    assert_shows(image, values())
    assert store(source_file, values(4, 2, seed=1), save="BESIDE") == image
    assert_shows(image, values(4, 2, seed=1))


@pytest.mark.skipif(os.name == "nt", reason="rights are others there")
def test_file_beside_has_the_rights_of_any_new_file(store, source_file, tmp_path):
    store(source_file, values(), save="BESIDE")
    (tmp_path / "new").touch()
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "brick_normal.png")]
    assert rights[0] == rights[1]


def test_path_beside_is_relative_in_a_saved_file(store, source_file, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    image = store(source_file, values(), save="BESIDE")
    assert image.filepath_raw == "//brick_normal.png"
    assert_shows(image, values())


def test_changing_between_packed_and_beside(store, source_file):
    image = store(source_file, values())
    for seed, save in enumerate(("BESIDE", "PACK", "BESIDE")):
        assert store(source_file, values(seed=seed), save=save) == image
        assert (image.packed_file is None) == (save == "BESIDE")
        assert_shows(image, values(seed=seed))


def test_somebody_elses_file_is_not_overwritten(store, source_file, tmp_path):
    before = write_png(tmp_path / "brick_normal.png", rgba(seed=7), 8).read_bytes()
    with pytest.raises(TargetError, match="was not made by this extension"):
        store(source_file, values(), save="BESIDE")
    assert (tmp_path / "brick_normal.png").read_bytes() == before
    assert list(bpy.data.images) == [source_file]


def test_a_map_beside_never_takes_the_place_of_another_pictures_map(store, source_file, tmp_path):
    first = store(source_file, values(), save="BESIDE")
    other = bpy.data.images.load(str(write_png(tmp_path / "brick.tga", rgba(seed=1), 8)))
    before, count = (tmp_path / "brick_normal.png").read_bytes(), len(bpy.data.images)
    with pytest.raises(TargetError, match=r"brick_normal\.png is the map of 'brick\.png' already; rename"):
        store(other, values(seed=1), save="BESIDE")
    assert (tmp_path / "brick_normal.png").read_bytes() == before and len(bpy.data.images) == count
    assert store(other, values(seed=1)).packed_file
    bpy.data.images.remove(first)
    assert store(other, values(seed=1), save="BESIDE").packed_file is None


def test_source_without_a_file_has_no_place_beside_it(store, source):
    with pytest.raises(TargetError, match=r"'brick\.png' has no file"):
        store(source, values(), save="BESIDE")
    assert list(bpy.data.images) == [source]


class Full(io.FileIO):
    """A FAKE file on a full disk, which takes the half of what it is given."""

    def write(self, data):
        super().write(data[:len(data) // 2])
        raise OSError(28, "No space left on device")


def refuse(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", [(tempfile, "mkstemp", refuse), (os, "fdopen", Full), (Path, "chmod", refuse),
                                  (Path, "replace", refuse)], ids=lambda step: step[1])
def test_a_failure_at_any_step_of_writing_leaves_the_old_map(store, source_file, tmp_path, monkeypatch, step):
    image = store(source_file, values(), save="BESIDE")
    before = (tmp_path / "brick_normal.png").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(*step)
        with pytest.raises(TargetError, match="No space left"):
            store(source_file, values(seed=1), save="BESIDE")
    assert (tmp_path / "brick_normal.png").read_bytes() == before and names(tmp_path) == ["brick.png", "brick_normal.png"]
    image.reload()
    assert_shows(image, values())


@pytest.mark.parametrize("number, text", ((28, "No space left"), (30, "Read-only file system"), (13, "Permission denied")))
def test_file_that_cannot_be_written_changes_nothing(store, source_file, tmp_path, monkeypatch, number, text):
    image = store(source_file, values())

    def refuse(self, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(map_images.Path, "replace", refuse)
    with pytest.raises(TargetError, match=text):
        store(source_file, values(seed=1), save="BESIDE")
    assert names(tmp_path) == ["brick.png"]
    assert_shows(image, values())


def test_missing_folder_is_a_sentence(store, source_file, tmp_path):
    source_file.filepath_raw = str(tmp_path / "gone" / "brick.png")
    with pytest.raises(TargetError, match="No such file or directory"):
        store(source_file, values(), save="BESIDE")
