"""The main table: a map's time by stage, for each engine and size, beside Blender's own work and a way through PNG files.

Each engine has a new worker for each size, so that the most memory that the worker had belongs to this size.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import bpy
from bl_ext.user_default.midas_normal.bridge.addon import client

from benchmarks import memory
from benchmarks.answer import Answer, Point, Table
from benchmarks.blender_images import FLOOR, Floor, Photograph
from benchmarks.engines import Way, prepare, ways_at
from benchmarks.one_map import ARITHMETIC, STAGES, seconds_of_map
from benchmarks.plan import Plan
from benchmarks.png_exchange import through_png
from benchmarks.rounds import in_turn, median_ratio, medians

WARM_SIDE = 64
"""Pixels of a first map, which makes the worker load what it needs."""

PNG = "PNG files, there and back"
LARGEST = 8192


def measure(plan: Plan) -> Answer:
    answer = Answer(versions={"Blender": bpy.app.version_string})
    rows: list = []
    columns = ["Side", "transport", FLOOR, PNG, "transport / Blender's own", "transport / PNG"]
    answer.tables.append(Table("All but the arithmetic, with luminance, beside what Blender does itself", columns, []))
    for side in plan.sides:
        photograph = Photograph(side)
        try:
            for way in ways_at(side, plan):
                prepare(way, plan)
                rows.append(_measured_way(way, side, photograph, plan, answer))
                print(f"  {way.name} at {side}: {rows[-1][-3]}", flush=True)
        finally:
            photograph.remove()
    columns = ["Engine, side", *STAGES, "whole", "worker's memory", "runs"]
    answer.tables.append(Table("Milliseconds by stage", columns, rows))
    answer.tables.append(Table("The stages", ["Stage", "what happens"], [list(row) for row in STAGES.items()]))
    return answer


def _measured_way(way: Way, side: int, photograph: Photograph, plan: Plan, answer: Answer) -> list:
    """Return the row of a way at a size, and add figures and points to the answer."""
    _warm(way)
    floor, runs = Floor(photograph.image), []

    def ours() -> None:
        photograph.renew()
        runs.append(seconds_of_map(photograph.image, way.settings))

    with tempfile.TemporaryDirectory() as folder:
        others = {FLOOR: floor.cross}
        if way.name == "luminance":
            others[PNG] = lambda: through_png(photograph.image, Path(folder))
        ours()
        peak = memory.most_of_children()
        seconds = in_turn({"ours": ours, **others}, plan.runs, plan.patience, warm=0)
    floor.remove()
    client.close()
    runs = runs[1:]
    whole = [sum(run.values()) for run in runs]
    if way.name == "luminance":
        _note_transport(side, runs, seconds, plan, answer)
    answer.points.append(Point(way.name, side, statistics.median(whole), peak))
    if side == LARGEST:
        answer.figures[f"memory {way.name}"] = peak / 1000
    cells = [f"{value * 1000:.0f}" for value in medians(runs).values()]
    return [f"{way.name}, {side}", *cells, f"{statistics.median(whole) * 1000:.0f} ms", f"{peak:.0f} MB", str(len(runs))]


def _warm(way: Way) -> None:
    client.close()
    small = Photograph(WARM_SIDE)
    seconds_of_map(small.image, way.settings)
    small.remove()


def _note_transport(side: int, runs: list, seconds: dict, plan: Plan, answer: Answer) -> None:
    """Add the time of everything but arithmetic, beside the two other ways."""
    transport = [sum(value for stage, value in run.items() if stage not in ARITHMETIC) for run in runs]
    times = {"transport": transport, FLOOR: seconds[FLOOR], PNG: seconds[PNG]}
    middle = {name: statistics.median(values) for name, values in times.items()}
    ratios = {"transport": median_ratio(transport, seconds[FLOOR]), "png": median_ratio(transport, seconds[PNG])}
    answer.points.extend(Point(name, side, value) for name, value in middle.items())
    answer.tables[0].rows.append([str(side), *(f"{value * 1000:.0f} ms" for value in middle.values()),
                                  *(f"{ratio:.2f}" for ratio in ratios.values())])
    if side == plan.exchange:
        answer.figures.update(ratios)
        answer.profiles["transport"] = {stage: value for stage, value in medians(runs).items() if stage not in ARITHMETIC}
