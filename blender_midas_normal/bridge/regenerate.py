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
from .addon import client, launch_with, with_uid
from .generate import ON_DISK, PACKED
from .image_pixels import View, reading
from .image_source import SEVERAL, Source, mask_source, source_of_image
from .map_images import store_again
from .map_metadata import facts_on, kind_of, maps_of, mask_of, note_mask, settings_on, source_of
from .map_state import note_shown, why_kept
from .nodes.displacement import rescale
from .nodes.map_nodes import about_convention, can_read, is_wired, read_as, readable_conventions
from .request import GenerateRequest, PreparedRequest, facts_of, on_preferred_device
from .tasks import BREATH, Report, Step, Task, TaskSteps


def begin_retune(image: bpy.types.Image, settings: Settings, mask: bpy.types.Image | None = None,
                 view: View | None = None, replace: bool = False) -> Task:
    """Asks for a map again with what the settings say that needs no engine; it is shown wherever it is wired.

    mask: the mask image for the mask IMAGE, as the view, or the one of now, shows it; None leaves the map its own.
    It ends with SurfaceGone where the worker has not kept the surface: another worker could not have it, so none is started.
    """
    return Task(_retune_steps(image, settings, mask, view or View.of(bpy.context.scene), replace))


def _retune_steps(image: bpy.types.Image, settings: Settings, mask_image: bpy.types.Image | None, view: View,
                  replace: bool) -> TaskSteps:
    facts, wanted, kind, uid = facts_on(image), retune_settings(image, settings), kind_of(image), image.session_uid
    mask = missing_mask(image, wanted, mask_image)
    client.pump()  # the worker may have ended
    if facts["surface"] not in client.surfaces:
        raise SurfaceGone("The surface of {map!r} is no longer in memory; generate it again.", map=image.name)
    words: dict[str, Any] = {"surface": facts["surface"], **(ON_DISK if image.packed_file is None else PACKED)}
    if mask is not None:
        words["mask_pixels"] = dataclasses.asdict((yield from reading(mask.image(), client.new_file(), view)))
    result = yield Step(client.submit(Request(wanted.to_dict(), map=kind, **words)))
    there = with_uid(bpy.data.images, uid)
    with client.taken(result) as files:
        if there is None:
            raise SourceError("The map was removed while it was re-tuned; generate it again.")
        is_taken = apply_result(there, facts["surface"], result, files, wanted, replace)
    if is_taken and mask is not None:
        note_mask(there, mask.image())
    sentences = [Message("{name} was made again in {seconds:.1f} s.", name=there.name,
                         seconds=float(sum(result.seconds.values())))]
    if kind == "NORMAL" and is_wired(there):
        sentences += about_convention(wanted.convention)
    return Report((there.name,), tuple(sentences), facts_of(result, kind))


def apply_result(
    image: bpy.types.Image, surface: str, result: Result, files: ResultFiles, settings: Settings, replace: bool
) -> bool:
    """The map becomes a result that was made with the settings, unless it shows another surface by now than the one named.

    What shows the map reads it right.  Raises TargetError, and changes nothing, where it cannot be stored.
    """
    facts, kind = facts_on(image), kind_of(image)
    if facts["surface"] != surface:
        return False
    store_again(image, files, settings.to_dict(), facts_of(result, kind), replace)
    note_shown(image, files)
    if kind == "NORMAL":
        read_as(image, settings.convention)
    if kind == "HEIGHT":
        rescale(image, facts["scale"], result.scale)
    return True


def retune_settings(image: bpy.types.Image, settings: Settings) -> Settings:
    """A map's stored settings, re-tuned as these are, in a convention that the nodes that show the map can read."""
    now = settings_on(image)
    wanted = now.with_tuning_of(settings)
    is_read_so = wanted.convention == now.convention and wanted.convention in readable_conventions()
    if is_read_so or not is_wired(image) or can_read(image, wanted.convention):
        return wanted
    return dataclasses.replace(wanted, convention=now.convention if can_read(image, now.convention) else "OPENGL")


def missing_mask(image: bpy.types.Image, wanted: Settings, mask: bpy.types.Image | None) -> Source | None:
    """The mask image that is wanted and that the map's surface lacks, if any; raises SourceError where it cannot be used."""
    there = mask_of(image)
    if wanted.mask != "IMAGE" or (there is not None and mask in (there, None)):
        return None
    return mask_source(mask)


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
    kind: str
    settings: Settings
    mask_uid: int | None
    surface: str
    is_packed: bool

    @classmethod
    def of(cls, image: bpy.types.Image) -> DependentMap:
        """Raises one of the project's exceptions where what is stored with the map cannot be read."""
        settings, mask = settings_on(image), mask_of(image)
        mask_uid = mask.session_uid if mask is not None and settings.mask == "IMAGE" else None
        return cls(image.session_uid, kind_of(image), settings, mask_uid, facts_on(image)["surface"],
                   image.packed_file is not None)

    @property
    def files(self) -> dict:
        """What a request says of the files it wants."""
        return PACKED if self.is_packed else ON_DISK

    def image(self) -> bpy.types.Image | None:
        return with_uid(bpy.data.images, self.uid)

    def mask(self) -> Source | None:
        """The mask image, if any; raises SourceError when it cannot be used."""
        image = with_uid(bpy.data.images, self.mask_uid)
        return source_of_image(image) if image is not None else None

    def shares_surface(self, other: DependentMap) -> bool:
        """Whether both maps can be made from one surface."""
        return self.mask_uid == other.mask_uid and self.settings.with_tuning_of(other.settings).is_close_to(other.settings)


def unavailable_reason(picture: bpy.types.Image) -> Message:
    """"" when a picture's maps can follow what is painted on it, else one sentence."""
    if picture.source in SEVERAL:
        return Message("The image {image!r} is {kind}, whose maps do not follow the brush; generate them again.",
                       image=picture.name, kind=SEVERAL[picture.source])
    if not maps_of(picture):
        return Message("The image {image!r} has no map that could follow the brush; generate one.", image=picture.name)
    return NO_MESSAGE


def begin_repaint(picture: bpy.types.Image, view: View, replace: bool = False) -> Task:
    """Asks for the maps of a picture again, of which the worker makes only what has changed since they were made.

    picture: one without an `unavailable_reason`; view: through which it is seen; replace: whether maps that were changed
    since they were made follow, too; else it ends with TargetError, when the others have followed.
    Raises one of the project's exceptions.
    """
    return Task(_repaint_steps(source_of_image(picture), view, replace, _groups(picture)))


def _groups(picture: bpy.types.Image) -> list[list[DependentMap]]:
    """The picture's maps, those together that share a surface."""
    groups: list[list[DependentMap]] = []
    for follower in map(DependentMap.of, maps_of(picture)):
        for group in groups:
            if group[0].shares_surface(follower):
                group.append(follower)
                break
        else:
            groups.append([follower])
    return groups


def _repaint_steps(source: Source, view: View, replace: bool, groups: list[list[DependentMap]]) -> TaskSteps:
    made: dict[str, dict] = {}
    kept: list[Message] = []
    for group in groups:
        ask, launch = GenerateRequest(group[0].settings, replace=replace), launch_with(group[0].settings.engine)
        made |= yield from _followed(
            PreparedRequest(ask, source, group[0].mask(), view, None, None, launch, ()), group, kept
        )
    if kept:
        raise TargetError(kept[0])
    name, facts = next(iter(made.items()))
    return Report(tuple(made), (Message("{map} follows {picture}.", map=name, picture=source.name),), facts)


def _followed(
    order: PreparedRequest, group: list[DependentMap], kept: list[Message]
) -> Generator[Step | None, Any, dict[str, dict]]:
    """The facts of the maps of a surface by their names: the first is made from the picture, the others from its surface.

    kept: takes in a sentence for each map that stays as it is.
    """
    first, *others = group
    words = yield from order.handed_over(partial(reading, order.source.image(), view=order.view))
    result = yield Step(order.submit(first.kind, preceding=first.surface, **words, **first.files))
    name = yield from _taken_in(order, first, result, kept)
    made = {name: facts_of(result, first.kind)}
    for other in others:
        more = yield Step(client.submit(Request(on_preferred_device(other.settings).to_dict(), surface=result.surface,
                                                map=other.kind, **other.files)))
        name = yield from _taken_in(order, other, more, kept)
        made[name] = facts_of(more, other.kind)
    return made


def _taken_in(
    order: PreparedRequest, follower: DependentMap, result: Result, kept: list[Message]
) -> Generator[None, None, str]:
    """The map's name; the map shows the result, or stays as it is where the picture has not changed, or the map has.

    kept: takes in a sentence in the latter case.
    """
    with client.taken(result) as files:
        yield BREATH
        image = follower.image()
        if image is None:
            raise SourceError("The map was removed while it was made again; generate it again.")
        if result.surface == follower.surface:
            return image.name
        sentence = NO_MESSAGE if order.ask.replace else (yield from why_kept(image))
        if sentence:
            kept.append(sentence)
        else:
            apply_result(image, follower.surface, result, files, follower.settings, replace=True)
    return image.name
