"""Names of maps: by pattern, safe on every system, and never outside the output folder."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.batch.outputs import MAX_FILE_NAME_BYTES, TARGETS, Naming
from blender_midas_normal.batch.pictures import BatchItem
from blender_midas_normal.core.errors import SettingsError

TAGS = TARGETS["BLENDER"].tags


def item(stem: str, folder: str = "") -> BatchItem:
    return BatchItem(stem, f"{stem}.jpg", stem, None, PurePath(folder), lambda client: {}, str)


def named(pattern: str, stem: str = "wall", map_type: str = "NORMAL", number: int = 1, folder: str = "") -> str:
    naming = Naming(pattern, TAGS, "auto", ".png", (map_type,))
    return naming.path(item(stem, folder), map_type, number).as_posix()


@pytest.mark.parametrize(("pattern", "path"), [
    ("{stem}_{map}", "wall_ao.png"), ("{map}/{stem}", "ao/wall.png"), ("{name}-{engine}", "wall.jpg-auto.png"),
    ("{{{stem}}}", "{wall}.png"), ("{map}\\{stem}", "ao/wall.png")])
def test_a_pattern_may_hold_tokens_and_folders(pattern, path):
    assert named(pattern, map_type="AO") == path


def test_mirrored_folders_stand_before_the_pattern_and_numbers_at_the_end():
    assert named("{map}/{stem}", folder="a/b", number=3) == "a/b/normal/wall_3.png"


@pytest.mark.parametrize(("pattern", "reason"), [
    ("{colour}", r"\{colour\} is unknown; it may hold \{stem\}"), ("{}", "unknown"), ("{stem.upper}", "unknown"),
    ("{stem!r}", "unknown"), ("{stem:>9}", "unknown"), ("{stem", "cannot be read"), ("/{stem}", "inside the output folder"),
    ("../{stem}", "inside"), ("{map}/../../{stem}", "inside"), ("{stem}/", "inside"), ("", "inside"), (". .", "inside")])
def test_a_wrong_pattern_is_refused_by_name(pattern, reason):
    with pytest.raises(SettingsError, match=reason):
        Naming(pattern, TAGS, "auto", ".png", ("NORMAL",))


def test_several_maps_need_several_names():
    with pytest.raises(SettingsError, match=r"put \{map\} into it"):
        Naming("{stem}", TAGS, "auto", ".png", ("NORMAL", "AO"))


@pytest.mark.parametrize(("target", "path"), [
    ("BLENDER", "wall_normal.png"), ("GODOT", "wall_normal.png"), ("UNITY", "wall_Normal.png"), ("UNREAL", "T_wall_N.png")])
def test_targets_call_maps_as_their_programs_do(target, path):
    expected = TARGETS[target]
    naming = Naming(expected.pattern, expected.tags, "auto", ".png", ("NORMAL",))
    assert naming.path(item("wall"), "NORMAL").as_posix() == path
    assert expected.convention == ("DIRECTX" if target == "UNREAL" else "OPENGL")


@pytest.mark.parametrize(("stem", "path"), [
    ("..", ".._normal.png"), ("a/b", "a_b_normal.png"), ("a\\b", "a_b_normal.png"), ("C:", "C__normal.png"),
    ("a b ü 壁", "a b ü 壁_normal.png"), ("a\nb", "a_b_normal.png"), ("{map}", "{map}_normal.png")])
def test_names_of_pictures_are_made_safe(stem, path):
    assert named("{stem}_{map}", stem) == path


@pytest.mark.parametrize(("stem", "path"), [
    ("..", "_/normal.png"), ("con", "_con/normal.png"), ("wall. ", "wall/normal.png")])
def test_names_of_folders_are_made_safe(stem, path):
    assert named("{stem}/{map}", stem) == path


def test_a_long_name_loses_the_end_of_its_stem_and_nothing_else():
    assert named("{stem}_{map}", "x" * 200) == "x" * 200 + "_normal.png"
    name = named("{stem}_{map}", "壁" * 200, number=12)
    assert name.endswith("壁_normal_12.png") and MAX_FILE_NAME_BYTES - 3 < len(name.encode()) <= MAX_FILE_NAME_BYTES
    with pytest.raises(SettingsError, match="longer than file systems allow"):
        named("x" * 300)


@given(st.text(min_size=1), st.sampled_from(["{stem}_{map}", "{stem}/{map}", "a/{stem}", "{name}/{stem}/{stem}"]))
def test_no_name_leads_out_of_the_folder_or_into_a_file_that_cannot_be(stem, pattern):
    try:
        path = PurePath(named(pattern, stem))
    except SettingsError as error:
        assert "longer" in str(error)
        return
    assert not path.is_absolute() and len(path.parts) == len(pattern.split("/"))
    assert Path("/out", path).resolve() == Path("/out", path)
    for part in path.parts:
        assert len(part.encode("utf-8", "surrogatepass")) <= MAX_FILE_NAME_BYTES and not set(part) & set('\\/:*?"<>|\0\n')
        assert part.strip(" .")
