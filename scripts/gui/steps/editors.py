"""What the other editors show of a map."""

from __future__ import annotations

import time

from ..window import Window
from .common import NODES, check


def shader_editor(window: Window) -> str:
    """The nodes lie side by side in the Shader Editor."""
    window.blender.do("bpy.context.view_layer.objects.active = bpy.data.objects['Cube']")
    window.turn_into("ShaderNodeTree")
    window.all_in_view("node.view_all")
    check("NORMAL_MAP" in window.blender.value(NODES), "there is no Normal Map node")
    return ""


def viewport(window: Window) -> str:
    """The cube is lit with the map."""
    window.turn_into("VIEW_3D")
    window.blender.do("area.spaces.active.shading.type = 'MATERIAL'")
    window.blender.do("bpy.context.scene.eevee.taa_samples = 4")
    window.all_in_view("view3d.view_selected")
    start = time.monotonic()
    while not _is_red(window.middle()):
        check(time.monotonic() - start < 120, "the viewport does not show the bricks after two minutes")
    window.settle(1)
    return ""


def _is_red(pixels: bytes) -> bool:
    """Bricks are; what Blender shows while it compiles their shader is not."""
    return sum(pixels[::3]) > 1.3 * sum(pixels[2::3])
