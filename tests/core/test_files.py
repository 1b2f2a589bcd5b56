"""Files that are locked for a moment or too large, and the home folder's name in texts."""

from __future__ import annotations

import itertools
from pathlib import Path, PureWindowsPath

import pytest

from blender_midas_normal.core import files
from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.files import atomic_replace, check_picture_file, redact_home
from blender_midas_normal.core.protocol import MAX_FILE_BYTES


@pytest.fixture
def new_and_old(tmp_path) -> tuple[Path, Path]:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    return new, old


class Clock:
    """A FAKE of the module `time`, in which only pauses take any."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def locked(monkeypatch):
    """locked(times, winerror): FAKES a system that refuses to replace a file so often; gives the count of tries."""
    def lock(times, winerror):
        tries, replace = itertools.count(1), Path.replace

        def refuse(path, target):
            if next(tries) <= times:
                error = PermissionError(13, "Permission denied")
                error.winerror = winerror
                raise error
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", refuse)
        monkeypatch.setattr(files, "time", Clock())
        return tries

    return lock


@pytest.mark.parametrize("winerror", [5, 32])
def test_a_file_that_is_locked_for_a_moment_is_waited_for(new_and_old, locked, winerror):
    locked(2, winerror)
    atomic_replace(*new_and_old)
    assert new_and_old[1].read_text() == "new" and not new_and_old[0].exists()


@pytest.mark.parametrize("winerror, most", [(5, 22), (None, 1)])
def test_one_that_stays_locked_or_is_forbidden_is_given_up(new_and_old, locked, winerror, most):
    tries = locked(1000, winerror)
    with pytest.raises(PermissionError):
        atomic_replace(*new_and_old)
    assert new_and_old[1].read_text() == "old" and new_and_old[0].exists()
    assert next(tries) - 1 <= most


def test_a_file_larger_than_any_picture_is_refused_unread(tmp_path):
    """It has holes in place of bytes, which take no room."""
    for size, is_too_large in ((MAX_FILE_BYTES, False), (MAX_FILE_BYTES + 1, True)):
        with (tmp_path / "picture.png").open("wb") as file:
            file.truncate(size)
        if is_too_large:
            with pytest.raises(SourceError, match=r"picture\.png is larger than any picture may be\.$"):
                check_picture_file(tmp_path / "picture.png")
        else:
            check_picture_file(tmp_path / "picture.png")


@pytest.fixture
def home(monkeypatch):
    """home(path) is where the user lives."""
    return lambda path: monkeypatch.setattr(Path, "home", lambda: path)


def test_the_home_folder_is_redacted_and_nothing_else(home):
    home(Path("/home/al"))
    assert redact_home("File /home/al/x.png, '/home/al' and /home/al") == "File ~/x.png, '~' and ~"
    assert redact_home("/home/alice/x and /home/al-2 and /srv/al") == "/home/alice/x and /home/al-2 and /srv/al"
    assert redact_home("/mnt/home/al/x and /home/al.old/x") == "/mnt/home/al/x and /home/al.old/x"
    assert redact_home("It is in /home/al. So there.") == "It is in ~. So there."


def test_backslashes_may_be_doubled(home):
    home(PureWindowsPath(r"C:\Users\al"))
    assert redact_home(r"C:\Users\al\x.png and 'C:\\Users\\al\\x.png'") == r"~\x.png and '~\\x.png'"


def test_users_without_a_home_folder_have_nothing_to_redact(home, monkeypatch):
    home(Path("/"))
    assert redact_home("/elsewhere/x") == "/elsewhere/x"

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert redact_home("/elsewhere/x") == "/elsewhere/x"
