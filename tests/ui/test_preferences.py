"""The extension where Blender keeps no preferences for it, as with `blender --addons`."""

from __future__ import annotations

import bpy
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import places


def test_without_preferences_the_defaults_count(monkeypatch):
    real = places.preferences()
    assert {name: getattr(real, name) for name in vars(places.UNSET)} == vars(places.UNSET)
    monkeypatch.setattr(places, "EXTENSION", "bl_ext.user_default.none")
    assert places.preferences() == places.UNSET
    monkeypatch.setattr(places, "own_folder", lambda: places.Path(bpy.app.tempdir))
    image = bpy.data.images.new("grid", 16, 16)
    assert generate(image, engine="LUMINANCE").name == "grid_normal"
