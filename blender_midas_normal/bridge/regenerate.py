"""Make maps again that are there: with other settings from the cached surface, or of a picture that was painted on."""

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
from .addon import client, find_by_uid, launch_for_engine
from .generate import DISK_FILE_FIELDS, PACKED_FILE_FIELDS
from .image_pixels import View, export_image_pixels
from .image_source import PICTURE_SETS, Source, mask_from_image, source_from_image
from .map_images import update_map
from .map_metadata import find_maps, map_type_of, mask_of, set_mask, source_of, stored_facts, stored_settings
from .map_state import changed_reason, remember_shown
from .nodes.displacement import rescale_displacement
from .nodes.map_nodes import can_read, convention_messages, is_wired, readable_conventions, set_convention
from .request import GenerateRequest, PreparedRequest, facts_of_result, on_preferred_device
from .tasks import YIELD_TO_UI, Report, Step, Task, TaskSteps


def start_retune(image: bpy.types.Image, settings: Settings, mask: bpy.types.Image | None = None,
                 view: View | None = None, replace: bool = False) -> Task:
    """Asks for a map again with what the settings say that needs no engine; it is shown wherever it is wired.

    mask: the mask image for the mask IMAGE, as the view, or the one of now, shows it; None leaves the map its own.
    It ends with SurfaceGone where the worker has not kept the surface: another worker could not have it, so none is started.
    """
    return Task(_retune_steps(image, settings, mask, view or View.of(bpy.context.scene), replace))


def _retune_steps(image: bpy.types.Image, settings: Settings, mask_image: bpy.types.Image | None, view: View,
                  replace: bool) -> TaskSteps:
    facts, wanted, map_type, uid = stored_facts(image), retune_settings(image,
                                                                        settings), map_type_of(image), image.session_uid
    mask = missing_mask(image, wanted, mask_image)
    client.pump()  # the worker may have ended
    if facts["surface"] not in client.surfaces:
        raise SurfaceGone("The surface of {map!r} is no longer in memory; generate it again.", map=image.name)
    words: dict[str, Any] = {"surface": facts["surface"], **(DISK_FILE_FIELDS if image.packed_file is None
                                                             else PACKED_FILE_FIELDS)}
    if mask is not None:
        words["mask_pixels"] = dataclasses.asdict((yield from export_image_pixels(mask.image(), client.new_file(), view)))
    result = yield Step(client.submit(Request(wanted.to_dict(), map=map_type, **words)))
    existing = find_by_uid(bpy.data.images, uid)
    with client.taken(result) as files:
        if existing is None:
            raise SourceError("The map was removed while it was re-tuned; generate it again.")
        is_taken = apply_result(existing, facts["surface"], result, files, wanted, replace)
    if is_taken and mask is not None:
        set_mask(existing, mask.image())
    messages = [Message("{name} was made again in {seconds:.1f} s.", name=existing.name,
                        seconds=float(sum(result.seconds.values())))]
    if map_type == "NORMAL" and is_wired(existing):
        messages += convention_messages(wanted.convention)
    return Report((existing.name,), tuple(messages), facts_of_result(result, map_type))


def apply_result(
    image: bpy.types.Image, surface: str, result: Result, files: ResultFiles, settings: Settings, replace: bool
) -> bool:
    """The map becomes a result that was made with the settings, unless it shows another surface by now than the one named.

    What shows the map reads it right.  Raises TargetError, and changes nothing, where it cannot be stored.
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
    """A map's stored settings, re-tuned as these are, in a convention that the nodes that show the map can read."""
    now = stored_settings(image)
    wanted = now.with_tuning_of(settings)
    is_read_so = wanted.convention == now.convention and wanted.convention in readable_conventions()
    if is_read_so or not is_wired(image) or can_read(image, wanted.convention):
        return wanted
    return dataclasses.replace(wanted, convention=now.convention if can_read(image, now.convention) else "OPENGL")


def missing_mask(image: bpy.types.Image, wanted: Settings, mask: bpy.types.Image | None) -> Source | None:
    """The mask image that is wanted and that the map's surface lacks, if any; raises SourceError where it cannot be used."""
    existing = mask_of(image)
    if wanted.mask != "IMAGE" or (existing is not None and mask in (existing, None)):
        return None
    return mask_from_image(mask)


def get_map(name: str) -> bpy.types.Image:
    """The map of this name; raises SourceError when it is gone."""
    image = bpy.data.images.get(name)
    if image is None or source_of(image) is None:
        raise SourceError("The map {map!r} or its source is no longer there; generate it again.", map=name)
    return image


@dataclass(frozen=True)
class DependentMap:
    """A map of the picture, by session_uid, and what it was when it was asked for again.

    mask_uid: session_uid of the mask image for the mask IMAGE, None without one.
    """

    uid: int
    map_type: str
    settings: Settings
    mask_uid: int | None
    surface: str
    is_packed: bool

    @classmethod
    def of(cls, image: bpy.types.Image) -> DependentMap:
        """Raises one of the project's exceptions where what is stored with the map cannot be read."""
        settings, mask = stored_settings(image), mask_of(image)
        mask_uid = mask.session_uid if mask is not None and settings.mask == "IMAGE" else None
        return cls(image.session_uid, map_type_of(image), settings, mask_uid, stored_facts(image)["surface"],
                   image.packed_file is not None)

    @property
    def files(self) -> dict:
        """What a request says of the files it wants."""
        return PACKED_FILE_FIELDS if self.is_packed else DISK_FILE_FIELDS

    def image(self) -> bpy.types.Image | None:
        return find_by_uid(bpy.data.images, self.uid)

    def mask(self) -> Source | None:
        """The mask image, if any; raises SourceError when it cannot be used."""
        image = find_by_uid(bpy.data.images, self.mask_uid)
        return source_from_image(image) if image is not None else None

    def shares_surface(self, other: DependentMap) -> bool:
        """Whether both maps can be made from one surface."""
        return self.mask_uid == other.mask_uid and self.settings.with_tuning_of(other.settings).is_close_to(other.settings)


def repaint_unavailable_reason(picture: bpy.types.Image) -> Message:
    """"" when a picture's maps can follow what is painted on it, else one sentence."""
    if picture.source in PICTURE_SETS:
        return Message("The image {image!r} is {kind}, whose maps do not follow the brush; generate them again.",
                       image=picture.name, kind=PICTURE_SETS[picture.source])
    if not find_maps(picture):
        return Message("The image {image!r} has no map that could follow the brush; generate one.", image=picture.name)
    return NO_MESSAGE


def start_repaint(picture: bpy.types.Image, view: View, replace: bool = False) -> Task:
    """Asks for the maps of a picture again, of which the worker makes only what has changed since they were made.

    Args:
        picture: one without a `repaint_unavailable_reason`.
        view: how the picture is shown.
        replace: whether maps that a user changed are replaced too; else the task ends with TargetError after the others.

    Raises:
        MidasNormalError: where what is stored with a map cannot be read.
    """
    return Task(_repaint_steps(source_from_image(picture), view, replace, _group_by_surface(picture)))


def _group_by_surface(picture: bpy.types.Image) -> list[list[DependentMap]]:
    """The picture's maps, those together that share a surface."""
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
    made: dict[str, dict] = {}
    kept: list[Message] = []
    for group in groups:
        request, launch = GenerateRequest(group[0].settings, replace=replace), launch_for_engine(group[0].settings.engine)
        made |= yield from _repaint_group(
            PreparedRequest(request, source, group[0].mask(), view, None, None, launch, ()), group, kept
        )
    if kept:
        raise TargetError(kept[0])
    name, facts = next(iter(made.items()))
    return Report(tuple(made), (Message("{map} follows {picture}.", map=name, picture=source.name),), facts)


def _repaint_group(
    prepared: PreparedRequest, group: list[DependentMap], kept: list[Message]
) -> Generator[Step | None, Any, dict[str, dict]]:
    """The facts of the maps of a surface by their names: the first is made from the picture, the others from its surface.

    kept: takes in a sentence for each map that stays as it is.
    """
    first, *others = group
    words = yield from prepared.export_pixels(partial(export_image_pixels, prepared.source.image(), view=prepared.view))
    result = yield Step(prepared.submit(first.map_type, preceding=first.surface, **words, **first.files))
    name = yield from _apply_to_dependent(prepared, first, result, kept)
    made = {name: facts_of_result(result, first.map_type)}
    for other in others:
        more = yield Step(client.submit(Request(on_preferred_device(other.settings).to_dict(), surface=result.surface,
                                                map=other.map_type, **other.files)))
        name = yield from _apply_to_dependent(prepared, other, more, kept)
        made[name] = facts_of_result(more, other.map_type)
    return made


def _apply_to_dependent(
    prepared: PreparedRequest, dependent: DependentMap, result: Result, kept: list[Message]
) -> Generator[None, None, str]:
    """The map's name; the map shows the result, or stays as it is where the picture has not changed, or the map has.

    kept: takes in a sentence in the latter case.
    """
    with client.taken(result) as files:
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
