"""The extension where Blender keeps no preferences for it, as with `blender --addons`."""

from __future__ import annotations

import bpy
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import places, session


def test_looking_at_panel_and_preferences_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "EXTENSION", f"bl_ext.user_default.{tmp_path.name}")
    folder = places.own_folder()
    assert folder.is_absolute() and not folder.exists()
    for name in ("show_log", "remove", "install", "copy_report", "restart"):
        getattr(bpy.ops.midas_normal, name).poll()
    assert not bpy.ops.midas_normal.show_log.poll() and places.places().log.parent == folder
    assert not folder.exists()
    session.client.close()
    assert generate(bpy.data.images.new("grid", 16, 16), engine="LUMINANCE") and places.log_file().is_file()


def test_without_preferences_the_defaults_count(monkeypatch):
    real = places.preferences()
    assert {name: getattr(real, name) for name in vars(places.UNSET)} == vars(places.UNSET)
    monkeypatch.setattr(places, "EXTENSION", "bl_ext.user_default.none")
    assert places.preferences() == places.UNSET
    monkeypatch.setattr(places, "own_folder", lambda: places.Path(bpy.app.tempdir))
    image = bpy.data.images.new("grid", 16, 16)
    assert generate(image, engine="LUMINANCE").name == "grid_normal"
