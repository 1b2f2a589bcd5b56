"""Several maps are saved together: all of them or none, whichever step fails."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import map_files
from bl_ext.user_default.midas_normal.core.errors import TargetError
from bl_ext.user_default.midas_normal.core.image_io import encode_png

MAPS = ("map_1.png", "new/map_2.png", "map_3.png", "new/map_4.png")
OLD, NEW = (encode_png(np.full((2, 2), value, np.uint8), True) for value in (1, 2))


@pytest.fixture
def folder(tmp_path):
    """A file of the user's own, and two of the four maps, as they were made before."""
    (tmp_path / "notes.txt").write_text("mine")
    for name in (MAPS[0], MAPS[2]):
        map_files.write_map(tmp_path / name, OLD)
    return tmp_path


def save(folder, before_moving=lambda: None):
    """Saves all four maps."""
    with map_files.staging_folder(folder) as staged:
        for name in MAPS:
            map_files.write_staged(staged / name, NEW)
        before_moving()
        map_files.move_staged({staged / name: folder / name for name in MAPS})


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def full(*_, **__):
    """FAKES the answer of a full disk."""
    raise OSError(28, "No space left on device")


def fail(monkeypatch, failing, *steps):
    """Of all calls of some functions those fail whose numbers, from 1, are among the failing."""
    count = itertools.count(1)
    for owner, name in steps:
        monkeypatch.setattr(owner, name, counted(getattr(owner, name), count, failing))


def counted(original, count, failing):
    return lambda *args, **kwargs: full() if next(count) in failing else original(*args, **kwargs)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_failure_at_any_step_leaves_all_as_it_was(folder, monkeypatch, has_links):
    """A folder is made and four files are moved; where the file system knows no links, two are copied before."""
    before, steps = contents(folder), [(Path, "mkdir"), (Path, "replace"), (shutil, "copy2")]
    if not has_links:
        monkeypatch.setattr(os, "link", full)
    for number in range(1, 6 if has_links else 8):
        with monkeypatch.context() as patch, pytest.raises(TargetError, match=r"cannot be saved as .*: No space left"):
            save(folder, lambda patch=patch, number=number: fail(patch, {number}, *steps))
        assert contents(folder) == before, number
    save(folder)
    after = contents(folder)
    assert set(after) == {*MAPS, "new", "notes.txt"} and after["notes.txt"] == b"mine"
    assert len({after[name] for name in MAPS}) == 1 and after[MAPS[0]] != before[MAPS[0]]


def test_a_map_that_cannot_be_put_back_lies_beside(folder, monkeypatch):
    """The third file cannot be moved, nor the first one be moved back; what was there before is named."""
    before = contents(folder)
    with monkeypatch.context() as patch, pytest.raises(TargetError, match="cannot be put back: No space left") as raised:
        save(folder, lambda: fail(patch, {3, 4}, (map_files, "atomic_replace")))
    after = contents(folder)
    safe, = (name for name in after if name.endswith(f"/{MAPS[0]}"))
    assert str(folder / safe) in str(raised.value) and after[safe] == before[MAPS[0]]
    assert set(after) == {*before, safe, os.path.dirname(safe)}  # noqa: PTH120 - a name, not a path
    assert all(after[name] == before[name] for name in ("notes.txt", MAPS[2]))
