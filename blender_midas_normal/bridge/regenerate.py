"""Regenerate existing maps: with other settings from the cached surface, or after their picture was painted on."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import bpy

from ..client.result_files import ResultFiles
from ..core.errors import NO_MESSAGE, Message, SourceError, SurfaceGone, TargetError
from ..core.protocol import Request, Result
from ..core.settings import Settings
from .addon import client, find_by_uid, launch_for_settings
from .generate import DISK_FILE_FIELDS, PACKED_FILE_FIELDS
from .image_pixels import View, export_image_pixels
from .image_source import PICTURE_SETS, Source, mask_from_image, source_from_image
from .map_images import update_map
from .map_metadata import (
    HeightReading,
    base_of,
    find_maps,
    heights_of,
    map_type_of,
    mask_of,
    set_mask,
    source_of,
    stored_facts,
    stored_settings,
)
from .map_state import changed_reason, remember_shown
from .nodes.displacement import rescale_displacement
from .nodes.map_nodes import can_read, convention_messages, is_wired, readable_conventions, set_convention
from .request import GenerateRequest, PreparedRequest, facts_of_result, on_preferred_device
from .tasks import YIELD_TO_UI, Report, Step, Task, TaskSteps


def start_retune(image: bpy.types.Image, settings: Settings, mask: bpy.types.Image | None = None,
                 view: View | None = None, replace: bool = False) -> Task:
    """Start to make a map again with those settings that need no engine.

    The task ends with SurfaceGone where the worker no longer has the surface; no other worker is started, as it would not
    have it either.

    Args:
        mask: the mask image for the mask IMAGE; None keeps the map's own.
        view: in which the mask image is read; None for the view of the current scene.
        replace: whether a map that a user has changed is replaced.
    """
    return Task(_retune_steps(image, settings, mask, view or View.of(bpy.context.scene), replace))


def _retune_steps(image: bpy.types.Image, settings: Settings, mask_image: bpy.types.Image | None, view: View,
                  replace: bool) -> TaskSteps:
    settings = retune_settings(image, settings)
    facts, map_type, uid = stored_facts(image), map_type_of(image), image.session_uid
    mask = missing_mask(image, settings, mask_image)
    client.pump()  # the worker may have ended
    if facts["surface"] not in client.surfaces:
        raise SurfaceGone("The surface of {map!r} is no longer in memory; generate it again.", map=image.name)
    fields: dict[str, Any] = {"surface": facts["surface"]}
    fields |= DISK_FILE_FIELDS if image.packed_file is None else PACKED_FILE_FIELDS
    if mask is not None:
        fields["mask_pixels"] = dataclasses.asdict((yield from export_image_pixels(mask.image(), client.new_file(), view)))
    result = yield Step(client.submit(Request(settings.to_dict(), map=map_type, **fields)))
    map_image = find_by_uid(bpy.data.images, uid)
    with client.open_result_files(result) as files:
        if map_image is None:
            raise SourceError("The map was removed while it was re-tuned; generate it again.")
        is_applied = apply_result(map_image, facts["surface"], result, files, settings, replace)
    if is_applied and mask is not None:
        set_mask(map_image, mask.image())
    messages = [Message("{name} was made again in {seconds:.1f} s.", name=map_image.name,
                        seconds=float(sum(result.seconds.values())))]
    if map_type == "NORMAL" and is_wired(map_image):
        messages += convention_messages(settings.convention)
    return Report((map_image.name,), tuple(messages), facts_of_result(result, map_type))


def apply_result(
    image: bpy.types.Image, surface: str, result: Result, files: ResultFiles, settings: Settings, replace: bool
) -> bool:
    """Store a result in an existing map, and set the nodes that read the map to its convention and scale.

    Args:
        surface: the key of the surface that the map had when the result was requested.
        settings: those with which the result was made.
        replace: whether a map that a user has changed is replaced.

    Returns:
        False, with nothing changed, where the map has another surface by now.

    Raises:
        TargetError: with nothing changed, where the result cannot be stored.
    """
    facts, map_type = stored_facts(image), map_type_of(image)
    if facts["surface"] != surface:
        return False
    update_map(image, files, settings.to_dict(), facts_of_result(result, map_type), replace)
    remember_shown(image, files)
    if map_type == "NORMAL":
        set_convention(image, settings.convention)
    if map_type == "HEIGHT":
        rescale_displacement(image, facts["scale"], result.scale)
    return True


def retune_settings(image: bpy.types.Image, settings: Settings) -> Settings:
    """Return a map's stored settings with the tuning of others, in a convention that the nodes that read the map support."""
    stored = stored_settings(image)
    retuned = stored.with_tuning_of(settings)
    is_read_already = retuned.convention == stored.convention and retuned.convention in readable_conventions()
    if is_read_already or not is_wired(image) or can_read(image, retuned.convention):
        return retuned
    convention = stored.convention if can_read(image, stored.convention) else "OPENGL"
    return dataclasses.replace(retuned, convention=convention)


def missing_mask(image: bpy.types.Image, settings: Settings, mask: bpy.types.Image | None) -> Source | None:
    """Return the mask image that the settings need and that the map's surface lacks, if any.

    Raises:
        SourceError: where the image cannot be used as a mask.
    """
    existing = mask_of(image)
    if settings.mask != "IMAGE" or (existing is not None and mask in (existing, None)):
        return None
    return mask_from_image(mask)


def get_map(name: str) -> bpy.types.Image:
    """Return the map of this name; raises SourceError when it or its source is gone."""
    image = bpy.data.images.get(name)
    if image is None or source_of(image) is None:
        raise SourceError("The map {map!r} or its source is no longer there; generate it again.", map=name)
    return image


@dataclass(frozen=True)
class DependentMap:
    """A map of a picture, and what it was when it was requested again.

    uid: session_uid of the map's image.
    mask_uid: session_uid of the mask image for the mask IMAGE, None without one.
    base_uid: session_uid of the normal map over which its fine relief was laid, None without one.
    surface: the key of its surface.
    heights: how the heights of which it was made were read, if they are not the picture's values as stored.
    """

    uid: int
    map_type: str
    settings: Settings
    mask_uid: int | None
    base_uid: int | None
    surface: str
    is_packed: bool
    heights: HeightReading | None

    @classmethod
    def of(cls, image: bpy.types.Image) -> DependentMap:
        """Read what is stored with a map; raises MidasNormalError where that cannot be read."""
        settings, mask, base = stored_settings(image), mask_of(image), base_of(image)
        mask_uid = mask.session_uid if mask is not None and settings.mask == "IMAGE" else None
        base_uid = base.session_uid if base is not None and settings.base == "EXISTING" else None
        return cls(image.session_uid, map_type_of(image), settings, mask_uid, base_uid, stored_facts(image)["surface"],
                   image.packed_file is not None, heights_of(image))

    @property
    def file_fields(self) -> dict:
        """The fields of a request about the result's files."""
        return PACKED_FILE_FIELDS if self.is_packed else DISK_FILE_FIELDS

    def image(self) -> bpy.types.Image | None:
        """Return the map's image, None when it is gone."""
        return find_by_uid(bpy.data.images, self.uid)

    def mask(self) -> Source | None:
        """Return the mask image, if any; raises SourceError when it cannot be used."""
        image = find_by_uid(bpy.data.images, self.mask_uid)
        return source_from_image(image) if image is not None else None

    def base(self) -> Source | None:
        """Return the normal map below, if any; raises SourceError when it cannot be used."""
        image = find_by_uid(bpy.data.images, self.base_uid)
        return source_from_image(image) if image is not None else None

    def shares_surface(self, other: DependentMap) -> bool:
        """Whether both maps can be rendered from one surface."""
        same_input = (self.mask_uid, self.base_uid, self.heights) == (other.mask_uid, other.base_uid, other.heights)
        return same_input and self.settings.with_tuning_of(other.settings).is_close_to(other.settings)


def repaint_unavailable_reason(picture: bpy.types.Image) -> Message:
    """Say why a picture's maps cannot follow what is painted on it; "" where they can."""
    if picture.source in PICTURE_SETS:
        return Message("The image {image!r} is {kind}, whose maps do not follow the brush; generate them again.",
                       image=picture.name, kind=PICTURE_SETS[picture.source])
    if not find_maps(picture):
        return Message("The image {image!r} has no map that could follow the brush; generate one.", image=picture.name)
    return NO_MESSAGE


def start_repaint(picture: bpy.types.Image, view: View, replace: bool = False) -> Task:
    """Start to make the maps of a picture again; the worker makes only the region that has changed.

    Args:
        picture: one without a `repaint_unavailable_reason`.
        view: how the picture is shown.
        replace: whether maps that a user changed are replaced too; else the task ends with TargetError after the others.

    Raises:
        MidasNormalError: where what is stored with a map cannot be read.
    """
    return Task(_repaint_steps(source_from_image(picture), view, replace, _group_by_surface(picture)))


def _group_by_surface(picture: bpy.types.Image) -> list[list[DependentMap]]:
    """Return the picture's maps in groups that share a surface."""
    groups: list[list[DependentMap]] = []
    for dependent in map(DependentMap.of, find_maps(picture)):
        for group in groups:
            if group[0].shares_surface(dependent):
                group.append(dependent)
                break
        else:
            groups.append([dependent])
    return groups


def _repaint_steps(source: Source, view: View, replace: bool, groups: list[list[DependentMap]]) -> TaskSteps:
    facts_by_name: dict[str, dict] = {}
    kept: list[Message] = []
    for group in groups:
        request, launch = GenerateRequest(group[0].settings, replace=replace), launch_for_settings(group[0].settings)
        prepared = PreparedRequest(request=request, source=source, object_uid=None, base=group[0].base(),
                                   mask=group[0].mask(), view=view, launch=launch, heights=group[0].heights)
        facts_by_name |= yield from _repaint_group(prepared, group, kept)
    if kept:
        raise TargetError(kept[0])
    name, facts = next(iter(facts_by_name.items()))
    return Report(tuple(facts_by_name), (Message("{map} follows {picture}.", map=name, picture=source.name),), facts)


def _repaint_group(
    prepared: PreparedRequest, group: list[DependentMap], kept: list[Message]
) -> Generator[Step | None, Any, dict[str, dict]]:
    """Make the maps of one surface again: the first from the picture, the others from the surface of the first.

    Args:
        kept: takes a message for each map that stays as it is.

    Returns:
        The facts of the maps by the maps' names.
    """
    first, *others = group
    fields = yield from prepared.export_pixels(partial(export_image_pixels, prepared.source.image(), view=prepared.view))
    result = yield Step(prepared.submit(first.map_type, preceding=first.surface, **fields, **first.file_fields))
    name = yield from _apply_to_dependent(prepared, first, result, kept)
    facts_by_name = {name: facts_of_result(result, first.map_type)}
    for other in others:
        settings = on_preferred_device(other.settings)
        other_result = yield Step(client.submit(Request(settings.to_dict(), surface=result.surface,
                                                        map=other.map_type, **other.file_fields)))
        name = yield from _apply_to_dependent(prepared, other, other_result, kept)
        facts_by_name[name] = facts_of_result(other_result, other.map_type)
    return facts_by_name


def _apply_to_dependent(
    prepared: PreparedRequest, dependent: DependentMap, result: Result, kept: list[Message]
) -> Generator[None, None, str]:
    """Store a result in a map, unless the picture has not changed, or a user has changed the map.

    Args:
        kept: takes a message in the latter case.

    Returns:
        The map's name.
    """
    with client.open_result_files(result) as files:
        yield YIELD_TO_UI
        image = dependent.image()
        if image is None:
            raise SourceError("The map was removed while it was made again; generate it again.")
        if result.surface == dependent.surface:
            return image.name
        message = NO_MESSAGE if prepared.request.replace else (yield from changed_reason(image))
        if message:
            kept.append(message)
        else:
            apply_result(image, dependent.surface, result, files, dependent.settings, replace=True)
    return image.name
