"""The benchmark's part on whole libraries: many pictures one after the other, and with reading, engine and writing side by
side, as the command lines make them, in turn.

Relief is compared with its engine alone, luminance, whose engine does little, with reading and encoding.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path, PurePath

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import PIL.Image

from blender_midas_normal.client.batch.items import item_of_file
from blender_midas_normal.client.batch.lanes import AT_ONCE, work_through
from blender_midas_normal.client.batch.making import Making
from blender_midas_normal.client.batch.options import add_options, wanted
from blender_midas_normal.client.batch.screen import Screen
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import NOT_NEEDED, Launch

MATERIAL = Path(__file__).resolve().parents[1] / "tests" / "materials" / "bricks_color.png"
SIDE = 1024
COMPARED = {"relief": ("engine",), "luminance": ("read", "encode")}
"""The stages whose seconds the wall time is compared with."""


def main() -> int:
    options = parsed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = photographs(options.pictures + 1, folder)
        print(f"{options.pictures} pictures of {SIDE} x {SIDE}, medians of {options.runs} runs")
        ratios = {engine: compared(engine, pictures, options.runs, folder) for engine in COMPARED}
    if options.json is not None:
        options.json.write_text(json.dumps(ratios, indent=2) + "\n", encoding="utf-8")
    return 1 if options.at_most is not None and max(ratios.values()) > options.at_most else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--at-most", type=float, help="fail when a ratio is above this")
    return parser.parse_args()


def photographs(count: int, folder: Path) -> list:
    """Files of 8 bits of a real material, each with noise of its own."""
    with PIL.Image.open(MATERIAL) as opened:
        values = np.asarray(opened.convert("RGB").resize((SIDE, SIDE)), np.int16)
    files = [folder / f"{number}.png" for number in range(count)]
    for number, file in enumerate(files):
        noisy = values + np.random.default_rng(number).integers(-6, 7, values.shape, np.int16)
        PIL.Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file)
    return files


def compared(engine: str, files: list, runs: int, folder: Path) -> float:
    """Prints what both ways take; the ratio of the wall time, side by side, to the stages that it is compared with."""
    one, side_by_side, ratios = [], [], []
    for _ in range(runs):
        one.append(made(engine, files, 1, folder)[0])
        wall, stages = made(engine, files, AT_ONCE, folder)
        side_by_side.append(wall)
        ratios.append(wall / sum(stages[stage] for stage in COMPARED[engine]))
    ratio = statistics.median(ratios)
    print(f"  {engine}: {statistics.median(one):.1f} s one after the other, {statistics.median(side_by_side):.1f} s side by "
          f"side, which is {ratio:.2f} of {' and '.join(COMPARED[engine])}")
    return ratio


def made(engine: str, files: list, at_once: int, folder: Path) -> tuple:
    """(wall seconds, seconds by stage) of all files but the first, which loads the engine."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    asked = wanted(parser.parse_args(["--out", str(folder / "maps"), "--engine", engine]))
    launch = Launch(sys.executable, folder, NOT_NEEDED, 600.0, folder / "log")
    items = [item_of_file(file, PurePath(), lambda client, file=file: {"picture": str(file)}) for file in files]
    making = Making(items, asked, launch, Screen())
    with contextlib.closing(Client()) as client, contextlib.redirect_stdout(io.StringIO()):
        work_through(making.beginnings(making.pictures[:1], alone=True), [client], 1, quiet, never)
        start = time.perf_counter()
        work_through(making.beginnings(making.pictures[1:], alone=True), [client], at_once, quiet, never)
        wall = time.perf_counter() - start
    stages: dict = {}
    for picture in making.pictures[1:]:
        for record in picture.records:
            for stage, seconds in record.seconds.items():
                stages[stage] = stages.get(stage, 0.0) + seconds
    return wall, stages


def quiet(job) -> None:
    """Nobody watches."""


def never() -> bool:
    return False


if __name__ == "__main__":
    sys.exit(main())
