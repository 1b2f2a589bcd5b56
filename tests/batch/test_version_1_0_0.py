"""The record of a folder of maps that version 1.0.0 has made."""

from __future__ import annotations

import shutil

import pytest

from blender_midas_normal.batch.api import make_maps
from tests.conftest import ROOT

MAPS = {"tiles_normal.png", "tiles_ao.png", "floor_normal.png", "floor_ao.png"}


@pytest.fixture
def library(tmp_path):
    return shutil.copytree(ROOT / "tests" / "version_1_0_0" / "library", tmp_path / "library")


def make(library, strength=1.7):
    """Make the maps as version 1.0.0 was told to; returns the names of those that are not up to date."""
    before = {name: (library / name).stat().st_mtime_ns for name in MAPS}
    records = make_maps([str(library / "tiles.png"), str(library / "floor.png")], str(library), engine="luminance",
                        strength=strength, maps=("normal", "ao"), existing="skip")
    made = {record.output.rpartition("/")[2] for record in records if record.outcome == "made"}
    assert made == {name for name in MAPS if (library / name).stat().st_mtime_ns != before[name]}
    return made


def test_maps_on_record_are_up_to_date(library):
    record = (library / ".midas_normal.jsonl").read_bytes()
    assert not make(library)
    assert (library / ".midas_normal.jsonl").read_bytes() == record


def test_other_settings_and_other_pictures_make_them_anew(library):
    assert make(library, strength=1.2) == MAPS and not make(library, strength=1.2)
    shutil.copyfile(library / "floor.png", library / "tiles.png")
    assert make(library, strength=1.2) == {"tiles_normal.png", "tiles_ao.png"}
