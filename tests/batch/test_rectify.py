"""Photos at an angle on the command line: the rectified photo lies beside its maps, and nothing is overwritten."""

from __future__ import annotations

import os
import time

import PIL.Image
import pytest

from blender_midas_normal.batch.api import make_maps
from blender_midas_normal.core.errors import SettingsError
from tests.brick_photos import take_photo

LEANING, STRAIGHT = (40, 50, 4, 32), (0,)
CORNERS = [0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "photos"
    folder.mkdir()
    PIL.Image.fromarray(take_photo(*LEANING)).save(folder / "wall.png")
    return folder


def run(photos, rectify="auto", **options):
    """Make luminance maps; returns [(outcome, map, name of the output), ...] of the records, and these."""
    records = make_maps(photos, photos.parent / "out", engine="luminance", rectify=rectify, **options)
    return [(each.outcome, each.map, (each.output or "").rpartition("/")[2]) for each in records], records


def size(file):
    with PIL.Image.open(file) as picture:
        return picture.size


def test_the_maps_are_those_of_the_rectified_photo_and_the_photo_stays(photos):
    PIL.Image.fromarray(take_photo(*STRAIGHT)).save(photos / "flat.png")
    before = (photos / "wall.png").read_bytes()
    outcomes, records = run(photos, maps="NORMAL,HEIGHT")
    assert outcomes == [("made", "NORMAL", "flat_normal.png"), ("made", "HEIGHT", "flat_height.png"),
                        ("made", "RECTIFIED", "wall_rectified.png"), ("made", "NORMAL", "wall_normal.png"),
                        ("made", "HEIGHT", "wall_height.png")]
    assert "The photo was left as it is, because its surface faces the camera" in records[0].notes[0]
    out = photos.parent / "out"
    assert size(out / "wall_rectified.png") == size(out / "wall_normal.png") != (640, 480) == size(out / "flat_normal.png")
    assert (photos / "wall.png").read_bytes() == before
    assert [outcome for outcome, _, _ in run(photos, maps="NORMAL,HEIGHT", existing="SKIP")[0]] == ["skipped"] * 5
    assert {outcome for outcome, _, _ in run(photos, CORNERS, existing="SKIP")[0]} == {"made"}


@pytest.mark.parametrize("age", [0, 1e6], ids=["new", "old"])  # a new one may be another computer's, and is looked at later
def test_a_file_of_the_users_own_is_kept_and_no_map_is_made_of_the_wrong_picture(photos, age):
    out = photos.parent / "out"
    out.mkdir()
    (out / "wall_rectified.png").write_bytes(b"mine")
    os.utime(out / "wall_rectified.png", (time.time() - age, time.time() - age))
    outcomes, records = run(photos, CORNERS)
    assert [outcome for outcome, _, _ in outcomes] == ["failed"] and "not made by this extension" in records[0].error
    assert (out / "wall_rectified.png").read_bytes() == b"mine" and not (out / "wall_normal.png").exists()
    assert run(photos, CORNERS, existing="NUMBER")[0] == [("made", "RECTIFIED", "wall_rectified_2.png"),
                                                          ("made", "NORMAL", "wall_normal.png")]


def test_corners_that_are_wrong_stop_no_other_picture(photos):
    PIL.Image.fromarray(take_photo(*STRAIGHT)[:100, :100]).save(photos / "small.png")
    outcomes, records = run(photos, [10, 10, 600, 10, 600, 400, 10, 400])
    assert [outcome for outcome, _, _ in outcomes] == ["failed", "made", "made"]
    assert records[0].error == "A corner lies outside the picture of 100 x 100 pixels."


@pytest.mark.parametrize(("options", "sentence"), [
    ({"rectify": "always"}, "rectify is AUTO or"), ({"rectify": [1, 2]}, "the eight numbers of four corners"),
    ({"sets": "udim"}, "--rectify takes single photos"), ({"focal_length": -1.0}, "focal_length is -1"),
    ({"pattern": "{stem}"}, "put {map} into it"),
    ({"base": "EXISTING", "mix": "LUMINANCE"}, "does not fit a rectified photo")])
def test_options_that_make_no_sense_are_refused(photos, options, sentence):
    with pytest.raises(SettingsError, match=sentence):
        run(photos, **options)
