"""A map made again with other settings, from the surface that the worker has kept."""

from __future__ import annotations

import dataclasses
from typing import Any

import bpy

from ..client.client import Taken
from ..core.errors import SourceError, SurfaceGone
from ..core.messages import Message
from ..core.protocol import Result
from ..core.settings import Settings
from .making import ON_DISK, PACKED
from .nodes.displacing import rescale
from .nodes.showing import about_convention, can_read, is_wired, read_as, readable_conventions
from .order import facts_of
from .pixels import View, reading
from .results import kind_of, mask_of, note_mask, source_of, stored
from .session import client
from .shown import note_shown
from .source import Source, mask_source
from .storing import store_again
from .task import Making, Report, Step, Task
from .uids import with_uid


def begin_retune(image: bpy.types.Image, settings: Settings, mask: bpy.types.Image | None = None,
                 view: View | None = None, replace: bool = False) -> Task:
    """Asks for a map again with what the settings say that needs no engine; it is shown wherever it is wired.

    mask: the mask image for the mask IMAGE, as the view, or the one of now, shows it; None leaves the map its own.
    It ends with SurfaceGone where the worker has not kept the surface: another worker could not have it, so none is started.
    """
    return Task(_making(image, settings, mask, view or View.of(bpy.context.scene), replace))


def _making(image: bpy.types.Image, settings: Settings, mask_image: bpy.types.Image | None, view: View,
            replace: bool) -> Making:
    facts, wanted, kind, uid = facts_on(image), tuned(image, settings), kind_of(image), image.session_uid
    mask = lacking_mask(image, wanted, mask_image)
    client.pump()  # the worker may have ended
    if facts["surface"] not in client.surfaces:
        raise SurfaceGone("The surface of {map!r} is no longer in memory; generate it again.", map=image.name)
    words: dict[str, Any] = {"surface": facts["surface"], **(ON_DISK if image.packed_file is None else PACKED)}
    if mask is not None:
        words["mask_pixels"] = dataclasses.asdict((yield from reading(mask.image(), client.new_file(), view)))
    result = yield Step(client.submit(settings=wanted.words(), map=kind, **words))
    there = with_uid(bpy.data.images, uid)
    with client.taken(result) as files:
        if there is None:
            raise SourceError("The map was removed while it was re-tuned; generate it again.")
        is_taken = take_in(there, facts["surface"], result, files, wanted, replace)
    if is_taken and mask is not None:
        note_mask(there, mask.image())
    sentences = [Message("{name} was made again in {seconds:.1f} s.", name=there.name,
                         seconds=float(sum(result.seconds.values())))]
    if kind == "NORMAL" and is_wired(there):
        sentences += about_convention(wanted.convention)
    return Report((there.name,), tuple(sentences), facts_of(result, kind))


def take_in(image: bpy.types.Image, surface: str, result: Result, files: Taken, settings: Settings, replace: bool) -> bool:
    """The map becomes a result that was made with the settings, unless it shows another surface by now than the one named.

    What shows the map reads it right.  Raises TargetError, and changes nothing, where it cannot be stored.
    """
    facts, kind = facts_on(image), kind_of(image)
    if facts["surface"] != surface:
        return False
    store_again(image, files, settings.words(), facts_of(result, kind), replace)
    note_shown(image, files)
    if kind == "NORMAL":
        read_as(image, settings.convention)
    if kind == "HEIGHT":
        rescale(image, facts["scale"], result.scale)
    return True


def tuned(image: bpy.types.Image, settings: Settings) -> Settings:
    """A map's stored settings, re-tuned as these are, in a convention that the nodes that show the map can read."""
    now = settings_on(image)
    wanted = now.tuned_as(settings)
    is_read_so = wanted.convention == now.convention and wanted.convention in readable_conventions()
    if is_read_so or not is_wired(image) or can_read(image, wanted.convention):
        return wanted
    return dataclasses.replace(wanted, convention=now.convention if can_read(image, now.convention) else "OPENGL")


def lacking_mask(image: bpy.types.Image, wanted: Settings, mask: bpy.types.Image | None) -> Source | None:
    """The mask image that is wanted and that the map's surface lacks, if any; raises SourceError where it cannot be used."""
    there = mask_of(image)
    if wanted.mask != "IMAGE" or (there is not None and mask in (there, None)):
        return None
    return mask_source(mask)


def map_called(name: str) -> bpy.types.Image:
    """The map of this name; raises SourceError when it is gone."""
    image = bpy.data.images.get(name)
    if image is None or source_of(image) is None:
        raise SourceError("The map {map!r} or its source is no longer there; generate it again.", map=name)
    return image


def settings_on(image: bpy.types.Image) -> Settings:
    """The settings that a map was made with; raises SourceError for an image that is no map."""
    return Settings().with_words(_stored_on(image)["settings"])


def facts_on(image: bpy.types.Image) -> dict:
    """What is remembered of a map beside its settings, with its engine, its surface's key and the scale of its heights.

    Raises SourceError for an image that is no map, or one whose facts another hand has written.
    """
    facts = {"scale": 0.0, **_stored_on(image)["facts"]}
    if not (all(isinstance(facts.get(name), str) for name in ("engine", "surface"))
            and isinstance(facts["scale"], (int, float))):
        raise SourceError("What is stored with the map {map!r} cannot be read; generate it again.", map=image.name)
    return facts


def _stored_on(image: bpy.types.Image) -> dict:
    words = stored(image)
    if words is None:
        raise SourceError("The image {image!r} is no map of this extension; generate one.", image=image.name)
    return words
