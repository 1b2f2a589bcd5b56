"""What became of a map, as a line of a run's table."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..client.batch.records import MADE, SKIPPED, Record
from ..core.messages import Message
from .beside import file_of
from .results import kind_of, stored
from .source import Source


def made(source: Source, image: bpy.types.Image, notes: Sequence[Message]) -> Record:
    """The record of a map that was just made of the source; notes: sentences about it and its wiring."""
    words = stored(image)
    assert words is not None
    facts = words["facts"]
    return Record(source.name, MADE, facts["map"], _place(image), facts["engine"], facts["why"], facts["device"],
                  tuple(facts["size"]), facts["seconds"], list(notes))


def skipped(source: Source, image: bpy.types.Image) -> Record:
    """The record of a map that was there already."""
    return Record(source.name, SKIPPED, kind_of(image), _place(image))


def unused(source: Source, kind: str, reasons: Sequence[Message]) -> Record:
    """The record of a map that was not made, because nothing would use it."""
    return Record(source.name, SKIPPED, kind, notes=list(reasons))


def _place(image: bpy.types.Image) -> str:
    """The map's file, or the name of the packed image."""
    return image.name if image.packed_files else str(file_of(image))
