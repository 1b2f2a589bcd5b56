"""Blender's own presets: those of the extension and of the user."""

from __future__ import annotations

from pathlib import Path

import bpy
from bl_ext.user_default.midas_normal.core.settings import Settings, preset_of
from bl_ext.user_default.midas_normal.ui.preset_panel import PRESET_SUBDIR, current_preset_label


def files():
    """The presets' files by the name that is shown."""
    found = {}
    for folder in bpy.utils.preset_paths(PRESET_SUBDIR):
        found |= {bpy.path.display_name(file.name, title_case=False): str(file) for file in Path(folder).glob("*.py")}
    return found


def test_the_extensions_presets_are_there_and_set_everything(settings):
    assert set(files()) >= {"Material", "MiDaS Node"}
    settings.strength = 7
    for label, name in (("MiDaS Node", "NODE"), ("Material", "MATERIAL")):
        bpy.ops.midas_normal.preset_choose(filepath=files()[label])
        assert preset_of(settings.values()) == name and current_preset_label(settings.values()) == label


def test_a_preset_of_the_users_own_is_added_chosen_and_removed(settings):
    settings.strength, settings.tileable = 2.5, "X"
    expected = settings.values()
    bpy.ops.midas_normal.preset_add(name="Rough walls")
    assert current_preset_label(expected) == "Rough walls"
    bpy.ops.midas_normal.reset()
    assert settings.values().is_close_to(Settings())
    bpy.ops.midas_normal.preset_choose(filepath=files()["Rough walls"])
    assert settings.values().is_close_to(expected) and current_preset_label(expected) == "Rough walls"
    settings.strength = 1
    assert current_preset_label(settings.values()) == "Presets"
    bpy.ops.midas_normal.preset_add(name="Rough walls", remove_name=True)
    assert "Rough walls" not in files()
