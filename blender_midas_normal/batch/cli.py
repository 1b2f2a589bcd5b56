"""A run from its pictures to its exit code."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

from ..client.client import Job
from ..client.launch import Launch
from ..core.errors import EngineUnavailable, TargetError
from . import ended
from .inputs import Inputs
from .options import BatchOptions
from .pictures import Item, Picture
from .report import FAILED, Record, Screen, as_csv, as_json, summary, write_report
from .runner import BatchRunner, Stage, run_stages
from .scheduler import WorkerPool, max_in_flight, one, run_tasks


def made_all(items: Iterable[Item], wanted: BatchOptions, launch: Launch, inputs: Inputs) -> int:
    """Makes the maps of all items, and says what became of them and of the other inputs; the exit code."""
    screen, start = Screen(), time.monotonic()
    for folder, sentence in inputs.useless.items():
        screen.print_error(f"{folder}: error: {sentence}")
    try:
        making = BatchRunner(items, wanted, launch, screen)
        for name in making.names:
            screen.say(name)
        with closing(making), _interruptible() as stopped:
            _make(making, _crew_size(wanted), screen, stopped)
    except EngineUnavailable as error:
        return ended(error)
    finally:
        screen.clear()
    records = [Record(folder, FAILED, error=sentence) for folder, sentence in inputs.useless.items()]
    records += [record for picture in making.pictures for record in picture.records]
    not_tried = len(making.pictures) - making.done
    screen.say(summary(records, inputs.no_pictures, not_tried, time.monotonic() - start, len(inputs.links)))
    for missing_message in making.lacks:
        screen.say(missing_message)
    if not_tried:
        screen.say("To go on from here, run it again with --existing skip.")
    try:
        _report(wanted, records)
    except TargetError as error:
        return ended(error)
    return 1 if not_tried or any(record.outcome == FAILED for record in records) else 0


def _crew_size(wanted: BatchOptions) -> int | None:
    """The workers that are wanted; None for one for each graphics card, which the CPU alone has no use for."""
    return 1 if wanted.workers is None and wanted.settings.device == "CPU" else wanted.workers


def _make(making: BatchRunner, workers: int | None, screen: Screen, stopped: Callable[[], bool]) -> None:
    def watch(job: Job | None) -> None:
        crew.complete(screen.say)
        screen.show(job, *making.progress)

    def through(way: Stage, pictures: Sequence[Picture]) -> None:
        run_tasks(making.beginnings(way, pictures, alone=False), crew.clients, max_in_flight, watch, stopped)
        run_tasks(making.beginnings(way, making.take_postponed(), alone=True), crew.clients[:1], one, watch, stopped)

    with closing(WorkerPool(workers)) as crew:
        run_stages(making, through)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed; a second time ends the program as usual."""
    stopped = threading.Event()

    def stop(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, usual)

    # Blender's own handler is none that Python knows.
    usual = signal.signal(signal.SIGINT, stop) or signal.default_int_handler
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGINT, usual)


def _report(wanted: BatchOptions, records: Sequence[Record]) -> None:
    """Writes the reports that are wanted; raises TargetError."""
    for file, text in ((wanted.json, as_json), (wanted.csv, as_csv)):
        if file is not None:
            write_report(file, text(records))
