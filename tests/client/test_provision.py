"""Where environments and weights lie without Blender, on each system."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from blender_midas_normal.client import provision as module
from blender_midas_normal.client.provision import data_folder


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """A user with a home and no variables, and a package outside a clone."""
    for name in ("MIDAS_NORMAL_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(module, "CLONE_DATA_FOLDER", tmp_path / "clone" / ".midas")
    return tmp_path


@pytest.mark.parametrize("platform, folder", [
    ("linux", ".local/share"), ("darwin", "Library/Application Support"), ("win32", "AppData/Local")])
def test_it_lies_where_the_system_keeps_a_users_data(user, monkeypatch, platform, folder):
    monkeypatch.setattr(sys, "platform", platform)
    assert data_folder() == user / folder / "midas-normal"


@pytest.mark.parametrize("platform, variable", [("linux", "XDG_DATA_HOME"), ("win32", "LOCALAPPDATA")])
def test_the_systems_own_variable_moves_it(user, monkeypatch, platform, variable):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(user / "elsewhere"))
    assert data_folder() == user / "elsewhere" / "midas-normal"


def test_a_relative_xdg_folder_is_none(user, monkeypatch):
    """As the specification of these folders says."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    assert data_folder() == user / ".local/share/midas-normal"


def test_a_folder_in_the_clone_is_used_where_it_lies_and_the_variable_goes_before_it(user, monkeypatch):
    module.CLONE_DATA_FOLDER.mkdir(parents=True)
    assert data_folder() == user / "clone" / ".midas"
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(user / "named"))
    assert data_folder() == user / "named"
    monkeypatch.chdir(user)
    monkeypatch.setenv("MIDAS_NORMAL_DATA", "here")
    assert data_folder() == user / "here"


def test_a_user_without_a_home_has_a_folder_too(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", no_home)
    assert data_folder() == Path("/.local/share/midas-normal")
