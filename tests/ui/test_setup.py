"""What the preferences offer for the MiDaS environment."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.addon import preferences
from bl_ext.user_default.midas_normal.core.errors import InstallError
from bl_ext.user_default.midas_normal.ui import setup, timer
from bl_ext.user_default.midas_normal.ui.setup import SetupOperator

from .scenes import pumped

STUCK = """#!/bin/sh
[ "$2" = -c ] && echo '["'"$0"'", [3, 12, 0], true, true]' || exec sleep 60
"""
"""A Python that says what it is, and never ends making an environment."""


@pytest.fixture
def chosen(tmp_path):
    chosen = preferences()
    chosen.environment_folder = str(tmp_path / "environment")
    chosen.backend = "cpu"  # the build that asks for the least free space before an installation begins
    yield chosen
    chosen.environment_folder = chosen.interpreter = ""
    chosen.backend = "auto"
    timer.clear()
    setup.close_setup()


class Button(SetupOperator):
    """An operator as Blender calls it when a button's question has been answered."""

    options = SimpleNamespace(is_invoke=True)

    def __init__(self, verb):
        self.verb = verb

    def press(self):
        assert self.execute(bpy.context) == {"FINISHED"}


def test_the_question_before_a_download_names_both_sources(monkeypatch):
    def ask(engine="MIDAS", model="SMALL"):
        return setup.MIDAS_NORMAL_OT_download_weights.question(SimpleNamespace(engine=engine, model=model))

    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert "(493 MB) from huggingface.co, or else from github.com, into " in ask()
    assert "moge-2-vitl-normal/model.pt (1326 MB) from huggingface.co into " in ask("MOGE", "LARGE")
    assert "CC-BY-NC-4.0" in ask("DEPTH_ANYTHING", "BASE")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert "from mirror.example, or else from github.com" in ask()


@pytest.mark.parametrize("operator", ["install", "download_weights"])
def test_nothing_is_downloaded_while_blender_is_offline(chosen, tmp_path, operator):
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        getattr(bpy.ops.midas_normal, operator)()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, "just text"])
def test_an_interpreter_that_is_none_is_named(chosen, tmp_path, monkeypatch, content):
    fake = tmp_path / "no_python"
    if content:
        fake.write_text(content)
        fake.chmod(0o755)
    chosen.interpreter = str(fake)
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    setup.start_setup("install")
    with pytest.raises(InstallError, match="no_python"):
        setup.wait_for_setup()
    assert not setup.is_running() and not (tmp_path / "environment").exists()


def test_removing_nothing_is_no_error_and_a_users_folder_is_left_alone(chosen, tmp_path):
    (tmp_path / "environment").mkdir()
    mine = tmp_path / "environment" / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(RuntimeError):
        bpy.ops.midas_normal.remove()
    assert mine.read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="its Python is a shell script")
def test_a_button_leaves_the_setup_to_the_timer_and_cancel_ends_it(chosen, tmp_path, monkeypatch):
    stuck = tmp_path / "python3"
    stuck.write_text(STUCK)
    stuck.chmod(0o755)
    chosen.interpreter = str(stuck)
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    Button("install").press()
    pumped(lambda: setup.describe_progress().startswith("Step 2 of 6"))
    assert setup.is_running() and not bpy.ops.midas_normal.install.poll()
    bpy.ops.midas_normal.cancel_setup()
    pumped(lambda: not setup.is_running() and timer.is_idle())
    assert "installing again goes on from here" in setup.outcome()
    Button("install").press()
    assert setup.outcome() == ""


def test_a_button_removes_without_waiting_and_that_is_not_given_up_halfway(chosen, tmp_path):
    (tmp_path / "environment" / "lib").mkdir(parents=True)
    (tmp_path / "environment" / ".version").write_text("{}")
    Button("remove").press()
    assert setup.is_running() and not bpy.ops.midas_normal.cancel_setup.poll()
    pumped(lambda: not setup.is_running())
    assert setup.outcome() == "MiDaS is removed." and not (tmp_path / "environment").exists()
