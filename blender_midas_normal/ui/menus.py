"""The operators in Blender's own menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy


def _image_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("midas_normal.generate", icon="TEXTURE")
    self.layout.menu("MIDAS_NORMAL_MT_generate_all")


def _object_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu("MIDAS_NORMAL_MT_generate_all", icon="TEXTURE")


def _node_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    node = context.active_node
    if node is not None and node.bl_idname == "ShaderNodeTexImage" and node.image is not None:
        self.layout.separator()
        entry = self.layout.column()
        entry.context_pointer_set("edit_image", node.image)  # a name could be that of a linked image, too
        entry.operator("midas_normal.generate", text="Normal map from this image", icon="TEXTURE").source = "ACTIVE"


def _render_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("midas_normal.generate", text="Normal map from render", icon="TEXTURE").source = "RENDER"


PLACES: tuple[tuple[str, Callable], ...] = (
    ("IMAGE_MT_image", _image_menu), ("VIEW3D_MT_object", _object_menu),
    ("NODE_MT_context_menu", _node_menu), ("TOPBAR_MT_render", _render_menu))


def add() -> None:
    for menu, draw in _places():
        menu.append(draw)


def remove() -> None:
    for menu, draw in _places():
        menu.remove(draw)


def _places() -> Iterator[tuple[type[bpy.types.Menu], Callable]]:
    """Those of the menus that are there: other add-ons take Blender's own away."""
    for name, draw in PLACES:
        menu = getattr(bpy.types, name, None)
        if menu is not None:
            yield menu, draw
