"""Four processes that make maps into one folder and are killed at random: nothing is half-written, lost or made twice.

FAKE: the engine is a stand-in within each process, which writes a file; so 30 rounds take seconds.  What picks, records,
places and tidies is the real thing.
"""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import random
import sys
import time
from contextlib import closing
from pathlib import PurePath
from types import SimpleNamespace

import pytest

from blender_midas_normal.batch import atomic_files, shared_record
from blender_midas_normal.batch.atomic_files import COMPUTER, TEMPORARY_MAX_AGE_S, TEMPORARY_PREFIX
from blender_midas_normal.batch.pictures import item_of_file
from blender_midas_normal.batch.runner import BatchRunner
from blender_midas_normal.batch.scheduler import one_in_flight, run_tasks
from blender_midas_normal.client import locks
from blender_midas_normal.core.errors import NO_MESSAGE
from blender_midas_normal.core.protocol import Result
from tests.batch.batch_runs import LineReporter, options_of, write_stub_pictures
from tests.requests_for_tests import launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

PICTURES, PROCESSES, ROUNDS = 40, 4, 30

CONTEXT = multiprocessing.get_context("fork") if sys.platform != "win32" else None


class StubClient:
    """A client whose maps are files that hold what they were made of, and some kilobytes more."""

    ready = None

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def pump(self):
        """Its jobs have ended already."""

    def prepare(self, launch):
        """No worker is needed."""

    def submit(self, request):
        name = f"{time.monotonic_ns()}.png"
        made_of = f"{request.picture} {request.settings['strength']}".encode()
        (self.folder / name).write_bytes(made_of + hashlib.sha256(made_of).digest() * 500)
        result = Result(1, name, 8, 8, "LUMINANCE", "", NO_MESSAGE, "", {"engine": 0.001})
        return SimpleNamespace(outcome=result, result=lambda: result)

    def take_map_file(self, result):
        return self.folder / result.file


@pytest.fixture
def pictures(tmp_path):
    return write_stub_pictures(tmp_path / "pictures", PICTURES)


def run(pictures, exchange, existing, strength, outcomes=None):
    """Make all maps in this process; its outcomes are counted in a queue."""
    out = pictures.parent / "maps"
    options = options_of(out, "--existing", existing, "--strength", str(strength))
    items = [item_of_file(file, PurePath(), lambda client, file=file: {"picture": str(file)})
             for file in sorted(pictures.iterdir())]
    client = StubClient(exchange)
    runner = BatchRunner(items, options, launch(pictures.parent), LineReporter())
    with closing(runner):
        run_tasks(runner.task_factories(runner.make, runner.pictures, alone=True), [client], one_in_flight,
                  lambda job: None, lambda: False)
    counts = {}
    for picture in runner.pictures:
        for record in picture.records:
            counts[record.outcome] = counts.get(record.outcome, 0) + 1
            assert record.error is None, record.error
    if outcomes is not None:
        outcomes.put(counts)
    return counts


def started(pictures, count, existing, strength, outcomes=None):
    exchanges = [pictures.parent / f"exchange{time.monotonic_ns()}" for _ in range(count)]
    processes = [CONTEXT.Process(target=run, args=(pictures, exchange, existing, strength, outcomes))
                 for exchange in exchanges]
    for process in processes:
        process.start()
    return processes


def on_record(out):
    """{(file, digest)} of all lines; each line is whole."""
    lines = [line for file in out.glob(".midas_normal*.jsonl") for line in file.read_bytes().split(b"\n")]
    values = [json.loads(line) for line in lines if line and not line.startswith(b"#")]
    return {(value["file"], value["map"]) for value in values}


def assert_maps_are_whole_and_on_record(out):
    known = on_record(out)
    for file in out.glob("*.png"):
        content = file.read_bytes()
        assert content[:-500 * 32] and hashlib.sha256(content[:-500 * 32]).digest() * 500 == content[-500 * 32:], file
        assert (file.name, hashlib.sha256(content).hexdigest()) in known, file


def kill_rounds(pictures, rounds, seed):
    """How many processes were killed before they had ended."""
    generator, killed, out = random.Random(seed), 0, pictures.parent / "maps"
    out.mkdir()
    for number in range(rounds):
        processes = started(pictures, PROCESSES, generator.choice(("skip", "renew")), 1 + number // 3 / 64)
        for process in generator.sample(processes, PROCESSES):
            time.sleep(generator.uniform(0, 0.06))
            killed += process.is_alive()
            process.kill()
        for process in processes:
            process.join()
        assert_maps_are_whole_and_on_record(out)
    return killed


def test_what_four_killed_processes_leave_is_whole_and_a_last_run_makes_the_rest(pictures, tmp_path):
    out = tmp_path / "maps"
    assert kill_rounds(pictures, ROUNDS, seed=1) > 2 * ROUNDS
    counts = run(pictures, tmp_path / "last", "skip", 1 + (ROUNDS - 1) // 3 / 64)
    assert sum(counts.values()) == PICTURES and set(counts) <= {"made", "skipped"}
    assert run(pictures, tmp_path / "again", "skip", 1 + (ROUNDS - 1) // 3 / 64) == {"skipped": PICTURES}
    assert_maps_are_whole_and_on_record(out)
    assert sorted(path.name for path in out.iterdir()) == [
        f".midas_normal.{COMPUTER}.jsonl", *(f"{number:03}_normal.png" for number in range(PICTURES))]


def refuse_locks(monkeypatch):
    """FAKE: a drive on which files cannot be locked."""
    def refused(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    for module in (shared_record, locks, atomic_files):
        monkeypatch.setattr(module, "try_lock", refused)


def test_the_same_holds_where_files_cannot_be_locked(pictures, tmp_path, monkeypatch):
    """What killed processes leave is removed later there, since nobody can tell that it is not in use."""
    refuse_locks(monkeypatch)
    out = tmp_path / "maps"
    kill_rounds(pictures, 10, seed=2)
    counts = run(pictures, tmp_path / "last", "skip", 1 + 9 // 3 / 64)
    assert sum(counts.values()) == PICTURES and set(counts) <= {"made", "skipped"}
    left = [path for path in out.iterdir() if path.suffix not in (".png", ".jsonl")]
    assert left and all(path.name.startswith(TEMPORARY_PREFIX) for path in left)
    for path in left:
        os.utime(path, (time.time() - TEMPORARY_MAX_AGE_S - 60,) * 2)
    assert run(pictures, tmp_path / "again", "skip", 1 + 9 // 3 / 64) == {"skipped": PICTURES}
    assert_maps_are_whole_and_on_record(out)
    assert {path.suffix for path in out.iterdir()} == {".png", ".jsonl"}


def run_as(computer, *arguments):
    """Run in this process as on another computer."""
    shared_record.COMPUTER = computer
    return run(*arguments)


def test_processes_that_see_the_records_of_others_late_refuse_nothing_and_lose_nothing(pictures, tmp_path, monkeypatch):
    """FAKE: computers on a network drive that shows the records of others after a second, which stands for a minute.

    Another computer has worked there before.  A run with other settings begins when the records of the one before show:
    earlier, nobody can tell its maps from files that a user has changed, and they are refused.
    """
    def files(record, of=shared_record.SharedRecord._files):
        return [(file, status) for file, status in of(record)
                if f".{shared_record.COMPUTER}." in file.name or time.time_ns() - status[1] > 1e9]

    monkeypatch.setattr(shared_record.SharedRecord, "_files", files)
    out, outcomes = tmp_path / "maps", CONTEXT.Queue()
    out.mkdir()
    (out / ".midas_normal.elsewhere.jsonl").touch()
    time.sleep(1.1)
    for number in range(5):
        existing, strength = ("skip", "renew")[number % 2], 1 + number // 2 / 64
        processes = [CONTEXT.Process(target=run_as, args=(f"node{node}", pictures, tmp_path / f"exchange{number}{node}",
                                                          existing, strength, outcomes)) for node in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * PROCESSES, "each map was made or skipped"
        counts = [outcomes.get(timeout=60) for _ in processes]
        assert all(sum(count.values()) == PICTURES and set(count) <= {"made", "skipped"} for count in counts), counts
        assert_maps_are_whole_and_on_record(out)
        time.sleep(1.1)
    assert run(pictures, tmp_path / "again", "skip", 1 + 4 // 2 / 64) == {"skipped": PICTURES}
    assert sorted(path.name for path in out.glob(".*")) == [
        ".midas_normal.elsewhere.jsonl", *(f".midas_normal.node{node}.jsonl" for node in range(PROCESSES))]
