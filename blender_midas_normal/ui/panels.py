"""The panel "MiDaS Normal" in the sidebars of the 3D Viewport, the Image Editor and the Shader Editor."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_n as n_

from ..bridge import session
from ..bridge.places import reason_against
from ..bridge.task import Report
from ..core.errors import Cancelled, MidasNormalError, SettingsError
from ..core.messages import NO_MESSAGE
from . import comparison, painting, running, stages, tuning
from .drawing import in_place_of_progress, lines, progress
from .preset_panel import MIDAS_NORMAL_PT_presets, name_in_use
from .properties import MidasNormalSettings, scene_settings
from .queue_panel import draw_queue
from .worker_state import worker_state

MAIN = ("engine", "quality", "strength", "a", "bg_threshold", "bg_softness", "blur", "invert", "tileable", "convention")
RELIEF = ("detail", "high_pass", "mask", "mask_image", "mix", "crossover", "mix_amount")
MIXING = ("crossover", "mix_amount")
DETAILS = ("resolution", "enlargement", "depth_scale", "size", "device", "precision")
TILES_AND_FRAMES = ("across", "smoothing")


class MidasNormalPanel:
    bl_label = "MiDaS Normal"
    bl_region_type = "UI"
    bl_category = "MiDaS Normal"

    def draw(self, context: bpy.types.Context) -> None:
        layout: bpy.types.UILayout = self.layout
        settings = scene_settings(context.scene)
        _draw_generate(layout, settings)
        _draw_outcome(layout)
        _draw_result(layout, settings, context.area)
        _draw_live_paint(layout, settings, context)
        _draw_presets(layout, settings)
        _draw_settings(layout.column(), settings, MAIN)
        for idname, title, names in (("midas_normal_relief", n_("Relief"), RELIEF),
                                     ("midas_normal_details", n_("MiDaS and size"), DETAILS),
                                     ("midas_normal_several", n_("Tiles and frames"), TILES_AND_FRAMES)):
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
    layout.use_property_split = True
    layout.use_property_decorate = False
    for name in names:
        if name == "mask_image" and settings.mask != "IMAGE":
            continue
        row = layout.row()
        row.active = _matters(name, settings)
        row.prop(settings, name)


def _matters(name: str, settings: MidasNormalSettings) -> bool:
    """Whether a setting changes anything as the others are."""
    if name == "bg_softness":
        return settings.bg_threshold > 0
    if name == "quality":
        return settings.engine in ("AUTO", "RELIEF") or settings.mix == "RELIEF"
    return name not in MIXING or settings.mix != "OFF"


def _draw_presets(layout: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    """The menu of presets; above it, what is wrong with settings that do not go together."""
    try:
        name = name_in_use(settings.values())
    except SettingsError as error:
        lines(layout, error.message, icon="ERROR")
        name = "Presets"
    MIDAS_NORMAL_PT_presets.draw_menu(layout, name)


def _draw_generate(layout: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    places = layout.column()
    places.use_property_split = True
    places.use_property_decorate = False
    places.prop(settings, "source")
    if settings.source == "IMAGE":
        places.prop(settings, "image")
    if settings.source == "RENDER":
        places.prop(settings, "animation")
    if settings.source in ("RENDER", "VIEWER"):
        lines(places, "Camera-space: honest only for a plane seen head-on", icon="INFO")
    places.column(align=True).prop(settings, "maps")
    places.prop(settings, "target")
    places.prop(settings, "replace")
    places.prop(settings, "save")
    task = running.task()
    if task is not None:
        progress(layout, running.described(task), stages.share(task.at))
        layout.operator("midas_normal.cancel", icon="CANCEL")
    elif running.cancelled() is not None:
        progress(layout, "Stopping", None)
        layout.operator("midas_normal.cancel", text="Stop the worker", icon="CANCEL")
    else:
        reason = reason_against(settings.engine)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.enabled = not reason
        row.operator("midas_normal.generate", icon="TEXTURE")
        row.menu("MIDAS_NORMAL_MT_generate_all", text="", icon="DOWNARROW_HLT")
        in_place_of_progress(row)
        if reason:
            lines(layout, reason, icon="ERROR")
            layout.operator("midas_normal.show_preferences", icon="PREFERENCES")


def _draw_outcome(layout: bpy.types.UILayout) -> None:
    outcome, queue = running.last(), running.queue()
    if isinstance(outcome, MidasNormalError):
        box = layout.box()
        lines(box, outcome.message, icon="ERROR")
        if not isinstance(outcome, Cancelled):
            row = box.row(align=True)
            for name in ("show_log", "copy_report", "restart"):
                row.operator(f"midas_normal.{name}")
    elif isinstance(outcome, Report) and queue is None and outcome.is_there:
        box = layout.box()
        for number, sentence in enumerate(outcome.sentences):
            lines(box, sentence, icon="BLANK1" if number else "CHECKMARK")
    elif outcome is None and running.task() is None:
        lines(layout, worker_state(session.client), icon="INFO")
    if queue is not None:
        draw_queue(layout, queue)


def _draw_result(layout: bpy.types.UILayout, settings: MidasNormalSettings, area: bpy.types.Area) -> None:
    """The map that the settings below belong to, and whether it follows them."""
    if settings.result is None:
        return
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    row = column.row(align=True)
    row.prop(settings, "result")
    row.operator("midas_normal.compare", text="", icon="UV_SYNC_SELECT", depress=comparison.is_shown(area))
    if not tuning.is_live(settings.result):
        lines(column, "Its surface is no longer in memory; generate it again to tune it", icon="INFO")


def _draw_live_paint(layout: bpy.types.UILayout, settings: MidasNormalSettings, context: bpy.types.Context) -> None:
    """The switch, and why nothing follows, as long as that is so."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(settings, "live_paint")
    reason = painting.reason_here(context) if settings.live_paint else NO_MESSAGE
    if reason:
        lines(column, reason, icon="INFO")


CLASSES = (VIEW3D_PT_midas_normal, IMAGE_EDITOR_PT_midas_normal, NODE_EDITOR_PT_midas_normal)
