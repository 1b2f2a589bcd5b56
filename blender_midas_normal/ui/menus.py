"""The operators in Blender's own menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy


def draw_image_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("midas_normal.generate", icon="TEXTURE")
    self.layout.menu("MIDAS_NORMAL_MT_generate_all")


def draw_object_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu("MIDAS_NORMAL_MT_generate_all", icon="TEXTURE")


def draw_node_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    node = context.active_node
    if node is not None and node.bl_idname == "ShaderNodeTexImage" and node.image is not None:
        self.layout.separator()
        entry = self.layout.column()
        entry.context_pointer_set("edit_image", node.image)  # a name could be that of a linked image, too
        entry.operator("midas_normal.generate", text="Normal map from this image", icon="TEXTURE").source = "ACTIVE"


def draw_render_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("midas_normal.generate", text="Normal map from render", icon="TEXTURE").source = "RENDER"


MENUS: tuple[tuple[str, Callable], ...] = (
    ("IMAGE_MT_image", draw_image_menu), ("VIEW3D_MT_object", draw_object_menu),
    ("NODE_MT_context_menu", draw_node_menu), ("TOPBAR_MT_render", draw_render_menu))


def register() -> None:
    for menu, draw in _existing_menus():
        menu.append(draw)


def unregister() -> None:
    for menu, draw in _existing_menus():
        menu.remove(draw)


def _existing_menus() -> Iterator[tuple[type[bpy.types.Menu], Callable]]:
    """Those of the menus that are there: other add-ons take Blender's own away."""
    for name, draw in MENUS:
        menu = getattr(bpy.types, name, None)
        if menu is not None:
            yield menu, draw
