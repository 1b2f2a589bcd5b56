"""The panel "MiDaS Normal" in three editors' sidebars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy
from bpy.app.translations import pgettext_n as n_

from ..bridge.addon import automatic_engine, engine_unavailable_reason
from ..bridge.image_source import PICTURE_SETS, active_image, active_material
from ..bridge.nodes.bump import height_nodes
from ..core.engines import AUTO_ENGINES, ENGINES, OPTIONAL_SETTINGS, OWN_FOLDER, engine_in_use, setting_acts, usable_engines
from ..core.errors import NO_MESSAGE, SettingsError, SourceError
from ..core.map_types import MAP_TYPES
from . import comparison, generation, live_paint, live_tuning, thumbnail
from .drawing import draw_progress, draw_progress_placeholder, draw_text
from .menus import draw_from_bump
from .outcome import draw_outcome, draw_report, has_report
from .preset_panel import MIDAS_NORMAL_PT_presets, current_preset_label
from .properties import MidasNormalSettings, scene_settings

SHORT_LABELS = {"AO": n_("AO")}
"""Labels of map types that are too long for a button."""

ENGINE_SETTINGS = ("engine", "quality")

TUNING_SETTINGS = ("strength", "detail", "invert")

THUMBNAIL_SCALE = 5.0
"""Side of the result's thumbnail, in heights of a button."""

MIX_SETTINGS = ("base", "crossover", "mix_amount")


@dataclass(frozen=True)
class SubPanel:
    """A part of the panel that is closed at first.

    Attributes:
        idname, title: of the part.
        names: the properties that it shows.
        is_shown: tells whether the part can matter, with the scene's settings and the image that is the source, if any.
    """

    idname: str
    title: str
    names: tuple[str, ...]
    is_shown: Callable[[MidasNormalSettings, bpy.types.Image | None], bool] = lambda settings, image: True


def _is_set(settings: MidasNormalSettings, image: bpy.types.Image | None) -> bool:
    """Whether maps are made of several pictures: tiles or frames."""
    return (image is not None and image.source in PICTURE_SETS) or (settings.source == "RENDER" and settings.animation)


def _uses_network(settings: MidasNormalSettings, image: bpy.types.Image | None) -> bool:
    """Whether an engine that can be used runs a network."""
    engine = engine_in_use(settings.engine, settings.base, settings.mix)
    return any(ENGINES[name].uses_torch for name in usable_engines(engine, settings.mix))


SUB_PANELS = (
    SubPanel("midas_normal_output", n_("Output"), ("target", "replace", "save", "convention", "size")),
    SubPanel("midas_normal_shape", n_("Shape"), ("a", "bg_threshold", "bg_softness", "blur", "high_pass", "tileable")),
    SubPanel("midas_normal_mask", n_("Mask & Mix"), ("mask", "mask_image", "islands", "mix", *MIX_SETTINGS)),
    SubPanel("midas_normal_source", n_("Source Map"), ("height_scale", "source_convention"),
             lambda settings, image: not all(is_hidden(name, settings) for name in ("height_scale", "source_convention"))),
    SubPanel("midas_normal_several", n_("UDIM & Sequences"), ("across", "smoothing"), _is_set),
    SubPanel("midas_normal_network", n_("Network"),
             ("model", "model_folder", "resolution", "enlargement", "depth_scale", "device", "precision"), _uses_network),
)


class MidasNormalPanel:
    """Mixin of the three panels, which differ only in their editor."""

    bl_label = "MiDaS Normal"
    bl_region_type = "UI"
    bl_category = "MiDaS Normal"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Draw the menu of presets, called by the one with the scene's settings."""
        try:
            name = current_preset_label(scene_settings(context.scene).values())
        except SettingsError:
            name = n_("Presets")
        MIDAS_NORMAL_PT_presets.draw_menu(self.layout, name)

    def draw(self, context: bpy.types.Context) -> None:
        layout: bpy.types.UILayout = self.layout
        settings = scene_settings(context.scene)
        _draw_source(_with_split(layout), settings)
        _draw_generate(layout, settings)
        material = active_material(context)
        if generation.task() is None and material is not None and height_nodes(material.node_tree):
            draw_from_bump(layout.column(align=True))
        draw_outcome(layout)
        _draw_contradiction(layout, settings)
        _draw_result(_with_split(layout), settings, context)
        _draw_settings(_with_split(layout), settings, TUNING_SETTINGS)
        image = _source_image(settings, context)
        for part in SUB_PANELS:
            if part.is_shown(settings, image):
                header, body = layout.panel(part.idname, default_closed=True)
                header.label(text=part.title)
                if body is not None:
                    _draw_settings(_with_split(body), settings, part.names)
        _draw_live_paint(layout, settings, context)
        if has_report():
            header, body = layout.panel("midas_normal_report", default_closed=True)
            header.label(text="Report")
            if body is not None:
                draw_report(body)


class VIEW3D_PT_midas_normal(MidasNormalPanel, bpy.types.Panel):
    bl_space_type = "VIEW_3D"


class IMAGE_EDITOR_PT_midas_normal(MidasNormalPanel, bpy.types.Panel):
    bl_space_type = "IMAGE_EDITOR"


class NODE_EDITOR_PT_midas_normal(MidasNormalPanel, bpy.types.Panel):
    bl_space_type = "NODE_EDITOR"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.space_data.tree_type == "ShaderNodeTree"


def _with_split(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Return a column with labels at the left of the values."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _source_image(settings: MidasNormalSettings, context: bpy.types.Context) -> bpy.types.Image | None:
    """Return the image that maps would be made of; None where there is none, or it is a render."""
    if settings.source == "IMAGE":
        return settings.image
    try:
        return active_image(context) if settings.source == "ACTIVE" else None
    except SourceError:
        return None


def _draw_source(column: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    """Draw the picture, the engine and the maps."""
    row = column.row(align=True)
    row.prop(settings, "source")
    row.menu("MIDAS_NORMAL_MT_rectify", text="", icon="VIEW_PERSPECTIVE")
    if settings.source == "IMAGE":
        column.prop(settings, "image")
    if settings.source == "RENDER":
        column.prop(settings, "animation")
    if settings.source in ("RENDER", "VIEWER"):
        draw_text(column, "Only correct for a flat surface facing the camera", icon="INFO")
    _draw_settings(column, settings, ENGINE_SETTINGS)
    maps = column.row(align=True)
    maps.use_property_split = False
    for name, map_type in MAP_TYPES.items():
        maps.prop_enum(settings, "maps", name, text=SHORT_LABELS.get(name, map_type.label))


def _draw_settings(column: bpy.types.UILayout, settings: MidasNormalSettings, names: tuple[str, ...]) -> None:
    """Draw the settings of these names; those without effect are greyed out."""
    for name in names:
        if is_hidden(name, settings):
            continue
        row = column.row()
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
    if name == "quality":
        return not setting_acts(name, engine_in_use(settings.engine, settings.base, settings.mix), settings.mix)
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


def _draw_contradiction(layout: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    """Draw an error where the settings contradict each other."""
    try:
        settings.values()
    except SettingsError as error:
        draw_text(layout, error.message, icon="ERROR")


def _draw_generate(layout: bpy.types.UILayout, settings: MidasNormalSettings) -> None:
    """Draw the button, the progress, or why no map can be made."""
    task = generation.task()
    if task is not None:
        draw_progress(layout, generation.describe_task(task), generation.total_progress(task.current_step))
        layout.operator("midas_normal.cancel", icon="CANCEL")
    elif generation.draining_task() is not None:
        draw_progress(layout, "Stopping", None)
        layout.operator("midas_normal.cancel", text="Stop the Worker", icon="CANCEL")
    else:
        reason = engine_unavailable_reason(settings)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.enabled = not reason
        row.operator("midas_normal.generate", icon="TEXTURE")
        row.menu("MIDAS_NORMAL_MT_generate_all", text="", icon="DOWNARROW_HLT")
        draw_progress_placeholder(row)
        uses_built_in = settings.engine == "AUTO" and automatic_engine() != AUTO_ENGINES[0]
        if reason:
            draw_text(layout, reason, icon="ERROR")
        elif uses_built_in:
            draw_text(layout, "MiDaS is not set up, so the map is made by Relief", icon="INFO")
        if reason or uses_built_in:
            layout.operator("midas_normal.show_preferences", icon="PREFERENCES")


def _draw_result(column: bpy.types.UILayout, settings: MidasNormalSettings, context: bpy.types.Context) -> None:
    """Draw the map that follows the settings below with a thumbnail, and why it cannot where its surface is gone."""
    if settings.result is None:
        return
    row = column.row(align=True)
    row.prop(settings, "result")
    is_compared = comparison.is_shown(comparison.find_area(context))
    row.operator("midas_normal.compare", text="", icon="SPLIT_VERTICAL", depress=is_compared)
    icon = thumbnail.icon_of(settings.result)
    if icon:
        column.template_icon(icon, scale=THUMBNAIL_SCALE)
    if not live_tuning.can_retune(settings.result):
        draw_text(column, "Depth no longer cached, generate again to adjust", icon="INFO")


def _draw_live_paint(layout: bpy.types.UILayout, settings: MidasNormalSettings, context: bpy.types.Context) -> None:
    """Draw the switch for live paint and, where it is on, why the active image's maps do not follow the brush."""
    layout.prop(settings, "live_paint")
    reason = live_paint.inactive_reason(context) if settings.live_paint else NO_MESSAGE
    if reason:
        draw_text(layout, reason, icon="INFO")


CLASSES = (VIEW3D_PT_midas_normal, IMAGE_EDITOR_PT_midas_normal, NODE_EDITOR_PT_midas_normal)
