"""Tasks that make maps in Blender's main thread in short steps: submit a job, wait, use its result, submit the next."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from ..batch.report import MADE, SKIPPED, Record
from ..client.client import ResultFuture
from ..core.errors import Message, MidasNormalError, WrongThread
from .addon import client
from .image_source import Source
from .map_files import file_of
from .map_metadata import map_type_of, stored_metadata

WRONG_THREAD_MESSAGE = Message("MiDaS Normal Map works in Blender's main thread only; from another thread, and from a "
                               "handler during a render, have a timer (bpy.app.timers) call it.")

YIELD_TO_UI = None
"""What a task yields between two pieces of work, so that Blender's window stays responsive."""


def is_main_thread() -> bool:
    """Whether this is Blender's main thread."""
    return threading.get_ident() == threading.main_thread().ident


def check_main_thread() -> None:
    """Raise WrongThread in any other thread than Blender's main one."""
    if not is_main_thread():
        raise WrongThread(WRONG_THREAD_MESSAGE)


@dataclass(frozen=True)
class Report:
    """What a task made.

    maps: names of the images.
    messages: what the user should know.
    facts: as stored with the first image.
    records: what became of each map.
    """

    maps: tuple[str, ...]
    messages: tuple[Message, ...]
    facts: dict
    records: tuple[Record, ...] = ()

    @property
    def map_name(self) -> str:
        """The name of the first image, "" where nothing was made."""
        return self.maps[0] if self.maps else ""

    @property
    def exists_in_file(self) -> bool:
        """Whether the images are still in the file; an undo removes them."""
        return all(name in bpy.data.images for name in self.maps)


@dataclass(frozen=True)
class Step:
    """A job of a task, the `number`th of `count`."""

    job: ResultFuture
    number: int = 1
    count: int = 1


TaskSteps = Generator[Step | None, Any, Report]
"""The steps of a task: yields a Step, to be sent its result or thrown its exception, or YIELD_TO_UI; returns the report."""


@contextmanager
def wrap_unexpected() -> Iterator[None]:
    """Turn any unexpected exception of the `with` block into a MidasNormalError, with the traceback in the console."""
    try:
        yield
    except MidasNormalError:
        raise
    except Exception as error:  # any fault is reported, and later tasks are not affected
        traceback.print_exc()
        raise MidasNormalError("It failed ({error}: {reason}); the console has the details.", error=type(error).__name__,
                               reason=error) from error


class Task:
    """A task, which starts with the first call of `step`; the worker has the job of `current_step`."""

    def __init__(self, steps: TaskSteps) -> None:
        self._steps = steps
        self._is_yielding = True
        self.current_step = Step(ResultFuture(0))

    @property
    def job(self) -> ResultFuture:
        """The job at the worker; before the first, a job that no worker knows."""
        return self.current_step.job

    @property
    def is_ready(self) -> bool:
        """Whether `step` has something to do."""
        return self._is_yielding or self.job.outcome is not None

    def step(self) -> Report | None:
        """Continue until the next job is submitted or Blender's window should be updated; call it when `is_ready`.

        Returns:
            The report when the task is finished, else None.

        Raises:
            MidasNormalError: when the task fails.
        """
        outcome = None if self._is_yielding else self.job.outcome
        with wrap_unexpected():
            try:
                if isinstance(outcome, MidasNormalError):
                    step = self._steps.throw(outcome)
                else:
                    step = self._steps.send(outcome)
            except StopIteration as end:
                return end.value
        self._is_yielding, self.current_step = step is None, step or self.current_step
        return None

    def cancel(self) -> None:
        """Cancel the job and all that is not finished; a second call ends the worker.

        Raises:
            MidasNormalError: when the task cannot clean up.
        """
        client.cancel(self.job)
        with wrap_unexpected():
            self._steps.close()

    def wait(self) -> Report:
        """Run the task to its end, blocking, and return its report; raises the exception with which it fails."""
        report = None
        while report is None:
            while not self.is_ready:
                client.sleep_and_pump()
            report = self.step()
        return report


def record_made(source: Source, image: bpy.types.Image, notes: Sequence[Message]) -> Record:
    """Return the record of a map that was just made.

    Args:
        notes: messages about the map and its wiring.
    """
    metadata = stored_metadata(image)
    assert metadata is not None
    facts = metadata["facts"]
    return Record(source.name, MADE, facts["map"], _location(image), facts["engine"], facts["why"], facts["device"],
                  tuple(facts["size"]), facts["seconds"], list(notes))


def record_skipped(source: Source, image: bpy.types.Image) -> Record:
    """Return the record of a map that existed already."""
    return Record(source.name, SKIPPED, map_type_of(image), _location(image))


def record_unused(source: Source, map_type: str, reasons: Sequence[Message]) -> Record:
    """Return the record of a map that was not made, because no material would use it."""
    return Record(source.name, SKIPPED, map_type, notes=list(reasons))


def _location(image: bpy.types.Image) -> str:
    """Return the map's file, or the name of a packed image."""
    return image.name if image.packed_files else str(file_of(image))
