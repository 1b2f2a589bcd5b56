"""Maps for programs: the function that a library has as its door."""

from __future__ import annotations

import logging

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch import make_maps
from blender_midas_normal.core.errors import EngineUnavailable, SettingsError, SourceError, TargetError
from blender_midas_normal.core.settings import Settings


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """A user's data folder in which nothing is installed."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def photo(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    PIL.Image.fromarray(values).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_program_gets_a_record_of_each_map_and_nothing_is_printed(photo, tmp_path, capfd, caplog):
    caplog.set_level(logging.INFO)
    steps = []
    (tmp_path / "bad.png").write_bytes(b"no picture")
    records = make_maps([photo, str(tmp_path / "bad.png")], tmp_path / "maps", Settings(engine="LUMINANCE"),
                        maps="normal, height", format="tiff", progress=lambda done, of: steps.append((done, of)), strength=2)
    assert [(record.outcome, record.map) for record in records] == [
        ("made", "NORMAL"), ("made", "HEIGHT"), ("failed", "NORMAL")]
    assert [record.output for record in records[:2]] == [str(tmp_path / "maps" / f"photo_{kind}.tif")
                                                         for kind in ("normal", "height")]
    assert records[0].size == (40, 30) and "bad.png is not a readable picture" in records[2].error
    assert steps[-1][1] == 2 and capfd.readouterr() == ("", "")
    assert sorted(entry.levelname for entry in caplog.records) == ["INFO", "INFO", "WARNING"]


def test_settings_are_replaced_by_the_target_and_that_by_single_ones(photo, tmp_path):
    def second_row(**options):
        make_maps(photo, tmp_path / "maps", engine="luminance", existing="overwrite", pattern="map", **options)
        with PIL.Image.open(tmp_path / "maps" / "map.png") as made:
            return np.asarray(made)[1]

    green_up = second_row(bits=8)
    green_down = second_row(bits=8, target="unreal")
    assert np.abs(green_up[:, 1].astype(int) + green_down[:, 1] - 255).max() <= 1
    np.testing.assert_array_equal(second_row(bits=8, target="unreal", convention="opengl"), green_up)


def test_a_mask_image_implies_its_mask(photo, tmp_path):
    PIL.Image.new("L", (4, 4), 0).save(tmp_path / "mask.png")
    make_maps(photo, tmp_path / "maps", engine="luminance", mask_image=tmp_path / "mask.png", bits=8)
    with PIL.Image.open(tmp_path / "maps" / "photo_normal.png") as made:
        assert np.unique(np.asarray(made).reshape(-1, 3), axis=0).tolist() in ([[128, 128, 255]], [[127, 127, 255]])


@pytest.mark.parametrize("wrong, error, sentence", [
    ({"strength": 99}, SettingsError, "strength is 99"), ({"colour": 1}, SettingsError, "no setting 'colour'"),
    ({"maps": ["normals"]}, SettingsError, "no map 'NORMALS'"), ({"format": "gif"}, SettingsError, "no format 'GIF'"),
    ({"bits": 12}, SettingsError, "bits has no value 12"), ({"existing": "ask"}, SettingsError, "existing has no value"),
    ({"target": "maya"}, SettingsError, "target has no value 'maya'"), ({"jobs": 0}, SettingsError, "jobs is 0"),
    ({"sets": "tiles"}, SettingsError, "sets has no value 'tiles'"), ({"mask_image": "none.png"}, SourceError, "none.png"),
    ({"engine": "midas"}, EngineUnavailable, "not installed. Run midas-normal --engine midas")])
def test_what_cannot_be_is_an_exception_before_anything_is_made(photo, tmp_path, wrong, error, sentence):
    with pytest.raises(error, match=sentence):
        make_maps(photo, tmp_path / "maps", **wrong)
    assert not (tmp_path / "maps").exists() or not list((tmp_path / "maps").iterdir())


def test_a_folder_that_cannot_be_made_is_an_exception(photo):
    with pytest.raises(TargetError, match=r"photo\.png/maps cannot be made: Not a directory"):
        make_maps(photo, photo / "maps", engine="luminance")
