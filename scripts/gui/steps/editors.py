"""What the other editors show of a map."""

from __future__ import annotations

from ..window import Window
from .common import NODES, check


def shader_editor(window: Window) -> str:
    """The nodes lie side by side in the Shader Editor."""
    window.blender.do("bpy.context.view_layer.objects.active = bpy.data.objects['Cube']")
    window.turn_into("ShaderNodeTree")
    window.all_in_view("node.view_all")
    window.shoot("shader_editor")
    check("NORMAL_MAP" in window.blender.value(NODES), "there is no Normal Map node")
    return ""


def viewport(window: Window) -> str:
    """The cube is lit with the map."""
    window.turn_into("VIEW_3D")
    window.blender.do("area.spaces.active.shading.type = 'MATERIAL'")
    window.all_in_view("view3d.view_selected")
    window.settle(8)
    window.shoot("viewport")
    return ""
