"""The panel "MiDaS Normal" in three editors' sidebars, and the entries in Blender's menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from ..batch.report import FAILED, MADE, SKIPPED
from ..bridge import addon
from ..bridge.addon import engine_unavailable_reason
from ..bridge.image_source import active_material
from ..bridge.nodes.bump import height_nodes
from ..bridge.nodes.materials import HEIGHT_NODES
from ..bridge.queue import IN_PROGRESS, WAITING, Item, Queue
from ..bridge.tasks import Report
from ..core.engines import OPTIONAL_SETTINGS, OWN_FOLDER, engine_in_use, setting_acts
from ..core.errors import NO_MESSAGE, Cancelled, MidasNormalError, SettingsError
from . import comparison, generation, live_paint, live_tuning
from .drawing import draw_progress, draw_progress_placeholder, draw_text
from .generation import describe_worker
from .preset_panel import MIDAS_NORMAL_PT_presets, current_preset_label
from .properties import MidasNormalSettings, scene_settings

STATE_LABELS = {IN_PROGRESS: (n_("Being made"), "PLAY"), FAILED: (n_("Failed"), "ERROR"), WAITING: (n_("Waiting"), "BLANK1"),
                MADE: (n_("Made"), "CHECKMARK"), SKIPPED: (n_("Skipped"), "CHECKMARK")}
"""The label and the icon of each state, in the order in which pictures are listed."""

MAX_ROWS = 8
"""Number of pictures that the panel lists at most, besides those that failed."""

MAIN_SETTINGS = ("engine", "quality", "height_scale", "source_convention", "strength", "a", "bg_threshold", "bg_softness",
                 "blur", "invert", "tileable", "convention")

RELIEF_SETTINGS = ("detail", "high_pass", "mask", "mask_image", "islands", "mix", "base", "crossover", "mix_amount")

MIX_SETTINGS = ("base", "crossover", "mix_amount")

SIZE_SETTINGS = ("model", "model_folder", "resolution", "enlargement", "depth_scale", "size", "device", "precision")

SET_SETTINGS = ("across", "smoothing")


def draw_image_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entries in the Image Editor's menu Image."""
    self.layout.separator()
    self.layout.operator("midas_normal.generate", icon="TEXTURE")
    self.layout.menu("MIDAS_NORMAL_MT_generate_all")
    self.layout.menu("MIDAS_NORMAL_MT_rectify")


def draw_object_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entry in the 3D Viewport's menu Object."""
    self.layout.separator()
    self.layout.menu("MIDAS_NORMAL_MT_generate_all", icon="TEXTURE")


def draw_node_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entry in the context menu of an Image Texture node."""
    node = context.active_node
    if node is not None and node.bl_idname in HEIGHT_NODES:
        self.layout.separator()
        _draw_from_bump(self.layout)
    if node is not None and node.bl_idname == "ShaderNodeTexImage" and node.image is not None:
        self.layout.separator()
        entry = self.layout.column()
        entry.context_pointer_set("edit_image", node.image)  # a name could be that of a linked image, too
        entry.operator("midas_normal.generate", text="Normal map from this image", icon="TEXTURE").source = "ACTIVE"


def _draw_from_bump(layout: bpy.types.UILayout) -> None:
    """Draw the buttons or entries that make a map of a Bump or Displacement node, and that let it take the node's place."""
    layout.operator("midas_normal.generate_from_bump", icon="NODE_TEXTURE")
    layout.operator("midas_normal.generate_from_bump", text="Normal map instead of Bump", icon="NODE_TEXTURE").wire = True


def draw_render_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw the entry in the menu Render."""
    self.layout.separator()
    self.layout.operator("midas_normal.generate", text="Normal map from render", icon="TEXTURE").source = "RENDER"


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
    bl_label = "Normal maps of many images"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("midas_normal.generate_all", text="All images of the selected objects").scope = "SELECTED"
        layout.operator("midas_normal.generate_all", text="All materials of this file").scope = "FILE"
        layout.separator()
        layout.prop_menu_enum(scene_settings(context.scene), "existing")


def draw_queue(layout: bpy.types.UILayout, queue: Queue) -> None:
    """Draw how many pictures are done, and in a panel that folds, the state of each and why some have no maps."""
    header, body = layout.panel("midas_normal_queue")
    done = len(queue.items) - queue.count(WAITING) - queue.count(IN_PROGRESS)
    header.label(text=iface_("{done} of {of} pictures").format(done=done, of=len(queue.items)), translate=False)
    if body is None:
        return
    shown, rows = order_for_display(queue.items), body.column(align=True)
    for item in shown:
        label, icon = STATE_LABELS[item.state]
        row = rows.row()
        row.label(text=item.source.name, icon=icon, translate=False)
        row.label(text=label)
        if item.message:
            draw_text(rows, item.message, icon="BLANK1")
    if len(shown) < len(queue.items):
        rows.label(text=iface_("and {more} more").format(more=len(queue.items) - len(shown)), translate=False)
    counts = {state: queue.count(state) for state in (MADE, SKIPPED, FAILED)}
    draw_text(body, iface_("{made} made, {skipped} skipped, {failed} failed").format(**counts))


def order_for_display(items: list[Item]) -> list[Item]:
    """Return the pictures to list, in the order of STATE_LABELS: all that failed, and the others up to MAX_ROWS.

    Those that were skipped for a reason come after those that failed.
    """
    def sort_key(item: Item) -> tuple[int, bool]:
        is_explained = item.state == SKIPPED and item.message != ""
        return tuple(STATE_LABELS).index(FAILED if is_explained else item.state), is_explained

    ordered = sorted(items, key=sort_key)
    return [item for index, item in enumerate(ordered) if index < MAX_ROWS or item.state == FAILED]


class MidasNormalPanel:
    """Mixin of the three panels, which differ only in their editor."""

    bl_label = "MiDaS Normal"
    bl_region_type = "UI"
    bl_category = "MiDaS Normal"

    def draw(self, context: bpy.types.Context) -> None:
        layout: bpy.types.UILayout = self.layout
        settings = scene_settings(context.scene)
        _draw_generate(layout, settings)
        material = active_material(context)
        if generation.task() is None and material is not None and height_nodes(material.node_tree):
            _draw_from_bump(layout.column(align=True))
        draw_outcome(layout)
        _draw_result(layout, settings, context.area)
        _draw_live_paint(layout, settings, context)
        _draw_presets(layout, settings)
        _draw_settings(layout.column(), settings, MAIN_SETTINGS)
        for idname, title, names in (("midas_normal_relief", n_("Relief"), RELIEF_SETTINGS),
                                     ("midas_normal_details", n_("Network and size"), SIZE_SETTINGS),
                                     ("midas_normal_several", n_("Tiles and frames"), SET_SETTINGS)):
            header, folded = layout.panel(idname, default_closed=True)
            header.label(text=title)
            if folded is not None:
                _draw_settings(folded, settings, names)


class VIEW3D_PT_midas_normal(MidasNormalPanel, bpy.types.Panel):
    bl_space_type = "VIEW_3D"


class IMAGE_EDITOR_PT_midas_normal(MidasNormalPanel, bpy.types.Panel):
    bl_space_type = "IMAGE_EDITOR"


class NODE_EDITOR_PT_midas_normal(MidasNormalPanel, bpy.types.Panel):
    bl_space_type = "NODE_EDITOR"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.space_data.tree_type == "ShaderNodeTree"


def _draw_settings(layout: bpy.types.UILayout, settings: MidasNormalSettings, names: tuple[str, ...]) -> None:
    """Draw the settings of these names; those without effect are greyed out."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    for name in names:
        if is_hidden(name, settings):
            continue
        row = layout.row()
        row.active = _has_effect(name, settings)
        row.prop(settings, name)
        if name == "height_scale":
            row.operator("midas_normal.height_lengths", text="", icon="DRIVER_DISTANCE")


def is_hidden(name: str, settings: MidasNormalSettings) -> bool:
    """Whether a setting is not drawn while the other settings are as they are; else it is grey where it has no effect."""
    if name == "mask_image":
        return settings.mask != "IMAGE"
    if name == "islands":
        return settings.depth_scale == "RAW" or settings.source in ("RENDER", "VIEWER")
    if name == "model_folder" and settings.model != OWN_FOLDER:
        return True
    engine = engine_in_use(settings.engine, settings.base, settings.mix)
    return name in OPTIONAL_SETTINGS and not setting_acts(name, engine, settings.mix)


def _has_effect(name: str, settings: MidasNormalSettings) -> bool:
    """Whether a setting changes the map while the other settings are as they are."""
    if name == "bg_softness":
        return settings.bg_threshold > 0
    if name in MIX_SETTINGS:
        return settings.mix != "OFF"
    engine = engine_in_use(settings.engine, settings.base, settings.mix)
    return settings.engine == engine if name == "engine" else setting_acts(name, engine, settings.mix)


def _draw_presets(layout: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    """Draw the menu of presets, and above it an error where the settings contradict each other."""
    try:
        name = current_preset_label(settings.values())
    except SettingsError as error:
        draw_text(layout, error.message, icon="ERROR")
        name = "Presets"
    MIDAS_NORMAL_PT_presets.draw_menu(layout, name)


def _draw_generate(layout: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    """Draw source, maps and target, and below them the button, the progress, or why no map can be made."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    row = column.row(align=True)
    row.prop(settings, "source")
    row.menu("MIDAS_NORMAL_MT_rectify", text="", icon="VIEW_PERSPECTIVE")
    if settings.source == "IMAGE":
        column.prop(settings, "image")
    if settings.source == "RENDER":
        column.prop(settings, "animation")
    if settings.source in ("RENDER", "VIEWER"):
        draw_text(column, "Camera-space: honest only for a plane seen head-on", icon="INFO")
    column.column(align=True).prop(settings, "maps")
    column.prop(settings, "target")
    column.prop(settings, "replace")
    column.prop(settings, "save")
    task = generation.task()
    if task is not None:
        draw_progress(layout, generation.describe_task(task), generation.total_progress(task.current_step))
        layout.operator("midas_normal.cancel", icon="CANCEL")
    elif generation.draining_task() is not None:
        draw_progress(layout, "Stopping", None)
        layout.operator("midas_normal.cancel", text="Stop the worker", icon="CANCEL")
    else:
        reason = engine_unavailable_reason(settings)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.enabled = not reason
        row.operator("midas_normal.generate", icon="TEXTURE")
        row.menu("MIDAS_NORMAL_MT_generate_all", text="", icon="DOWNARROW_HLT")
        draw_progress_placeholder(row)
        if reason:
            draw_text(layout, reason, icon="ERROR")
            layout.operator("midas_normal.show_preferences", icon="PREFERENCES")


def draw_outcome(layout: bpy.types.UILayout) -> None:
    """Draw the report or the error of the last task, the state of the worker before the first, and the queue, if any."""
    outcome, queue = generation.last_outcome(), generation.queue()
    if isinstance(outcome, MidasNormalError):
        box = layout.box()
        draw_text(box, outcome.message, icon="ERROR")
        if not isinstance(outcome, Cancelled):
            row = box.row(align=True)
            for name in ("show_log", "copy_report", "restart"):
                row.operator(f"midas_normal.{name}")
    elif isinstance(outcome, Report) and queue is None and outcome.exists_in_file:
        box = layout.box()
        for number, sentence in enumerate(outcome.messages):
            draw_text(box, sentence, icon="BLANK1" if number else "CHECKMARK")
    elif outcome is None and generation.task() is None:
        draw_text(layout, describe_worker(addon.client), icon="INFO")
    if queue is not None:
        draw_queue(layout, queue)


def _draw_result(layout: bpy.types.UILayout, settings: MidasNormalSettings, area: bpy.types.Area) -> None:
    """Draw the map that follows the settings below, and why it cannot where its surface is gone."""
    if settings.result is None:
        return
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    row = column.row(align=True)
    row.prop(settings, "result")
    row.operator("midas_normal.compare", text="", icon="UV_SYNC_SELECT", depress=comparison.is_shown(area))
    if not live_tuning.can_retune(settings.result):
        draw_text(column, "Its surface is no longer in memory; generate it again to tune it", icon="INFO")


def _draw_live_paint(layout: bpy.types.UILayout, settings: MidasNormalSettings, context: bpy.types.Context) -> None:
    """Draw the switch for live paint and, where it is on, why the active image's maps do not follow the brush."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(settings, "live_paint")
    reason = live_paint.inactive_reason(context) if settings.live_paint else NO_MESSAGE
    if reason:
        draw_text(column, reason, icon="INFO")


CLASSES = (MIDAS_NORMAL_MT_generate_all, VIEW3D_PT_midas_normal, IMAGE_EDITOR_PT_midas_normal, NODE_EDITOR_PT_midas_normal)
