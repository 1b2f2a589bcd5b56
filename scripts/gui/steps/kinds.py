"""A person makes maps of other kinds than normals, which displace the material too, and takes them back."""

from __future__ import annotations

from ..window import Window
from .common import NODES, TREE, check, make

SETTINGS = "bpy.context.scene.midas_normal"
MAPS = ("sorted([image.name, float(np.array(image.pixels[:4096]).std())] for image in bpy.data.images "
        "if source_of(image) == area.spaces.active.image)")
"""With a figure that tells one map's pixels from another's."""

METHOD = "bpy.data.materials['Material'].displacement_method"
FEEDS = f"[[link.from_node.type, link.to_socket.name] for link in {TREE}.links]"

ALL = ["NORMAL", "HEIGHT", "AO", "CURVATURE"]


def kinds(window: Window) -> str:
    """All maps of one run: Ctrl+Z takes those that are new, their nodes and the displacement away in one step."""
    window.blender.do(f"{SETTINGS}.maps = set({ALL}); bpy.ops.ed.undo_push()")
    before = _state(window)
    make(window)
    made = _state(window)
    window.shoot("kinds")
    check(len(made[MAPS]) == len(ALL), f"these maps are there: {made[MAPS]}")
    check(["DISPLACEMENT", "Displacement"] in made[FEEDS], f"nothing is displaced: {made[FEEDS]}")
    window.press("ctrl+z")
    check(_state(window) == before, f"undo left {_state(window)} of {before}")
    window.press("ctrl+shift+z")
    check(_state(window) == made, f"redo left {_state(window)} of {made}")
    check(not window.blender.value("session.client.is_busy"), "redo ran the engine")
    window.press("ctrl+z")
    window.blender.do(f"{SETTINGS}.maps = {{'NORMAL'}}; bpy.ops.ed.undo_push()")
    return ""


def _state(window: Window) -> dict:
    """What a map of any kind changes."""
    return {what: window.blender.value(what) for what in (MAPS, NODES, FEEDS, METHOD)}
