"""The maps of a source of several pictures: each picture on its own, and no map before the last one is there."""

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
from ..map_metadata import find_map, set_mask
from ..map_state import DIGESTS, check_unchanged, remember_shown
from ..request import GenerateRequest, PreparedRequest, facts_of_result
from ..tasks import YIELD_TO_UI, Report, Step, TaskSteps

if TYPE_CHECKING:
    from ...core.arrays import Array

def normalise_heights(files: Mapping[int, Path], scales: Mapping[int, float],
                      places: Mapping[int, TilePosition]) -> Generator[None, None, float]:
    """Writes those files again that are raised or have another scale than all have in the end; that scale.

    files, scales: by picture, see `core.maps.Map`; places: of those pictures that go on in each other.
    """
    rises = yield from _border_corrections(files, scales, places)
    most = dict.fromkeys(files, 0.0) | {number: rise.max_change for number, rise in rises.items()}
    largest = max(scales[number] + 2 * most[number] for number in files)
    for number, file in files.items():
        if (scales[number], most[number]) != (largest, 0.0):
            rise = rises[number].to_field() if number in rises else 0.0
            values = rescale_height(_height_values(file), scales[number], largest, rise)
            write_staged(file, encode_png(np.rint(values * 65535).astype(np.uint16), True))
            yield YIELD_TO_UI
    return largest


def _border_corrections(files: Mapping[int, Path], scales: Mapping[int, float],
                        places: Mapping[int, TilePosition]) -> Generator[None, None, dict[int, BorderCorrection]]:
    """What is to be added to the heights of the pictures that go on in each other."""
    outlines = {}
    for number, place in places.items():
        outlines[place] = border_profile((_height_values(files[number]) - np.float32(MIDLEVEL)) * np.float32(scales[number]))
        yield YIELD_TO_UI
    rises = border_corrections(outlines)
    return {number: rises[place] for number, place in places.items()}


def _height_values(file: Path) -> Array:
    """H x W float32 of 0..1, rows from the top down."""
    return read_map_pixels(file) * np.float32(1 / 65535)


@dataclass(frozen=True)
class FrameFiles:
    """A map of one frame: the file of its own, the file that its mean becomes, and its width and height."""

    own: Path
    mean: Path
    size: tuple[int, int]


def average_frames(prepared: PreparedRequest, map_type: str, frames: Mapping[int, FrameFiles]) -> Generator[Step, Result,
                                                                                                            None]:
    """Makes the means of a map's frames, by number, over as many frames on either side as the order wants.

    Frames of another size than the middle one's do not count.
    """
    for at, (number, frame) in enumerate(frames.items(), 1):
        alike = [other for other in frames if frames[other].size == frame.size]
        describe_count = temporal_weights(alike, number, prepared.request.smoothing)
        files = [[share, str(frames[other].own)] for other, share in describe_count.items()]
        result = yield Step(prepared.submit(map_type, frames=files, compress=True), at, len(frames))
        with client.taken(result) as made:
            write_staged(frame.mean, made.png)


MapPart = tuple[str, int]
"""A part of a map: the map's kind, and the number of the picture."""


@dataclass(frozen=True)
class PictureSet(ABC):
    """The pictures of a source, and the names of the files of their maps.

    layout: Blender's name for an image that shows several.
    numbers: those of the pictures that are there; notes: sentences for the user, about those that are not.
    folder: where the files belong, None where the maps are packed; stem: what their names begin with.
    """

    layout: ClassVar[Literal["TILED", "SEQUENCE"]]
    source: Source
    numbers: tuple[int, ...]
    notes: tuple[Message, ...]
    folder: Path | None
    stem: str

    @abstractmethod
    def describe_count(self) -> Phrase:
        """Say how many there are."""

    @abstractmethod
    def why_missing(self, number: int, reason: Message) -> Message:
        """Say that a picture has no map, and why."""

    @abstractmethod
    def read(self, number: int, path: Path) -> PixelExport:
        """Writes a picture's pixels into the file `path`, piece by piece; raises SourceError."""

    @abstractmethod
    def file(self, map_type: str, number: int) -> Path:
        """The file of a part of a map, relative to the folder."""

    @abstractmethod
    def display_path(self, map_type: str) -> Path:
        """The same as an image names it that shows all parts."""

    @abstractmethod
    def tile_positions(self) -> Mapping[int, TilePosition]:
        """Where the pictures lie that go on in each other."""

    @abstractmethod
    def configure_nodes(self, image: bpy.types.Image) -> None:
        """Gives the nodes that show a wired map what they need beside it."""


FindPictures = Callable[[Source, GenerateRequest, Path], PictureSet]
"""find(source, ask, folder): `folder` may take in files that are needed until the maps are made.  Raises SourceError or
TargetError."""


def picture_set_steps(prepared: PreparedRequest, find: FindPictures) -> TaskSteps:
    """Makes the maps.  Where an engine stretches each picture's depths to one range, the widest range counts for all."""
    with staging_folder(None) as copies:
        pictures = find(prepared.source, prepared.request, copies)
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


def _check_pictures_changed(prepared: PreparedRequest, pictures: PictureSet) -> Generator[Step | None, Any, None]:
    """Raises Unchanged where the maps are there, and were made from the same pictures."""
    files = [pictures.folder / pictures.file(map_type, number) for map_type in prepared.request.maps
             for number in pictures.numbers
             if pictures.folder is not None]
    are_known = set(prepared.known_surfaces) == {str(number) for number in pictures.numbers}
    if not are_known or not all(file.exists() for file in files):
        return
    for number in pictures.numbers:
        words = yield from prepared.export_pixels(partial(pictures.read, number))
        try:
            known = prepared.known_surfaces[str(number)]
            result = yield Step(prepared.submit(prepared.request.maps[0], unless=known, **words))
        except Unchanged:
            continue
        with client.taken(result):
            return
    raise Unchanged("The maps are there already, made from the same pictures with the same settings.")


def _make_parts(prepared: PreparedRequest, pictures: PictureSet, factors: Mapping[int, float],
                folder: Path) -> Generator[Step | None, Any, tuple[dict[MapPart, Result], dict[int, SourceError]]]:
    """Makes all kinds of map of the numbered pictures, each with a factor on the strength, as files of the folder.

    Also returns what is wrong with those that cannot be read.
    """
    first = prepared.request.maps[0]
    parts = [(map_type, number) for number in factors for map_type in prepared.request.maps]
    made: dict[MapPart, Result] = {}
    unreadable: dict[int, SourceError] = {}
    for at, (map_type, number) in enumerate(parts, 1):
        if number in unreadable:
            continue
        if map_type == first:
            try:
                words = yield from prepared.export_pixels(partial(pictures.read, number))
            except SourceError as error:
                unreadable[number] = error
                continue
        else:
            words = {"surface": made[first, number].surface}
        job = prepared.submit(map_type, factors[number], compress=pictures.folder is not None, **words)
        result = made[map_type, number] = yield Step(job, at, len(parts))
        with client.taken(result) as files:
            write_staged(folder / pictures.file(map_type, number), files.png)
    return made, unreadable


def _without_unreadable(pictures: PictureSet, unreadable: Mapping[int, SourceError]) -> PictureSet:
    """The pictures without those that cannot be read, which are named; raises SourceError where none is left."""
    numbers = tuple(number for number in pictures.numbers if number not in unreadable)
    if not numbers:
        raise next(iter(unreadable.values()))
    notes = (pictures.why_missing(number, error.message) for number, error in unreadable.items())
    return dataclasses.replace(pictures, numbers=numbers, notes=(*pictures.notes, *notes))


def _store_results(prepared: PreparedRequest, pictures: PictureSet, results: Mapping[MapPart, Result],
                   folder: Path) -> Generator[Step | None, Any, Report]:
    """Stores the maps, whose parts lie in the folder, and wires them."""
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
        notes = dict.fromkeys(note for (of, _), result in results.items() if of == map_type for note in result.notes)
        about_wiring = prepared.apply_to_materials(map_type, image, facts[map_type]["scale"])
        records.append(tasks.record_made(prepared.source, image, [*pictures.notes, *notes, *about_wiring]))
        messages += about_wiring
        pictures.configure_nodes(image)
    return Report(tuple(image.name for image in images.values()), tuple(messages), main, tuple(records))


def _digests(pictures: PictureSet, map_type: str, folder: Path) -> Generator[None, None, dict[str, str]]:
    """Those of a map's parts, which lie in the folder, by the picture's number."""
    digests = {}
    for number in pictures.numbers:
        digests[str(number)] = sha256_of(folder / pictures.file(map_type, number))
        yield YIELD_TO_UI
    return digests


def _range_factors(results: Mapping[MapPart, Result], map_type: str) -> dict[int, float]:
    """The pictures whose depths have not the widest range of all, with the factor on the strength that their own has."""
    factors = shared_range_strengths({number: result.range for (of, number), result in results.items() if of == map_type})
    return {number: factor for number, factor in factors.items() if factor < 1}


def _equalise_height_scales(prepared: PreparedRequest, pictures: PictureSet, results: Mapping[MapPart, Result],
                            folder: Path) -> Generator[None, None, dict[str, float]]:
    """Brings the parts of the map of heights to one scale; the scale of each map, 0 of the others."""
    scales = dict.fromkeys(prepared.request.maps, 0.0)
    if "HEIGHT" in scales:
        own = {number: result.scale for (map_type, number), result in results.items() if map_type == "HEIGHT"}
        files = {number: folder / pictures.file("HEIGHT", number) for number in own}
        scales["HEIGHT"] = yield from normalise_heights(files, own, pictures.tile_positions())
    return scales


def _average_maps(prepared: PreparedRequest, pictures: PictureSet, results: Mapping[MapPart, Result], facts: dict,
                  folder: Path) -> Generator[Step, Result, Path]:
    """Averages each map's parts over neighbouring frames, where that is asked for, and notes it in the map's facts.

    The folder in which the parts lie then.
    """
    for map_type in prepared.request.maps:
        facts[map_type]["smoothing"] = prepared.request.smoothing
    if prepared.request.smoothing == 0:
        return folder
    means = folder / "means"
    for map_type in prepared.request.maps:
        frames = {}
        for number in pictures.numbers:
            file, result = pictures.file(map_type, number), results[map_type, number]
            frames[number] = FrameFiles(folder / file, means / file, (result.width, result.height))
        yield from average_frames(prepared, map_type, frames)
    return means


def _set_facts(map_type: str, results: Mapping[MapPart, Result], scale: float) -> dict:
    """What is remembered of a map: it has several surfaces, so that none can be tuned alone."""
    surfaces = {str(number): result.surface for (of, number), result in results.items() if of == map_type}
    of_kind = [result for (of, _), result in results.items() if of == map_type]
    seconds: dict[str, float] = {}
    for result in of_kind:
        for stage_name, taken in result.seconds.items():
            seconds[stage_name] = seconds.get(stage_name, 0.0) + taken
    return facts_of_result(of_kind[0], map_type) | {"surface": "", "surfaces": surfaces, "seconds": seconds, "scale": scale}


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
