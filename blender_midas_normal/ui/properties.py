"""Blender's properties for each setting, made from the table in `core.settings`, and requests made from their values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..bridge.image_source import get_image
from ..bridge.map_metadata import mask_of, stored_metadata, stored_settings
from ..bridge.queue import Queue, build_queue
from ..bridge.request import EXISTING, MAPS, MATERIAL_TARGETS, SAVES, SCOPES, SOURCES, GenerateRequest
from ..bridge.tasks import is_main_thread
from ..core.errors import MidasNormalError, SettingsError
from ..core.file_numbering import MAX_TEMPORAL_RADIUS
from ..core.settings import PRESETS, Choice, Domain, Flag, FolderName, Number, Settings, setting_domains
from . import generation, live_paint, live_tuning

SKIP_SAVE = {"SKIP_SAVE"}
"""Option of operators' properties: one that a call does not set has not the last call's value, but counts as not set."""

HAS_RELATIVE_PATH_OPTION = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
RELATIVE_PATH_OPTION = {"PATH_SUPPORTS_BLEND_RELATIVE"} if HAS_RELATIVE_PATH_OPTION else set()
"""Option of a path that may begin with //, the .blend file's folder; newer Blenders warn about such a path without it."""

PRESET_ITEMS = (
    ("MATERIAL", "Material", "Map in the size of the image, wired into the material and independent of resolution"),
    ("NODE", "MiDaS Node", "The image that the ComfyUI node \"MiDaS Normal Map\" gives, value for value"),
)


def setting_property(domain: Domain, default: Any, **common: Any) -> Any:
    """Return the Blender property of a setting, with its range in the description.

    Args:
        common: further arguments of the functions of `bpy.props`.
    """
    if isinstance(domain, Choice):
        return EnumProperty(name=domain.label, description=domain.description, items=domain.items, default=default, **common)
    if isinstance(domain, Flag):
        return BoolProperty(name=domain.label, description=domain.description, default=default, **common)
    if isinstance(domain, FolderName):
        return StringProperty(name=domain.label, description=domain.description, default=default, subtype="DIR_PATH",
                              **{**common, "options": common.get("options", {"ANIMATABLE"}) | RELATIVE_PATH_OPTION})
    kwargs: dict[str, Any] = {"name": domain.label, "description": _describe_range(domain), "default": default,
                              "min": domain.low, "max": domain.high, **common}
    if domain.unit == "px":
        kwargs["subtype"] = "PIXEL"
    if domain.integer:
        return IntProperty(step=int(domain.step), **kwargs)
    return FloatProperty(step=domain.step * 100, precision=2, **kwargs)


def _describe_range(number: Number) -> str:
    unit = {"": "", "px": " pixels"}[number.unit]
    return f"{number.description} ({number.low:g} to {number.high:.6g}{unit})"


def setting_properties(**common: Any) -> dict[str, Any]:
    """Return a property for each setting, by name; `common` as for `setting_property`."""
    defaults = Settings()
    return {name: setting_property(domain, getattr(defaults, name), **common) for name, domain in setting_domains().items()}


def source_properties(options: set[str]) -> dict[str, Any]:
    """Return the properties that choose the picture."""
    return {
        "source": EnumProperty(name="Source", description="Image that the map is made from", items=SOURCES,
                               default="ACTIVE", options=options),
        "animation": BoolProperty(name="Animation", default=False, options=options,
                                  description="All frames of the scene's range instead of the last render, from the files "
                                  "that were rendered to the scene's output"),
    }


def existing_properties(options: set[str]) -> dict[str, Any]:
    """Return the property that says what becomes of existing maps of many pictures."""
    return {"existing": EnumProperty(name="Existing Maps", description="What happens to existing maps of many images",
                                     items=EXISTING, default="OVERWRITE", options=options)}


def output_properties(options: set[str]) -> dict[str, Any]:
    """Return the properties that say which maps are made, and where they are stored and wired."""
    return {
        "target": EnumProperty(name="Material Target", description="Materials that the map is wired into",
                               items=MATERIAL_TARGETS, default="AUTO", options=options),
        "replace": BoolProperty(name="Replace", default=False, options=options,
                                description="Replace another map on the shader's Normal input, and a map that was changed "
                                "after it was made"),
        "save": EnumProperty(name="Storage", description="Where the map is stored", items=SAVES, default="PACK",
                             options=options),
        "maps": EnumProperty(name="Maps", description="Maps that are made from the image", items=MAPS, default={"NORMAL"},
                             options={*options, "ENUM_FLAG"}),
        "across": BoolProperty(name="Match UDIM Borders", default=False, options=options,
                               description="Include a margin of its neighbours with each UDIM tile, so that the relief "
                               "continues across shared borders"),
        "smoothing": IntProperty(name="Temporal Smoothing", default=0, min=0, max=MAX_TEMPORAL_RADIUS, options=options,
                                 description="Frames on either side over which maps of sequences and movies are averaged "
                                 f"to reduce flicker (0 to {MAX_TEMPORAL_RADIUS} frames)"),
    }


assert {name for name, _, _ in PRESET_ITEMS} == set(PRESETS)


def is_map(_: MidasNormalSettings, image: bpy.types.Image) -> bool:
    """Whether an image is a map that can be changed here, not one that is linked from another file."""
    return stored_metadata(image) is not None and image.library is None


def _on_setting_changed(settings: MidasNormalSettings, _: bpy.types.Context) -> None:
    live_tuning.schedule_retune(settings.id_data)


def _on_live_paint_changed(settings: MidasNormalSettings, _: bpy.types.Context) -> None:
    live_paint.mark_for_update(settings.id_data)


def _on_result_changed(settings: MidasNormalSettings, _: bpy.types.Context) -> None:
    """Set the settings to those of the picked map, unless updates are suspended or another thread set the property."""
    image = settings.result
    if image is not None and stored_metadata(image) is not None and not live_tuning.updates_suspended() and is_main_thread():
        try:
            with live_tuning.suspend_updates():
                settings.mask_image = mask_of(image) or settings.mask_image
            apply_settings(settings, stored_settings(image))
        except MidasNormalError as error:
            generation.show_outcome(error)


def _uid_of(data: bpy.types.ID | None) -> int | None:
    return data.session_uid if data is not None else None


@dataclass(frozen=True)
class SettingsSnapshot:
    """A scene's map and mask image, by session_uid, and the values of all settings, to find out later what has changed."""

    result_uid: int | None
    mask_uid: int | None
    values: tuple


class MidasNormalSettings(bpy.types.PropertyGroup):
    """The scene's settings: shown in the panel, and used by an operator for each property that its call does not set."""

    __annotations__ = {
        **setting_properties(options={"ANIMATABLE"}, update=_on_setting_changed),
        **source_properties({"ANIMATABLE"}),
        **output_properties({"ANIMATABLE"}),
        **existing_properties({"ANIMATABLE"}),
        "image": PointerProperty(type=bpy.types.Image, name="Image", description="Image that the map is made from"),
        "mask_image": PointerProperty(type=bpy.types.Image, name="Mask Image", update=_on_setting_changed,
                                      description="Image that masks the map. The map is flat where it is black or "
                                                  "transparent"),
        "live_paint": BoolProperty(name="Live Paint", update=_on_live_paint_changed,
                                   description="Update the maps of a painted image when the brush is lifted"),
        "result": PointerProperty(type=bpy.types.Image, name="Map", poll=is_map, update=_on_result_changed,
                                  description="Map that follows these settings. Initially the one that was made last"),
    }

    def values(self) -> Settings:
        """Return the properties as Settings; raises SettingsError where they contradict each other."""
        return Settings(**_absolute_folder({name: getattr(self, name) for name in setting_domains()}))

    def snapshot(self) -> SettingsSnapshot:
        """Return the present values."""
        values = tuple(getattr(self, name) for name in setting_domains())
        return SettingsSnapshot(_uid_of(self.result), _uid_of(self.mask_image), values)

    def set_result(self, image: bpy.types.Image, before: SettingsSnapshot) -> None:
        """Make a new map the scene's, unless another one was picked since it was requested, and re-tune it where needed.

        Args:
            before: the snapshot when the map was requested.
        """
        now = self.snapshot()
        if now.result_uid not in (before.result_uid, None):
            return
        with live_tuning.suspend_updates():  # the scene's settings stay as they are
            self.result = image
        if now != before:
            live_tuning.schedule_retune(self.id_data)


class SettingProperties:
    """Mixin of operators with a property for each setting and output; those that a call does not set are the scene's."""

    __annotations__ = {
        "preset": EnumProperty(name="Preset", description="Settings to start from instead of the scene's",
                               items=(("SCENE", "Scene", "The settings of the scene"), *PRESET_ITEMS), default="SCENE",
                               options=SKIP_SAVE),
        **setting_properties(options=SKIP_SAVE),
        **output_properties(SKIP_SAVE),
        "mask_image": StringProperty(name="Mask Image", description="Name of the image that masks the map",
                                     options=SKIP_SAVE),
    }


class SourceProperties:
    """Mixin of operators with the properties that choose one picture."""

    __annotations__ = {
        **source_properties(SKIP_SAVE),
        "image": StringProperty(name="Image", description="Name of the image for the source Image",
                                options=SKIP_SAVE),
    }


class QueueProperties:
    """Mixin of operators with the properties that choose many pictures, what becomes of existing maps, and the summary."""

    __annotations__ = {
        "scope": EnumProperty(name="Scope", description="Images that maps are made of", items=SCOPES, default="SELECTED",
                              options=SKIP_SAVE),
        **existing_properties(SKIP_SAVE),
        "summary": StringProperty(name="Summary", subtype="FILE_PATH", options={*SKIP_SAVE, *RELATIVE_PATH_OPTION},
                                  description="File for the table of results, a .txt, .json or .csv file"),
    }


def scene_settings(scene: bpy.types.Scene) -> MidasNormalSettings:
    """Return the scene's settings."""
    return scene.midas_normal


def request_of(operator: bpy.types.Operator, context: bpy.types.Context) -> GenerateRequest:
    """Return the request of a call of an operator of one picture.

    Raises:
        SettingsError: where its settings contradict each other.
        SourceError: where it names an image that does not exist.
    """
    is_set = operator.properties.is_property_set
    scene = scene_settings(context.scene)
    source = "IMAGE" if is_set("image") and not is_set("source") else _value_of(operator, scene, "source")
    return dataclasses.replace(request_of_maps(operator, context), source=source,
                               image_uid=_image_uid_of(operator, scene, "image"),
                               animation=_value_of(operator, scene, "animation"))


def queue_for(operator: bpy.types.Operator, context: bpy.types.Context) -> Queue:
    """Return the queue of a call of an operator of many pictures.

    Raises:
        MidasNormalError: as `request_of` and `bridge.queue.build_queue`.
    """
    existing = _value_of(operator, scene_settings(context.scene), "existing")
    summary = Path(bpy.path.abspath(operator.summary)) if operator.summary else None
    return build_queue(context, operator.scope, request_of_maps(operator, context), existing == "SKIP", summary)


def has_own_settings(operator: bpy.types.Operator) -> bool:
    """Whether a call sets settings, so that they are not the scene's."""
    is_set = operator.properties.is_property_set
    return operator.preset != "SCENE" or any(is_set(name) for name in (*setting_domains(), "mask_image"))


def request_of_maps(operator: bpy.types.Operator, context: bpy.types.Context) -> GenerateRequest:
    """Return a request without a source: the preset's or the scene's values, replaced by those that a call sets.

    Raises:
        MidasNormalError: as `request_of`.
    """
    scene = scene_settings(context.scene)
    base = scene.values() if operator.preset == "SCENE" else PRESETS[operator.preset]
    is_set = operator.properties.is_property_set
    fields = _absolute_folder({name: getattr(operator, name) for name in setting_domains() if is_set(name)})
    settings = base.replace_fields({"mask": "IMAGE", **fields} if is_set("mask_image") else fields)

    outputs = {name: _value_of(operator, scene, name) for name in ("target", "replace", "save", "smoothing", "across")}
    map_types = _value_of(operator, scene, "maps")
    return GenerateRequest(settings, maps=tuple(name for name, _, _ in MAPS if name in map_types),
                           mask_uid=_image_uid_of(operator, scene, "mask_image"), **outputs)


def _absolute_folder(values: dict[str, Any]) -> dict[str, Any]:
    """Return values of settings in which a folder beside the .blend file is an absolute path.

    Raises:
        SettingsError: the file was never saved, so that nothing lies beside it.
    """
    folder = values.get("model_folder")
    if not folder:
        return values
    absolute = bpy.path.abspath(folder)
    if not Path(absolute).is_absolute():
        raise SettingsError("The model folder {folder} lies beside the .blend file, which is not saved yet; save it first.",
                            folder=folder)
    return {**values, "model_folder": absolute}


def _value_of(operator: bpy.types.Operator, scene: MidasNormalSettings, name: str) -> Any:
    """Return the value of a property that the call sets, else the scene's."""
    return getattr(operator if operator.properties.is_property_set(name) else scene, name)


def _image_uid_of(operator: bpy.types.Operator, scene: MidasNormalSettings, name: str) -> int | None:
    """Return the session_uid of an image, which an operator's property names and a scene's points to; None without one.

    Raises:
        SourceError: where no image has the name.
    """
    value = _value_of(operator, scene, name)
    image = get_image(value) if isinstance(value, str) and value else value
    return image.session_uid if image else None


def apply_settings(properties: MidasNormalSettings, settings: Settings) -> None:
    """Set the scene's properties to these Settings, and re-tune its map once for all of them."""
    with live_tuning.suspend_updates():
        for name, value in settings.to_dict().items():
            setattr(properties, name, value)
    live_tuning.schedule_retune(properties.id_data)
