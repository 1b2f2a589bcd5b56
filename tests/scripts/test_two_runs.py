"""Two runs of the command line at once on one output folder, as shells or farms start them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.record import OutputRecord
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

COUNT = 40
OUTCOMES = ("made", "skipped", "failed")


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Picture files whose maps differ."""
    return [save(tmp_path / f"{number:04}.png", number) for number in range(COUNT)]


def save(file, seed):
    PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 24, 3), np.uint8)).save(file)
    return file


def started(pictures, out, *options):
    command = [sys.executable, str(ROOT / "scripts/normal_map.py"), *map(str, pictures), "--out", str(out), "--engine",
               "luminance", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    """(outcomes with their counts, errors) of a run."""
    output, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors, errors
    counts = {outcome: int(re.search(rf"^ +(\d+) {outcome}", output, re.MULTILINE)[1]) for outcome in OUTCOMES}
    return Counter(counts), errors


def at_once(out, *runs):
    """What several runs, each (pictures, options...), come to that are started together."""
    processes = [started(pictures, out, *options) for pictures, *options in runs]
    return [ended(process) for process in processes]


def assert_all_on_record(out, count):
    """Each map's bytes are those of a line, no line is damaged, nothing else is left, and a run of all skips all."""
    maps = sorted(out.glob("*.png"))
    record = (out / f".midas_normal.{COMPUTER}.jsonl").read_bytes()
    lines = [json.loads(line) for line in record.splitlines() if line[:1] == b"{"]
    known = {(line["file"], line["map"]) for line in lines}
    assert len(maps) == count
    assert {(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in maps} <= known


def assert_skipped_and_tidy(out, pictures, *options):
    """A further run of the pictures makes none, and leaves one record."""
    assert ended(started(pictures, out, "--existing", "skip", *options))[0] == Counter(skipped=len(pictures))
    assert [path.name for path in out.glob(".*")] == [f".midas_normal.{COMPUTER}.jsonl"]


@pytest.mark.parametrize("existing", ["skip", "renew"])
def test_halves_of_the_pictures_lose_no_line_though_the_record_is_due_for_compacting(pictures, tmp_path, existing):
    out = tmp_path / "maps"
    for strength in range(6):  # of which the last makes it as long as it may be
        ended(started(pictures, out, "--strength", str(1 + strength / 8)))
    outcomes = at_once(out, *((half, "--existing", existing, "--strength", "2") for half in (pictures[::2], pictures[1::2])))
    assert [counts for counts, _ in outcomes] == [Counter(made=COUNT // 2)] * 2
    assert_skipped_and_tidy(out, pictures, "--strength", "2")
    assert_all_on_record(out, COUNT)


@pytest.mark.parametrize("existing", ["skip", "renew"])
def test_the_same_pictures_are_refused_to_neither(pictures, tmp_path, existing):
    out = tmp_path / "maps"
    outcomes = at_once(out, (pictures, "--existing", existing), (pictures, "--existing", existing))
    assert not any(counts["failed"] or errors for counts, errors in outcomes), outcomes
    assert_skipped_and_tidy(out, pictures)
    assert_all_on_record(out, COUNT)


def test_numbers_are_given_once(pictures, tmp_path):
    out = tmp_path / "maps"
    outcomes = at_once(out, *[(pictures, "--existing", "number")] * 3)
    assert [counts for counts, _ in outcomes] == [Counter(made=COUNT)] * 3
    assert sorted(file.name for file in out.glob("*.png")) == sorted(
        f"{number:04}_normal{suffix}.png" for number in range(COUNT) for suffix in ("", "_2", "_3"))
    ended(started([], out, *map(str, pictures), "--existing", "skip"))
    assert_all_on_record(out, 3 * COUNT)


def test_two_pictures_of_one_name_are_one_map_and_one_sentence(pictures, tmp_path):
    out, others = tmp_path / "maps", [save(file.with_suffix(".bmp"), 1000 + number) for number, file in enumerate(pictures)]
    (first, _), (second, _) = at_once(out, (pictures,), (others,))
    assert first["made"] + second["made"] == COUNT == first["failed"] + second["failed"]
    counts, errors = ended(started(pictures, out, "--existing", "skip"))
    assert counts == Counter(skipped=first["made"], failed=second["made"])
    assert errors.count("is the map of") == second["made"] and errors.count(".bmp; rename one of them") == second["made"]
    assert_all_on_record(out, COUNT)


def test_the_ranges_that_two_runs_measured_are_all_on_record(pictures, tmp_path):
    out = tmp_path / "maps"
    options = ("--sets", "sequence", "--maps", "height", "--existing", "skip")
    for number, file in enumerate(pictures):
        file.rename(tmp_path / f"{'ab'[number % 2]}_{number // 2:04}.png")
    sets = [sorted(tmp_path.glob(f"{name}_*.png")) for name in "ab"]
    assert [counts for counts, _ in at_once(out, *((files, *options) for files in sets))] == [Counter(made=COUNT // 2)] * 2
    assert ended(started([], out, *(str(file) for files in sets for file in files), *options))[0] == Counter(skipped=COUNT)
    lines = (out / f".midas_normal_ranges.{COMPUTER}.jsonl").read_bytes().split()
    assert len(lines) == 3 * COUNT and sorted(path.name for path in out.glob(".*")) == [
        f".midas_normal.{COMPUTER}.jsonl", f".midas_normal_ranges.{COMPUTER}.jsonl"]


def test_a_map_whose_line_is_hidden_for_a_while_is_none_of_a_stranger(pictures, tmp_path):
    """A network drive may show another computer's map before its record; what is no such map stays as it is."""
    out = tmp_path / "maps"
    ended(started(pictures[:3], out))
    (out / f".midas_normal.{COMPUTER}.jsonl").unlink()
    (out / "0001_normal.png").write_bytes(b"mine")
    counts, errors = ended(started(pictures[:3], out))
    assert counts == Counter(made=2, failed=1) and "0001_normal.png is there already and was not made by" in errors
    assert (out / "0001_normal.png").read_bytes() == b"mine" and len(OutputRecord(out).files()) == 2
