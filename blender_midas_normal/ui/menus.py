"""The entries in Blender's menus, and the menu beside Generate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy

from ..bridge.nodes.materials import HEIGHT_NODES
from .properties import scene_settings


def draw_image_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entries in the Image Editor's menu Image."""
    self.layout.separator()
    self.layout.operator("midas_normal.generate", icon="TEXTURE")
    self.layout.menu("MIDAS_NORMAL_MT_generate_all")
    self.layout.menu("MIDAS_NORMAL_MT_rectify")


def draw_object_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entries in the 3D Viewport's menu Object."""
    self.layout.separator()
    self.layout.menu("MIDAS_NORMAL_MT_generate_all", icon="TEXTURE")
    self.layout.operator("midas_normal.compare", icon="SPLIT_VERTICAL")


def draw_node_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entry in the context menu of an Image Texture node."""
    node = context.active_node
    if node is not None and node.bl_idname in HEIGHT_NODES:
        self.layout.separator()
        draw_from_bump(self.layout)
    if node is not None and node.bl_idname == "ShaderNodeTexImage" and node.image is not None:
        self.layout.separator()
        entry = self.layout.column()
        entry.context_pointer_set("edit_image", node.image)  # a name could be that of a linked image, too
        entry.operator("midas_normal.generate", text="Normal Map from This Image", icon="TEXTURE").source = "ACTIVE"


def draw_from_bump(layout: bpy.types.UILayout) -> None:
    """Draw the buttons or entries that make a map of a Bump or Displacement node, and that let it take the node's place."""
    layout.operator("midas_normal.generate_from_bump", icon="NODE_TEXTURE")
    layout.operator("midas_normal.generate_from_bump", text="Normal Map Instead of Bump", icon="NODE_TEXTURE").wire = True


def draw_render_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entry in the menu Render."""
    self.layout.separator()
    self.layout.operator("midas_normal.generate", text="Normal Map from Render", icon="TEXTURE").source = "RENDER"


MENUS: tuple[tuple[str, Callable], ...] = (
    ("IMAGE_MT_image", draw_image_menu), ("VIEW3D_MT_object", draw_object_menu),
    ("NODE_MT_context_menu", draw_node_menu), ("TOPBAR_MT_render", draw_render_menu))


def register() -> None:
    """Add the entries to Blender's menus."""
    for menu, draw in _existing_menus():
        menu.append(draw)


def unregister() -> None:
    """Remove the entries from Blender's menus."""
    for menu, draw in _existing_menus():
        menu.remove(draw)


def _existing_menus() -> Iterator[tuple[type[bpy.types.Menu], Callable]]:
    """Yield the menus that exist, with the function for each; other add-ons may have removed one of Blender's."""
    for name, draw in MENUS:
        menu = getattr(bpy.types, name, None)
        if menu is not None:
            yield menu, draw


class MIDAS_NORMAL_MT_generate_all(bpy.types.Menu):
    bl_label = "Normal Maps of Many Images"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("midas_normal.generate_all", text="All Images of the Selected Objects").scope = "SELECTED"
        layout.operator("midas_normal.generate_all", text="All Materials of This File").scope = "FILE"
        layout.separator()
        layout.prop_menu_enum(scene_settings(context.scene), "existing")
        layout.separator()
        layout.operator("midas_normal.write_farm_job")
        layout.operator("midas_normal.load_finished_maps")


CLASSES = (MIDAS_NORMAL_MT_generate_all,)
