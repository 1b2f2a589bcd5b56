"""A record that several processes add to."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from blender_midas_normal.client.batch import shared_record
from blender_midas_normal.client.batch.placing import COMPUTER
from blender_midas_normal.client.batch.shared_record import SharedRecord
from tests.conftest import ROOT

ADD = """
import sys, time
from pathlib import Path
from blender_midas_normal.client.batch.shared_record import SharedRecord
record = SharedRecord(Path(sys.argv[1]), ".record")
for number in range(int(sys.argv[3])):
    record.add([sys.argv[2], number])
    if sys.argv[4] == "wait":
        print("added", flush=True)
        sys.stdin.readline()
record.close(list if sys.argv[4] == "compact" else None)
"""


def adding(folder, name, count, how=""):
    """Another process that adds values to the folder's record."""
    return subprocess.Popen([sys.executable, "-c", ADD, str(folder), name, str(count), how], cwd=ROOT, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)


def values(folder):
    return SharedRecord(folder, ".record").read()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def add(folder, *added, close=True):
    record = SharedRecord(folder, ".record")
    for value in added:
        record.add(value)
    if close:
        record.close()
    return record


def test_a_lone_process_leaves_one_file_and_what_older_versions_wrote_is_in_it(tmp_path):
    (tmp_path / ".record.jsonl").write_bytes(b'\n1\n"damaged\n2')
    add(tmp_path, 3, [4])
    assert values(tmp_path) == [1, 2, 3, [4]] and names(tmp_path) == [".record.jsonl"]


def test_nothing_is_written_where_nothing_is_added(tmp_path):
    add(tmp_path)
    assert values(tmp_path) == [] and not names(tmp_path)


def test_what_another_process_adds_is_read_once_and_files_are_one_when_both_have_ended(tmp_path):
    record = add(tmp_path, "mine", close=False)
    assert record.read() == [] and record.read() is None
    other = add(tmp_path, "theirs", close=False)
    assert record.read() == ["theirs"] and record.read() is None
    record.close()
    assert len(names(tmp_path)) == 2 and sorted(values(tmp_path)) == ["mine", "theirs"], "the other one still adds"
    other.add("more")
    other.close()
    assert names(tmp_path) == [".record.jsonl"] and sorted(values(tmp_path)) == ["mine", "more", "theirs"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_of_a_process_that_was_killed_nothing_is_lost_and_the_next_one_cleans_up(tmp_path):
    killed = adding(tmp_path, "killed", 5, "wait")
    assert killed.stdout.readline() == b"added\n"
    add(tmp_path, "mine")
    assert len(names(tmp_path)) == 2, "it may add more"
    killed.kill()
    killed.wait()
    add(tmp_path)
    assert names(tmp_path) == [".record.jsonl"] and sorted(values(tmp_path), key=str) == [["killed", 0], "mine"]


def test_files_of_another_computer_are_read_and_left_alone(tmp_path):
    (tmp_path / ".record.elsewhere.7.abc.jsonl").write_bytes(b"\n1")
    add(tmp_path, 2)
    assert sorted(values(tmp_path)) == [1, 2]
    assert len(names(tmp_path)) == 2 and ".record.elsewhere.7.abc.jsonl" in names(tmp_path)
    assert any(name.startswith(f".record.{COMPUTER}.{os.getpid()}.") for name in names(tmp_path))


def test_where_files_cannot_be_locked_none_is_taken_for_unused(tmp_path, monkeypatch):
    """As on some network drives; FAKE, for none is at hand."""
    def refused(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(shared_record, "try_lock", refused)
    first = add(tmp_path, 1, close=False)
    add(tmp_path, 2)
    first.add(3)
    assert sorted(values(tmp_path)) == [1, 2, 3]


def test_other_records_of_the_folder_are_others(tmp_path):
    (tmp_path / ".record_more.jsonl").write_bytes(b"\n1")
    (tmp_path / "x.record.jsonl").write_bytes(b"\n1")
    assert values(tmp_path) == []


def test_only_what_is_still_needed_is_kept_where_that_is_asked_for(tmp_path):
    record = add(tmp_path, 1, 2, 3, close=False)
    add(tmp_path, 4)
    record.close(lambda values: [value for value in values if value > 2])
    assert sorted(values(tmp_path)) == [3, 4] and names(tmp_path) == [".record.jsonl"]


@pytest.mark.parametrize("how", ["", "compact"])
def test_processes_that_add_end_and_compact_at_once_lose_no_value(tmp_path, how):
    """The readers meanwhile, too: what was read once is there ever after."""
    processes = [adding(tmp_path, f"{number}", 20 + number, how) for number in range(12)]
    seen: set[str] = set()
    while any(process.poll() is None for process in processes):
        now = {json.dumps(value) for value in values(tmp_path)}
        assert seen <= now
        seen = now
        time.sleep(0.001)
    assert not any(process.wait() for process in processes)
    wanted = {json.dumps([f"{number}", value]) for number in range(12) for value in range(20 + number)}
    add(tmp_path)
    assert {json.dumps(value) for value in values(tmp_path)} == wanted
