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
from ..image_pixels import Reading
from ..image_source import Source
from ..map_files import check_place, move_staged, pixels_of_map, stage, staging
from ..map_images import filled_map, show_several
from ..map_metadata import map_of, note_mask
from ..map_state import DIGESTS, check_unchanged, note_shown
from ..request import GenerateRequest, PreparedRequest, facts_of
from ..tasks import BREATH, Report, Step, TaskSteps

if TYPE_CHECKING:
    from ...core.arrays import Array

def normalise_heights(files: Mapping[int, Path], scales: Mapping[int, float],
                      places: Mapping[int, TilePosition]) -> Generator[None, None, float]:
    """Writes those files again that are raised or have another scale than all have in the end; that scale.

    files, scales: by picture, see `core.maps.Map`; places: of those pictures that go on in each other.
    """
    rises = yield from _rises(files, scales, places)
    most = dict.fromkeys(files, 0.0) | {number: rise.max_change for number, rise in rises.items()}
    largest = max(scales[number] + 2 * most[number] for number in files)
    for number, file in files.items():
        if (scales[number], most[number]) != (largest, 0.0):
            rise = rises[number].to_field() if number in rises else 0.0
            values = rescale_height(_values(file), scales[number], largest, rise)
            stage(file, encode_png(np.rint(values * 65535).astype(np.uint16), True))
            yield BREATH
    return largest


def _rises(files: Mapping[int, Path], scales: Mapping[int, float],
           places: Mapping[int, TilePosition]) -> Generator[None, None, dict[int, BorderCorrection]]:
    """What is to be added to the heights of the pictures that go on in each other."""
    outlines = {}
    for number, place in places.items():
        outlines[place] = border_profile((_values(files[number]) - np.float32(MIDLEVEL)) * np.float32(scales[number]))
        yield BREATH
    rises = border_corrections(outlines)
    return {number: rises[place] for number, place in places.items()}


def _values(file: Path) -> Array:
    """H x W float32 of 0..1, rows from the top down."""
    return pixels_of_map(file) * np.float32(1 / 65535)


@dataclass(frozen=True)
class Frame:
    """A map of one frame: the file of its own, the file that its mean becomes, and its width and height."""

    own: Path
    mean: Path
    size: tuple[int, int]


def smooth(order: PreparedRequest, kind: str, frames: Mapping[int, Frame]) -> Generator[Step, Result, None]:
    """Makes the means of a map's frames, by number, over as many frames on either side as the order wants.

    Frames of another size than the middle one's do not count.
    """
    for at, (number, frame) in enumerate(frames.items(), 1):
        alike = [other for other in frames if frames[other].size == frame.size]
        counted = temporal_weights(alike, number, order.ask.smoothing)
        files = [[share, str(frames[other].own)] for other, share in counted.items()]
        result = yield Step(order.submit(kind, frames=files, compress=True), at, len(frames))
        with client.taken(result) as made:
            stage(frame.mean, made.png)


Part = tuple[str, int]
"""A part of a map: the map's kind, and the number of the picture."""


@dataclass(frozen=True)
class Pictures(ABC):
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
    def counted(self) -> Phrase:
        """Say how many there are."""

    @abstractmethod
    def why_missing(self, number: int, reason: Message) -> Message:
        """Say that a picture has no map, and why."""

    @abstractmethod
    def read(self, number: int, path: Path) -> Reading:
        """Writes a picture's pixels into the file `path`, piece by piece; raises SourceError."""

    @abstractmethod
    def file(self, kind: str, number: int) -> Path:
        """The file of a part of a map, relative to the folder."""

    @abstractmethod
    def shown(self, kind: str) -> Path:
        """The same as an image names it that shows all parts."""

    @abstractmethod
    def places(self) -> Mapping[int, TilePosition]:
        """Where the pictures lie that go on in each other."""

    @abstractmethod
    def settle(self, image: bpy.types.Image) -> None:
        """Gives the nodes that show a wired map what they need beside it."""


Find = Callable[[Source, GenerateRequest, Path], Pictures]
"""find(source, ask, folder): `folder` may take in files that are needed until the maps are made.  Raises SourceError or
TargetError."""


def of_pictures(order: PreparedRequest, find: Find) -> TaskSteps:
    """Makes the maps.  Where an engine stretches each picture's depths to one range, the widest range counts for all."""
    with staging(None) as copies:
        pictures = find(order.source, order.ask, copies)
        yield from _unless_known(order, pictures)
        with staging(pictures.folder) as folder:
            results, unreadable = yield from _parts(order, pictures, dict.fromkeys(pictures.numbers, 1.0), folder)
            pictures = _readable(pictures, unreadable)
            again, unreadable = yield from _parts(order, pictures, _weaker(results, order.ask.maps[0]), folder)
            if unreadable:
                raise next(iter(unreadable.values()))
            results |= again
            return (yield from _taken_in(order, pictures, results, folder))


def _unless_known(order: PreparedRequest, pictures: Pictures) -> Generator[Step | None, Any, None]:
    """Raises Unchanged where the maps are there, and were made from the same pictures."""
    files = [pictures.folder / pictures.file(kind, number) for kind in order.ask.maps for number in pictures.numbers
             if pictures.folder is not None]
    if set(order.known) != {str(number) for number in pictures.numbers} or not all(file.exists() for file in files):
        return
    for number in pictures.numbers:
        words = yield from order.handed_over(partial(pictures.read, number))
        try:
            result = yield Step(order.submit(order.ask.maps[0], unless=order.known[str(number)], **words))
        except Unchanged:
            continue
        with client.taken(result):
            return
    raise Unchanged("The maps are there already, made from the same pictures with the same settings.")


def _parts(order: PreparedRequest, pictures: Pictures, factors: Mapping[int, float],
           folder: Path) -> Generator[Step | None, Any, tuple[dict[Part, Result], dict[int, SourceError]]]:
    """Makes all kinds of map of the numbered pictures, each with a factor on the strength, as files of the folder.

    Also returns what is wrong with those that cannot be read.
    """
    first = order.ask.maps[0]
    parts = [(kind, number) for number in factors for kind in order.ask.maps]
    made: dict[Part, Result] = {}
    unreadable: dict[int, SourceError] = {}
    for at, (kind, number) in enumerate(parts, 1):
        if number in unreadable:
            continue
        if kind == first:
            try:
                words = yield from order.handed_over(partial(pictures.read, number))
            except SourceError as error:
                unreadable[number] = error
                continue
        else:
            words = {"surface": made[first, number].surface}
        job = order.submit(kind, factors[number], compress=pictures.folder is not None, **words)
        result = made[kind, number] = yield Step(job, at, len(parts))
        with client.taken(result) as files:
            stage(folder / pictures.file(kind, number), files.png)
    return made, unreadable


def _readable(pictures: Pictures, unreadable: Mapping[int, SourceError]) -> Pictures:
    """The pictures without those that cannot be read, which are named; raises SourceError where none is left."""
    numbers = tuple(number for number in pictures.numbers if number not in unreadable)
    if not numbers:
        raise next(iter(unreadable.values()))
    notes = (pictures.why_missing(number, error.message) for number, error in unreadable.items())
    return dataclasses.replace(pictures, numbers=numbers, notes=(*pictures.notes, *notes))


def _taken_in(order: PreparedRequest, pictures: Pictures, results: Mapping[Part, Result],
              folder: Path) -> Generator[Step | None, Any, Report]:
    """Stores the maps, whose parts lie in the folder, and wires them."""
    kinds = order.ask.maps
    scales = yield from _at_one_scale(order, pictures, results, folder)
    facts = {kind: _facts(kind, results, scales[kind]) for kind in kinds}
    if pictures.layout == "SEQUENCE":
        folder = yield from _smoothed(order, pictures, results, facts, folder)
    for kind in kinds:
        facts[kind][DIGESTS] = yield from _digests(pictures, kind, folder)
        yield from check_unchanged(map_of(order.source.image(), kind), order.ask.replace)
    source, mask = order.source.image(), order.mask_image()
    if pictures.folder is not None:
        for kind in kinds:
            check_place(source, pictures.folder / pictures.shown(kind), pictures.layout)
        files = [pictures.file(*part) for part in results]
        move_staged({folder / file: pictures.folder / file for file in files})
    images = {kind: _stored(source, order, pictures, facts[kind], pictures.folder or folder) for kind in kinds}
    main = facts[kinds[0]]
    sentences = [_made(images[kinds[0]].name, pictures, main), main["why"], *order.notes, *pictures.notes]
    sentences += dict.fromkeys(note for result in results.values() for note in result.notes)
    records = []
    for kind, image in images.items():
        note_mask(image, mask)
        notes = dict.fromkeys(note for (of, _), result in results.items() if of == kind for note in result.notes)
        about_wiring = order.wired(kind, image, facts[kind]["scale"])
        records.append(tasks.record_made(order.source, image, [*pictures.notes, *notes, *about_wiring]))
        sentences += about_wiring
        pictures.settle(image)
    return Report(tuple(image.name for image in images.values()), tuple(sentences), main, tuple(records))


def _digests(pictures: Pictures, kind: str, folder: Path) -> Generator[None, None, dict[str, str]]:
    """Those of a map's parts, which lie in the folder, by the picture's number."""
    digests = {}
    for number in pictures.numbers:
        digests[str(number)] = sha256_of(folder / pictures.file(kind, number))
        yield BREATH
    return digests


def _weaker(results: Mapping[Part, Result], kind: str) -> dict[int, float]:
    """The pictures whose depths have not the widest range of all, with the factor on the strength that their own has."""
    factors = shared_range_strengths({number: result.range for (of, number), result in results.items() if of == kind})
    return {number: factor for number, factor in factors.items() if factor < 1}


def _at_one_scale(order: PreparedRequest, pictures: Pictures, results: Mapping[Part, Result],
                  folder: Path) -> Generator[None, None, dict[str, float]]:
    """Brings the parts of the map of heights to one scale; the scale of each map, 0 of the others."""
    scales = dict.fromkeys(order.ask.maps, 0.0)
    if "HEIGHT" in scales:
        own = {number: result.scale for (kind, number), result in results.items() if kind == "HEIGHT"}
        files = {number: folder / pictures.file("HEIGHT", number) for number in own}
        scales["HEIGHT"] = yield from normalise_heights(files, own, pictures.places())
    return scales


def _smoothed(order: PreparedRequest, pictures: Pictures, results: Mapping[Part, Result], facts: dict,
              folder: Path) -> Generator[Step, Result, Path]:
    """Averages each map's parts over neighbouring frames, where that is asked for, and notes it in the map's facts.

    The folder in which the parts lie then.
    """
    for kind in order.ask.maps:
        facts[kind]["smoothing"] = order.ask.smoothing
    if order.ask.smoothing == 0:
        return folder
    means = folder / "means"
    for kind in order.ask.maps:
        frames = {}
        for number in pictures.numbers:
            file, result = pictures.file(kind, number), results[kind, number]
            frames[number] = Frame(folder / file, means / file, (result.width, result.height))
        yield from smooth(order, kind, frames)
    return means


def _facts(kind: str, results: Mapping[Part, Result], scale: float) -> dict:
    """What is remembered of a map: it has several surfaces, so that none can be tuned alone."""
    surfaces = {str(number): result.surface for (of, number), result in results.items() if of == kind}
    of_kind = [result for (of, _), result in results.items() if of == kind]
    seconds: dict[str, float] = {}
    for result in of_kind:
        for stage_name, taken in result.seconds.items():
            seconds[stage_name] = seconds.get(stage_name, 0.0) + taken
    return facts_of(of_kind[0], kind) | {"surface": "", "surfaces": surfaces, "seconds": seconds, "scale": scale}


def _stored(
    source: bpy.types.Image, order: PreparedRequest, pictures: Pictures, facts: dict, folder: Path
) -> bpy.types.Image:
    with filled_map(source, order.ask.settings.to_dict(), facts) as image:
        show_several(image, folder / pictures.shown(facts["map"]), pictures.layout, pack=pictures.folder is None)
    note_shown(image)
    return image


def _made(name: str, pictures: Pictures, facts: dict) -> Message:
    return Message("{name}: {pictures} from {engine} on {device} in {seconds:.1f} s.", name=name,
                   pictures=pictures.counted(), engine=facts["engine"].lower(), device=facts["device"],
                   seconds=float(sum(facts["seconds"].values())))
