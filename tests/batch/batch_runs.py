"""Runs over several pictures by real workers, for tests."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from blender_midas_normal.batch.api import BatchResult, run_batch
from blender_midas_normal.batch.inputs import Inputs
from blender_midas_normal.batch.options import BatchOptions, add_options, parse_options
from blender_midas_normal.batch.pictures import BatchItem
from blender_midas_normal.batch.report import TerminalReporter
from blender_midas_normal.client.launch import Launch


class LineReporter(TerminalReporter):
    """Call a function with each line about a map that was made or skipped, and print nothing."""

    def __init__(self, on_line: Callable[[str], object] = lambda line: None) -> None:
        super().__init__()
        self._on_line = on_line

    def print_line(self, line: str) -> None:
        self._on_line(line)

    def print_error(self, line: str) -> None:
        pass


def write_stub_pictures(folder: Path, count: int) -> Path:
    """Write files that a stand-in for an engine takes for pictures, and return their folder."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(f"picture {number}".encode())
    return folder


def options_of(out: Path, *arguments: str) -> BatchOptions:
    """Return the options of a command line, which has the engine luminance unless it names another."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parse_options(parser.parse_args(["--out", str(out), "--engine", "luminance", *arguments]))


def run_items(items: Sequence[BatchItem], out: Path, launch: Launch, *arguments: str,
              on_line: Callable[[str], object] = lambda line: None,
              stopped: Callable[[], bool] = lambda: False) -> BatchResult:
    """Make the maps of items with the options of a command line, by luminance unless it names another engine."""
    options = options_of(out, *arguments)
    options.out.mkdir(exist_ok=True)
    return run_batch(items, options, launch, Inputs(), LineReporter(on_line), stopped)
