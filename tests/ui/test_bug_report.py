"""What the extension tells of itself."""

from __future__ import annotations

import platform
from pathlib import Path

import bpy
from bl_ext.user_default.midas_normal.bridge.addon import bug_report, log_file, preferences
from bl_ext.user_default.midas_normal.ui import generation

from .scenes import textured


def test_the_log_and_the_folders_are_the_extensions_own():
    assert "midas_normal" in str(log_file()) and not preferences().environment_folder


def test_a_report_tells_what_is_needed_and_not_whose_home_it_is(monkeypatch):
    bpy.ops.midas_normal.generate(engine="LUMINANCE", source="IMAGE", image=textured()[0].name)
    log = log_file()
    log.write_text(f"first\nTrouble in {log}\n", encoding="utf-8")
    monkeypatch.setattr(Path, "home", lambda: log.parent)
    text = bug_report(generation.last_message())
    for word in (bpy.app.version_string, "MiDaS Normal Map 1.", platform.system(), "photo_normal", "Trouble in ~"):
        assert word in text
    assert str(log.parent) not in text
    monkeypatch.undo()
    log.unlink()
    assert "none" in bug_report("none") and not bpy.ops.midas_normal.show_log.poll()
