"""Write the job of a render farm for the textures of a .blend file, and load the maps that the job has made."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import bpy

from ..batch.api import items_of_files
from ..batch.inputs import InputFile, Inputs
from ..batch.jobs import JOB_KINDS, write_job
from ..batch.jobs.map_list import MapList, planned_maps, read_map_list
from ..batch.options import BatchOptions, batch_options
from ..batch.pictures import BatchItem
from ..batch.report import FAILED, MADE, SKIPPED, Record
from ..core.errors import Message, MidasNormalError, SourceError, TargetError, join_messages
from ..core.file_numbering import fill_udim_token, parse_udim_name
from ..core.files import is_file, resolve_path
from ..core.image_io import height_scale_of_png
from . import tasks
from .addon import find_by_uid
from .image_pixels import View, size_of
from .image_source import PICTURE_SETS, Source, active_image, mask_from_image
from .map_files import file_of, read_map_file
from .map_images import open_map, show_picture, show_picture_set
from .map_metadata import SINGLE_PICTURE, find_map, source_of
from .map_state import DIGESTS, changed_reason, remember_shown
from .nodes.map_nodes import can_read, readable_conventions
from .nodes.materials import colour_textures, textures_of_objects
from .queue import reason_with_names
from .request import OPENGL_ONLY, GenerateRequest, WiringRequest
from .tasks import YIELD_TO_UI, Report, TaskSteps

MAPS_FOLDER = "maps"
"""The folder in that of a job into which it makes the maps."""

NO_PICTURE = {
    "ACTIVE": Message("The active image has no file that a farm could read."),
    "SELECTED": Message("No material of the selected objects has a colour texture with a file; select others."),
    "FILE": Message("No material of this file has a colour texture with a file; save the textures as files."),
}
"""By scope, the message where there is no picture for a job."""


def write_farm_job(context: bpy.types.Context, kind: str, scope: str, folder: Path, request: GenerateRequest) -> Report:
    """Write a job that makes maps of textures, into its own folder.

    Args:
        kind: one of JOB_KINDS.
        scope: ACTIVE for the active image, SELECTED for the colour textures of the selected objects, FILE for those of all
            materials.
        folder: of the job, which must be new or empty.
        request: the settings and types of the maps; where they are stored and wired is not the job's concern.

    Raises:
        MidasNormalError: the job cannot be written; nothing is then.
    """
    if not folder.is_absolute():
        raise TargetError("The folder {folder!r} is relative to a .blend file that is not saved; give a whole path, or save "
                          "the file.", folder=str(folder))
    files, reasons = _files_of_images(_images(context, scope))
    if not files:
        raise SourceError(join_messages([NO_PICTURE[scope], *_with_names(reasons)]))
    settings, notes = request.settings, []
    if request.target != "NONE" and settings.convention not in ("CONTROLNET", *readable_conventions()):
        settings, notes = dataclasses.replace(settings, convention="OPENGL"), [OPENGL_ONLY]
    has_tiles = any(number for numbers in files.values() for number in numbers)
    if has_tiles and request.across:
        notes.append(Message("The job makes the map of each UDIM tile without its neighbours; Match UDIM Borders is for "
                             "Blender."))
    inputs = Inputs(_input_files([file for numbers in files.values() for file in numbers.values()]))
    options, items = _options_and_items(inputs, dataclasses.replace(request, settings=settings), folder / MAPS_FOLDER,
                                        "UDIM" if has_tiles else "OFF", View.of(context.scene).exposure)
    write_job(kind, folder, items, options)
    return Report((), (Message("The job is in {folder}; its pictures: {count}.", count=len(items), folder=folder),
                       JOB_KINDS[kind].advice, *notes, *_with_names(reasons)), {})


def _images(context: bpy.types.Context, scope: str) -> list[bpy.types.Image]:
    if scope == "ACTIVE":
        image = active_image(context)
        return [source_of(image) or image]
    if scope == "SELECTED":
        return list(textures_of_objects(context.view_layer.objects.selected))  # type: ignore[union-attr]
    return colour_textures(bpy.data.materials)


def _files_of_images(
    images: Iterable[bpy.types.Image]
) -> tuple[dict[bpy.types.Image, dict[str, Path]], dict[str, Message]]:
    """Return the files of each image that a farm can read, see `_files_by_number`, and why others cannot, by their names."""
    files, reasons = {}, {}
    for image in images:
        existing = {number: file for number, file in _files_by_number(image).items() if is_file(file)}
        if image.source in ("SEQUENCE", "MOVIE"):
            reasons[image.name] = Message("{kind} is for Blender alone, not for a farm.", kind=PICTURE_SETS[image.source])
        elif image.packed_files or image.is_dirty or not existing:
            reasons[image.name] = Message("It has no file, or other pixels than its file; save it as a file.")
        else:
            files[image] = existing
    return files, reasons


def _files_by_number(image: bpy.types.Image) -> dict[str, Path]:
    """Return the files of an image: of UDIM tiles by their numbers, else one by SINGLE_PICTURE; none where it has none."""
    file = file_of(image)
    if not file.is_absolute() or image.source not in ("FILE", "TILED"):
        return {}
    if image.source == "TILED":
        return {str(tile.number): resolve_path(Path(fill_udim_token(str(file), tile.number))) for tile in image.tiles}
    return {SINGLE_PICTURE: resolve_path(file)}


def _input_files(files: Iterable[Path]) -> list[InputFile]:
    """Return the pictures of a job: their maps lie as they do, in subfolders, below the folder that all are in."""
    unique = list(dict.fromkeys(files))
    anchors = {file.anchor for file in unique}
    common = {anchor: os.path.commonpath([file.parent for file in unique if file.anchor == anchor]) for anchor in anchors}
    drive = {anchor: re.sub(r"\W", "", anchor) if len(anchors) > 1 else "" for anchor in anchors}
    return [InputFile(file, PurePath(drive[file.anchor], file.parent.relative_to(common[file.anchor])), line)
            for line, file in enumerate(unique, 1)]


def _options_and_items(inputs: Inputs, request: GenerateRequest, out: Path, sets: str,
                       exposure: float) -> tuple[BatchOptions, Collection[BatchItem]]:
    """Return the options and the pictures of a job; maps have their pictures' whole names where the stems are alike."""
    mask_file = None
    if request.settings.mask == "IMAGE":
        mask_file = file_of(mask_from_image(find_by_uid(bpy.data.images, request.mask_uid)).image())
    for pattern in ("{stem}_{map}", "{name}_{map}"):
        options = batch_options(out, request.settings, maps=request.maps, existing="SKIP", pattern=pattern, sets=sets,
                                exposure=exposure or None, mask_image=mask_file)
        items = items_of_files(inputs, options)
        maps = planned_maps(items, options)
        if len({each.file for each in maps}) == len(maps):
            break
    return options, items


def load_finished_maps(folder: Path, target: str, replace: bool) -> TaskSteps:
    """Load the maps that the job of a folder has made, and wire them as if they had been made here.

    Maps that are missing, and what a user has made or changed, stay as they are and are named.

    Args:
        target: NONE to wire nothing.
        replace: whether maps that a user has changed, and a user's own, are replaced.

    Raises:
        MidasNormalError: nothing could be loaded.
    """
    listed = read_map_list(folder)
    request = GenerateRequest(listed.settings, target="NONE" if target == "NONE" else "AUTO", replace=replace,
                              maps=tuple(dict.fromkeys(each.map_type for each in listed.maps)) or ("NORMAL",))
    files = {(each.picture, each.map_type): each.file for each in listed.maps}
    users = {image: obj.session_uid for image, obj in textures_of_objects(bpy.data.objects).items()}
    records: list[Record] = []
    missing: list[str] = []
    names: list[str] = []
    shown: set[Path] = set()
    for image in [image for image in bpy.data.images if source_of(image) is None]:
        pictures = _files_by_number(image)
        shown |= set(pictures.values())
        for map_type in request.maps:
            expected = {number: files[picture, map_type] for number, picture in pictures.items()
                        if (picture, map_type) in files}
            finished = {number: file for number, file in expected.items() if is_file(file)}
            missing += [file.name for number, file in expected.items() if number not in finished]
            if finished:
                wiring = WiringRequest(request=request, source=Source("IMAGE", image.name, image.session_uid),
                                       object_uid=users.get(image), is_one_of_many=True)
                records.append((yield from _try_loading(wiring, map_type, finished)))
                loaded = find_map(image, map_type) if records[-1].outcome == MADE else None
                names += [loaded.name] if loaded is not None else []
                yield YIELD_TO_UI
    messages = _report_of_loading(listed, records, missing, shown)
    if not names:
        raise MidasNormalError(join_messages(messages))
    return Report(tuple(names), tuple(messages), {}, tuple(records))


def _report_of_loading(listed: MapList, records: Sequence[Record], missing: Sequence[str],
                       shown: Collection[Path]) -> list[Message]:
    counts = {outcome: sum(record.outcome == outcome for record in records) for outcome in (MADE, SKIPPED, FAILED)}
    messages = [Message("Of the job's maps {made} loaded, {skipped} skipped, {failed} failed, {missing} missing.", **counts,
                        missing=len(missing))]
    if missing:
        messages.append(reason_with_names(Message("the job has not made them; run it again."), missing))
    unused = {each.picture for each in listed.maps} - set(shown)
    if unused:
        messages.append(Message("Pictures of the job that are not in this file: {count}.", count=len(unused)))
    reasons = [(record.input, record.error or join_messages(record.notes or ())) for record in records
               if record.outcome != MADE]
    return messages + _with_names(reasons)


def _with_names(reasons: Mapping[str, Message] | Iterable[tuple[str, Message]]) -> list[Message]:
    """Return each reason once, with the names for which it holds."""
    names: dict[Message, list[str]] = {}
    for name, reason in reasons.items() if isinstance(reasons, Mapping) else reasons:
        names.setdefault(reason, []).append(name)
    return [reason_with_names(reason, each) for reason, each in names.items()]


def _try_loading(wiring: WiringRequest, map_type: str, files: Mapping[str, Path]) -> Generator[None, Any, Record]:
    """Load a map, or return the record of why it is not loaded."""
    try:
        with tasks.wrap_unexpected():
            return (yield from _load_map(wiring, map_type, files))
    except MidasNormalError as error:
        return Record(wiring.source.name, FAILED, map_type, error=error.message)


def _load_map(wiring: WiringRequest, map_type: str, files: Mapping[str, Path]) -> Generator[None, Any, Record]:
    """Load a map whose files are there, show it in place of one that was made before, and wire it.

    Args:
        files: by the numbers of UDIM tiles, else one by SINGLE_PICTURE.
    """
    source, request = wiring.source.image(), wiring.request
    if reasons := wiring.unused_reasons(map_type):
        return tasks.record_unused(wiring.source, map_type, reasons)
    existing = find_map(source, map_type)
    if message := "" if request.replace else (yield from changed_reason(existing)):
        raise TargetError(message)
    _check_convention(wiring, map_type, existing)
    contents = {number: read_map_file(file) for number, file in files.items()}
    first_file, first = files[next(iter(files))], contents[next(iter(files))]
    scale = height_scale_of_png(first) if map_type == "HEIGHT" else 0.0
    facts: dict[str, Any] = {
        "map": map_type, "engine": request.settings.engine, "device": "", "why": "", "surface": "", "seconds": {},
        "scale": scale, DIGESTS: {number: hashlib.sha256(content).hexdigest() for number, content in contents.items()}}
    with open_map(source, request.settings.to_dict(), facts) as image:
        if source.source == "TILED":
            show_picture_set(image, _path_of_tiles(first_file), "TILED", pack=False)
        else:
            show_picture(image, first, first_file)
        facts["size"] = list(size_of(image))
    remember_shown(image)
    notes = wiring.apply_to_materials(map_type, image, scale)
    return tasks.record_made(wiring.source, image, notes)


def _check_convention(wiring: WiringRequest, map_type: str, existing: bpy.types.Image | None) -> None:
    """Raise TargetError where a normal map would be read in another convention than the job's."""
    convention = wiring.request.settings.convention
    if map_type != "NORMAL" or convention == "CONTROLNET" or wiring.request.target == "NONE":
        return
    if convention not in readable_conventions() or (existing is not None and not can_read(existing, convention)):
        raise TargetError("The job's map is {convention}, which the material does not read; write the job again with the "
                          "convention OpenGL.", convention=convention)


def _path_of_tiles(file: Path) -> Path:
    """Return the path that stands for all tiles of a set, of which `file` is one."""
    parsed = parse_udim_name(file.stem)
    assert parsed is not None  # the job has named it so
    before, token, after, _ = parsed
    return file.with_name(f"{before}{token}{after}{file.suffix}")
