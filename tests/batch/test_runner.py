"""Runs over several pictures by real workers: what is made, replaced, refused and left."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER, temporary_folder
from blender_midas_normal.batch.pictures import BatchItem, item_of_file
from blender_midas_normal.batch.record import OutputRecord
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import Launch
from blender_midas_normal.core.errors import EngineUnavailable
from tests.batch.batch_runs import run_items
from tests.batch.test_atomic_files import leave_temporary_folder
from tests.requests_for_tests import launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def pictures(folder, count):
    """Items of small picture files."""
    for number in range(count):
        save(folder / f"{number}.png", (30, 40), number)
    return [item(folder / f"{number}.png") for number in range(count)]


def save(file, size, seed=0):
    PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(file)


def item(file, at_request=lambda client: None) -> BatchItem:
    def fields(client):
        at_request(client)
        return {"picture": str(file)}

    return item_of_file(file, PurePath(), fields)


def kill(client):
    """Ends the client's worker as the system does where memory is short."""
    os.kill(client.worker.pid, signal.SIGKILL)


@dataclass(frozen=True)
class ManyAtOnce(Launch):
    """A worker that is to see three pictures at once."""

    def command(self, folder):
        return [*super().command(folder), "--batch", "3"]


def run(items, folder, *arguments, launch=launch, **watching):
    """[(outcome, file's name or error), ...] of the items' records."""
    result = run_items(items, folder / "out", launch(folder), *arguments, **watching)
    return [(record.outcome, PurePath(record.output or "").name or record.error) for record in result.records]


def test_a_picture_that_ends_its_worker_fails_alone(tmp_path):
    items = pictures(tmp_path, 6)
    items[2] = item(tmp_path / "2.png", kill)
    outcomes = run(items, tmp_path)
    assert [outcome for outcome, _ in outcomes] == ["made", "made", "failed", "made", "made", "made"]
    assert "killed by signal 9" in outcomes[2][1]


def test_what_the_system_refuses_one_picture_stops_no_other(tmp_path):
    def refuse(client):
        raise OSError(28, "No space left on device", "/somewhere")

    items = [item(tmp_path / "0.png", refuse), *pictures(tmp_path, 3)[1:]]
    assert run(items, tmp_path) == [("failed", "The system refuses /somewhere: No space left on device."),
                                     ("made", "1_normal.png"), ("made", "2_normal.png")]


def test_a_worker_that_ends_once_costs_no_picture(tmp_path):
    items, ended = pictures(tmp_path, 6), []

    def kill_once(client):
        if not ended:
            ended.append(client)
            kill(client)

    items[3] = item(tmp_path / "3.png", kill_once)
    assert [outcome for outcome, _ in run(items, tmp_path)] == ["made"] * 6 and ended


def test_other_maps_come_without_the_engine_and_with_it_where_the_surface_is_gone(tmp_path):
    clients = []

    file = pictures(tmp_path, 1)[0].file
    assert [name for _, name in run([item(file, clients.append)], tmp_path, "--maps", "normal,ao,height")] == [
        "0_normal.png", "0_ao.png", "0_height.png"]
    assert len(clients) == 1

    def at_line(line):
        if "_normal.png" in line:
            kill(clients[-1])
            while clients[-1].is_running:
                clients[-1].sleep_and_pump()

    outcomes = run([item(file, clients.append)], tmp_path, "--maps", "normal,ao", on_line=at_line)
    assert outcomes == [("made", "0_normal.png"), ("made", "0_ao.png")] and len(clients) == 3


@pytest.mark.parametrize(("batch", "jobs"), [(1, 3), (3, 7)])
def test_the_worker_is_given_several_pictures_at_once_and_more_where_it_sees_several(tmp_path, monkeypatch, batch, jobs):
    submitted, counts = [], []

    def submit(client, request, of=Client.submit):
        submitted.append(of(client, request))
        return submitted[-1]

    def count(client):
        counts.append(1 + sum(job.outcome is None for job in submitted))

    def start(folder):
        fields = vars(launch(folder))
        return ManyAtOnce(**fields) if batch == 3 else Launch(**fields)

    monkeypatch.setattr(Client, "submit", submit)
    items = pictures(tmp_path, 16)
    save(items[0].file, (2000, 2000))  # which keeps the worker busy while it is given others
    outcomes = run([item(each.file, count) for each in items], tmp_path, launch=start)
    assert [outcome for outcome, _ in outcomes] == ["made"] * 16 and max(counts) == jobs


def test_several_workers_share_the_pictures_and_each_is_made_once(tmp_path):
    items, made_by = pictures(tmp_path, 24), []

    def note(client):
        made_by.append(client.worker.pid)

    outcomes = run([item(each.file, note) for each in items], tmp_path, "--jobs", "3")
    assert outcomes == [("made", f"{number}_normal.png") for number in range(24)]
    assert len(made_by) == 24 and len(set(made_by)) == 3


def test_a_stop_leaves_whole_maps_only_and_no_worker(tmp_path):
    lines = []
    run(pictures(tmp_path, 8), tmp_path, on_line=lines.append, stopped=lambda: len(lines) >= 2)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f".midas_normal.{COMPUTER}.jsonl", *sorted(line.split("/")[-1].split(" ")[0] for line in lines)]
    for name in names[1:]:
        PIL.Image.open(tmp_path / "out" / name).load()


def test_an_engine_that_is_not_there_ends_all(tmp_path):
    with pytest.raises(EngineUnavailable, match="not wanted in this test"), contextlib.redirect_stdout(None):
        run(pictures(tmp_path, 2), tmp_path, "--engine", "midas")


@pytest.mark.parametrize("existing", [(), ("--existing", "skip")])
def test_what_the_user_made_or_retouched_is_left_and_named_unless_it_is_to_be_overwritten(tmp_path, existing):
    items, out = pictures(tmp_path, 3), tmp_path / "out"
    run(items[:1], tmp_path)
    retouched, own = (out / "0_normal.png").read_bytes() + b"retouched", b"mine"
    (out / "0_normal.png").write_bytes(retouched)
    (out / "1_normal.png").write_bytes(own)
    assert run(items, tmp_path, *existing) == [
        ("failed", f"{out}/0_normal.png was changed after it was made; move it, or give --existing overwrite or number."),
        ("failed", f"{out}/1_normal.png is there already and was not made by this extension; move it, or give --existing "
                   "overwrite or number."), ("made", "2_normal.png")]
    assert [(out / f"{number}_normal.png").read_bytes() for number in (0, 1)] == [retouched, own]
    assert run(items, tmp_path, "--existing", "number")[:2] == [("made", "0_normal_2.png"), ("made", "1_normal_2.png")]
    assert [outcome for outcome, _ in run(items, tmp_path, "--existing", "overwrite")] == ["made"] * 3
    assert {outcome for outcome, _ in run(items, tmp_path, "--existing", "skip")} == {"skipped"}


@pytest.mark.parametrize("existing", [(), ("--existing", "skip")])
def test_pictures_of_one_name_do_not_replace_each_others_maps_in_several_runs(tmp_path, existing):
    files = [pictures(tmp_path, 2)[number].file.rename(tmp_path / f"same.{ending}")
             for number, ending in enumerate(("png", "bmp"))]
    assert run([item(files[0])], tmp_path, *existing) == [("made", "same_normal.png")]
    before = (tmp_path / "out" / "same_normal.png").read_bytes()
    refused = run([item(files[1])], tmp_path, *existing)
    assert refused == [("failed", f"{tmp_path}/out/same_normal.png is the map of {files[0]}; rename one of them, or give "
                                  "--pattern '{name}_{map}' or --existing number or overwrite.")]
    assert (tmp_path / "out" / "same_normal.png").read_bytes() == before
    files[0].write_bytes(files[1].read_bytes())
    assert run([item(files[0])], tmp_path, *existing) == [("made", "same_normal.png")], "the picture has changed"


def test_a_run_that_is_killed_as_a_map_comes_into_its_place_leaves_maps_that_the_next_one_knows(tmp_path, monkeypatch):
    """Before and after the moment at which the file is there."""
    items = pictures(tmp_path, 1)
    for moment in ("before", "after"):
        def broken(file, target, moment=moment):
            if moment == "after":
                file.replace(target)
            raise KeyboardInterrupt

        PIL.Image.fromarray(np.random.default_rng(moment == "after").integers(0, 256, (30, 40, 3), np.uint8)).save(
            tmp_path / "0.png")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("blender_midas_normal.batch.runner.atomic_replace", broken)
            patch.setattr("blender_midas_normal.batch.runner.atomic_create", broken)
            run(items, tmp_path, "--existing", "skip")
        outcome = "skipped" if moment == "after" else "made"
        assert run(items, tmp_path, "--existing", "skip") == [(outcome, "0_normal.png")]


@pytest.mark.parametrize("existing", ["renew", "skip", "number", "overwrite"])
def test_what_comes_into_being_while_a_map_is_made_is_kept_unless_it_is_to_be_overwritten(tmp_path, existing):
    theirs = tmp_path / "out" / "0_normal.png"

    def appear(client):
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_bytes(b"theirs")

    pictures(tmp_path, 1)
    outcome, name_or_error = run([item(tmp_path / "0.png", appear)], tmp_path, "--existing", existing)[0]
    assert (theirs.read_bytes() == b"theirs") == (existing != "overwrite")
    if existing in ("renew", "skip"):
        assert outcome == "failed" and "0_normal.png is there already and was not made by this extension" in name_or_error
    else:
        assert (outcome, name_or_error) == ("made", "0_normal.png" if existing == "overwrite" else "0_normal_2.png")


def test_where_files_have_no_second_names_maps_are_made_all_the_same(tmp_path, monkeypatch):
    """As on FAT; FAKE, for no such drive is at hand."""
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    assert run(pictures(tmp_path, 2), tmp_path) == [("made", "0_normal.png"), ("made", "1_normal.png")]
    assert run(pictures(tmp_path, 2), tmp_path, "--existing", "number")[0] == ("made", "0_normal_2.png")


def test_what_a_run_that_was_killed_has_left_is_removed_and_nothing_else(tmp_path):
    """Also beside the maps in subfolders, where another run has its folder of maps, at work or not."""
    out = tmp_path / "out" / "inner"
    options = ("--pattern", "inner/{stem}_{map}")
    leave_temporary_folder(out)
    (out / ".midas_normal_elsewhere_12z").mkdir()
    with temporary_folder(out) as at_work:
        (at_work / "map.png").touch()
        run(pictures(tmp_path, 1), tmp_path, *options)
        assert {path for path in out.iterdir() if path.is_dir()} == {at_work, out / ".midas_normal_elsewhere_12z"}
        assert (at_work / "map.png").exists()
    assert [path.name for path in out.iterdir() if path.is_dir()] == [".midas_normal_elsewhere_12z"]


@pytest.mark.parametrize("options", [
    (), ("--sets", "sequence", "--smoothing", "1"), ("--sets", "sequence", "--maps", "height")])
def test_a_map_that_is_in_its_place_is_made_though_what_is_needed_no_more_cannot_be_removed(tmp_path, monkeypatch, options):
    """As where a virus scanner has a file open; FAKE, for no such one is at hand.  The next run removes it."""
    def refused(path, missing_ok=False, of=Path.unlink):
        if path.suffix == ".png":
            raise PermissionError(13, "The process cannot access the file", str(path))
        of(path, missing_ok=missing_ok)

    items = pictures(tmp_path, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        assert [outcome for outcome, _ in run(items, tmp_path, *options)] == ["made"] * 2
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert run(items, tmp_path, *options, "--existing", "skip")[0][0] == "skipped"
    assert folders and not any(path.is_dir() for path in (tmp_path / "out").iterdir())


def test_a_strange_map_is_refused_before_the_engine_runs_unless_it_may_be_on_record_soon(tmp_path):
    """Of one that is new another computer's record may not show yet, so it is looked at once more in the end."""
    requested, out = [], tmp_path / "out"
    out.mkdir()
    items = [item(each.file, requested.append) for each in pictures(tmp_path, 2)]
    for number in range(2):
        (out / f"{number}_normal.png").write_bytes(b"theirs")
    os.utime(out / "0_normal.png", (0, 0))
    outcomes = run(items, tmp_path)
    assert [outcome for outcome, _ in outcomes] == ["failed"] * 2 and len(requested) == 1
    assert all("was not made by this extension" in error for _, error in outcomes)


def test_whether_a_map_may_be_on_record_soon_is_asked_of_those_alone_that_are_refused(tmp_path, monkeypatch):
    """It makes a file in the folder, to ask the drive for its time."""
    checked = []
    monkeypatch.setattr(OutputRecord, "may_be_on_record_soon", lambda record, file: checked.append(file.name))
    run(pictures(tmp_path, 2), tmp_path)
    (tmp_path / "out" / "0_normal.png").write_bytes(b"theirs")
    run(pictures(tmp_path, 2), tmp_path)
    assert checked == ["0_normal.png"]


def test_one_map_that_is_refused_stops_no_other_of_its_picture(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0_normal.png").write_bytes(b"mine")
    outcomes = run(pictures(tmp_path, 1), tmp_path, "--maps", "normal,height")
    assert [outcome for outcome, _ in outcomes] == ["failed", "made"] and outcomes[1][1] == "0_height.png"


def named(folder, *names):
    """Items of picture files of these names; one called .exr is none."""
    files = [pictures(folder, len(names))[number].file.rename(folder / name) for number, name in enumerate(names)]
    for file in files:
        if file.suffix == ".exr":
            file.write_bytes(b"no picture")
    return [item(file) for file in files]


def test_a_map_that_another_picture_of_the_run_has_too_is_refused_and_both_are_named(tmp_path):
    outcomes = run(named(tmp_path, "same.bmp", "same.png"), tmp_path)
    assert outcomes == [("made", "same_normal.png"), ("failed", (
        f"{tmp_path}/out/same_normal.png is also the map of {tmp_path}/same.bmp; rename one of them, or give --pattern "
        "'{name}_{map}' or --existing number."))]


def test_a_map_that_would_take_a_pictures_place_is_refused(tmp_path):
    outcomes = run(named(tmp_path, "wall.png", "wall_normal.png"), tmp_path, "--out", str(tmp_path))
    assert outcomes[0] == ("failed", f"{tmp_path}/wall_normal.png is one of the pictures; rename one of them, or give "
                           "--pattern '{name}_{map}' or --existing number.")


@pytest.mark.parametrize("existing", [(), ("--existing", "skip")])
def test_a_picture_that_fails_takes_no_name_from_a_good_one(tmp_path, existing):
    items = named(tmp_path, "real.exr", "cut.exr", "real.png", "real.tif", "cut.png")
    for outcome in ("made", "skipped" if existing else "made"):
        outcomes = run(items, tmp_path, *existing, "--maps", "height,normal")
        assert [each for each in outcomes if each[0] == outcome] == [
            (outcome, name) for name in ("real_height.png", "real_normal.png", "cut_height.png", "cut_normal.png")]
        assert any(f"is also the map of {tmp_path}/real.png" in error for _, error in outcomes)
