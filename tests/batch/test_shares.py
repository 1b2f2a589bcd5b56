"""Shares of a run: together they make all, each picture once, sets whole, also when pictures are added."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch import make_maps
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.shares import Share, parse_share
from blender_midas_normal.core.errors import SettingsError
from tests.conftest import ROOT

COUNT = 3


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A folder of pictures, among them tiles of a set, and two of one name."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "library"
    (folder / "sub").mkdir(parents=True)
    for name in (*(f"{number}.png" for number in range(6)), *(f"sub/{number}.png" for number in range(4)),
                 *(f"wall.{tile}.png" for tile in (1001, 1002, 1003))):
        save(folder / name)
    return folder


def save(file):
    seed = sum(file.name.encode())
    PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(file)


def made(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}


def shards(library, out, count=COUNT):
    """The maps that each shard makes."""
    return [{record.output for record in make_maps(library, out, engine="luminance", recursive=True, sets="udim",
                                                   shard=f"{index}/{count}")} for index in range(count)]


def test_shards_make_all_each_picture_once_and_sets_whole(library, tmp_path):
    outputs = shards(library, tmp_path / "maps")
    whole = {record.output for record in make_maps(library, tmp_path / "maps", engine="luminance", recursive=True,
                                                   sets="udim", existing="SKIP")}
    assert set.union(*outputs) == whole and sum(map(len, outputs)) == len(whole) == 13
    assert sum(any(".100" in output for output in shard) for shard in outputs) == 1
    assert all(outputs), "thirteen pictures in three shards leave none empty"


def test_a_pictures_shard_stays_when_others_are_added(library, tmp_path):
    before = shards(library, tmp_path / "maps")
    for name in ("0a.png", "sub/9.png", "zebra.png"):
        save(library / name)
    after = shards(library, tmp_path / "maps")
    assert all(one <= other for one, other in zip(before, after, strict=True))


def test_of_two_pictures_with_one_name_the_first_has_it_in_whichever_shard(library, tmp_path):
    PIL.Image.new("RGB", (8, 8)).save(library / "0.jpg")
    records = [record for index in range(COUNT) for record in make_maps(
        library, tmp_path / "maps", engine="luminance", shard=f"{index}/{COUNT}")]
    failed = [record for record in records if record.outcome == "failed"]
    assert [record.input for record in failed] == [str(library / "0.png")] and "0.jpg" in failed[0].error


def test_lines_of_a_list_are_made_and_sets_belong_to_their_first(library, tmp_path, capsys):
    names = ["0.png", "wall.1001.png", "", "sub/1.png", "wall.1002.png", str(library / "1.png"), "0.png"]
    (library / "list.txt").write_text("\n".join(names) + "\n")
    for items, expected in (("1-1", {"0_normal.png"}), ("2-4", {"wall_normal.1001.png", "wall_normal.1002.png",
                                                                "sub/1_normal.png"}), ("5-9", {"1_normal.png"})):
        out = tmp_path / items
        arguments = ["--list", str(library / "list.txt"), "--items", items, "--out", str(out), "--engine", "luminance",
                     "--sets", "udim"]
        assert main(arguments) == 0
        assert made(out) == expected
    for wrong in (["--items", "1-1", str(library)], ["--list", str(library / "list.txt"), str(library)],
                  ["--list", str(library / "none.txt")], []):
        with pytest.raises(SystemExit) as ended:
            main([*wrong, "--out", str(tmp_path / "maps"), "--engine", "luminance"])
        assert ended.value.code == 2
    capsys.readouterr()


def test_pictures_that_fail_need_not_change_the_exit_code(library, tmp_path, capsys):
    (library / "bad.png").write_bytes(b"no picture")
    arguments = [str(library), "--out", str(tmp_path / "maps"), "--engine", "luminance", "--json", str(tmp_path / "a.json")]
    assert [main(arguments), main([*arguments, "--exit-zero"])] == [1, 0]
    assert [entry["outcome"] for entry in json.loads((tmp_path / "a.json").read_text())].count("failed") == 1
    capsys.readouterr()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_farm_that_ends_the_process_gets_a_summary_and_whole_maps(library, tmp_path):
    for number in range(40):
        PIL.Image.fromarray(np.random.default_rng(number).integers(0, 256, (700, 700, 3), np.uint8)).save(
            library / f"large{number}.png")
    program = [sys.executable, str(ROOT / "scripts" / "normal_map.py"), str(library), "--out", str(tmp_path / "maps"),
               "--engine", "luminance", "--exit-zero"]
    run = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "maps").glob("*.png")):
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGTERM)
    shown, _ = run.communicate(timeout=60)
    assert run.returncode == 1 and "--existing skip" in shown
    for file in (tmp_path / "maps").glob("*.png"):
        PIL.Image.open(file).load()
    assert not list((tmp_path / "maps").glob("*.partial*"))


def test_what_is_no_share_is_said():
    for shard, items in (("3/3", ""), ("1", ""), ("a/b", ""), ("", "0-2"), ("", "3-2"), ("", "3,")):
        with pytest.raises(SettingsError, match="has no value"):
            parse_share(shard, items)
    assert parse_share("", "") == Share() and Share().is_whole
