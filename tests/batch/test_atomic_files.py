"""Files that get their name when they are complete, in folders that several processes write."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blender_midas_normal.batch import atomic_files
from blender_midas_normal.batch.atomic_files import (
    LOCK_NAME,
    TEMPORARY_PREFIX,
    atomic_create,
    partial_file,
    remove_leftovers,
    temporary_folder,
)
from blender_midas_normal.client import locks
from blender_midas_normal.core.errors import TargetError
from tests.conftest import ROOT

HOLD = """
import sys
from pathlib import Path
from blender_midas_normal.batch.atomic_files import temporary_folder
with temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "map.png").touch()
    print(folder, flush=True)
    sys.stdin.readline()
"""


def holding(folder):
    """(another process that has a temporary folder in the folder, that one)."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().rstrip())


def leave_temporary_folder(folder):
    """What a process leaves in a folder that is killed while it writes a map."""
    process, left = holding(folder)
    process.kill()
    process.wait()
    return left


def test_a_temporary_folder_is_removed_by_others_when_its_owner_was_killed_and_no_sooner(tmp_path):
    process, folder = holding(tmp_path)
    left = leave_temporary_folder(tmp_path)
    with temporary_folder(tmp_path) as own:
        remove_leftovers(tmp_path)
        assert set(tmp_path.iterdir()) == {folder, own} and (folder / "map.png").exists() and not left.exists()
    process.communicate("\n")
    assert not any(tmp_path.iterdir())


def test_a_folder_that_was_left_before_anything_was_in_it_is_removed_and_others_stay(tmp_path):
    (tmp_path / f"{TEMPORARY_PREFIX}empty").mkdir()
    (tmp_path / "file").touch()
    for name in (f"{TEMPORARY_PREFIX}unlocked", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "map.png").touch()
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "none")
    assert {path.name for path in tmp_path.iterdir()} == {"file", f"{TEMPORARY_PREFIX}unlocked", "mine"}


@pytest.mark.parametrize("step", ["mkdtemp", "try_lock"])
def test_a_folder_that_another_process_removes_before_it_is_locked_is_made_anew(tmp_path, monkeypatch, step):
    """FAKE: the other process is this one, between the steps."""
    module, removed = {"mkdtemp": atomic_files.tempfile, "try_lock": locks}[step], []
    of = getattr(module, step)

    def and_removed(*arguments, **options):
        made = of(*arguments, **options) if step == "mkdtemp" else None
        if not removed:
            removed.append(True)
            remove_leftovers(tmp_path)
        return made if step == "mkdtemp" else of(*arguments)

    monkeypatch.setattr(module, step, and_removed)
    with temporary_folder(tmp_path) as folder:
        assert removed and list(tmp_path.iterdir()) == [folder]
        remove_leftovers(tmp_path)
        assert (folder / LOCK_NAME).exists()
    assert not any(tmp_path.iterdir())


def test_where_nothing_can_be_locked_nothing_is_removed(tmp_path, monkeypatch):
    """FAKE, for no such drive is at hand."""
    def refused(descriptor):
        raise OSError(37, "No locks available")

    left = leave_temporary_folder(tmp_path)
    for module in (locks, atomic_files):
        monkeypatch.setattr(module, "try_lock", refused)
    with temporary_folder(tmp_path) as own:
        remove_leftovers(tmp_path)
        assert set(tmp_path.iterdir()) == {left, own}
    assert list(tmp_path.iterdir()) == [left]


@pytest.fixture
def no_second_names(monkeypatch):
    """As on FAT; FAKE, for no such drive is at hand."""
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)


def test_one_of_several_processes_creates_a_file_where_there_are_no_second_names(tmp_path, no_second_names, monkeypatch):
    """FAKE: the other one comes between the two steps of this one."""
    for name in ("ours", "theirs"):
        (tmp_path / name).write_text(name)
    answers = []

    def placed(file, target, of=atomic_files.atomic_replace):
        answers.append(atomic_create(tmp_path / "theirs", target))
        of(file, target)

    monkeypatch.setattr(atomic_files, "atomic_replace", placed)
    assert atomic_create(tmp_path / "ours", tmp_path / "target") and answers == [False]
    assert (tmp_path / "target").read_text() == "ours" and (tmp_path / "theirs").exists()


@pytest.mark.parametrize("has_second_names", [True, False])
def test_of_many_that_create_a_file_at_once_one_succeeds(tmp_path, request, has_second_names):
    if not has_second_names:
        request.getfixturevalue("no_second_names")
    for number in range(50):
        files = [tmp_path / f"{number}_{each}" for each in range(4)]
        for file in files:
            file.write_text(file.name)
        with ThreadPoolExecutor(4) as pool:
            created = list(pool.map(lambda file, to=tmp_path / f"{number}": atomic_create(file, to), files))
        assert created.count(True) == 1 and (tmp_path / f"{number}").read_text() == files[created.index(True)].name


def test_a_name_that_was_taken_for_nothing_is_given_back(tmp_path, no_second_names, monkeypatch):
    def refused(file, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(atomic_files, "atomic_replace", refused)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Input/output"):
        atomic_create(tmp_path / "file", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_the_system_refuses_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    refused = pytest.raises(TargetError, match=r"map\.png cannot be written: File exists")
    with refused, partial_file(tmp_path / "file" / "map.png"):
        pass
