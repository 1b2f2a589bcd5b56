"""Make the maps of a source: read its picture, let the worker work, store each map, wire it; what is up to date is kept."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Generator
from functools import partial

import bpy

from ..batch.report import FAILED, Record
from ..core.errors import Cancelled, Message, MidasNormalError, Phrase, TargetError
from ..core.map_types import MAP_TYPES
from ..core.protocol import Result
from . import tasks
from .addon import client
from .image_pixels import reading
from .image_sets import of_pictures
from .image_sets.sequence import frames_of
from .image_sets.udim import tiles_of
from .map_files import file_beside, file_of
from .map_images import store
from .map_metadata import NUMBERED, SINGLE, facts_on, kind_of, map_of, note_mask, settings_on
from .map_state import note_shown, why_kept
from .request import GenerateRequest, PreparedRequest, facts_of, prepare_request
from .tasks import BREATH, Report, Step, Task, TaskSteps

KEY = re.compile("[0-9a-f]{32}(-[0-9a-f]{32})?")
"""Of a surface; a file from a stranger may hold anything in its place."""


def find_up_to_date(order: PreparedRequest) -> dict[str, str]:
    """The keys of the surfaces from which the order's maps were made, by the picture's number, "" for a single picture.

    Empty where a map is missing, is kept elsewhere or was made with other settings.  Raises TargetError as storing would.
    """
    source = order.source.image()
    maps = [map_of(source, kind) for kind in order.ask.maps]
    found = [_surfaces(image, order) if image is not None and _is_kept(image, order) else {} for image in maps]
    return found[0] if all(surfaces == found[0] for surfaces in found) else {}


def _surfaces(image: bpy.types.Image, order: PreparedRequest) -> dict[str, str]:
    """Of one map; a record that is damaged is none, and only makes work."""
    wanted = order.ask.settings
    try:
        is_as_asked = wanted.with_tuning_of(settings_on(image)).is_close_to(wanted)
        facts = facts_on(image)
    except MidasNormalError:
        return {}
    surfaces = facts.get("surfaces", {SINGLE: facts["surface"]})
    is_readable = isinstance(surfaces, dict) and all(KEY.fullmatch(str(key)) for key in surfaces.values())
    is_as_smooth = facts.get("smoothing", order.ask.smoothing) == order.ask.smoothing
    return surfaces if is_as_asked and is_as_smooth and is_readable else {}


def _is_kept(image: bpy.types.Image, order: PreparedRequest) -> bool:
    """Whether a map lies where it is asked to; the files of several pictures are looked at where they are named."""
    source = order.source.image()
    if order.ask.save == "PACK" and source.source not in ("SEQUENCE", "MOVIE"):  # those cannot be packed
        return bool(image.packed_files)
    if image.packed_files or image.source in NUMBERED:
        return not image.packed_files
    file = file_beside(source, kind_of(image))
    return file_of(image) == file and file.exists()


FINDERS = {"TILED": tiles_of, "SEQUENCE": frames_of, "MOVIE": frames_of}
"""By Blender's name for the source of an image that has several pictures: how they are found."""

PACKED, ON_DISK = ({"compress": on_disk, "with_pixels": not on_disk} for on_disk in (False, True))
"""What a request says of the files it wants: a packed map is shown by its pixels, one on disk by its compressed file."""


def begin(context: bpy.types.Context, ask: GenerateRequest) -> Task:
    """The task of what is asked for; raises one of the project's exceptions for what cannot be made."""
    return Task(generation_steps(prepare_request(context, ask)))


def generation_steps(order: PreparedRequest) -> TaskSteps:
    """The making of all maps of an order but those that were changed since they were made, unless these may be replaced.

    It ends with Unchanged where they would be made from what the order knows, with TargetError where all were changed.
    """
    kept = yield from _kept(order)
    kinds = tuple(kind for kind in order.ask.maps if kind not in kept)
    if not kinds:
        raise TargetError(next(iter(kept.values())))
    find = FINDERS.get(order.source.image().source)
    order = dataclasses.replace(order, ask=dataclasses.replace(order.ask, maps=kinds))
    report = yield from (_of_picture(order) if find is None else of_pictures(order, find))
    records = (Record(order.source.name, FAILED, kind, error=sentence) for kind, sentence in kept.items())
    return dataclasses.replace(report, sentences=(*report.sentences, *kept.values()), records=(*report.records, *records))


def _kept(order: PreparedRequest) -> Generator[None, None, dict[str, Message]]:
    """Why maps stay as they are, by their kind; of an order that may end with Unchanged nothing is known before."""
    kept = {}
    for kind in order.ask.maps if not (order.ask.replace or order.known) else ():
        if sentence := (yield from why_kept(map_of(order.source.image(), kind))):
            kept[kind] = sentence
    return kept


def _of_picture(order: PreparedRequest) -> TaskSteps:
    words = ON_DISK if order.ask.save == "BESIDE" else PACKED
    first, *others = order.ask.maps
    client.prepare(order.launch)
    yield BREATH
    picture = yield from order.handed_over(partial(reading, order.source.image(), view=order.view))
    job = order.submit(first, unless=order.known.get(SINGLE), **picture, **words)
    result = yield Step(job, 1, len(order.ask.maps))
    image, sentences = yield from _taken_in(order, first, result)
    maps, records = [image.name], [tasks.record_made(order.source, image, [*result.notes, *sentences])]
    sentences = [_made(image.name, result), result.why, *order.notes, *result.notes, *sentences]
    for number, kind in enumerate(others, 2):
        try:
            more = yield Step(order.submit(kind, surface=result.surface, **words), number, len(order.ask.maps))
            image, more_sentences = yield from _taken_in(order, kind, more)
            maps.append(image.name)
            records.append(tasks.record_made(order.source, image, [*more.notes, *more_sentences]))
            sentences += more_sentences
        except Cancelled:
            raise
        except MidasNormalError as error:
            records.append(Record(order.source.name, FAILED, kind, error=error.message))
            sentences.append(Message("The map {map} was not made: {reason}", map=Phrase(MAP_TYPES[kind].label),
                                     reason=error.message))
    return Report(tuple(maps), tuple(sentences), facts_of(result, first), tuple(records))


def _taken_in(
    order: PreparedRequest, kind: str, result: Result
) -> Generator[None, None, tuple[bpy.types.Image, list[Message]]]:
    """Stores a map, whole or not at all, and wires it; the map, and sentences for the user."""
    with client.taken(result) as files:
        yield BREATH
        source, mask = order.source.image(), order.mask_image()
        image = store(source, files, order.ask.settings.to_dict(), facts_of(result, kind), order.ask.save, order.ask.replace)
        note_mask(image, mask)
        note_shown(image, files)
    return image, order.wired(kind, image, result.scale)


def _made(name: str, result: Result) -> Message:
    return Message("{name}: {width} x {height} from {engine} on {device} in {seconds:.1f} s.", name=name, width=result.width,
                   height=result.height, engine=result.engine.lower(), device=result.device,
                   seconds=float(sum(result.seconds.values())))
