"""Normal, height, ambient occlusion and curvature maps of pictures, folders and patterns ('a/**/*.png').

--engine midas downloads MiDaS's weights and installs what it needs, once.  The preset node writes the MiDaS node's picture:
8 bits, its own size.
Exit codes: 0 all done, 1 some pictures failed or were given up (the rest are written), 2 wrong usage, 3 engine not
available, or what it needs cannot be installed.
"""

# The text above is the help of `midas-normal` and `scripts/normal_map.py`; `blender --command midas_normal` has its own.

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from ..client.launch import HostPython, Launch, choose_launch, this_python, user_paths
from ..client.provision import provide_environment, provide_weights
from ..client.setup import weights
from ..core.errors import EngineUnavailable, InstallError, MidasNormalError
from .api import IDLE_SECONDS, BatchResult, items_of_files, make_folder, run_batch
from .inputs import Inputs, find_pictures
from .options import BatchOptions, add_options, parse_options, path
from .pictures import Item
from .report import FAILED, STDOUT, Screen, as_csv, as_json, summary, write_report

NOT_AVAILABLE = 3
"""The exit code where the engine is not available, or what it needs cannot be installed."""


def main(arguments: Sequence[str] | None = None, host: Callable[[TextIO], HostPython] = lambda out: this_python()) -> int:
    """Run the command line without Blender; returns its exit code.

    Args:
        arguments: those after the program's name; None for this process's own.
        host: gives the Python for the built-in engines, and may print how it makes one.
    """
    return FilesCommand(host).run(sys.argv[1:] if arguments is None else arguments)


class Command(ABC):
    """A command line: what all have in common."""

    @abstractmethod
    def parser(self) -> argparse.ArgumentParser:
        """Make the parser of what this command line has besides the options that all have."""

    @abstractmethod
    def items(self, parser: argparse.ArgumentParser, options: argparse.Namespace, asked: BatchOptions,
              inputs: Inputs) -> list[Item]:
        """Make an item of each picture; ends the program through the parser where the arguments give none."""

    @abstractmethod
    def launch(self, options: argparse.Namespace, asked: BatchOptions, out: TextIO) -> Launch:
        """Choose how to start the worker.

        Args:
            out: where progress is printed, of what has to be installed first.

        Raises:
            EngineUnavailable, InstallError: the engine cannot run.
        """

    def run(self, arguments: Sequence[str]) -> int:
        """Make the maps that the arguments ask for; returns the exit code."""
        parser = self.parser()
        add_options(parser)
        options = parser.parse_args(arguments)
        inputs = find_pictures(options.images, options.recursive)
        try:
            asked = parse_options(options)
            make_folder(asked.out)
        except MidasNormalError as error:
            parser.error(str(error))
        items = self.items(parser, options, asked, inputs)
        out = sys.stderr if STDOUT in (asked.json, asked.csv) else sys.stdout
        screen, start = Screen(out), time.monotonic()
        try:
            launch = self.launch(options, asked, out)
            try:
                with _interruptible() as stopped:
                    result = run_batch(items, asked, launch, inputs, screen, stopped)
            finally:
                screen.clear()
            _tell(result, inputs, time.monotonic() - start, screen)
            _write_reports(result, asked)
        except MidasNormalError as error:
            return ended(error)
        return 1 if result.not_tried or any(record.outcome == FAILED for record in result.records) else 0


class FilesCommand(Command):
    """The command line without Blender: the worker reads picture files."""

    def __init__(self, host: Callable[[TextIO], HostPython]) -> None:
        self._host = host

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(usage="%(prog)s IMAGE... --out FOLDER [options]", description=__doc__,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("images", nargs="+", type=path, metavar="IMAGE", help="a file, a folder or a pattern")
        parser.add_argument("--weights", type=path, help="folder that has MiDaS's weights")
        return parser

    def items(self, parser: argparse.ArgumentParser, options: argparse.Namespace, asked: BatchOptions,
              inputs: Inputs) -> list[Item]:
        return items_of_files(inputs, asked)

    def launch(self, options: argparse.Namespace, asked: BatchOptions, out: TextIO) -> Launch:
        """The weights come first: without them there is no use in an environment, which is ten times as large."""
        places, engine = user_paths(asked.out, options.weights), asked.settings.engine
        if engine == "MIDAS":
            if options.weights is None:
                provide_weights(places.weights, places.environment, out)
            weights.find_weights(places.weights)
        host = self._host(out)
        if engine == "MIDAS" and not host.has_midas:
            provide_environment(places.environment, out)
        return choose_launch(engine, places, host, IDLE_SECONDS)


def _tell(result: BatchResult, inputs: Inputs, seconds: float, screen: Screen) -> None:
    """Prints what became of a run."""
    screen.say(summary(result.records, inputs.no_pictures, result.not_tried, seconds, len(inputs.links)))
    for sentence in result.missing:
        screen.say(sentence)
    if result.not_tried:
        screen.say("To go on from here, run it again with --existing skip.")


def _write_reports(result: BatchResult, asked: BatchOptions) -> None:
    """Writes the reports that are wanted; raises TargetError."""
    for file, text in ((asked.json, as_json), (asked.csv, as_csv)):
        if file is not None:
            write_report(file, text(result.records))


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


def ended(error: MidasNormalError) -> int:
    """Print the error's sentence; returns the exit code for it."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    return NOT_AVAILABLE if isinstance(error, (EngineUnavailable, InstallError)) else 1
