"""Normal, height, ambient occlusion and curvature maps of pictures, folders and patterns ('a/**/*.png').

--engine midas downloads MiDaS's weights and installs what it needs, once.  The preset node writes the MiDaS node's picture:
8 bits, its own size.
Exit codes: 0 all done, 1 some pictures failed or were given up (the rest are written), 2 wrong usage, 3 engine not
available, or what it needs cannot be installed.  With --exit-zero pictures that failed do not change the code.
"""

# The text above is the help of `midas-normal` and `scripts/normal_map.py`; `blender --command midas_normal` has its own.

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ..client.launch import HostPython, Launch, Paths, choose_launch, this_python, user_paths
from ..client.provision import ensure_environment, ensure_weights
from ..core.engines import find_engine_weights, needed_parts
from ..core.errors import NO_MESSAGE, EngineUnavailable, InstallError, MidasNormalError
from .api import IDLE_SECONDS, BatchResult, items_of_files, make_folder, run_batch
from .dask_cluster import run_on_dask
from .dry_run import dry_run, dry_run_summary
from .inputs import Inputs, find_pictures, listed_pictures
from .jobs import JOB_KINDS, write_job
from .options import LOCAL_CLUSTER, BatchOptions, add_options, parse_options, parse_path
from .pictures import BatchItem
from .report import FAILED, STDOUT, OpenJDReporter, TerminalReporter, as_csv, as_json, summary, write_report
from .settings_file import find_settings_file, settings_arguments
from .shares import read_list

NOT_AVAILABLE = 3
"""The exit code where the engine is not available, or what it needs cannot be installed."""


def main(argv: Sequence[str] | None = None, host: Callable[[TextIO], HostPython] = lambda out: this_python()) -> int:
    """Run the command line without Blender; returns its exit code.

    Args:
        argv: what follows the program's name; None for the arguments of this process.
        host: returns the Python for the built-in engines; it may have to create it, and prints its progress.
    """
    return FilesCommand(host).run(sys.argv[1:] if argv is None else argv)


class Command(ABC):
    """What the command lines inside and outside Blender have in common."""

    @abstractmethod
    def parser(self) -> argparse.ArgumentParser:
        """Make a parser with the arguments that only this command line has."""

    @abstractmethod
    def items(self, parser: argparse.ArgumentParser, arguments: argparse.Namespace, options: BatchOptions,
              inputs: Inputs) -> Collection[BatchItem]:
        """Make the items of all pictures; call `parser.error`, which ends the program, where there are none."""

    @abstractmethod
    def launch(self, arguments: argparse.Namespace, options: BatchOptions, out: TextIO) -> Launch:
        """Choose how to start the worker, installing what is missing, unless that is a dry run.

        Args:
            out: where the progress of an installation is printed.

        Raises:
            EngineUnavailable, InstallError: the engine cannot run.
        """

    def run(self, argv: Sequence[str]) -> int:
        """Make the maps that the command line asks for; return the exit code.

        Args:
            argv: what follows the program's name.
        """
        parser = self.parser()
        add_options(parser)
        arguments = parser.parse_args(argv)
        try:
            settings_file = find_settings_file(arguments.images, arguments.list)
            if settings_file is not None:
                arguments = parser.parse_args([*settings_arguments(settings_file), *argv])
            options = parse_options(arguments)
            inputs = self._inputs(parser, arguments, options)
            if not arguments.dry_run:
                make_folder(options.out)
        except MidasNormalError as error:
            parser.error(str(error))
        if arguments.dry_run and arguments.write_job:
            parser.error("--dry-run writes nothing; leave it out, or --write-job")
        items = self.items(parser, arguments, options, inputs)
        if arguments.write_job:
            kind, folder = arguments.write_job
            return self._write_job(kind, Path(folder), items, options)
        out = sys.stderr if STDOUT in (options.json, options.csv) else sys.stdout
        reporter = OpenJDReporter(out) if arguments.progress == "openjd" else TerminalReporter(out)
        if settings_file is not None:
            reporter.print_line(f"With the settings in {settings_file}")
        for file in inputs.unused_settings:
            reporter.print_line(f"{file} has no effect; the settings file counts that lies in the folder that is named")
        start = time.monotonic()
        try:
            chooses_here = arguments.dry_run or options.on in ("", LOCAL_CLUSTER)  # else each machine of the cluster does
            launch = self.launch(arguments, options, out) if chooses_here else None
            try:
                with _interruptible() as stopped:
                    if options.on and not arguments.dry_run:
                        result = run_on_dask(items, options, launch, arguments.weights, inputs, reporter, stopped)
                        shown = _summary(result, inputs, time.monotonic() - start)
                    elif arguments.dry_run:
                        assert launch is not None
                        planned = dry_run(items, options, launch, inputs, reporter, stopped)
                        result, shown = planned.result, dry_run_summary(planned, options, inputs)
                    else:
                        assert launch is not None
                        result = run_batch(items, options, launch, inputs, reporter, stopped)
                        shown = _summary(result, inputs, time.monotonic() - start)
            finally:
                reporter.clear()
            reporter.print_line(shown)
            _write_reports(result, options)
        except MidasNormalError as error:
            return report_error(error)
        has_failures = any(record.outcome == FAILED for record in result.records)
        return 1 if result.not_tried or (has_failures and not arguments.exit_zero) else 0

    def _write_job(self, kind: str, folder: Path, items: Collection[BatchItem], options: BatchOptions) -> int:
        try:
            written = write_job(kind, folder, items, options)
        except MidasNormalError as error:
            return report_error(error)
        print(f"Wrote {', '.join(file.name for file in written)} into {folder}. {JOB_KINDS[kind.upper()].advice}")
        return 0

    def _inputs(self, parser: argparse.ArgumentParser, arguments: argparse.Namespace, options: BatchOptions) -> Inputs:
        if arguments.list is None:
            if options.share.items is not None:
                parser.error("--items are lines of a list; give it with --list FILE")
            return find_pictures(arguments.images, arguments.recursive, options.source_suffixes)
        if arguments.images:
            parser.error("give either pictures or --list FILE")
        return listed_pictures(read_list(arguments.list), arguments.list.parent)


class FilesCommand(Command):
    """The command line outside Blender: the worker reads the picture files."""

    def __init__(self, host: Callable[[TextIO], HostPython]) -> None:
        self._host = host

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(usage="%(prog)s IMAGE... --out FOLDER [options]", description=__doc__,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("images", nargs="*", type=parse_path, metavar="IMAGE", help="a file, a folder or a pattern")
        parser.add_argument("--weights", type=parse_path, help="folder of weights, which has those of the engine")
        parser.add_argument("--on", default="", metavar="dask|dask://HOST:PORT",
                            help="make the maps on a Dask cluster: one of --jobs processes on this machine, or the one with "
                                 "this scheduler (needs the extra farm)")
        return parser

    def items(self, parser: argparse.ArgumentParser, arguments: argparse.Namespace, options: BatchOptions,
              inputs: Inputs) -> Collection[BatchItem]:
        if not arguments.images and arguments.list is None:
            parser.error("no picture is given; name files, folders or patterns, or --list FILE")
        return items_of_files(inputs, options)

    def launch(self, arguments: argparse.Namespace, options: BatchOptions, out: TextIO) -> Launch:
        """Download the weights first: without them the environment, which is ten times as large, is of no use."""
        worker_paths, settings = user_paths(options.out, arguments.weights), options.settings
        parts = needed_parts(settings.engine, settings.depth_scale)
        if parts and arguments.weights is None and not arguments.dry_run:
            ensure_weights(settings, worker_paths.weights, worker_paths.environment, out)
        if parts and (arguments.weights is not None or not arguments.dry_run):
            find_engine_weights(settings.engine, settings, worker_paths.weights)
        if arguments.dry_run:
            return _planned_launch(options, worker_paths, out)
        host = self._host(out)
        if not set(parts) <= set(host.parts):
            ensure_environment(worker_paths.environment, parts, out)
        return choose_launch(settings, worker_paths, host, IDLE_SECONDS)


def _planned_launch(options: BatchOptions, paths: Paths, out: TextIO) -> Launch:
    """Return how the worker would be started once everything is installed; say where something would have to be."""
    try:
        return choose_launch(options.settings, paths, this_python(), IDLE_SECONDS)
    except EngineUnavailable as error:
        print(f"The run would first install or download what is missing: {error}", file=out)
        return Launch(sys.executable, paths.weights, NO_MESSAGE, IDLE_SECONDS, paths.log)


def _summary(result: BatchResult, inputs: Inputs, seconds: float) -> str:
    text = summary(result.records, inputs.other_files, result.not_tried, seconds, len(inputs.unfollowed_links))
    advice = ["To go on from here, run it again with --existing skip."] if result.not_tried else []
    return "\n".join([text, *result.missing, *advice])


def _write_reports(result: BatchResult, options: BatchOptions) -> None:
    """Write the reports that the options name; raise TargetError where that fails."""
    for file, serialize in ((options.json, as_json), (options.csv, as_csv)):
        if file is not None:
            write_report(file, serialize(result.records))


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl+C was pressed, or a farm ends the process with SIGTERM.

    When that happens again, it ends the program as usual.
    """
    stopped = threading.Event()

    def stop(number: int, frame: object) -> None:
        stopped.set()
        restore()

    def restore() -> None:
        for each, handler in previous.items():
            signal.signal(each, handler)

    # Blender's own handlers are not known to Python, which returns None for them.
    defaults: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    previous = {each: signal.signal(each, stop) or default for each, default in defaults.items()}
    try:
        yield stopped.is_set
    finally:
        restore()


def report_error(error: MidasNormalError) -> int:
    """Print the error's message; return the exit code for it."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    return NOT_AVAILABLE if isinstance(error, (EngineUnavailable, InstallError)) else 1
