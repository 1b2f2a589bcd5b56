"""Generate the maps of a source: export its picture, submit jobs, store each map and put it into the materials."""

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
from .image_sets.picture_set import picture_set_steps
from .image_sets.sequence import find_frames
from .image_sets.udim import find_tiles
from .map_files import file_of, map_file_beside
from .map_images import store_map
from .map_metadata import (
    NUMBERED_SOURCES,
    SINGLE_PICTURE,
    find_map,
    map_type_of,
    set_base,
    set_heights,
    set_mask,
    stored_facts,
    stored_settings,
)
from .map_state import changed_reason, remember_shown
from .request import GenerateRequest, PreparedRequest, facts_of_result, prepare_request
from .tasks import YIELD_TO_UI, Report, Step, Task, TaskSteps

SURFACE_KEY = re.compile("[0-9a-f]{32}(-[0-9a-f]{32})?")
"""The form of a surface's key; a file from elsewhere may hold anything in its place."""

PICTURE_SET_FINDERS = {"TILED": find_tiles, "SEQUENCE": find_frames, "MOVIE": find_frames}
"""By the `source` of an image that has several pictures: the function that finds them."""

PACKED_FILE_FIELDS, DISK_FILE_FIELDS = ({"compress": on_disk, "with_pixels": not on_disk} for on_disk in (False, True))
"""Fields of a request about the result's files: raw pixels to show a packed map, a compressed file for one on disk."""


def find_up_to_date_surfaces(prepared: PreparedRequest) -> dict[str, str]:
    """Find the surfaces from which the requested maps were made, where all exist as they are requested.

    Returns:
        Their keys by the picture's number, "" for a single picture; empty where a map is missing, is stored elsewhere or
        was made with other settings.

    Raises:
        TargetError: as storing a map does.
    """
    source = prepared.source.image()
    maps = [find_map(source, map_type) for map_type in prepared.request.maps]
    first, *others = [_surface_keys(image, prepared) if image is not None else {} for image in maps]
    return first if all(surfaces == first for surfaces in others) else {}


def _surface_keys(image: bpy.types.Image, prepared: PreparedRequest) -> dict[str, str]:
    """Return the surface keys of one map; empty where it is not as requested, or its metadata are damaged."""
    if not _is_stored_as_requested(image, prepared):
        return {}
    requested = prepared.request.settings
    try:
        has_same_settings = requested.with_tuning_of(stored_settings(image)).is_close_to(requested)
        facts = stored_facts(image)
    except MidasNormalError:
        return {}
    surfaces = facts.get("surfaces", {SINGLE_PICTURE: facts["surface"]})
    is_readable = isinstance(surfaces, dict) and all(SURFACE_KEY.fullmatch(str(key)) for key in surfaces.values())
    has_same_smoothing = facts.get("smoothing", prepared.request.smoothing) == prepared.request.smoothing
    return surfaces if has_same_settings and has_same_smoothing and is_readable else {}


def _is_stored_as_requested(image: bpy.types.Image, prepared: PreparedRequest) -> bool:
    """Whether a map is stored where it is requested; the files of several pictures are checked elsewhere."""
    source = prepared.source.image()
    if prepared.request.save == "PACK" and source.source not in ("SEQUENCE", "MOVIE"):  # those cannot be packed
        return bool(image.packed_files)
    if image.packed_files or image.source in NUMBERED_SOURCES:
        return not image.packed_files
    file = map_file_beside(source, map_type_of(image))
    return file_of(image) == file and file.exists()


def start_generation(context: bpy.types.Context, request: GenerateRequest) -> Task:
    """Check a request and return the task that meets it.

    Raises:
        MidasNormalError: for a request that cannot be met.
    """
    return Task(generation_steps(prepare_request(context, request)))


def generation_steps(prepared: PreparedRequest) -> TaskSteps:
    """Make the requested maps, except those that a user has changed, unless these may be replaced.

    Raises:
        Unchanged: where they would be made from the known surfaces again.
        TargetError: where a user has changed all of them.
    """
    kept = yield from _changed_maps(prepared)
    map_types = tuple(map_type for map_type in prepared.request.maps if map_type not in kept)
    if not map_types:
        raise TargetError(next(iter(kept.values())))
    find_pictures = PICTURE_SET_FINDERS.get(prepared.source.image().source)
    prepared = dataclasses.replace(prepared, request=dataclasses.replace(prepared.request, maps=map_types))
    steps = _single_picture_steps(prepared) if find_pictures is None else picture_set_steps(prepared, find_pictures)
    report = yield from steps
    records = (Record(prepared.source.name, FAILED, map_type, error=message) for map_type, message in kept.items())
    return dataclasses.replace(report, messages=(*report.messages, *kept.values()), records=(*report.records, *records))


def _changed_maps(prepared: PreparedRequest) -> Generator[None, None, dict[str, Message]]:
    """Say by type which maps a user has changed; not looked for where the task may end with Unchanged."""
    kept = {}
    for map_type in prepared.request.maps if not (prepared.request.replace or prepared.known_surfaces) else ():
        if message := (yield from changed_reason(find_map(prepared.source.image(), map_type))):
            kept[map_type] = message
    return kept


def _single_picture_steps(prepared: PreparedRequest) -> TaskSteps:
    """Make the maps of a single picture: the first from its pixels, the others from its surface."""
    file_fields = DISK_FILE_FIELDS if prepared.request.save == "BESIDE" else PACKED_FILE_FIELDS
    (first, *others), count = prepared.request.maps, len(prepared.request.maps)
    client.prepare(prepared.launch)
    yield YIELD_TO_UI
    picture = yield from prepared.export_pixels(partial(export_image_pixels, prepared.source.image(), view=prepared.view))
    job = prepared.submit(first, unless=prepared.known_surfaces.get(SINGLE_PICTURE), **picture, **file_fields)
    result = yield Step(job, 1, count)
    image, wiring_messages = yield from _store_result(prepared, first, result)
    maps, records = [image.name], [tasks.record_made(prepared.source, image, [*result.notes, *wiring_messages])]
    messages = [_timing_message(image.name, result), result.why, *prepared.notes, *result.notes, *wiring_messages]
    for number, map_type in enumerate(others, 2):
        try:
            other = yield Step(prepared.submit(map_type, surface=result.surface, **file_fields), number, count)
            image, wiring_messages = yield from _store_result(prepared, map_type, other)
            maps.append(image.name)
            records.append(tasks.record_made(prepared.source, image, [*other.notes, *wiring_messages]))
            messages += wiring_messages
        except Cancelled:
            raise
        except MidasNormalError as error:
            records.append(Record(prepared.source.name, FAILED, map_type, error=error.message))
            messages.append(Message("The map {map} was not made: {reason}", map=Phrase(MAP_TYPES[map_type].label),
                                    reason=error.message))
    return Report(tuple(maps), tuple(messages), facts_of_result(result, first), tuple(records))


def _store_result(
    prepared: PreparedRequest, map_type: str, result: Result
) -> Generator[None, None, tuple[bpy.types.Image, list[Message]]]:
    """Store a map, wholly or not at all, and put it into the materials.

    Returns:
        The map, and messages for the user.
    """
    with client.open_result_files(result) as files:
        yield YIELD_TO_UI
        source, mask, base = prepared.source.image(), prepared.mask_image(), prepared.base_image()
        image = store_map(source, files, prepared.request.settings.to_dict(), facts_of_result(result, map_type),
                          prepared.request.save, prepared.request.replace)
        set_mask(image, mask)
        set_base(image, base)
        set_heights(image, prepared.heights)
        remember_shown(image, files)
    return image, prepared.apply_to_materials(map_type, image, result.scale)


def _timing_message(name: str, result: Result) -> Message:
    return Message("{name}: {width} x {height} from {engine} on {device} in {seconds:.1f} s.", name=name, width=result.width,
                   height=result.height, engine=result.engine.lower(), device=result.device,
                   seconds=float(sum(result.seconds.values())))
