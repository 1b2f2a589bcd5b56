"""Many pictures, one after the other: none stops another, what was made stays, and a table says what became of each."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..batch.report import FAILED, MADE, SKIPPED, Record, as_csv, as_json, check_replaceable, summary, write_report
from ..client.launch import Launch
from ..core.errors import (
    NO_MESSAGE,
    Cancelled,
    EngineUnavailable,
    Message,
    MidasNormalError,
    SettingsError,
    SourceError,
    Unchanged,
    join_messages,
)
from . import tasks
from .generate import find_up_to_date_surfaces, generation_steps
from .image_pixels import View
from .image_source import Source, source_from_image
from .map_metadata import find_map
from .nodes.materials import colour_textures, textures_of_objects
from .request import GenerateRequest, check_and_find_launch, prepare_for_source
from .tasks import YIELD_TO_UI, Report, Step, Task, TaskSteps, wrap_unexpected

SUMMARY_FORMATS: dict[str, Callable[[Sequence[Record], int, float], str]] = {
    ".txt": lambda records, not_tried, seconds: summary(records, 0, not_tried, seconds) + "\n",
    ".json": lambda records, *_: as_json(records),
    ".csv": lambda records, *_: as_csv(records),
}
"""By the file's ending: the text of records, with how many pictures were not tried, and the seconds that all took."""


def check_summary(file: Path) -> None:
    """Raises SettingsError for a name whose ending says no form, and for one without a folder; TargetError where a file has
    the name that is no summary.
    """
    if not file.is_absolute():
        raise SettingsError("The summary {file!r} has no folder to lie in; give a whole path, or save the .blend file "
                            "and begin with //.", file=str(file))
    if file.suffix.lower() not in SUMMARY_FORMATS:
        raise SettingsError("The name of the summary {file!r} does not say its form; let it end with one of {choices}.",
                            file=file.name, choices=", ".join(SUMMARY_FORMATS))
    check_replaceable(file)


def write_summary(file: Path, records: Sequence[Record], not_tried: int, seconds: float) -> None:
    """Writes the records in the form that the file's ending says; raises TargetError."""
    write_report(file, SUMMARY_FORMATS[file.suffix.lower()](records, not_tried, seconds))


WAITING, IN_PROGRESS = "waiting", "being made"
"""States beside MADE, SKIPPED and FAILED of the records."""

_NO_TEXTURE = {
    "SELECTED": Message("No material of the selected objects has a colour texture; select others."),
    "FILE": Message("No material of this file has a colour texture; give one an Image Texture."),
}
"""By scope, what is said where there is no picture."""

MAX_NAMES = 3
"""Pictures that are named before a sentence that holds for them and others."""


@dataclass
class Item:
    """A picture of a queue.  object_uid: session_uid of an object that wears it; records: what became of its maps."""

    source: Source
    object_uid: int | None
    records: tuple[Record, ...] = ()
    is_in_progress: bool = False

    @property
    def state(self) -> str:
        """FAILED also where only some of its maps failed."""
        if self.is_in_progress:
            return IN_PROGRESS
        outcomes = [record.outcome for record in self.records]
        return next((state for state in (FAILED, MADE, SKIPPED) if state in outcomes), WAITING)

    @property
    def message(self) -> Message:
        """Why a map failed or, where none did, why one was skipped that is not there; "" where neither holds."""
        errors = [record.error for record in self.records if record.error is not None]
        reasons = [join_messages(record.notes) for record in self.records if record.outcome == SKIPPED and record.notes]
        return next(iter(errors + reasons), NO_MESSAGE)


@dataclass
class Queue:
    """Pictures to be made as one asks for.

    view: as in Order.
    skips: maps that would be made again as they are stay; summary: a file for the table of what was made, or None.
    """

    items: list[Item]
    request: GenerateRequest
    launch: Launch
    view: View
    skip_existing: bool
    summary: Path | None
    last_map: str = ""

    def task(self) -> Task:
        """The work: it can be given up at any time, and then what is not made waits still."""
        return Task(self._making())

    def count(self, state: str) -> int:
        """How many pictures are in a state."""
        return sum(item.state == state for item in self.items)

    @property
    def records(self) -> list[Record]:
        return [record for item in self.items for record in item.records]

    @property
    def has_made_maps(self) -> bool:
        """Whether there is anything to be undone."""
        return any(record.outcome == MADE for record in self.records)

    def _making(self) -> TaskSteps:
        start = time.monotonic()
        try:
            for item in self.items:
                yield YIELD_TO_UI
                if not (yield from self._tried(item)):
                    break
        finally:
            if self.summary is not None:
                write_summary(self.summary, self.records, self.count(WAITING), time.monotonic() - start)
        messages = [self._counts(), *self._reasons()]
        if not any(record.outcome == MADE or (record.outcome == SKIPPED and not record.notes) for record in self.records):
            raise MidasNormalError(join_messages(messages))
        return Report((self.last_map,) if self.last_map else (), tuple(messages), {}, tuple(self.records))

    def _tried(self, item: Item) -> Generator[Step | None, Any, bool]:
        """Makes the maps of a picture, or says why there are none; whether the next one is worth trying."""
        item.is_in_progress = True
        try:
            with wrap_unexpected():
                item.records = yield from self._made(item)
        except Cancelled:
            raise
        except EngineUnavailable as error:
            item.records = _failed_records(item, error.message)
            return False
        except MidasNormalError as error:
            item.records = _failed_records(item, error.message)
        finally:
            item.is_in_progress = False
        return True

    def _made(self, item: Item) -> Generator[Step | None, Any, tuple[Record, ...]]:
        image = item.source.image()
        prepared = prepare_for_source(source_from_image(image), item.object_uid, None, self.request, self.launch, self.view)
        prepared = dataclasses.replace(prepared, is_one_of_many=True)
        reasons = {map_type: reasons for map_type in self.request.maps if (reasons := prepared.unused_reasons(map_type))}
        unused = tuple(tasks.record_unused(item.source, map_type, messages) for map_type, messages in reasons.items())
        map_types = tuple(map_type for map_type in self.request.maps if map_type not in reasons)
        if not map_types:
            return unused
        prepared = dataclasses.replace(prepared, request=dataclasses.replace(prepared.request, maps=map_types))
        if self.skip_existing:
            prepared = dataclasses.replace(prepared, known_surfaces=find_up_to_date_surfaces(prepared))
        try:
            report = yield from generation_steps(prepared)
        except Unchanged:
            maps = [find_map(item.source.image(), map_type) for map_type in map_types]
            return (*(tasks.record_skipped(item.source, image) for image in maps if image is not None), *unused)
        self.last_map = report.map_name
        return (*report.records, *unused)

    def _reasons(self) -> list[Message]:
        """Why pictures have no map, each sentence once."""
        names: dict[Message, list[str]] = {}
        for item in self.items:
            if item.message:
                names.setdefault(item.message, []).append(item.source.name)
        return [_reason_with_names(message, found) for message, found in names.items()]

    def _counts(self) -> Message:
        counts = {state: self.count(state) for state in (MADE, SKIPPED, FAILED)}
        count, waiting = len(self.items), self.count(WAITING)
        if count == 1:
            return Message("Of 1 picture {made} made, {skipped} skipped, {failed} failed.", **counts)
        if not waiting:
            return Message("Of {count} pictures {made} made, {skipped} skipped, {failed} failed.", count=count, **counts)
        return Message("Of {count} pictures {made} made, {skipped} skipped, {failed} failed, {waiting} not tried.",
                       count=count, waiting=waiting, **counts)


def build_queue(context: bpy.types.Context, scope: str, request: GenerateRequest, skip_existing: bool,
                summary: Path | None) -> Queue:
    """The queue of a scope: SELECTED, the colour textures of the selected objects, or FILE, those of all materials.

    Each picture is wired into the materials that use it, or nowhere where the ask's target is NONE.
    Raises one of the project's exceptions where there is no picture, or none could be made.
    """
    launch = check_and_find_launch(request)
    if summary is not None:
        check_summary(summary)
    request = dataclasses.replace(request, target="NONE" if request.target == "NONE" else "AUTO")
    objects = context.view_layer.objects.selected if scope == "SELECTED" else bpy.data.objects  # type: ignore[union-attr]
    worn = textures_of_objects(objects)
    images = list(worn) if scope == "SELECTED" else colour_textures(bpy.data.materials)
    if not images:
        raise SourceError(_NO_TEXTURE[scope])
    wearers = {image: obj.session_uid for image, obj in worn.items()}
    items = [Item(Source("IMAGE", image.name, image.session_uid), wearers.get(image)) for image in images]
    return Queue(items, request, launch, View.of(context.scene), skip_existing, summary)


def _reason_with_names(message: Message, names: list[str]) -> Message:
    """The sentence, and of which pictures it holds."""
    first, more = ", ".join(names[:MAX_NAMES]), len(names) - MAX_NAMES
    if more > 0:
        return Message("{names} and {more} more: {reason}", names=first, more=more, reason=message)
    return Message("{names}: {reason}", names=first, reason=message)


def _failed_records(item: Item, message: Message) -> tuple[Record, ...]:
    return (Record(item.source.name, FAILED, error=message),)
