"""Output folders that fail in the middle of a run: what is there is whole, failures are sentences, the next run goes on.

FAKE: the drive's errors are raised at the file operations where a real one raises them, and the engine is a stand-in.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import closing
from pathlib import PurePath

import pytest

from blender_midas_normal.batch import runner as runner_module
from blender_midas_normal.batch import shared_record
from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.pictures import item_of_file
from blender_midas_normal.batch.runner import BatchRunner
from blender_midas_normal.batch.scheduler import one_in_flight, run_tasks
from tests.batch.batch_runs import LineReporter, options_of, write_stub_pictures
from tests.batch.test_killed_processes import StubClient, assert_maps_are_whole_and_on_record
from tests.requests_for_tests import launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="as of the tests of killed processes")

PICTURES, GOOD = 12, 5

ERRORS = [errno.ENOSPC, errno.EIO, errno.ESTALE]


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "maps").mkdir()
    return write_stub_pictures(tmp_path / "pictures", PICTURES)


def run(pictures, exchange):
    """[(outcome, error), ...] of a run that skips what is done."""
    items = [item_of_file(file, PurePath(), lambda client, file=file: {"picture": str(file)})
             for file in sorted(pictures.iterdir())]
    options = options_of(pictures.parent / "maps", "--existing", "skip")
    with closing(BatchRunner(items, options, launch(pictures.parent), LineReporter())) as runner:
        run_tasks(runner.task_factories(runner.make, runner.pictures, alone=True), [StubClient(pictures.parent / exchange)],
                  one_in_flight, lambda job: None, lambda: False)
    return [(record.outcome, record.error) for picture in runner.pictures for record in picture.records]


def assert_rest_is_made(pictures, records, sentence):
    out = pictures.parent / "maps"
    assert [outcome for outcome, _ in records] == ["made"] * GOOD + ["failed"] * (PICTURES - GOOD)
    assert all(sentence in error and error.endswith(".") and "\n" not in error for _, error in records[GOOD:])
    assert_maps_are_whole_and_on_record(out)
    assert len(list(out.glob("*.png"))) == GOOD and not [path for path in out.iterdir() if path.is_dir()]
    assert [outcome for outcome, _ in run(pictures, "again")] == ["skipped"] * GOOD + ["made"] * (PICTURES - GOOD)
    assert_maps_are_whole_and_on_record(out)
    assert {path.name for path in out.glob(".*")} == {f".midas_normal.{COMPUTER}.jsonl"}


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_a_drive_that_is_full_or_gone_leaves_no_half_map_and_the_next_run_makes_the_rest(pictures, monkeypatch, number):
    copies = []

    def copyfile(source, target, of=shutil.copyfile):
        copies.append(target)
        if len(copies) > GOOD:
            target.write_bytes(source.read_bytes()[:1000])
            raise OSError(number, os.strerror(number), str(target))
        return of(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(runner_module.shutil, "copyfile", copyfile)
        records = run(pictures, "first")
    assert_rest_is_made(pictures, records, os.strerror(number))


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_a_map_whose_line_cannot_be_written_gets_no_place(pictures, monkeypatch, number):
    """Half a line may be there, which damages none of those that follow."""
    lines = []

    def write(descriptor, data, of=os.write):
        lines.append(data)
        if len(lines) > GOOD:
            of(descriptor, data[:20])
            raise OSError(number, os.strerror(number))
        return of(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(shared_record.os, "write", write)
        records = run(pictures, "first")
    for file in (pictures.parent / "maps").glob(".*.jsonl"):  # a reader leaves out halves of lines, and so does this test
        content = b"\n".join(line for line in file.read_bytes().split(b"\n") if not line or line.endswith(b"}"))
        file.write_bytes(content)
    assert_rest_is_made(pictures, records, os.strerror(number))
