"""Check what a user asks for, submit it to the worker, and apply finished maps to materials."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import bpy

from ..client.client import ResultFuture
from ..client.launch import Launch
from ..core.engines import COLOUR, DATA, content_taken
from ..core.errors import Message, SettingsError, SourceError, TargetError, WorkerError
from ..core.map_types import MAP_TYPES, check_map_type
from ..core.protocol import Request, Result
from ..core.settings import Settings
from .addon import client, find_by_uid, launch_for_settings, preferences
from .base_map import find_base
from .image_pixels import PixelExport, View, export_image_pixels, remove_on_failure
from .image_source import (
    Source,
    active_material,
    active_object,
    find_animation,
    mask_from_image,
    resolve_source,
    source_from_image,
)
from .map_metadata import HeightReading, find_map, source_of
from .nodes.displacement import add_image_node, find_displacement_inputs, wire_displacement
from .nodes.map_nodes import can_read, readable_conventions
from .nodes.materials import (
    alpha_of,
    check_active_material,
    feeds_height,
    find_object_with,
    find_target_materials,
    material_unavailable_reason,
    materials_using,
    other_role_reason,
)
from .nodes.normal_map import wire_normal_map
from .nodes.uv_layout import write_triangles_showing
from .nodes.wiring_plan import plan_wiring

SOURCES = (
    ("ACTIVE", "Active Image", "The image in the Image Editor, else of the active Image Texture node, else on Base Color of "
     "the active material"),
    ("IMAGE", "Image", "An image that is chosen"),
    ("RENDER", "Render Result", "The last render as displayed. Only correct for a flat surface facing the camera"),
    ("VIEWER", "Viewer", "The compositor's Viewer image. Only available in a window"),
)
MATERIAL_TARGETS = (
    ("AUTO", "Automatic", "All materials that use the image, else the active material of the active object"),
    ("ACTIVE_MATERIAL", "Active Material", "The active material of the active object"),
    ("NONE", "Image Only", "The map is made but not wired into a material"),
)
SAVES = (
    ("PACK", "Packed", "Inside the .blend file"),
    ("BESIDE", "Next to Image", "As a PNG file in the folder of the image"),
)
SCOPES = (
    ("SELECTED", "Selection", "Colour textures of the selected objects' materials"),
    ("FILE", "File", "Colour textures of all materials of this file"),
)
EXISTING = (
    ("OVERWRITE", "Overwrite", "Existing maps are made again"),
    ("SKIP", "Skip", "Maps made from the same pixels with the same settings are kept as they are"),
)
MAPS = tuple((name, map_type.label, map_type.description) for name, map_type in MAP_TYPES.items())


HEIGHT_HINT = Message("The picture is data and feeds the height of a Bump or Displacement node; the engine HEIGHT takes its "
                      "values as heights.")

OPENGL_ONLY = Message("This Blender's Normal Map node reads OpenGL only, so the map was made as OpenGL; for DirectX pixels "
                      "choose the target Image only.")


@dataclass(frozen=True)
class GenerateRequest:
    """What a user asks for; the values are names from SOURCES, MATERIAL_TARGETS and SAVES.

    image_uid: session_uid of the image for the source IMAGE.
    replace: whether a user's own map is taken off an input, and a map is made again that a user has changed.
    maps: the types of the maps to make, names of `core.map_types.MAP_TYPES`, at least one; the first comes first in reports.
    mask_uid: session_uid of the image for the mask IMAGE.
    smoothing: number of frames on either side over which the maps of sequences and movies are averaged.
    animation: whether the source RENDER is the files of the scene's frame range, and not the last render.
    across: whether relief continues from one UDIM tile to the next.
    """

    settings: Settings
    source: str = "ACTIVE"
    image_uid: int | None = None
    target: str = "AUTO"
    replace: bool = False
    save: str = "PACK"
    maps: tuple[str, ...] = ("NORMAL",)
    mask_uid: int | None = None
    smoothing: int = 0
    animation: bool = False
    across: bool = False


@dataclass(frozen=True, kw_only=True)
class WiringRequest:
    """Into which materials the maps of one source go, and how.

    Data of Blender is held by its session_uid, because it may be removed before the maps are there.

    request: what the user asked for, in a convention that the material's nodes can read.
    object_uid: the object that was active, or None.
    material_uid: the material that was active, or None.
    is_one_of_many: whether each shader gets only the map of the texture that is its colour.
    base: the normal map that is there, None where the settings use none.
    """

    request: GenerateRequest
    source: Source
    object_uid: int | None
    material_uid: int | None = None
    is_one_of_many: bool = False
    base: Source | None = None

    @property
    def _replaces_own_maps(self) -> bool:
        """Whether a user's own normal map is taken off an input: one that a map contains is."""
        return self.request.replace or self.base is not None

    def apply_to_materials(self, map_type: str, image: bpy.types.Image, scale: float) -> list[Message]:
        """Put a finished map into the materials of the target.

        Args:
            scale: of a height map, see `core.maps.Map`.

        Returns:
            Messages for the user, also about materials that do not get the map.
        """
        try:
            return self._wire_into_materials(map_type, image, scale)
        finally:
            if image.users == 0:
                image.use_fake_user = True  # Blender does not save data without users

    def _wire_into_materials(self, map_type: str, image: bpy.types.Image, scale: float) -> list[Message]:
        source = self.source.image()
        obj = find_by_uid(bpy.data.objects, self.object_uid)
        targets = find_target_materials(self.request.target, source, obj, find_by_uid(bpy.data.materials, self.material_uid))
        messages = list(targets.messages) if map_type == self.request.maps[0] else []
        for material in targets.materials:
            reasons = self._reasons_not_to_use(map_type, material)
            if reasons:
                messages += reasons
                continue
            if map_type == "NORMAL":
                report = wire_normal_map(material, source, image, self.request.settings.convention,
                                         self._replaces_own_maps, self.is_one_of_many)
            elif map_type == "HEIGHT":
                report = wire_displacement(material, source, image, scale, find_object_with(material, obj),
                                           self.request.replace)
            else:
                report = add_image_node(material, source, image)
            messages += report.messages
        return messages

    def unused_reasons(self, map_type: str) -> list[Message]:
        """Say why no material would use the map of one of many pictures; empty where one would.

        Empty, too, where maps are made without being wired: with the target NONE, and ControlNet maps.
        """
        if self.request.target == "NONE":
            return []
        source = self.source.image()
        users = materials_using(source, find_by_uid(bpy.data.objects, self.object_uid))
        reasons = [self._reasons_not_to_use(map_type, material) for material in users]
        if not users:
            return [Message("No material uses the image {image!r}.", image=source.name)]
        return list(dict.fromkeys(chain.from_iterable(reasons))) if all(reasons) else []

    def _reasons_not_to_use(self, map_type: str, material: bpy.types.Material) -> list[Message]:
        """Say why a material would not use the map of one of many pictures; empty where it would."""
        if not self.is_one_of_many or (map_type == "NORMAL" and self.request.settings.convention == "CONTROLNET"):
            return []
        source = self.source.image()
        existing = find_map(source, map_type)
        reason = material_unavailable_reason(material)
        if not reason and map_type == "NORMAL":
            targets, messages = plan_wiring(material, source, existing, self.request.settings.convention,
                                            self._replaces_own_maps, True)
            return [] if targets else messages
        reason = reason or other_role_reason(source, material)
        if not reason and map_type == "HEIGHT":
            inputs, messages = find_displacement_inputs(material, existing, self.request.replace)
            return [] if inputs else messages
        return [reason] if reason else []


@dataclass(frozen=True, kw_only=True)
class PreparedRequest(WiringRequest):
    """A checked request for the maps of one source.

    mask: the mask image, None where the settings use none.
    view: the scene's view, in which the pictures are read.
    notes: messages for the user about changes to the request.
    known_surfaces: keys of surfaces, by the picture's number: a map is not made again where its picture gives the same.
    heights: how the engine HEIGHT gets the picture's heights; None for the values as they are stored.
    """

    mask: Source | None
    view: View
    launch: Launch
    notes: tuple[Message, ...] = ()
    known_surfaces: Mapping[str, str] = field(default_factory=dict)
    heights: HeightReading | None = None

    def export_pixels(self, read: Callable[[Path], PixelExport],
                      tile: int | None = None) -> Generator[None, None, dict[str, Any]]:
        """Export a picture, the mask image and the base for the worker, in short steps.

        Args:
            read: writes the picture's pixels into a file.
            tile: the number of the picture, where it is a tile of a UDIM set.

        Returns:
            The fields of `core.protocol.Request` that describe them.

        Raises:
            SourceError: where they cannot be read.
        """
        client.prepare(self.launch)
        file = client.new_file()
        with remove_on_failure(file):
            pixels = yield from read(file)
            alpha = "TRANSPARENCY" if self.source.is_render else alpha_of(self.source.image())
            pixels = dataclasses.replace(pixels, alpha=alpha, uv_triangles=self._export_triangles(tile))
            if self.heights is not None:
                pixels = dataclasses.replace(pixels, alpha="TRANSPARENCY", **dataclasses.asdict(self.heights))
            fields = {"pixels": dataclasses.asdict(pixels), "is_render": self.source.is_render,
                      "exposure": self.view.exposure}
            if self.mask is not None:
                mask = yield from export_image_pixels(self.mask.image(), client.new_file(), self.view)
                fields["mask_pixels"] = dataclasses.asdict(mask)
            if self.base is not None:
                base = yield from export_image_pixels(self.base.image(), client.new_file(), self.view)
                fields["base_pixels"] = dataclasses.asdict(base)
            return fields

    def _export_triangles(self, tile: int | None) -> str:
        """Write the triangles in which meshes show the picture for the worker; return the file's name, "" for none."""
        if self.request.settings.islands == "OFF" or self.source.is_render:
            return ""
        return write_triangles_showing(self.source.image(), client.new_file, tile)

    def mask_image(self) -> bpy.types.Image | None:
        """Return the mask image, if any; raises SourceError when it is gone."""
        return self.mask.image() if self.mask is not None else None

    def base_image(self) -> bpy.types.Image | None:
        """Return the normal map that is there, if it is used; raises SourceError when it is gone."""
        return self.base.image() if self.base is not None else None

    def submit(self, map_type: str, strength: float = 1.0, **fields: Any) -> ResultFuture:
        """Submit a request for one map to the worker.

        Args:
            strength: a factor on the strength of the settings.
            fields: the other fields of `core.protocol.Request`.

        Raises:
            WorkerError: when the exported pixels are gone with a worker that has ended.
        """
        settings = dataclasses.replace(self.request.settings, strength=self.request.settings.strength * strength)
        folder = client.prepare(self.launch)
        if "pixels" in fields and not (folder / fields["pixels"]["file"]).exists():
            raise WorkerError("The worker ended while it was given the picture; try again.")
        return client.submit(Request(on_preferred_device(settings).to_dict(), map=map_type, **fields))


def prepare_request(context: bpy.types.Context, request: GenerateRequest) -> PreparedRequest:
    """Check a request against what is active in Blender.

    Raises:
        MidasNormalError: for a request that cannot be met.
    """
    launch = check_and_find_launch(request)
    is_animation = request.source == "RENDER" and request.animation
    image = find_by_uid(bpy.data.images, request.image_uid)
    source = find_animation(context) if is_animation else resolve_source(request.source, image, context)
    source = _picture_behind_map(source, content_taken(request.settings.engine, request.settings.base))
    obj, material = active_object(context), active_material(context)
    if request.target == "ACTIVE_MATERIAL":
        check_active_material(material)
    object_uid, material_uid = obj.session_uid if obj else None, material.session_uid if material else None
    return prepare_for_source(source, object_uid, material_uid, request, launch, View.of(context.scene))


def prepare_for_source(source: Source, object_uid: int | None, material_uid: int | None, request: GenerateRequest,
                       launch: Launch, view: View) -> PreparedRequest:
    """Check a request for the maps of a given source; the other arguments are fields of `PreparedRequest`."""
    request, notes = _with_readable_convention(request, source)
    settings = request.settings
    if content_taken(settings.engine, settings.base) == COLOUR and not source.is_render and feeds_height(source.image()):
        notes += (HEIGHT_HINT,)
    mask = mask_from_image(find_by_uid(bpy.data.images, request.mask_uid)) if settings.mask == "IMAGE" else None
    base = None
    if settings.base == "EXISTING":
        base = find_base(source.image(), find_by_uid(bpy.data.objects, object_uid))
    return PreparedRequest(request=request, source=source, object_uid=object_uid, material_uid=material_uid, base=base,
                           mask=mask, view=view, launch=launch, notes=notes)


def check_and_find_launch(request: GenerateRequest) -> Launch:
    """Check the values of a request that do not depend on its picture, and return how to start the worker for it.

    Raises:
        MidasNormalError: where no picture could be mapped.
    """
    if request.source not in _names(SOURCES):
        raise SourceError("There is no source {source!r}; it is one of ACTIVE, IMAGE, RENDER, VIEWER.",
                          source=request.source)
    if request.target not in _names(MATERIAL_TARGETS):
        raise TargetError("There is no target {target!r}; it is one of AUTO, ACTIVE_MATERIAL, NONE.", target=request.target)
    if not request.maps:
        raise SettingsError("No map is chosen; choose at least one under Maps.")
    for map_type in request.maps:
        check_map_type(map_type, request.settings)
    return launch_for_settings(request.settings)


def _names(items: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return the identifiers of the items of an EnumProperty."""
    return [name for name, _, _ in items]


def facts_of_result(result: Result, map_type: str) -> dict:
    """Return what is stored with a map besides its settings."""
    return {"map": map_type, "engine": result.engine, "device": result.device, "why": result.why, "surface": result.surface,
            "seconds": result.seconds, "size": [result.width, result.height], "scale": result.scale}


def _picture_behind_map(source: Source, takes: str) -> Source:
    """Return the source itself or, when it is a map of this extension, the picture that the map was made from.

    takes: the content that the engine takes: one for DATA uses a map itself.
    """
    if takes == DATA:
        return source
    origin = source_of(source.image())
    return source if origin is None else source_from_image(origin)


def on_preferred_device(settings: Settings) -> Settings:
    """Return the settings with the device of the preferences where they say AUTO."""
    return dataclasses.replace(settings, device=preferences().device) if settings.device == "AUTO" else settings


def _with_readable_convention(request: GenerateRequest, source: Source) -> tuple[GenerateRequest, tuple[Message, ...]]:
    """Change the convention of a map to be wired to one that the material's nodes can read.

    Returns:
        The request, and a message where the convention changed.
    """
    convention = request.settings.convention
    if request.target == "NONE" or convention == "CONTROLNET":
        return request, ()
    if convention not in readable_conventions():
        return _with_convention(request, "OPENGL"), (OPENGL_ONLY,)
    existing = find_map(source.image(), "NORMAL")
    if existing is None or can_read(existing, convention):
        return request, ()
    readable = next((name for name in readable_conventions() if can_read(existing, name)), convention)
    return _with_convention(request, readable), (
        Message("The map is read in a group that reads the maps of other materials too, so it was made as {convention} as "
                "before; make the group single-user for another convention.", convention=readable),)


def _with_convention(request: GenerateRequest, convention: str) -> GenerateRequest:
    return dataclasses.replace(request, settings=dataclasses.replace(request.settings, convention=convention))
