"""A record that several processes add to."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from blender_midas_normal.batch import shared_record
from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.shared_record import SharedRecord
from blender_midas_normal.client import locks
from tests.conftest import ROOT

MERGED = f".record.{COMPUTER}.jsonl"

ADD = """
import sys, time
from pathlib import Path
from blender_midas_normal.batch.shared_record import SharedRecord
record = SharedRecord(Path(sys.argv[1]), ".record", str, 1)
for number in range(int(sys.argv[3])):
    record.add([sys.argv[2], number])
    if sys.argv[4] == "wait":
        print("added", flush=True)
        sys.stdin.readline()
    if sys.argv[4] == "compact":
        record.add([sys.argv[2], number])
record.close()
"""


def adding(folder, name, count, how=""):
    """Another process that adds values to the folder's record."""
    return subprocess.Popen([sys.executable, "-c", ADD, str(folder), name, str(count), how], cwd=ROOT, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)


def values(folder):
    return record_of(folder).read()


def record_of(folder, key_of=str, kept=1):
    """A record in which only what is there twice is needless."""
    return SharedRecord(folder, ".record", key_of, kept)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def add(folder, *added, close=True):
    record = record_of(folder)
    for value in added:
        record.add(value)
    if close:
        record.close()
    return record


def test_a_lone_process_leaves_one_file_and_what_older_versions_wrote_is_in_it(tmp_path):
    (tmp_path / MERGED).write_bytes(b'\n1\n"damaged\n2')
    add(tmp_path, 3, [4])
    assert values(tmp_path) == [1, 2, 3, [4]] and names(tmp_path) == [MERGED]


def test_nothing_is_written_where_nothing_is_added(tmp_path):
    add(tmp_path)
    assert values(tmp_path) == [] and not names(tmp_path)


def test_what_another_process_adds_is_read_once_and_files_are_one_when_both_have_ended(tmp_path):
    record = add(tmp_path, "mine", close=False)
    assert record.read() == []
    other = add(tmp_path, "theirs", close=False)
    assert record.read() == ["theirs"] and record.read() == []
    record.close()
    assert len(names(tmp_path)) == 2 and sorted(values(tmp_path)) == ["mine", "theirs"], "the other one still adds"
    other.add("more")
    other.close()
    assert names(tmp_path) == [MERGED] and sorted(values(tmp_path)) == ["mine", "more", "theirs"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_of_a_process_that_was_killed_nothing_is_lost_and_the_next_one_cleans_up(tmp_path):
    killed = adding(tmp_path, "killed", 5, "wait")
    assert killed.stdout.readline() == b"added\n"
    add(tmp_path, "mine")
    assert len(names(tmp_path)) == 2, "it may add more"
    killed.kill()
    killed.wait()
    add(tmp_path)
    assert names(tmp_path) == [MERGED] and sorted(values(tmp_path), key=str) == [["killed", 0], "mine"]


def test_files_of_another_computer_are_read_and_left_alone_and_those_of_this_one_become_one(tmp_path):
    """Neither writes into a file of the other, which may not show yet."""
    (tmp_path / ".record.elsewhere.7.abc.jsonl").write_bytes(b"\n1")
    for value in (2, 3, 4):
        add(tmp_path, value)
        assert names(tmp_path) == sorted([".record.elsewhere.7.abc.jsonl", MERGED])
    assert sorted(values(tmp_path)) == [1, 2, 3, 4]


def test_where_files_cannot_be_locked_none_is_taken_for_unused(tmp_path, monkeypatch):
    """As on some network drives; FAKE, for none is at hand."""
    def refused(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(shared_record, "try_lock", refused)
    monkeypatch.setattr(locks, "try_lock", refused)
    first = add(tmp_path, 1, close=False)
    add(tmp_path, 2)
    first.add(3)
    assert sorted(values(tmp_path)) == [1, 2, 3]


def test_other_records_of_the_folder_are_others(tmp_path):
    (tmp_path / ".record_more.jsonl").write_bytes(b"\n1")
    (tmp_path / "x.record.jsonl").write_bytes(b"\n1")
    assert values(tmp_path) == []


def test_only_what_is_still_needed_is_kept_where_that_is_much_less(tmp_path):
    """Of each letter the last two values; of the others none."""
    def add_two(*added):
        record = record_of(tmp_path, key_of=lambda value: value[0] if isinstance(value, str) else None, kept=2)
        for value in added:
            record.add(value)
        record.close()

    add_two("a1", "a2", "b1", "a3")
    assert values(tmp_path) == ["a1", "a2", "b1", "a3"], "little could be left out"
    add_two("a4", 7, "a2")
    assert values(tmp_path) == ["a4", "a2", "b1"] and names(tmp_path) == [MERGED]


def test_what_is_read_is_what_is_new(tmp_path, monkeypatch):
    """Not all of it again whenever another process has added a line: that grows with the square of the lines."""
    reader, writer, read = record_of(tmp_path), record_of(tmp_path), []
    monkeypatch.setattr(shared_record, "_values", lambda content, of=shared_record._values: read.append(len(content)) or of(
        content))
    for number in range(200):
        writer.add(number)
        assert reader.read() == [number]
    assert sum(read) < 200 * 20
    writer.close()
    add(tmp_path, *range(200, 210))
    assert reader.read()[-10:] == list(range(200, 210))


def test_a_line_is_read_when_it_is_complete(tmp_path):
    reader, file = record_of(tmp_path), tmp_path / ".record.elsewhere.1.a.jsonl"
    file.write_bytes(b'\n[1]\n[2')
    assert reader.read() == [[1]]
    with file.open("ab") as stream:
        stream.write(b", 3]\n[4]")
    assert reader.read() == [[2, 3], [4]] and reader.read() == []


def test_a_record_that_was_compacted_is_read_from_its_beginning(tmp_path):
    """Though it may be as long as before, and longer."""
    add(tmp_path, "first", "second")
    reader = record_of(tmp_path)
    assert reader.read() == ["first", "second"]
    for value in ("third", "fourth"):
        for _ in range(2):
            add(tmp_path, *["first"] * 3, value, value)
        assert value in reader.read()


@pytest.fixture
def damaged(tmp_path):
    """What a folder of a record may hold under the names of its files that is none of them."""
    if sys.platform == "win32":
        pytest.skip("links and pipes")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "values").write_bytes(b'\n"elsewhere"')
    os.mkfifo(tmp_path / ".record.pipe.jsonl")
    (tmp_path / ".record.itself.jsonl").symlink_to(".record.itself.jsonl")
    (tmp_path / ".record.link.jsonl").symlink_to(tmp_path / "elsewhere" / "values")
    (tmp_path / ".record.folder.jsonl").mkdir()
    return tmp_path


def test_what_is_no_regular_file_has_no_values_and_stops_nothing(damaged):
    add(damaged, 1)
    assert values(damaged) == [1] and (damaged / MERGED).is_file()


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_regular_file_does_not_become_the_record(damaged, kind):
    """A pipe swallows what is written into it, and a link leads anywhere."""
    (damaged / f".record.{kind}.jsonl").rename(damaged / MERGED)
    reader = os.open(damaged / MERGED, os.O_RDONLY | os.O_NONBLOCK)
    for _ in range(2):
        add(damaged, 1, 1, 1, 1)
        assert values(damaged).count(1) >= 4
    os.close(reader)
    assert (damaged / "elsewhere" / "values").read_bytes() == b'\n"elsewhere"'


@pytest.mark.parametrize("name", [MERGED, f".record.{COMPUTER}.1.a.jsonl"])
def test_what_cannot_be_read_just_now_is_not_left_out_for_ever(tmp_path, name, monkeypatch):
    """As on a network drive, or where another user has made it; FAKE, for to root nothing is closed."""
    (tmp_path / name).write_bytes(b"\n1")

    def opened(path, flags, mode=0o666, of=shared_record.open_regular):
        if path.name == name and flags & os.O_ACCMODE == os.O_RDONLY:
            raise PermissionError(13, "Permission denied")
        return of(path, flags, mode)

    with monkeypatch.context() as patch:
        patch.setattr(shared_record, "open_regular", opened)
        add(tmp_path, 2, 2, 2)
    add(tmp_path)
    assert sorted(values(tmp_path)) == [1, 2] and names(tmp_path) == [MERGED]


def test_a_file_that_another_process_took_for_unused_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    """FAKE: the other process is this one, between the two steps."""
    taken = []

    def merging(descriptor, of=locks.try_lock):
        if not taken:
            taken.append(True)
            add(tmp_path)
        return of(descriptor)

    monkeypatch.setattr(locks, "try_lock", merging)
    record = add(tmp_path, 1, close=False)
    add(tmp_path, 2)
    record.add(3)
    record.close()
    assert taken and sorted(values(tmp_path)) == [1, 2, 3] and names(tmp_path) == [MERGED]


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


def test_the_record_of_version_1_0_0_is_read_first_and_left_alone(tmp_path):
    (tmp_path / ".record.jsonl").write_bytes(b"\n1\n2")
    add(tmp_path, 3)
    add(tmp_path, 3)
    assert values(tmp_path)[:2] == [1, 2] and 3 in values(tmp_path)
    assert names(tmp_path) == sorted([".record.jsonl", MERGED])
    assert (tmp_path / ".record.jsonl").read_bytes() == b"\n1\n2"
