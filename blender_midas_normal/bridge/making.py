"""The maps of a source: read its picture, let the worker work, store each map, wire it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from functools import partial

import bpy

from ..client.batch.records import FAILED, Record
from ..core.errors import Cancelled, MidasNormalError, TargetError
from ..core.kinds import KINDS
from ..core.messages import Message, Phrase
from ..core.protocol import Result
from . import recording
from .asking import Ask
from .hand_edits import why_kept
from .order import SINGLE, Order, facts_of, order_of
from .pictures import of_pictures
from .pixels import reading
from .results import map_of, note_mask
from .sequence import frames_of
from .session import client
from .shown import note_shown
from .storing import store
from .task import BREATH, Making, Report, Step, Task
from .udim import tiles_of

FINDERS = {"TILED": tiles_of, "SEQUENCE": frames_of, "MOVIE": frames_of}
"""By Blender's name for the source of an image that has several pictures: how they are found."""

PACKED, ON_DISK = ({"compress": on_disk, "with_pixels": not on_disk} for on_disk in (False, True))
"""What a request says of the files it wants: a packed map is shown by its pixels, one on disk by its compressed file."""


def begin(context: bpy.types.Context, ask: Ask) -> Task:
    """The task of what is asked for; raises one of the project's exceptions for what cannot be made."""
    return Task(making_of(order_of(context, ask)))


def making_of(order: Order) -> Making:
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


def _kept(order: Order) -> Generator[None, None, dict[str, Message]]:
    """Why maps stay as they are, by their kind; of an order that may end with Unchanged nothing is known before."""
    kept = {}
    for kind in order.ask.maps if not (order.ask.replace or order.known) else ():
        if sentence := (yield from why_kept(map_of(order.source.image(), kind))):
            kept[kind] = sentence
    return kept


def _of_picture(order: Order) -> Making:
    words = ON_DISK if order.ask.save == "BESIDE" else PACKED
    first, *others = order.ask.maps
    client.prepare(order.launch)
    yield BREATH
    picture = yield from order.handed_over(partial(reading, order.source.image(), view=order.view))
    job = order.submit(first, unless=order.known.get(SINGLE), **picture, **words)
    result = yield Step(job, 1, len(order.ask.maps))
    image, sentences = yield from _taken_in(order, first, result)
    maps, records = [image.name], [recording.made(order.source, image, [*result.notes, *sentences])]
    sentences = [_made(image.name, result), result.why, *order.notes, *result.notes, *sentences]
    for number, kind in enumerate(others, 2):
        try:
            more = yield Step(order.submit(kind, surface=result.surface, **words), number, len(order.ask.maps))
            image, more_sentences = yield from _taken_in(order, kind, more)
            maps.append(image.name)
            records.append(recording.made(order.source, image, [*more.notes, *more_sentences]))
            sentences += more_sentences
        except Cancelled:
            raise
        except MidasNormalError as error:
            records.append(Record(order.source.name, FAILED, kind, error=error.message))
            sentences.append(Message("The map {map} was not made: {reason}", map=Phrase(KINDS[kind].label),
                                     reason=error.message))
    return Report(tuple(maps), tuple(sentences), facts_of(result, first), tuple(records))


def _taken_in(order: Order, kind: str, result: Result) -> Generator[None, None, tuple[bpy.types.Image, list[Message]]]:
    """Stores a map, whole or not at all, and wires it; the map, and sentences for the user."""
    with client.taken(result) as files:
        yield BREATH
        source, mask = order.source.image(), order.mask_image()
        image = store(source, files, order.ask.settings.words(), facts_of(result, kind), order.ask.save, order.ask.replace)
        note_mask(image, mask)
        note_shown(image, files)
    return image, order.wired(kind, image, result.scale)


def _made(name: str, result: Result) -> Message:
    return Message("{name}: {width} x {height} from {engine} on {device} in {seconds:.1f} s.", name=name, width=result.width,
                   height=result.height, engine=result.engine.lower(), device=result.device,
                   seconds=float(sum(result.seconds.values())))
