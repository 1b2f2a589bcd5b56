"""Make the maps of many pictures, one after the other; a failure does not stop the others, and records list the outcomes."""

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
"""By the file's suffix: a function of the records, the number of pictures not tried and the seconds, that gives the text."""

WAITING, IN_PROGRESS = "waiting", "being made"
"""States beside MADE, SKIPPED and FAILED of the records."""

_NO_TEXTURE = {
    "SELECTED": Message("No material of the selected objects has a colour texture; select others."),
    "FILE": Message("No material of this file has a colour texture; give one an Image Texture."),
}
"""By scope, the message where there is no picture."""

MAX_NAMES = 3
"""Number of pictures that are named in front of a message about them and others."""


@dataclass
class Item:
    """A picture of a queue.

    object_uid: session_uid of an object with a material that shows it, if any.
    records: what became of its maps.
    """

    source: Source
    object_uid: int | None
    records: tuple[Record, ...] = ()
    is_in_progress: bool = False

    @property
    def state(self) -> str:
        """One of WAITING, IN_PROGRESS, MADE, SKIPPED and FAILED, the latter also where only some of its maps failed."""
        if self.is_in_progress:
            return IN_PROGRESS
        outcomes = [record.outcome for record in self.records]
        return next((state for state in (FAILED, MADE, SKIPPED) if state in outcomes), WAITING)

    @property
    def message(self) -> Message:
        """Why a map failed or, where none did, why one was skipped that does not exist; "" otherwise."""
        errors = [record.error for record in self.records if record.error is not None]
        reasons = [join_messages(record.notes) for record in self.records if record.outcome == SKIPPED and record.notes]
        return next(iter(errors + reasons), NO_MESSAGE)


@dataclass
class Queue:
    """Pictures whose maps are made by one request.

    view: the scene's view, in which the pictures are read.
    skip_existing: whether maps that are up to date are not made again.
    summary: a file for the records, or None.
    last_map: the name of the map that was made last.
    """

    items: list[Item]
    request: GenerateRequest
    launch: Launch
    view: View
    skip_existing: bool
    summary: Path | None
    last_map: str = ""

    def task(self) -> Task:
        """Return the task that makes all maps; when it is cancelled, the pictures not yet made remain WAITING."""
        return Task(self._steps())

    def count(self, state: str) -> int:
        """Return the number of pictures in a state."""
        return sum(item.state == state for item in self.items)

    @property
    def records(self) -> list[Record]:
        """The records of all pictures."""
        return [record for item in self.items for record in item.records]

    @property
    def has_made_maps(self) -> bool:
        """Whether any map was made, which an undo would take back."""
        return any(record.outcome == MADE for record in self.records)

    def _steps(self) -> TaskSteps:
        start = time.monotonic()
        try:
            for item in self.items:
                yield YIELD_TO_UI
                if not (yield from self._try_item(item)):
                    break
        finally:
            if self.summary is not None:
                write_summary(self.summary, self.records, self.count(WAITING), time.monotonic() - start)
        messages = [self._counts(), *self._reasons()]
        if not any(record.outcome == MADE or (record.outcome == SKIPPED and not record.notes) for record in self.records):
            raise MidasNormalError(join_messages(messages))
        return Report((self.last_map,) if self.last_map else (), tuple(messages), {}, tuple(self.records))

    def _try_item(self, item: Item) -> Generator[Step | None, Any, bool]:
        """Make the maps of a picture, or record why there are none.

        Returns:
            Whether the next picture can succeed.
        """
        item.is_in_progress = True
        try:
            with wrap_unexpected():
                item.records = yield from self._make_item(item)
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

    def _make_item(self, item: Item) -> Generator[Step | None, Any, tuple[Record, ...]]:
        """Make the maps of a picture that a material would use; returns their records."""
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
        """Say why pictures have no map, each reason once."""
        names: dict[Message, list[str]] = {}
        for item in self.items:
            if item.message:
                names.setdefault(item.message, []).append(item.source.name)
        return [reason_with_names(message, pictures) for message, pictures in names.items()]

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
    """Build the queue of a scope; maps are wired into the materials that use the picture, unless the target is NONE.

    Args:
        scope: SELECTED for the colour textures of the selected objects, FILE for those of all materials.
        skip_existing, summary: as in `Queue`.

    Raises:
        MidasNormalError: where there is no picture, or no map could be made.
    """
    launch = check_and_find_launch(request)
    if summary is not None:
        check_summary(summary)
    request = dataclasses.replace(request, target="NONE" if request.target == "NONE" else "AUTO")
    objects = context.view_layer.objects.selected if scope == "SELECTED" else bpy.data.objects  # type: ignore[union-attr]
    object_by_image = textures_of_objects(objects)
    images = list(object_by_image) if scope == "SELECTED" else colour_textures(bpy.data.materials)
    if not images:
        raise SourceError(_NO_TEXTURE[scope])
    object_uids = {image: obj.session_uid for image, obj in object_by_image.items()}
    items = [Item(Source("IMAGE", image.name, image.session_uid), object_uids.get(image)) for image in images]
    return Queue(items, request, launch, View.of(context.scene), skip_existing, summary)


def check_summary(file: Path) -> None:
    """Check the path of a summary before anything is made.

    Raises:
        SettingsError: for an unknown suffix, and for a path without a folder.
        TargetError: where another file, which is no summary, has this path.
    """
    if not file.is_absolute():
        raise SettingsError("The summary {file!r} has no folder to lie in; give a whole path, or save the .blend file "
                            "and begin with //.", file=str(file))
    if file.suffix.lower() not in SUMMARY_FORMATS:
        raise SettingsError("The name of the summary {file!r} does not say its form; let it end with one of {choices}.",
                            file=file.name, choices=", ".join(SUMMARY_FORMATS))
    check_replaceable(file)


def write_summary(file: Path, records: Sequence[Record], not_tried: int, seconds: float) -> None:
    """Write the records in the format of the file's suffix; raises TargetError where that fails."""
    write_report(file, SUMMARY_FORMATS[file.suffix.lower()](records, not_tried, seconds))


def reason_with_names(message: Message, names: Sequence[str]) -> Message:
    """Put the names of the pictures for which a reason holds in front of it."""
    first, more = ", ".join(names[:MAX_NAMES]), len(names) - MAX_NAMES
    if more > 0:
        return Message("{names} and {more} more: {reason}", names=first, more=more, reason=message)
    return Message("{names}: {reason}", names=first, reason=message)


def _failed_records(item: Item, message: Message) -> tuple[Record, ...]:
    return (Record(item.source.name, FAILED, error=message),)
