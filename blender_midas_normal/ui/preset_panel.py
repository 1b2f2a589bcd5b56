"""Blender's usual menu of presets, to choose, add and remove: those of the extension and of the user.

The user's presets are files in Blender's own folder for presets. The extension's are in the folder `presets` here, and
cannot be removed.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel
from bpy.app.translations import pgettext_n as n_
from bpy.props import StringProperty

from ..core.settings import Settings, preset_of, setting_domains
from . import live_tuning
from .operator_checks import MainThreadOperator
from .properties import PRESET_ITEMS, MidasNormalSettings, scene_settings

PRESET_SUBDIR = "midas_normal"
"""Name of the folder for the extension's presets in each of Blender's folders for presets."""

_current: tuple[str, Settings] | None = None
"""The file of the preset that was chosen or added last, and its settings."""


def current_preset_label(settings: Settings) -> str:
    """Return the label of the menu: the name of the preset with these settings, or "Presets"."""
    shipped = preset_of(settings)
    if shipped is not None:
        return next(label for name, label, _ in PRESET_ITEMS if name == shipped)
    if _current is not None and settings.is_close_to(_current[1]):
        return bpy.path.display_name(_current[0], title_case=False)
    return n_("Presets")


def _set_current(context: bpy.types.Context, filepath: str) -> None:
    """Remember that the scene has the settings of the preset in this file."""
    global _current
    _current = filepath, scene_settings(context.scene).values()


def _clear_current() -> None:
    global _current
    _current = None


class MIDAS_NORMAL_PT_presets(PresetPanel, bpy.types.Panel):
    bl_label = "Normal Map Presets"
    preset_subdir = PRESET_SUBDIR
    preset_operator = "midas_normal.preset_choose"
    preset_add_operator = "midas_normal.preset_add"
    post_cb = staticmethod(_set_current)

    def draw(self, context: bpy.types.Context) -> None:
        super().draw(context)
        self.layout.separator()
        self.layout.operator("midas_normal.reset", icon="LOOP_BACK")


class MIDAS_NORMAL_OT_preset_choose(MainThreadOperator, bpy.types.Operator):
    """Set the scene's settings to those of a preset"""

    bl_idname = "midas_normal.preset_choose"
    bl_label = "Choose Normal Map Preset"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}
    __annotations__ = {"filepath": StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})}

    def execute(self, context: bpy.types.Context) -> set[str]:
        with live_tuning.suspend_updates():
            bpy.ops.script.execute_preset(filepath=self.filepath, menu_idname="MIDAS_NORMAL_PT_presets")
        live_tuning.schedule_retune(context.scene)
        return {"FINISHED"}


class MIDAS_NORMAL_OT_preset_add(MainThreadOperator, AddPresetBase, bpy.types.Operator):
    """Add or remove a preset of normal map settings"""

    bl_idname = "midas_normal.preset_add"
    bl_label = "Add Normal Map Preset"
    preset_menu = "MIDAS_NORMAL_PT_presets"
    preset_subdir = PRESET_SUBDIR
    preset_defines = ("settings = bpy.context.scene.midas_normal",)
    preset_values = tuple(f"settings.{name}" for name in setting_domains())

    def post_cb(self, context: bpy.types.Context, filepath: str) -> None:
        """Update the menu's label; Blender calls this after a preset was added or removed."""
        if self.remove_name or self.remove_active:
            _clear_current()
        else:
            _set_current(context, filepath)


class MIDAS_NORMAL_OT_reset(MainThreadOperator, bpy.types.Operator):
    """Set everything in the panel back to its default"""

    bl_idname = "midas_normal.reset"
    bl_label = "Reset to Defaults"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = scene_settings(context.scene)
        for name in set(MidasNormalSettings.__annotations__) - {"image", "mask_image", "result"}:
            settings.property_unset(name)
        live_tuning.schedule_retune(context.scene)
        return {"FINISHED"}


CLASSES = (MIDAS_NORMAL_PT_presets, MIDAS_NORMAL_OT_preset_choose, MIDAS_NORMAL_OT_preset_add, MIDAS_NORMAL_OT_reset)


def register() -> None:
    """Add the extension's folder to those in which Blender looks for presets."""
    bpy.utils.register_preset_path(str(Path(__file__).parent))


def unregister() -> None:
    """Remove the extension's folder, and forget the current preset."""
    _clear_current()
    bpy.utils.unregister_preset_path(str(Path(__file__).parent))
