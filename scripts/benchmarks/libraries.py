"""Many pictures, as the command lines make them: one after the other, and with reading, engine and writing side by side.

Relief and MiDaS are compared with their engine alone; luminance, whose engine does little, with decoding and encoding.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePath

from benchmarks import pictures
from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from blender_midas_normal.batch.options import add_options, parse_options
from blender_midas_normal.batch.pictures import item_of_file
from blender_midas_normal.batch.report import TerminalReporter
from blender_midas_normal.batch.runner import BatchRunner
from blender_midas_normal.batch.scheduler import max_in_flight, one_in_flight, run_tasks
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import MIDAS_NOT_NEEDED, Launch
from blender_midas_normal.client.setup.environment import Environment

SIDE = 1024
COMPARED = {"relief": ("engine",), "luminance": ("read", "encode"), "midas": ("engine",)}
"""The stages whose seconds the wall time is compared with."""


def measure(plan: Plan) -> Answer:
    answer, rows = Answer(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = pictures.files(plan.pictures + 1, SIDE, folder)
        for engine in (name for name in plan.engines if name != "midas" or plan.weights):
            rows.append(_compare(engine, files, plan, folder, answer))
    columns = ["Engine", "one after the other", "side by side", "beside", "ratio"]
    answer.tables.append(Table(f"{plan.pictures} pictures of {SIDE} x {SIDE}", columns, rows))
    return answer


def _compare(engine: str, files: list, plan: Plan, folder: Path, answer: Answer) -> list:
    """Return the row of an engine, and add the ratio of the wall time with several workers to the answer's figures."""
    single, side_by_side, compared, stages = [], [], [], Counter()
    end = time.monotonic() + plan.patience
    while not single or (len(single) < plan.runs and time.monotonic() < end):
        single.append(time_batch(engine, files, one_in_flight, plan, folder)[0])
        wall, stages = time_batch(engine, files, max_in_flight, plan, folder)
        side_by_side.append(wall)
        compared.append(sum(stages[stage] for stage in COMPARED[engine]))
    ratio = statistics.median(wall / alone for wall, alone in zip(side_by_side, compared))
    answer.figures[f"batch {engine}"] = ratio
    answer.profiles[f"batch {engine}"] = dict(stages)
    seconds = [f"{statistics.median(values):.1f} s" for values in (single, side_by_side, compared)]
    return [engine, *seconds[:2], f"{' + '.join(COMPARED[engine])} {seconds[2]}", f"{ratio:.2f}"]


def time_batch(engine: str, files: list, at_once: Callable[[Client], int], plan: Plan,
               folder: Path) -> tuple[float, Counter]:
    """Return (wall seconds, seconds by stage) for all files but the first, which loads the engine."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = parse_options(parser.parse_args(["--out", str(folder / "maps"), "--engine", engine]))
    items = [item_of_file(file, PurePath(), lambda client, file=file: {"picture": str(file)}) for file in files]
    runner = BatchRunner(items, options, _launch(engine, plan, folder), TerminalReporter())
    first, others = (runner.task_factories(runner.make, pictures, alone=True)
                     for pictures in (runner.pictures[:1], runner.pictures[1:]))
    with contextlib.closing(Client()) as client, contextlib.redirect_stdout(io.StringIO()):
        run_tasks(first, [client], one_in_flight, _quiet, _never)
        start = time.perf_counter()
        run_tasks(others, [client], at_once, _quiet, _never)
        wall = time.perf_counter() - start
    stages: Counter = Counter()
    for picture in runner.pictures[1:]:
        for record in picture.records:
            stages.update(record.seconds)
    return wall, stages


def _launch(engine: str, plan: Plan, folder: Path) -> Launch:
    """Return how a worker is started: MiDaS on the Python of its environment, built-in engines on this one."""
    if engine == "midas":
        python = str(Environment(Path(plan.midas)).python)
        return Launch(python, Path(plan.weights), "", 600.0, folder / "log")
    return Launch(sys.executable, folder, MIDAS_NOT_NEEDED, 600.0, folder / "log")


def _quiet(job) -> None:
    """Ignore progress."""


def _never() -> bool:
    return False
