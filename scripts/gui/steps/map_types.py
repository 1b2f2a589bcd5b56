"""A user makes maps of other types than normals, which displace the material too, and takes them back."""

from __future__ import annotations

from ..window import Window
from .common import NODES, TREE, check, make

SETTINGS = "bpy.context.scene.midas_normal"

CHANGED = {
    "maps": "sorted([image.name, float(np.array(image.pixels[:4096]).std())] for image in bpy.data.images "
            "if source_of(image) == area.spaces.active.image)",
    "nodes": NODES,
    "links": f"[[link.from_node.type, link.to_socket.name] for link in {TREE}.links]",
    "displacement": "bpy.data.materials['Material'].displacement_method",
}
"""What a map of any kind changes; each map with a figure that tells its pixels from another's."""

ALL = ["NORMAL", "HEIGHT", "AO", "CURVATURE"]


def all_map_types(window: Window) -> str:
    """All maps of one run: Ctrl+Z takes those that are new, their nodes and the displacement away in one step."""
    window.blender.do(f"{SETTINGS}.maps = set({ALL}); bpy.ops.ed.undo_push()")
    before = _state(window)
    make(window)
    state = _state(window)
    window.shoot("map_types")
    check(len(state["maps"]) == len(ALL), f"these maps are there: {state['maps']}")
    check(["DISPLACEMENT", "Displacement"] in state["links"], f"nothing is displaced: {state['links']}")
    window.press("ctrl+z")
    check(_state(window) == before, f"undo left {_state(window)} of {before}")
    window.press("ctrl+shift+z")
    check(_state(window) == state, f"redo left {_state(window)} of {state}")
    check(not window.blender.value("client.is_busy"), "redo ran the engine")
    window.press("ctrl+z")
    window.blender.do(f"{SETTINGS}.maps = {{'NORMAL'}}; bpy.ops.ed.undo_push()")
    return ""


def _state(window: Window) -> dict:
    return {what: window.blender.value(expression) for what, expression in CHANGED.items()}
