"""Make the maps of a set of pictures, UDIM tiles or frames, and store them when all pictures are done."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import bpy
import numpy as np

from ...core.engines import shared_range_strengths
from ...core.errors import Message, Phrase, SourceError, Unchanged
from ...core.file_numbering import temporal_weights
from ...core.files import sha256_of
from ...core.heights import MIDLEVEL, rescale_height
from ...core.image_io import encode_png
from ...core.protocol import Result
from ...core.tile_borders import BorderCorrection, TilePosition, border_corrections, border_profile
from .. import tasks
from ..addon import client
from ..image_pixels import PixelExport
from ..image_source import Source
from ..map_files import check_no_other_map, move_staged, read_map_pixels, staging_folder, write_staged
from ..map_images import open_map, show_picture_set
from ..map_metadata import find_map, set_heights, set_mask
from ..map_state import DIGESTS, check_unchanged, remember_shown
from ..request import GenerateRequest, PreparedRequest, facts_of_result
from ..tasks import YIELD_TO_UI, Report, Step, TaskSteps

if TYPE_CHECKING:
    from ...core.arrays import Array

MapPart = tuple[str, int]
"""A part of a map: the map's type, and the number of the picture."""


@dataclass(frozen=True)
class FrameFiles:
    """The files of one frame's map: its own, that of the average over its neighbours, and the width and height of both."""

    own: Path
    average: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class PictureSet(ABC):
    """The pictures of a source, and the names of the files of their maps.

    layout: the `source` of an image that shows them.
    numbers: those of the pictures that exist.
    notes: messages for the user, about those that do not.
    folder: where the files belong, None where the maps are packed.
    stem: what the files' names begin with.
    """

    layout: ClassVar[Literal["TILED", "SEQUENCE"]]
    source: Source
    numbers: tuple[int, ...]
    notes: tuple[Message, ...]
    folder: Path | None
    stem: str

    @abstractmethod
    def describe_count(self) -> Phrase:
        """Say how many pictures there are."""

    @abstractmethod
    def why_missing(self, number: int, reason: Message) -> Message:
        """Say that a picture has no map, and why."""

    @abstractmethod
    def read(self, number: int, path: Path) -> PixelExport:
        """Export a picture's pixels into the file `path`, in short steps; raises SourceError."""

    def tile(self, number: int) -> int | None:
        """Return the number of a picture as a UDIM tile; None where it is none."""
        return number if self.layout == "TILED" else None

    @abstractmethod
    def file(self, map_type: str, number: int) -> Path:
        """Return the file of a part of a map, relative to the folder."""

    @abstractmethod
    def display_path(self, map_type: str) -> Path:
        """Return the path of an image that shows all parts, relative to the folder."""

    @abstractmethod
    def tile_positions(self) -> Mapping[int, TilePosition]:
        """Return the positions of the pictures that continue in each other, by number."""

    @abstractmethod
    def configure_nodes(self, image: bpy.types.Image) -> None:
        """Set what else the nodes that show a wired map need."""


FindPictures = Callable[[Source, GenerateRequest, Path], PictureSet]
"""find(source, request, folder): `folder` takes files that are needed until the maps are made; raises SourceError or
TargetError."""


def picture_set_steps(prepared: PreparedRequest, find_pictures: FindPictures) -> TaskSteps:
    """Make the maps of all pictures and store them.

    Where the engine scales the depths of each picture to 0..1, those with a smaller range than the widest are made again,
    weaker, so that all have the same relief.
    """
    with staging_folder(None) as copies:
        pictures = find_pictures(prepared.source, prepared.request, copies)
        yield from _check_pictures_changed(prepared, pictures)
        with staging_folder(pictures.folder) as folder:
            results, unreadable = yield from _make_parts(prepared, pictures, dict.fromkeys(pictures.numbers, 1.0), folder)
            pictures = _without_unreadable(pictures, unreadable)
            again, unreadable = yield from _make_parts(prepared, pictures, _range_factors(results, prepared.request.maps[0]),
                                                       folder)
            if unreadable:
                raise next(iter(unreadable.values()))
            results |= again
            return (yield from _store_results(prepared, pictures, results, folder))


def normalise_heights(files: Mapping[int, Path], scales: Mapping[int, float],
                      positions: Mapping[int, TilePosition]) -> Generator[None, None, float]:
    """Bring height maps to one scale and match them at shared borders; rewrites the files that change.

    Args:
        files: by the picture's number.
        scales: by the picture's number, see `core.maps.Map`.
        positions: those of the pictures that continue in each other.

    Returns:
        The common scale.
    """
    corrections = yield from _border_corrections(files, scales, positions)
    max_changes = dict.fromkeys(files, 0.0) | {number: correction.max_change for number, correction in corrections.items()}
    common_scale = max(scales[number] + 2 * max_changes[number] for number in files)
    for number, file in files.items():
        if (scales[number], max_changes[number]) != (common_scale, 0.0):
            correction = corrections[number].to_field() if number in corrections else 0.0
            values = rescale_height(_height_values(file), scales[number], common_scale, correction)
            write_staged(file, encode_png(np.rint(values * 65535).astype(np.uint16), True))
            yield YIELD_TO_UI
    return common_scale


def _border_corrections(files: Mapping[int, Path], scales: Mapping[int, float],
                        positions: Mapping[int, TilePosition]) -> Generator[None, None, dict[int, BorderCorrection]]:
    """Find what to add to the heights of pictures that continue in each other, so that shared borders match."""
    profiles = {}
    for number, position in positions.items():
        heights = (_height_values(files[number]) - np.float32(MIDLEVEL)) * np.float32(scales[number])
        profiles[position] = border_profile(heights)
        yield YIELD_TO_UI
    corrections = border_corrections(profiles)
    return {number: corrections[position] for number, position in positions.items()}


def _height_values(file: Path) -> Array:
    """Read a height map into H x W float32 of 0..1, rows top-down."""
    return read_map_pixels(file) * np.float32(1 / 65535)


def average_frames(
    prepared: PreparedRequest, map_type: str, frames: Mapping[int, FrameFiles]
) -> Generator[Step, Result, None]:
    """Average each frame of a map over the frames on either side of it, as many as the request's smoothing says.

    Frames of another size than the middle one are left out.
    """
    for index, (number, frame) in enumerate(frames.items(), 1):
        same_size = [other for other in frames if frames[other].size == frame.size]
        weights = temporal_weights(same_size, number, prepared.request.smoothing)
        files = [[weight, str(frames[other].own)] for other, weight in weights.items()]
        result = yield Step(prepared.submit(map_type, frames=files, compress=True), index, len(frames))
        with client.open_result_files(result) as result_files:
            write_staged(frame.average, result_files.png)


def _check_pictures_changed(prepared: PreparedRequest, pictures: PictureSet) -> Generator[Step | None, Any, None]:
    """Raise Unchanged where the maps exist and were made from the same pictures."""
    files = [pictures.folder / pictures.file(map_type, number) for map_type in prepared.request.maps
             for number in pictures.numbers if pictures.folder is not None]
    are_known = set(prepared.known_surfaces) == {str(number) for number in pictures.numbers}
    if not are_known or not all(file.exists() for file in files):
        return
    for number in pictures.numbers:
        fields = yield from prepared.export_pixels(partial(pictures.read, number), pictures.tile(number))
        try:
            known = prepared.known_surfaces[str(number)]
            result = yield Step(prepared.submit(prepared.request.maps[0], unless=known, **fields))
        except Unchanged:
            continue
        with client.open_result_files(result):
            return
    raise Unchanged("The maps are there already, made from the same pictures with the same settings.")


def _make_parts(prepared: PreparedRequest, pictures: PictureSet, factors: Mapping[int, float],
                folder: Path) -> Generator[Step | None, Any, tuple[dict[MapPart, Result], dict[int, SourceError]]]:
    """Make all map types of pictures as files of a folder.

    Args:
        factors: by the number of each picture to make, a factor on the strength.

    Returns:
        The results, and the errors of the pictures that cannot be read, by number.
    """
    first = prepared.request.maps[0]
    parts = [(map_type, number) for number in factors for map_type in prepared.request.maps]
    results: dict[MapPart, Result] = {}
    unreadable: dict[int, SourceError] = {}
    for index, (map_type, number) in enumerate(parts, 1):
        if number in unreadable:
            continue
        if map_type == first:
            try:
                fields = yield from prepared.export_pixels(partial(pictures.read, number), pictures.tile(number))
            except SourceError as error:
                unreadable[number] = error
                continue
        else:
            fields = {"surface": results[first, number].surface}
        job = prepared.submit(map_type, factors[number], compress=pictures.folder is not None, **fields)
        result = results[map_type, number] = yield Step(job, index, len(parts))
        with client.open_result_files(result) as files:
            write_staged(folder / pictures.file(map_type, number), files.png)
    return results, unreadable


def _without_unreadable(pictures: PictureSet, unreadable: Mapping[int, SourceError]) -> PictureSet:
    """Return the set without unreadable pictures, which its notes name; raises SourceError where none is left."""
    numbers = tuple(number for number in pictures.numbers if number not in unreadable)
    if not numbers:
        raise next(iter(unreadable.values()))
    notes = (pictures.why_missing(number, error.message) for number, error in unreadable.items())
    return dataclasses.replace(pictures, numbers=numbers, notes=(*pictures.notes, *notes))


def _store_results(prepared: PreparedRequest, pictures: PictureSet, results: Mapping[MapPart, Result],
                   folder: Path) -> Generator[Step | None, Any, Report]:
    """Store the maps whose parts are in a folder, and put them into the materials."""
    map_types = prepared.request.maps
    scales = yield from _equalise_height_scales(prepared, pictures, results, folder)
    facts = {map_type: _set_facts(map_type, results, scales[map_type]) for map_type in map_types}
    if pictures.layout == "SEQUENCE":
        folder = yield from _average_maps(prepared, pictures, results, facts, folder)
    for map_type in map_types:
        facts[map_type][DIGESTS] = yield from _digests(pictures, map_type, folder)
        yield from check_unchanged(find_map(prepared.source.image(), map_type), prepared.request.replace)
    source, mask = prepared.source.image(), prepared.mask_image()
    if pictures.folder is not None:
        for map_type in map_types:
            check_no_other_map(source, pictures.folder / pictures.display_path(map_type), pictures.layout)
        files = [pictures.file(*part) for part in results]
        move_staged({folder / file: pictures.folder / file for file in files})
    images = {map_type: _store_map(source, prepared, pictures, facts[map_type], pictures.folder or folder)
              for map_type in map_types}
    main = facts[map_types[0]]
    messages = [_timing_message(images[map_types[0]].name, pictures, main), main["why"], *prepared.notes, *pictures.notes]
    messages += dict.fromkeys(note for result in results.values() for note in result.notes)
    records = []
    for map_type, image in images.items():
        set_mask(image, mask)
        set_heights(image, prepared.heights)
        notes = dict.fromkeys(note for result in _results_of_type(results, map_type).values() for note in result.notes)
        about_wiring = prepared.apply_to_materials(map_type, image, facts[map_type]["scale"])
        records.append(tasks.record_made(prepared.source, image, [*pictures.notes, *notes, *about_wiring]))
        messages += about_wiring
        pictures.configure_nodes(image)
    return Report(tuple(image.name for image in images.values()), tuple(messages), main, tuple(records))


def _digests(pictures: PictureSet, map_type: str, folder: Path) -> Generator[None, None, dict[str, str]]:
    """Return the SHA-256 of a map's parts in a folder, by the picture's number."""
    digests = {}
    for number in pictures.numbers:
        digests[str(number)] = sha256_of(folder / pictures.file(map_type, number))
        yield YIELD_TO_UI
    return digests


def _range_factors(results: Mapping[MapPart, Result], map_type: str) -> dict[int, float]:
    """Return a factor on the strength for each picture whose depths have a smaller range than the widest of all."""
    ranges = {number: result.range for number, result in _results_of_type(results, map_type).items()}
    factors = shared_range_strengths(ranges)
    return {number: factor for number, factor in factors.items() if factor < 1}


def _equalise_height_scales(prepared: PreparedRequest, pictures: PictureSet, results: Mapping[MapPart, Result],
                            folder: Path) -> Generator[None, None, dict[str, float]]:
    """Bring the parts of a height map to one scale; returns the scale of each map type, 0 for the others."""
    scales = dict.fromkeys(prepared.request.maps, 0.0)
    if "HEIGHT" in scales:
        own_scales = {number: result.scale for number, result in _results_of_type(results, "HEIGHT").items()}
        files = {number: folder / pictures.file("HEIGHT", number) for number in own_scales}
        scales["HEIGHT"] = yield from normalise_heights(files, own_scales, pictures.tile_positions())
    return scales


def _average_maps(prepared: PreparedRequest, pictures: PictureSet, results: Mapping[MapPart, Result], facts: dict,
                  folder: Path) -> Generator[Step, Result, Path]:
    """Average each map's parts over neighbouring frames where requested, and store that in the map's facts.

    Returns:
        The folder that holds the parts afterwards.
    """
    for map_type in prepared.request.maps:
        facts[map_type]["smoothing"] = prepared.request.smoothing
    if prepared.request.smoothing == 0:
        return folder
    averages = folder / "means"
    for map_type in prepared.request.maps:
        frames = {}
        for number in pictures.numbers:
            file, result = pictures.file(map_type, number), results[map_type, number]
            frames[number] = FrameFiles(folder / file, averages / file, (result.width, result.height))
        yield from average_frames(prepared, map_type, frames)
    return averages


def _set_facts(map_type: str, results: Mapping[MapPart, Result], scale: float) -> dict:
    """Return what is stored with a map of several pictures: it has several surfaces, so it cannot be re-tuned."""
    results_by_number = _results_of_type(results, map_type)
    surfaces = {str(number): result.surface for number, result in results_by_number.items()}
    seconds: dict[str, float] = {}
    for result in results_by_number.values():
        for stage, duration in result.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + duration
    facts = facts_of_result(next(iter(results_by_number.values())), map_type)
    return facts | {"surface": "", "surfaces": surfaces, "seconds": seconds, "scale": scale}


def _results_of_type(results: Mapping[MapPart, Result], map_type: str) -> dict[int, Result]:
    """Return the results for one type of map, by the picture's number."""
    return {number: result for (part_type, number), result in results.items() if part_type == map_type}


def _store_map(
    source: bpy.types.Image, prepared: PreparedRequest, pictures: PictureSet, facts: dict, folder: Path
) -> bpy.types.Image:
    with open_map(source, prepared.request.settings.to_dict(), facts) as image:
        show_picture_set(image, folder / pictures.display_path(facts["map"]), pictures.layout, pack=pictures.folder is None)
    remember_shown(image)
    return image


def _timing_message(name: str, pictures: PictureSet, facts: dict) -> Message:
    return Message("{name}: {pictures} from {engine} on {device} in {seconds:.1f} s.", name=name,
                   pictures=pictures.describe_count(), engine=facts["engine"].lower(), device=facts["device"],
                   seconds=float(sum(facts["seconds"].values())))
