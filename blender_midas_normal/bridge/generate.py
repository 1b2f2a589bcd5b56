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
from .image_pixels import export_image_pixels
from .image_sets import picture_set_steps
from .image_sets.sequence import find_frames
from .image_sets.udim import find_tiles
from .map_files import file_of, map_file_beside
from .map_images import store_map
from .map_metadata import NUMBERED_SOURCES, SINGLE_PICTURE, find_map, map_type_of, set_mask, stored_facts, stored_settings
from .map_state import changed_reason, remember_shown
from .request import GenerateRequest, PreparedRequest, facts_of_result, prepare_request
from .tasks import YIELD_TO_UI, Report, Step, Task, TaskSteps

SURFACE_KEY = re.compile("[0-9a-f]{32}(-[0-9a-f]{32})?")
"""Of a surface; a file from a stranger may hold anything in its place."""


def find_up_to_date_surfaces(prepared: PreparedRequest) -> dict[str, str]:
    """The keys of the surfaces from which the order's maps were made, by the picture's number, "" for a single picture.

    Empty where a map is missing, is kept elsewhere or was made with other settings.  Raises TargetError as storing would.
    """
    source = prepared.source.image()
    maps = [find_map(source, map_type) for map_type in prepared.request.maps]
    found = [_surface_keys(image, prepared) if image is not None and _is_stored_as_requested(image, prepared) else {}
             for image in maps]
    return found[0] if all(surfaces == found[0] for surfaces in found) else {}


def _surface_keys(image: bpy.types.Image, prepared: PreparedRequest) -> dict[str, str]:
    """Of one map; a record that is damaged is none, and only makes work."""
    wanted = prepared.request.settings
    try:
        is_as_asked = wanted.with_tuning_of(stored_settings(image)).is_close_to(wanted)
        facts = stored_facts(image)
    except MidasNormalError:
        return {}
    surfaces = facts.get("surfaces", {SINGLE_PICTURE: facts["surface"]})
    is_readable = isinstance(surfaces, dict) and all(SURFACE_KEY.fullmatch(str(key)) for key in surfaces.values())
    is_as_smooth = facts.get("smoothing", prepared.request.smoothing) == prepared.request.smoothing
    return surfaces if is_as_asked and is_as_smooth and is_readable else {}


def _is_stored_as_requested(image: bpy.types.Image, prepared: PreparedRequest) -> bool:
    """Whether a map lies where it is asked to; the files of several pictures are looked at where they are named."""
    source = prepared.source.image()
    if prepared.request.save == "PACK" and source.source not in ("SEQUENCE", "MOVIE"):  # those cannot be packed
        return bool(image.packed_files)
    if image.packed_files or image.source in NUMBERED_SOURCES:
        return not image.packed_files
    file = map_file_beside(source, map_type_of(image))
    return file_of(image) == file and file.exists()


PICTURE_SET_FINDERS = {"TILED": find_tiles, "SEQUENCE": find_frames, "MOVIE": find_frames}
"""By Blender's name for the source of an image that has several pictures: how they are found."""

PACKED_FILE_FIELDS, DISK_FILE_FIELDS = ({"compress": on_disk, "with_pixels": not on_disk} for on_disk in (False, True))
"""What a request says of the files it wants: a packed map is shown by its pixels, one on disk by its compressed file."""


def start_generation(context: bpy.types.Context, request: GenerateRequest) -> Task:
    """The task of what is asked for; raises one of the project's exceptions for what cannot be made."""
    return Task(generation_steps(prepare_request(context, request)))


def generation_steps(prepared: PreparedRequest) -> TaskSteps:
    """The making of all maps of an order but those that were changed since they were made, unless these may be replaced.

    It ends with Unchanged where they would be made from what the order knows, with TargetError where all were changed.
    """
    kept = yield from _changed_maps(prepared)
    map_types = tuple(map_type for map_type in prepared.request.maps if map_type not in kept)
    if not map_types:
        raise TargetError(next(iter(kept.values())))
    find = PICTURE_SET_FINDERS.get(prepared.source.image().source)
    prepared = dataclasses.replace(prepared, request=dataclasses.replace(prepared.request, maps=map_types))
    report = yield from (_single_picture_steps(prepared) if find is None else picture_set_steps(prepared, find))
    records = (Record(prepared.source.name, FAILED, map_type, error=sentence) for map_type, sentence in kept.items())
    return dataclasses.replace(report, sentences=(*report.sentences, *kept.values()), records=(*report.records, *records))


def _changed_maps(prepared: PreparedRequest) -> Generator[None, None, dict[str, Message]]:
    """Why maps stay as they are, by their kind; of an order that may end with Unchanged nothing is known before."""
    kept = {}
    for map_type in prepared.request.maps if not (prepared.request.replace or prepared.known) else ():
        if sentence := (yield from changed_reason(find_map(prepared.source.image(), map_type))):
            kept[map_type] = sentence
    return kept


def _single_picture_steps(prepared: PreparedRequest) -> TaskSteps:
    words = DISK_FILE_FIELDS if prepared.request.save == "BESIDE" else PACKED_FILE_FIELDS
    first, *others = prepared.request.maps
    client.prepare(prepared.launch)
    yield YIELD_TO_UI
    picture = yield from prepared.handed_over(partial(export_image_pixels, prepared.source.image(), view=prepared.view))
    job = prepared.submit(first, unless=prepared.known.get(SINGLE_PICTURE), **picture, **words)
    result = yield Step(job, 1, len(prepared.request.maps))
    image, sentences = yield from _store_result(prepared, first, result)
    maps, records = [image.name], [tasks.record_made(prepared.source, image, [*result.notes, *sentences])]
    sentences = [_timing_message(image.name, result), result.why, *prepared.notes, *result.notes, *sentences]
    for number, map_type in enumerate(others, 2):
        try:
            more = yield Step(prepared.submit(map_type, surface=result.surface, **words), number, len(prepared.request.maps))
            image, more_sentences = yield from _store_result(prepared, map_type, more)
            maps.append(image.name)
            records.append(tasks.record_made(prepared.source, image, [*more.notes, *more_sentences]))
            sentences += more_sentences
        except Cancelled:
            raise
        except MidasNormalError as error:
            records.append(Record(prepared.source.name, FAILED, map_type, error=error.message))
            sentences.append(Message("The map {map} was not made: {reason}", map=Phrase(MAP_TYPES[map_type].label),
                                     reason=error.message))
    return Report(tuple(maps), tuple(sentences), facts_of_result(result, first), tuple(records))


def _store_result(
    prepared: PreparedRequest, map_type: str, result: Result
) -> Generator[None, None, tuple[bpy.types.Image, list[Message]]]:
    """Stores a map, whole or not at all, and wires it; the map, and sentences for the user."""
    with client.taken(result) as files:
        yield YIELD_TO_UI
        source, mask = prepared.source.image(), prepared.mask_image()
        image = store_map(source, files, prepared.request.settings.to_dict(), facts_of_result(result, map_type),
                          prepared.request.save, prepared.request.replace)
        set_mask(image, mask)
        remember_shown(image, files)
    return image, prepared.wired(map_type, image, result.scale)


def _timing_message(name: str, result: Result) -> Message:
    return Message("{name}: {width} x {height} from {engine} on {device} in {seconds:.1f} s.", name=name, width=result.width,
                   height=result.height, engine=result.engine.lower(), device=result.device,
                   seconds=float(sum(result.seconds.values())))
