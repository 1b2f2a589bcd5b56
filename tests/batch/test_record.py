"""The records in an output folder: what each map was made from, and the measured depths of pictures."""

from __future__ import annotations

import dataclasses
import os
import sys
import time

import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.record import (
    READ_INTERVAL_S,
    DepthStats,
    DepthStatsCache,
    OutputRecord,
    digest_of_settings,
)
from blender_midas_normal.core.engines import OPTIONAL_SETTINGS
from blender_midas_normal.core.errors import TargetError
from blender_midas_normal.core.settings import Choice, Flag, FolderName, Settings, setting_domains

NAME = f".midas_normal.{COMPUTER}.jsonl"
STATS_NAME = f".midas_normal_ranges.{COMPUTER}.jsonl"
DEEP = DepthStats(0.1 + 0.2, 3.0)


def add(record, file, content, picture=None):
    """Puts a map that is in its place on record, and ends the run."""
    record.add(file, file, picture, content, "settings")
    record.close()


@pytest.fixture
def out(tmp_path):
    """A folder with a map in a subfolder that is on record."""
    folder = tmp_path / "out"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "wall.png").write_bytes(b"map")
    add(OutputRecord(folder), folder / "a" / "wall.png", "content")
    return folder


def test_a_map_on_record_is_current_for_the_same_content_and_settings_only(out):
    record, file = OutputRecord(out), out / "a" / "wall.png"
    assert record.is_up_to_date(file, "content", "settings")
    assert not record.is_up_to_date(file, "other", "settings") and not record.is_up_to_date(file, "content", "other")
    assert not record.is_up_to_date(out / "wall.png", "content", "settings")


def test_a_map_that_was_cut_or_taken_away_is_not_current(out):
    file = out / "a" / "wall.png"
    file.write_bytes(b"ma")
    assert not OutputRecord(out).is_up_to_date(file, "content", "settings")
    file.unlink()
    assert not OutputRecord(out).is_up_to_date(file, "content", "settings")


def test_the_folder_may_move(out, tmp_path):
    moved = out.rename(tmp_path / "moved")
    assert OutputRecord(moved).is_up_to_date(moved / "a" / "wall.png", "content", "settings")
    assert OutputRecord(moved).files() == {(moved / "a" / "wall.png").resolve()}


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"3", b'{"file": "a/wall.png"}', b"\xff", b"[" * 100000,
                                    b'{"file": [], "content": "content", "settings": "settings", "picture": "", "map": ""}',
                                    b'{"file": "a/wall.png", "content": 3, "settings": "", "picture": "", "map": ""}'])
def test_a_damaged_record_only_makes_work(out, damage):
    (out / NAME).write_bytes(damage)
    record, file = OutputRecord(out), out / "a" / "wall.png"
    assert not record.is_up_to_date(file, "content", "settings")
    add(record, file, "content")
    assert OutputRecord(out).is_up_to_date(file, "content", "settings")
    assert (out / NAME).read_bytes().startswith(damage), "nothing is taken away"


def test_a_line_that_was_cut_off_damages_no_other(out):
    record, file = out / NAME, out / "a" / "wall.png"
    line = record.read_bytes()
    for length in range(len(line)):
        record.write_bytes(line + line[:length])
        add(OutputRecord(out), file, "new")
        assert OutputRecord(out).is_up_to_date(file, "new", "settings")


def test_two_runs_into_a_folder_keep_both_records(out):
    files = [out / name for name in ("one.png", "two.png")]
    records = [OutputRecord(out), OutputRecord(out)]
    for record, file in zip(records, files, strict=True):
        file.write_bytes(b"map")
        add(record, file, "content")
    assert all(OutputRecord(out).is_up_to_date(file, "content", "settings") for file in files)


def test_what_is_noted_grows_with_the_maps_alone(out):
    """Not with their square, in one run, nor with the number of runs: a library has thousands of maps."""
    files, sizes = [out / f"{number}.png" for number in range(50)], []
    for run in range(20):
        record = OutputRecord(out)
        for file in files:
            file.write_bytes(b"map %d" % run)
            record.add(file, file, None, str(run), "settings")
        record.close()
        sizes.append((out / NAME).read_bytes().count(b"\n"))
    assert max(sizes) <= 6 * (len(files) + 1) and sizes.count(max(sizes)) > 2
    assert all(OutputRecord(out).is_up_to_date(file, "19", "settings") for file in files)
    assert [path.name for path in out.glob(".*")] == [NAME]


def test_a_record_that_cannot_be_made_one_stays(out, monkeypatch):
    file = out / "a" / "wall.png"
    for content in range(10):
        add(OutputRecord(out), file, str(content))
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        add(OutputRecord(out), file, "newest")
    assert OutputRecord(out).is_up_to_date(file, "newest", "settings") and len(list(out.glob(".*"))) == 2
    add(OutputRecord(out), file, "at last")
    assert OutputRecord(out).is_up_to_date(file, "at last", "settings") and [path.name for path in out.glob(".*")] == [NAME]


def test_a_record_that_cannot_be_written_is_one_sentence(out, monkeypatch):
    monkeypatch.setattr("os.write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(TargetError, match=r"The record .*\.midas_normal\..*\.jsonl cannot be written: No space"):
        add(OutputRecord(out), out / "a" / "wall.png", "newest")


def test_names_that_are_no_text_are_on_record_too(tmp_path):
    file = tmp_path / "\udcff.png"
    file.write_bytes(b"map")
    add(OutputRecord(tmp_path), file, "content")
    assert OutputRecord(tmp_path).is_up_to_date(file, "content", "settings")


@pytest.mark.parametrize("picture", ["wall.png", None])
def test_a_map_as_it_was_left_may_be_replaced_by_one_of_the_same_picture(out, picture):
    picture = picture and out.parent / picture
    add(OutputRecord(out), out / "a" / "wall.png", "content", picture)
    assert OutputRecord(out).refusal(out / "a" / "wall.png",
                                     picture) == OutputRecord(out).refusal(out / "new.png", picture) == ""


def test_a_file_that_is_none_of_the_maps_is_refused_whatever_shows_it(out):
    (out / "mine.png").write_bytes(b"mine")
    (out / "link.png").symlink_to(out / "a" / "wall.png")
    for name in ("mine.png", "link.png"):
        assert OutputRecord(out).refusal(out / name, None) == (
            f"{out / name} is there already and was not made by this extension; move it, or give --existing overwrite or "
            "number.")


def test_a_map_that_was_changed_is_refused(out):
    (out / "a" / "wall.png").write_bytes(b"mop")
    assert OutputRecord(out).refusal(out / "a" / "wall.png", None) == (
        f"{out / 'a' / 'wall.png'} was changed after it was made; move it, or give --existing overwrite or number.")


def test_another_pictures_map_is_refused_as_long_as_that_is_there_wherever_both_move(out, tmp_path):
    ours, theirs = tmp_path / "wall.jpg", tmp_path / "wall.png"
    ours.touch(), theirs.touch()
    add(OutputRecord(out), out / "a" / "wall.png", "content", theirs)
    assert f"is the map of {theirs.resolve()}; rename one of them" in OutputRecord(out).refusal(out / "a" / "wall.png", ours)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    refusal = OutputRecord(moved / "out").refusal
    assert f"is the map of {moved / 'wall.png'}; rename" in refusal(moved / "out" / "a" / "wall.png", moved / "wall.jpg")
    (moved / "wall.png").unlink()
    assert refusal(moved / "out" / "a" / "wall.png", moved / "wall.jpg") == ""
    moved.rename(tmp_path)


def test_a_run_that_was_killed_before_the_map_was_in_its_place_leaves_the_one_before_on_record(out, tmp_path):
    file, new = out / "a" / "wall.png", tmp_path / "new"
    new.write_bytes(b"new")
    for _ in range(5):
        record = OutputRecord(out)
        record.add(file, new, None, "newer", "settings")
        record.close()
    record = OutputRecord(out)
    assert record.is_up_to_date(file, "content", "settings") and not record.is_up_to_date(file, "newer", "settings")
    assert record.refusal(file, None) == ""
    new.replace(file)
    assert OutputRecord(out).is_up_to_date(file, "newer", "settings")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_a_pipe_in_a_maps_place_is_refused_and_not_waited_for(out):
    file = out / "a" / "wall.png"
    for name in ("a/wall.png", "new.png"):
        (out / name).unlink(missing_ok=True)
        os.mkfifo(out / name)
    (out / "made").write_bytes(b"map")
    assert not OutputRecord(out).is_up_to_date(file, "content", "settings")
    assert "was changed after it was made" in OutputRecord(out).refusal(file, None, out / "made")
    assert "was not made by this extension" in OutputRecord(out).refusal(out / "new.png", None, out / "made")


def test_an_empty_file_with_a_maps_name_is_free_for_the_same_picture(out, tmp_path):
    """What a run leaves that is killed where files have no second names, between taking a name and using it."""
    ours, theirs, file = tmp_path / "wall.jpg", tmp_path / "wall.png", out / "new.png"
    ours.touch(), theirs.touch(), file.touch()
    assert "was not made by this extension" in OutputRecord(out).refusal(file, ours)
    (out / "made").write_bytes(b"map")
    record = OutputRecord(out)
    record.add(file, out / "made", ours, "content", "settings")
    record.close()
    assert OutputRecord(out).refusal(file, ours) == "" and f"is the map of {ours}" in OutputRecord(out).refusal(file, theirs)
    assert not OutputRecord(out).is_up_to_date(file, "content", "settings")


@pytest.mark.parametrize(("age", "is_soon"), [(0, True), (100, True), (-100, True), (1000, False), (-1000, False)])
def test_only_a_new_file_may_be_a_map_whose_line_does_not_show_yet(out, age, is_soon):
    """Of another computer, whose clock may be another."""
    file = out / "theirs.png"
    file.touch()
    os.utime(file, (time.time() - age,) * 2)
    os.utime(out / "a" / "wall.png")
    assert OutputRecord(out).may_be_on_record_soon(file) == is_soon
    assert not OutputRecord(out).may_be_on_record_soon(out / "a" / "wall.png"), "its line shows"
    assert not OutputRecord(out).may_be_on_record_soon(out / "none.png")


def another(name, domain):
    """A value of the setting that is not its default."""
    default = getattr(Settings(), name)
    if isinstance(domain, Choice):
        return next(value for value in domain.names if value != default)
    if isinstance(domain, FolderName):
        return "/models"
    return not default if isinstance(domain, Flag) else (domain.low + domain.high) / 2


def test_every_setting_tells_maps_apart():
    needed = {"base": {"mix": "RELIEF"}}  # what another value of a setting cannot be without
    digests = {digest_of_settings(dataclasses.replace(Settings(), **{name: another(name, domain)}, **needed.get(name, {})),
                                  "MIDAS", "NORMAL", "PNG")
               for name, domain in setting_domains().items()}
    digests |= {digest_of_settings(Settings(), *fields) for fields in (
        ("MIDAS", "NORMAL", "PNG"), ("RELIEF", "NORMAL", "PNG"), ("MIDAS", "AO", "PNG"), ("MIDAS", "NORMAL", "EXR"))}
    digests |= {digest_of_settings(Settings(), "MIDAS", "NORMAL", "PNG", **others) for others in (
        {"smoothing": 1}, {"smoothing": 2}, {"scale": 1.0})}
    expected = len(setting_domains()) - len(OPTIONAL_SETTINGS) + 6  # MiDaS has none of these
    assert len(digests) == expected, "the engine counts that made the map, not the one that was asked for"


def test_a_measurement_is_found_again_for_the_same_content_and_settings_only(tmp_path):
    DepthStatsCache(tmp_path).add("content", "settings", DEEP)
    again = DepthStatsCache(tmp_path)
    assert again.get("content", "settings") == DEEP
    assert again.get("other", "settings") is None and again.get("content", "other") is None


@pytest.mark.parametrize("damage", [b"{", b'["key", 1.0]', b'["key", "a", 1.0]', b'["key", -1.0, 1.0]', b"3", b"\xff",
                                    b'["key", NaN, 1.0]', b"[" * 100000])
def test_a_damaged_measurement_only_makes_work(tmp_path, damage):
    (tmp_path / STATS_NAME).write_bytes(damage + b"\n")
    DepthStatsCache(tmp_path).add("content", "settings", DEEP)
    again = DepthStatsCache(tmp_path)
    assert again.get("content", "settings") == DEEP and again.get("key", "") is None


def test_what_is_known_is_not_written_again_and_the_last_measurement_counts(tmp_path):
    for depth in (DEEP, DEEP, DepthStats(5.0, 0.0)):
        cache = DepthStatsCache(tmp_path)
        cache.add("content", "settings", depth)
        cache.close()
    assert (tmp_path / STATS_NAME).read_bytes().count(b"\n") == 2
    assert DepthStatsCache(tmp_path).get("content", "settings") == DepthStats(5.0, 0.0)
    for depth in range(20):
        cache = DepthStatsCache(tmp_path)
        cache.add("content", "settings", DepthStats(float(depth), 0.0))
        cache.close()
    assert (tmp_path / STATS_NAME).read_bytes().count(b"\n") <= 3
    assert DepthStatsCache(tmp_path).get("content", "settings") == DepthStats(19.0, 0.0)


def test_what_another_run_measures_is_known_after_a_moment_but_not_looked_for_at_each_picture(tmp_path, monkeypatch):
    cache, reads = DepthStatsCache(tmp_path), []
    DepthStatsCache(tmp_path).add("content", "settings", DEEP)
    monkeypatch.setattr("os.scandir", lambda folder, of=os.scandir: reads.append(folder) or of(folder))
    for number in range(1000):
        assert cache.get(f"{number}", "settings") is None
    assert len(reads) < 10
    later = time.monotonic() + 2 * READ_INTERVAL_S
    monkeypatch.setattr("time.monotonic", lambda: later)
    assert cache.get("content", "settings") == DEEP


def test_measurements_that_cannot_be_written_are_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TargetError, match=r"The record .*\.midas_normal_ranges\..*\.jsonl cannot be written: (File|Not)"):
        DepthStatsCache(tmp_path / "file").add("content", "settings", DEEP)
