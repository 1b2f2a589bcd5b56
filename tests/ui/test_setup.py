"""What the preferences offer for the MiDaS environment."""

from __future__ import annotations

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.places import preferences
from bl_ext.user_default.midas_normal.core.errors import InstallError
from bl_ext.user_default.midas_normal.ui import setup


@pytest.fixture
def chosen(tmp_path):
    chosen = preferences()
    chosen.environment_folder = str(tmp_path / "environment")
    yield chosen
    chosen.environment_folder = chosen.interpreter = ""
    setup.close()


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
    setup.start("install")
    with pytest.raises(InstallError, match="no_python"):
        setup.wait()
    assert not setup.running() and not (tmp_path / "environment").exists()


def test_removing_nothing_is_no_error_and_a_users_folder_is_left_alone(chosen, tmp_path):
    (tmp_path / "environment").mkdir()
    mine = tmp_path / "environment" / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(RuntimeError):
        bpy.ops.midas_normal.remove()
    assert mine.read_text() == "mine"
