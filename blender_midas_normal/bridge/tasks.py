"""Work on its way, in Blender's main thread: one job at the worker after the other, what Blender does with each result."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from ..batch.report import MADE, SKIPPED, Record
from ..client.client import Job
from ..core.errors import Message, MidasNormalError, WrongThread
from .addon import client
from .image_source import Source
from .map_files import file_of
from .map_metadata import map_type_of, stored_metadata

WRONG_THREAD_MESSAGE = Message("MiDaS Normal Map works in Blender's main thread only; from another thread, and from a "
                               "handler during a render, have a timer (bpy.app.timers) call it.")


def is_main_thread() -> bool:
    """Whether this is Blender's main thread."""
    return threading.get_ident() == threading.main_thread().ident


def check_main_thread() -> None:
    """Raises WrongThread in any other thread than Blender's main one."""
    if not is_main_thread():
        raise WrongThread(WRONG_THREAD_MESSAGE)


@dataclass(frozen=True)
class Report:
    """What was made.  maps: names of the images; sentences: what the user should know; facts: as stored on the first image.

    records: of all maps.
    """

    maps: tuple[str, ...]
    sentences: tuple[Message, ...]
    facts: dict
    records: tuple[Record, ...] = ()

    @property
    def map_name(self) -> str:
        """Name of the first image, "" where nothing was made."""
        return self.maps[0] if self.maps else ""

    @property
    def is_there(self) -> bool:
        """Whether the images are in the file still: an undo takes them away."""
        return all(name in bpy.data.images for name in self.maps)


@dataclass(frozen=True)
class Step:
    """A job of a making, the `number`th `of` so many."""

    job: Job
    number: int = 1
    of: int = 1


YIELD_TO_UI = None
"""What a making yields between two pieces of work that would be felt as one."""

TaskSteps = Generator[Step | None, Any, Report]
"""Yields steps and breaths, and returns the report.  It is sent a step's result, or thrown the exception in its place."""


@contextmanager
def wrap_unexpected() -> Iterator[None]:
    """What goes wrong in the `with` block is one of the project's exceptions; the console has the details of any other."""
    try:
        yield
    except MidasNormalError:
        raise
    except Exception as error:  # whatever it is, it is told, and what comes next goes on
        traceback.print_exc()
        raise MidasNormalError("It failed ({error}: {reason}); the console has the details.", error=type(error).__name__,
                               reason=error) from error


class Task:
    """A making under way, which begins with the first call of `step`; `at` is the step whose job is at the worker."""

    def __init__(self, making: TaskSteps) -> None:
        self._making = making
        self._breathes = True
        self.at = Step(Job(0))

    @property
    def job(self) -> Job:
        """The job at the worker, or one that no worker knows before the first."""
        return self.at.job

    @property
    def is_due(self) -> bool:
        """Whether `step` has something to do."""
        return self._breathes or self.job.outcome is not None

    def step(self) -> Report | None:
        """Goes on with the making as far as its next job or breath; the report when there is none.

        Call it when it is due.  Raises one of the project's exceptions when the making fails.
        """
        outcome = None if self._breathes else self.job.outcome
        with wrap_unexpected():
            try:
                if isinstance(outcome, MidasNormalError):
                    step = self._making.throw(outcome)
                else:
                    step = self._making.send(outcome)
            except StopIteration as end:
                return end.value
        self._breathes, self.at = step is None, step or self.at
        return None

    def cancel(self) -> None:
        """Gives the job up, and with it all that the making has not finished; a second call ends the worker.

        Raises one of the project's exceptions when the making cannot end as it should.
        """
        client.cancel(self.job)
        with wrap_unexpected():
            self._making.close()

    def wait(self) -> Report:
        """The report of the last job, or the exception with which the making fails."""
        report = None
        while report is None:
            while not self.is_due:
                client.wait_a_moment()
            report = self.step()
        return report


def record_made(source: Source, image: bpy.types.Image, notes: Sequence[Message]) -> Record:
    """The record of a map that was just made of the source; notes: sentences about it and its wiring."""
    words = stored_metadata(image)
    assert words is not None
    facts = words["facts"]
    return Record(source.name, MADE, facts["map"], _location(image), facts["engine"], facts["why"], facts["device"],
                  tuple(facts["size"]), facts["seconds"], list(notes))


def record_skipped(source: Source, image: bpy.types.Image) -> Record:
    """The record of a map that was there already."""
    return Record(source.name, SKIPPED, map_type_of(image), _location(image))


def record_unused(source: Source, map_type: str, reasons: Sequence[Message]) -> Record:
    """The record of a map that was not made, because nothing would use it."""
    return Record(source.name, SKIPPED, map_type, notes=list(reasons))


def _location(image: bpy.types.Image) -> str:
    """The map's file, or the name of the packed image."""
    return image.name if image.packed_files else str(file_of(image))
