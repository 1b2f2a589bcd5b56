"""The extension where Blender keeps no preferences for it, as with `blender --addons`."""

from __future__ import annotations

import bpy
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import addon


def test_looking_at_panel_and_preferences_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(addon, "EXTENSION", f"bl_ext.user_default.{tmp_path.name}")
    folder = addon.extension_folder()
    assert folder.is_absolute() and not folder.exists()
    for name in ("show_log", "remove", "install", "copy_report", "restart"):
        getattr(bpy.ops.midas_normal, name).poll()
    assert not bpy.ops.midas_normal.show_log.poll() and addon.worker_paths().log.parent == folder
    assert not folder.exists()
    addon.client.close()
    assert generate(bpy.data.images.new("grid", 16, 16), engine="LUMINANCE") and addon.log_file().is_file()


def test_without_preferences_the_defaults_count(monkeypatch):
    real = addon.preferences()
    assert {name: getattr(real, name) for name in vars(addon.DEFAULT_PREFERENCES)} == vars(addon.DEFAULT_PREFERENCES)
    monkeypatch.setattr(addon, "EXTENSION", "bl_ext.user_default.none")
    assert addon.preferences() == addon.DEFAULT_PREFERENCES
    monkeypatch.setattr(addon, "extension_folder", lambda: addon.Path(bpy.app.tempdir))
    image = bpy.data.images.new("grid", 16, 16)
    assert generate(image, engine="LUMINANCE").name == "grid_normal"
