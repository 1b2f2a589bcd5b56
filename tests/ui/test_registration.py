"""The extension comes and goes as a whole, whatever other scripts have taken away of it."""

from __future__ import annotations

from pathlib import Path

import bl_ext.user_default.midas_normal as extension
import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.addon import EXTENSION
from bl_ext.user_default.midas_normal.ui import command, comparison, menus, preset_panel, registration

from .scenes import textured

LISTS = [name for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)]
PRESETS = str(Path(preset_panel.__file__).parent / "presets" / preset_panel.PRESET_SUBDIR)


def clear_handlers():
    """All lists, other add-ons' handlers too, which come back."""
    for name in LISTS:
        getattr(bpy.app.handlers, name).clear()


def unregister_classes():
    for cls in reversed(registration.CLASSES):
        bpy.utils.unregister_class(cls)


def unregister_operator():
    bpy.utils.unregister_class(bpy.types.MIDAS_NORMAL_OT_generate)


def delete_property():
    del bpy.types.Scene.midas_normal


def clear_menus():
    for name, draw in menus.MENUS:
        getattr(bpy.types, name).remove(draw)


def unregister_command():
    bpy.utils.unregister_cli_command(command.registered_command)


def remove_draw_handler():
    bpy.types.SpaceImageEditor.draw_handler_remove(comparison.draw_handler, "WINDOW")


UNDOINGS = {
    "nothing": lambda: None,
    "handlers": clear_handlers,
    "classes": unregister_classes,
    "one class": unregister_operator,
    "property": delete_property,
    "menus": clear_menus,
    "presets": lambda: bpy.utils.unregister_preset_path(str(Path(preset_panel.__file__).parent)),
    "translations": lambda: bpy.app.translations.unregister(EXTENSION),
    "all": extension.unregister,
}
"""What other scripts may take away while the extension is enabled."""


def traces():
    """What Blender has of the extension, in words."""
    found = [f"{name} {handler.__name__}" for name in LISTS for handler in getattr(bpy.app.handlers, name)
             if EXTENSION in handler.__module__]
    found += [cls.__name__ for cls in registration.CLASSES if cls.is_registered]
    found += [f"{name} {draw.__name__}" for name, draw in menus.MENUS
              if draw in getattr(getattr(bpy.types, name).draw, "_draw_funcs", ())]
    found += ["property"] if hasattr(bpy.types.Scene, "midas_normal") else []
    found += ["presets"] if PRESETS in bpy.utils.preset_paths(preset_panel.PRESET_SUBDIR) else []
    found += ["command"] if command.registered_command is not None else []
    found += ["draw handler"] if comparison.draw_handler is not None else []
    return sorted(found)


@pytest.fixture
def whole():
    """All that the extension adds; afterwards it is there again, and other add-ons' handlers too."""
    before = {name: list(getattr(bpy.app.handlers, name)) for name in LISTS}
    whole = traces()
    yield whole
    for name, handlers in before.items():
        mine = getattr(bpy.app.handlers, name)
        mine[:] = handlers + [handler for handler in mine if handler not in handlers]
    assert set(traces()) == set(whole)


@pytest.mark.parametrize("others", UNDOINGS)
def test_what_others_have_taken_away_stops_neither_disabling_nor_enabling(whole, others):
    assert {"property", "presets", "command", "draw handler", "load_pre _before_load", "IMAGE_MT_image draw_image_menu",
            "MIDAS_NORMAL_OT_generate"} <= set(whole)
    UNDOINGS[others]()
    extension.unregister()
    assert traces() == []
    extension.register()
    assert traces() == whole
    textured()
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE") == {"FINISHED"}


@pytest.mark.parametrize("others", [unregister_command, remove_draw_handler])
def test_a_part_that_cannot_be_removed_twice_stops_no_other(whole, others):
    """Blender raises for these two; only who knows their handles can have removed them."""
    others()
    with pytest.raises(ValueError, match="already"):
        extension.unregister()
    assert traces() == []
    extension.register()
    assert traces() == whole


def test_a_part_that_cannot_be_added_leaves_none_of_the_others(whole, monkeypatch):
    extension.unregister()
    with monkeypatch.context() as patch:
        patch.setattr(bpy.utils, "register_cli_command", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            extension.register()
        assert traces() == []
    extension.register()
    assert traces() == whole


def test_without_one_of_blenders_menus_it_is_enabled_all_the_same(whole):
    """Another add-on has taken it away to put its own in its place."""
    extension.unregister()
    menu = bpy.types.TOPBAR_MT_render
    bpy.utils.unregister_class(menu)
    try:
        extension.register()
        extension.unregister()
    finally:
        bpy.utils.register_class(menu)
    extension.register()
    assert traces() == whole
