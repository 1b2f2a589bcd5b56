"""Libraries with height and normal maps: files by suffix, names without it, no source replaced, and hints at the engine."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch import make_maps, pictures
from blender_midas_normal.batch.name_suffixes import names_in, normal_map_beside, parse_suffixes
from blender_midas_normal.core.errors import SettingsError, SourceError
from tests.worker.test_normals import FLIP, encoded, true_normals

SIDE = 48


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A folder of a material's files, with another one of three tiles."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "library"
    (folder / "floor").mkdir(parents=True)
    grey = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    for name in ("wall_height.png", "Stone_Disp.png", *(f"floor/tiles_height.{tile}.png" for tile in (1001, 1002))):
        PIL.Image.fromarray(grey).save(folder / name)
    PIL.Image.fromarray(np.dstack([grey, grey // 2, grey // 3])).save(folder / "wall_color.png")
    PIL.Image.fromarray(encoded(true_normals(SIDE) * FLIP, bits=8)).save(folder / "wall_normal.png")
    return folder


def made(records, folder):
    assert all(record.outcome == "made" for record in records), [record.error for record in records]
    return sorted(record.output.removeprefix(str(folder) + "/") for record in records)


def test_files_are_taken_by_suffix_which_is_cut_from_the_names(library, tmp_path):
    records = make_maps(library, tmp_path / "maps", engine="height", recursive=True, sets="udim",
                        source_suffix="_height,_disp")
    assert made(records, tmp_path / "maps") == ["Stone_normal.png", "floor/tiles_normal.1001.png",
                                                "floor/tiles_normal.1002.png", "wall_normal.png"]


def test_a_source_is_never_replaced_by_the_map_of_its_name(library):
    before = (library / "wall_normal.png").read_bytes()
    for existing in ("RENEW", "OVERWRITE"):
        records = make_maps(library, library, engine="normals", source_suffix="_normal", maps="normal,ao", existing=existing)
        assert made(records, library) == ["wall_ao.png", "wall_normal_opengl.png"]
    assert (library / "wall_normal.png").read_bytes() == before
    # and the height map's normals do not replace the normal map, which is nobody's earlier map
    records = make_maps(library / "wall_height.png", library, engine="height", source_suffix="_height")
    assert [record.outcome for record in records] == ["failed"]
    assert (library / "wall_normal.png").read_bytes() == before


def test_maps_of_earlier_runs_are_sources_only_where_they_are_named(library):
    make_maps(library / "wall_color.png", library, engine="luminance", maps="height")
    records = make_maps(library, library / "maps", engine="height", source_suffix="_height")
    assert made(records, library / "maps") == ["wall_normal.png"]  # of wall_height.png, not of wall_color_height.png
    records = make_maps(library / "wall_color_height.png", library / "maps", engine="height", source_suffix="_height")
    assert made(records, library / "maps") == ["wall_color_normal.png"]


def test_a_folder_without_such_names_is_said(library, tmp_path):
    records = make_maps(library / "floor", tmp_path / "maps", source_suffix="_bump")
    assert "no picture in" in records[0].error and "_bump" in records[0].error


@pytest.mark.parametrize(("name", "engine", "hint"), [
    ("wall_height.png", "luminance", "the engine HEIGHT"), ("wall_height.png", "height", None),
    ("wall_normal.png", "luminance", "the engine NORMALS"), ("wall_normal.png", "normals", None),
    ("wall_color.png", "luminance", None)])
def test_a_map_that_is_taken_for_a_photo_is_said_in_one_sentence(library, tmp_path, name, engine, hint):
    notes = make_maps(library / name, tmp_path / "maps", engine=engine)[0].notes
    assert [note for note in notes if "the engine" in note] == [note for note in notes if hint and hint in note]
    assert len([note for note in notes if "the engine" in note]) == (hint is not None)


def test_an_empty_suffix_is_refused():
    with pytest.raises(SettingsError, match="empty"):
        parse_suffixes("_height,")


def test_relief_is_laid_over_the_normal_map_beside_each_picture(library):
    before = (library / "wall_normal.png").read_bytes()
    over = {"base": "EXISTING", "mix": "luminance", "tileable": "both"}
    amounts = [make_maps(library, library, source_suffix="_color", existing="OVERWRITE", mix_amount=amount, **over)
               for amount in (0, 1)]
    assert all(made(records, library) == ["wall_normal_opengl.png"] for records in amounts)
    assert (library / "wall_normal.png").read_bytes() == before
    records = make_maps(library / "Stone_Disp.png", library, **over)
    assert "no normal map beside" in records[0].error
    # a changed normal map makes the map again
    over |= {"source_suffix": "_color", "existing": "skip"}
    assert make_maps(library, library, **over)[0].outcome == "skipped"
    PIL.Image.fromarray(encoded(true_normals(SIDE), bits=8)).save(library / "wall_normal.png")
    assert make_maps(library, library, **over)[0].outcome == "made"


@pytest.mark.parametrize(("picture", "found"), [
    ("wall_color.png", "wall_normal.png"), ("wall_height.png", None),
    ("floor/tiles_height.1001.png", "floor/tiles_nrm.1001.jpg")])
def test_the_normal_map_beside_a_picture_is_found_by_its_usual_names(library, picture, found):
    PIL.Image.new("RGB", (4, 4)).save(library / "floor/tiles_nrm.1001.jpg")
    if found is None:
        with pytest.raises(SourceError, match="wall_height_normal"):
            normal_map_beside(library / picture, (), names_in)
    else:
        assert normal_map_beside(library / picture, ("_height",), names_in) == library / found


def test_a_folder_is_listed_once_for_all_its_pictures(library, monkeypatch):
    for number in range(5):
        PIL.Image.new("RGB", (8, 8), (number, 9, 9)).save(library / f"{number}_color.png")
        PIL.Image.fromarray(encoded(true_normals(SIDE), bits=8)).save(library / f"{number}_normal.png")
    listed = []
    monkeypatch.setattr(pictures, "names_in", lambda folder: listed.append(folder) or names_in(folder))
    records = make_maps(sorted(library.glob("?_color.png")), library / "maps", base="EXISTING", mix="luminance")
    assert len(made(records, library / "maps")) == 5 and listed == [library]
