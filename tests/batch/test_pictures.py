"""The stems of pictures, which files are the tiles of a set or the frames of a sequence, and how their maps are called."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from blender_midas_normal.batch.outputs import TARGETS, Naming
from blender_midas_normal.batch.pictures import find_sets, item_of_file, stem_of


def sets(set_type, *names):
    return find_sets([item_of_file(Path("a", name), PurePath(), lambda client: {}) for name in names], set_type)


def numbers_by_title(set_type, *names):
    """{title: [number, ...]} of the sets."""
    return {each.title: [number for number, _ in each.members] for each in sets(set_type, *names) if each.title}


def test_without_sets_each_picture_is_one_and_keeps_its_name():
    singles = sets("OFF", "wall.1002.png", "wall.1001.png")
    assert [(each.title, each.members[0][1].stem, each.members[0][1].number, each.missing_message) for each in singles] == [
        ("", "wall.1002", "", ""), ("", "wall.1001", "", "")]


def test_tiles_have_numbers_that_blender_reads():
    names = ("wall.1002.png", "wall.1001.png", "wall.png", "wall_1001.png", "1001.png", "wall1003.png", "wall.2001.png",
             "wall.1000.png", "wall.1004.jpg", "wall.1001_col.png", "a_u1_v2.png", "a_u2_v1.png", "a_u11_v1.png",
             "a_u01_v1.png")
    assert numbers_by_title("UDIM", *names) == {
        "a/wall.<UDIM>.png": [1001, 1002], "a/wall_<UDIM>.png": [1001], "a/<UDIM>.png": [1001], "a/wall.<UDIM>.jpg": [1004],
        "a/wall.<UDIM>_col.png": [1001], "a/a_<UVTILE>.png": [1002, 1011]}


def test_frames_have_as_many_digits_or_no_zeros_before_them():
    names = ("f_1000.png", "f_0999.png", "f_10000.png", "f_7.png", "g9.png", "g10.png", "x_07.png", "x_007.png", "shot.png",
             "v2_01_col.png")
    assert numbers_by_title("SEQUENCE", *names) == {
        "a/f_####.png": [999, 1000, 10000], "a/f_#.png": [7], "a/g#.png": [9, 10], "a/x_##.png": [7], "a/x_###.png": [7],
        "a/v2_##_col.png": [1]}


def test_gaps_between_numbers_are_named_and_nothing_else():
    tiles = [f"wall.{number}.png" for number in (1001, 1003, 1021, 1033)]
    assert sets(
        "UDIM", *tiles)[0].missing_message == "a/wall.<UDIM>.png: there are no files of these tiles: 1002, 1011, 1013, 1023"
    assert not sets("UDIM", "wall.1001.png", "wall.1002.png", "wall.1012.png")[0].missing_message
    frames = [f"f_{number:02}.png" for number in (1, 2, 4, 9)]
    assert sets("SEQUENCE", *frames)[0].missing_message == "a/f_##.png: there are no files of these frames: 3, 5 to 8"
    assert not sets("SEQUENCE", *frames[:2])[0].missing_message
    dates = [f"shot_2026{n:02}01120000999.png" for n in range(1, 60)]
    assert sets("SEQUENCE", *dates)[0].missing_message.endswith(", and 38 more gaps")


@pytest.mark.parametrize(("set_type", "name", "target", "path"), [
    ("UDIM", "wall.1001.png", "BLENDER", "wall_normal.1001.png"), ("UDIM", "wall_1001.png", "UNREAL", "T_wall_N_1001.png"),
    ("UDIM", "wall.1001_a.png", "BLENDER", "wall_a_normal.1001.png"), ("UDIM", "u1_v2.png", "UNITY", "a_Normal_u1_v2.png"),
    ("SEQUENCE", "shot_0001.png", "BLENDER", "shot_normal_0001.png"), ("SEQUENCE", "s7.png", "BLENDER", "s_normal_7.png"),
    ("SEQUENCE", "0001.png", "BLENDER", "a_normal_0001.png"), ("UDIM", "wall.png", "BLENDER", "wall_normal.png")])
def test_the_names_of_maps_end_with_the_number(set_type, name, target, path):
    expected = TARGETS[target]
    naming = Naming(expected.pattern, expected.tags, "auto", ".png", ("NORMAL",))
    item = sets(set_type, name)[0].members[0][1]
    assert naming.path(item, "NORMAL").as_posix() == path
    numbered = naming.path(item, "NORMAL", 2).as_posix()
    assert numbered == path.replace(item.number + ".png", f"_2{item.number}.png")


@pytest.mark.parametrize(("name", "stem"), [
    ("photo.png", "photo"), ("Tiles.001", "Tiles.001"), ("photo.PNG", "photo"), ("photo.png.001", "photo.png.001"),
    (".png", ".png"), ("a", "a")])
def test_only_the_ending_of_a_picture_file_is_left_out(name, stem):
    assert stem_of(name) == stem
