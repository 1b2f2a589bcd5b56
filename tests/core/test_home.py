"""The home folder's name in texts that go to others."""

from pathlib import Path, PureWindowsPath

import pytest

from blender_midas_normal.core.files import masked


@pytest.fixture
def home(monkeypatch):
    """home(path) is where the user lives."""
    return lambda path: monkeypatch.setattr(Path, "home", lambda: path)


def test_the_home_folder_is_masked_and_nothing_else(home):
    home(Path("/home/al"))
    assert masked("File /home/al/x.png, '/home/al' and /home/al") == "File ~/x.png, '~' and ~"
    assert masked("/home/alice/x and /home/al-2 and /srv/al") == "/home/alice/x and /home/al-2 and /srv/al"
    assert masked("/mnt/home/al/x and /home/al.old/x") == "/mnt/home/al/x and /home/al.old/x"
    assert masked("It is in /home/al. So there.") == "It is in ~. So there."


def test_backslashes_may_be_doubled(home):
    home(PureWindowsPath(r"C:\Users\al"))
    assert masked(r"C:\Users\al\x.png and 'C:\\Users\\al\\x.png'") == r"~\x.png and '~\\x.png'"


def test_users_without_a_home_of_their_own_have_nothing_to_mask(home, monkeypatch):
    home(Path("/"))
    assert masked("/elsewhere/x") == "/elsewhere/x"

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert masked("/elsewhere/x") == "/elsewhere/x"
