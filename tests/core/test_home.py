"""The home folder's name in texts that go to others."""

from pathlib import Path, PureWindowsPath

import pytest

from blender_midas_normal.core.files import redact_home


@pytest.fixture
def home(monkeypatch):
    """home(path) is where the user lives."""
    return lambda path: monkeypatch.setattr(Path, "home", lambda: path)


def test_the_home_folder_is_masked_and_nothing_else(home):
    home(Path("/home/al"))
    assert redact_home("File /home/al/x.png, '/home/al' and /home/al") == "File ~/x.png, '~' and ~"
    assert redact_home("/home/alice/x and /home/al-2 and /srv/al") == "/home/alice/x and /home/al-2 and /srv/al"
    assert redact_home("/mnt/home/al/x and /home/al.old/x") == "/mnt/home/al/x and /home/al.old/x"
    assert redact_home("It is in /home/al. So there.") == "It is in ~. So there."


def test_backslashes_may_be_doubled(home):
    home(PureWindowsPath(r"C:\Users\al"))
    assert redact_home(r"C:\Users\al\x.png and 'C:\\Users\\al\\x.png'") == r"~\x.png and '~\\x.png'"


def test_users_without_a_home_of_their_own_have_nothing_to_mask(home, monkeypatch):
    home(Path("/"))
    assert redact_home("/elsewhere/x") == "/elsewhere/x"

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert redact_home("/elsewhere/x") == "/elsewhere/x"
