"""Files, folders and patterns of the command lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blender_midas_normal.batch.inputs import find_pictures
from blender_midas_normal.batch.pictures import digest_of_file
from blender_midas_normal.batch.record import OutputRecord
from blender_midas_normal.core.errors import SourceError

NAMES = ("wall.png", "Stein 壁.JPG", "notes.txt", ".hidden.png", "a/wall.png", "a/b/deep.tif", ".git/x.png", "a/wall.blend")


@pytest.fixture
def textures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        file = tmp_path / "textures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    return Path("textures")


def listed(inputs):
    """(file, folder) of each picture, below `textures`."""
    return [(picture.file.relative_to("textures").as_posix(), picture.folder.as_posix()) for picture in inputs.pictures]


def test_a_folder_means_the_pictures_in_it(textures):
    inputs = find_pictures([textures], recursive=False)
    assert listed(inputs) == [("Stein 壁.JPG", "."), ("wall.png", ".")] and inputs.other_files == 1


@pytest.mark.parametrize("ending", ["jfif", "JPE", "avif", "dds", "psd", "tiff", "webp", "exr"])
def test_every_kind_of_picture_that_is_read_is_found(textures, ending):
    (textures / f"wood.{ending}").write_bytes(b"")
    inputs = find_pictures([textures], recursive=False)
    assert (f"wood.{ending}", ".") in listed(inputs) and inputs.other_files == 1


def test_a_folder_with_its_subfolders_is_mirrored(textures):
    inputs = find_pictures([textures], recursive=True)
    assert listed(inputs) == [("Stein 壁.JPG", "."), ("wall.png", "."), ("a/wall.png", "a"), ("a/b/deep.tif", "a/b")]
    assert inputs.other_files == 2


@pytest.mark.parametrize(("pattern", "files"), [
    ("textures/**/*.png", [("a/wall.png", "a"), ("wall.png", ".")]), ("textures/a/*/*", [("a/b/deep.tif", "b")]),
    ("textures/**/b/**", [("a/b/deep.tif", "a/b")]), ("textures/a/**", [("a/b/deep.tif", "b"), ("a/wall.png", ".")]),
    ("textures/?/wall.*", [("a/wall.png", "a")]), ("textures/a/../*.png", [("a/../wall.png", ".")]),
    ("textures/*/../wall.png", [("a/../wall.png", "a")])])
def test_a_pattern_is_mirrored_below_its_first_wildcard(textures, pattern, files):
    assert listed(find_pictures([Path(pattern)], recursive=False)) == files


def test_what_is_named_is_taken_as_it_is(textures):
    (textures / "wall[1].png").write_bytes(b"")
    named = [textures / name for name in ("notes.txt", "missing.png", ".hidden.png", "wall[1].png", "*.exr")]
    inputs = find_pictures(named, recursive=True)
    assert [picture.file for picture in inputs.pictures] == named and not inputs.other_files
    assert {picture.folder.as_posix() for picture in inputs.pictures} == {"."}


def test_maps_of_earlier_runs_are_left_out_wherever_their_record_is(textures):
    for folder, name in ((textures, "wall_normal.png"), (textures, "a/wall_normal.png"), (textures / "a" / "maps", "x.png")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
        OutputRecord(folder).add(folder / name, textures / "wall.png",
                                  None, "content", "settings")  # by a run that was killed
    for named in (textures, Path("textures/**/*"), textures / "a"):
        files = {picture.file.name for picture in find_pictures([named], recursive=True).pictures}
        assert "deep.tif" in files and not files & {"wall_normal.png", "x.png"}
    assert len(find_pictures([textures / "wall_normal.png"], recursive=True).pictures) == 1


def test_a_folder_without_pictures_is_said_to_be_one(textures):
    (textures / "empty" / "below").mkdir(parents=True)
    (textures / "empty" / "below" / "x.png").write_bytes(b"")
    assert find_pictures([textures / "empty"], recursive=False).unusable_folders == {
        "textures/empty": "There is no picture in textures/empty; --recursive looks into its subfolders too."}
    assert not find_pictures([textures / "empty"], recursive=True).unusable_folders


@pytest.mark.parametrize("named", [
    ("textures", "textures"), ("textures", "textures/wall.png"), ("textures/*.*", "textures/a/../wall.png"),
    ("textures", "link/wall.png")])
def test_a_picture_that_is_named_twice_or_found_again_counts_once_where_it_was_first(textures, named):
    Path("link").symlink_to(textures)
    assert listed(find_pictures([Path(name) for name in named], recursive=False)) == [
        ("Stein 壁.JPG", "."),
        ("wall.png", "."),
    ]


def test_a_picture_lies_where_it_was_found_first(textures):
    assert ("a/wall.png", "a") in listed(find_pictures([textures, textures / "a"], recursive=True))
    assert ("a/wall.png", ".") in listed(find_pictures([textures / "a", textures], recursive=True))
    (textures / "same.png").symlink_to("wall.png")
    assert {name for name, _ in listed(find_pictures([textures], recursive=False))} == {
        "Stein 壁.JPG",
        "same.png",
        "wall.png",
    }


def test_a_link_that_leads_to_itself_is_a_picture_that_fails(textures):
    (textures / "self.png").symlink_to("self.png")
    for named in (textures, Path("textures/*.png"), textures / "self.png"):
        assert "self.png" in [picture.file.name for picture in find_pictures([named], recursive=False).pictures]
    with pytest.raises(SourceError, match=r"^textures/self\.png is a link to a file that is not there\.$"):
        digest_of_file(textures / "self.png")


@pytest.mark.parametrize("named", ["textures", "textures/**/*.png", "textures/**"])
def test_links_to_folders_above_are_not_followed(textures, named):
    """Two of them would have 2 ** 40 ways through each other."""
    for link in ("a/loop", "a/again", "to_a"):
        (textures / link).symlink_to((textures / "a" if link == "to_a" else textures).resolve())
    inputs = find_pictures([Path(named)], recursive=True)
    files = {picture.file.relative_to("textures").as_posix() for picture in inputs.pictures}
    assert inputs.unfollowed_links == {Path("textures", link) for link in ("a/loop", "a/again", "to_a")}
    assert {"wall.png", "a/wall.png"} <= files <= {"wall.png", "a/wall.png", "a/b/deep.tif", "Stein 壁.JPG"}


NOBODY = 65534


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no users to change to")
def test_a_closed_folder_is_one_sentence(textures, tmp_path):
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        above.chmod(0o755)
    (textures / "a").chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(NOBODY)
        inputs = find_pictures([textures], recursive=True)
    finally:
        os.seteuid(user)
        (textures / "a").chmod(0o755)
    assert len(inputs.pictures) == 2
    assert inputs.unusable_folders == {"textures/a": "The folder textures/a cannot be looked into: Permission denied."}
