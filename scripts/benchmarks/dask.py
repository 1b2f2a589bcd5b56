"""A library made on a Dask cluster of two processes on this machine, beside the same one made with `--jobs 2`."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import ROOT

from benchmarks import pictures
from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio

SIDE = 1024
PROGRAM = [sys.executable, "-c", "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"]
JOBS, DASK = "--jobs 2", "--on dask --jobs 2"


def measure(plan: Plan) -> Answer:
    answer = Answer()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "library").mkdir()
        pictures.files(plan.pictures, SIDE, folder / "library")
        seconds = in_turn({way: lambda way=way: _run(way, folder) for way in (JOBS, DASK)}, plan.runs, plan.patience, warm=0)
    ratio = median_ratio(seconds[DASK], seconds[JOBS])
    answer.figures["dask"] = ratio
    row = [*(f"{statistics.median(seconds[way]):.1f} s" for way in (JOBS, DASK)), f"{ratio:.2f}"]
    answer.tables.append(Table(f"{plan.pictures} pictures of {SIDE} x {SIDE} with relief, from start to end of the program",
                               [JOBS, DASK, "ratio"], [row]))
    return answer


def _run(way: str, folder: Path) -> None:
    command = [*PROGRAM, str(folder / "library"), "--out", str(folder / "maps"), "--engine", "relief", *way.split()]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "MIDAS_NORMAL_DATA": str(folder / "data")}
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder / "maps")
