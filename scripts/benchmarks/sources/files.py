"""A file of heights to a map's file, by the worker's own steps, beside reading and writing these files alone."""

from __future__ import annotations

import statistics
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from benchmarks.sources.waves import waves
from blender_midas_normal.core.image_io import encode_integer_map, encode_png
from blender_midas_normal.core.map_types import MAP_TYPES
from blender_midas_normal.core.maps import Map
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.channel import Clock
from blender_midas_normal.worker.decoding import decode
from blender_midas_normal.worker.engines import EngineOptions, EngineRegistry
from blender_midas_normal.worker.inputs import load_inputs
from blender_midas_normal.worker.outputs import write_map
from blender_midas_normal.worker.pipeline import MapPipeline

PERIOD = 1024
"""Side in pixels of the waves that are repeated over the picture."""

SETTINGS = Settings(engine="HEIGHT")


def measure(plan: Plan) -> Answer:
    answer, rows = Answer(), []
    with tempfile.TemporaryDirectory() as name:
        for bits in (16, 8):
            file = write_heights(Path(name), plan.exchange, bits)
            for map_type in MAP_TYPES if bits == 16 else ("NORMAL",):
                rows.append(compare(file, bits, map_type, plan, answer))
    columns = ["Heights, map", "read + write", "whole", "ratio", "of which: read, prepare, engine, maps, encode"]
    answer.tables.append(Table(f"HEIGHT from file to file, {plan.exchange} x {plan.exchange}", columns, rows))
    return answer


def write_heights(folder: Path, side: int, bits: int) -> Path:
    """Write a grey PNG file of heights that repeat."""
    largest = 2 ** bits - 1
    period = np.rint(waves(min(side, PERIOD))[0] * largest).astype(f"u{bits // 8}")
    file = folder / f"height_{bits}.png"
    file.write_bytes(encode_png(np.tile(period, 2 * [max(1, side // PERIOD)]), compress=True))
    return file


def compare(file: Path, bits: int, map_type: str, plan: Plan, answer: Answer) -> list:
    """Return the row of a map type, and add the ratio to the answer's figures."""
    made, stages = make_file(file, map_type, file.parent)
    name = f"files {map_type.lower()} {bits}"
    clocks: Counter = Counter()

    def whole() -> None:
        clocks.update(make_file(file, map_type, file.parent)[1])

    seconds = in_turn({"files": lambda: read_and_write(file, made, file.parent), "whole": whole}, plan.runs,
                      plan.patience, warm=0)
    ratio = median_ratio(seconds["whole"], seconds["files"])
    answer.figures[name] = ratio
    answer.profiles[name] = {stage: clocks[stage] / len(seconds["whole"]) for stage in stages}
    steps = ", ".join(f"{value * 1000:.0f}" for value in answer.profiles[name].values())
    medians = [f"{statistics.median(seconds[way]) * 1000:.0f} ms" for way in seconds]
    return [f"{bits} bits, {MAP_TYPES[map_type].label}", *medians, f"{ratio:.2f}", f"{steps} ms"]


def make_file(file: Path, map_type: str, folder: Path) -> tuple[Map, dict[str, float]]:
    """Make a map's file of 16 bits as the worker does; return the map, and the seconds by stage."""
    request, clock = Request(SETTINGS.to_dict(), id=1, picture=str(file), map=map_type, compress=True), Clock()
    pipeline = MapPipeline(EngineRegistry(EngineOptions(folder)))
    with clock.stage("read"):
        inputs = load_inputs(request, folder, _ignore)
    rendered = pipeline.render(*pipeline.infer([pipeline.prepare(request, inputs, _ignore, clock)]))
    with clock.stage("encode"), write_map(rendered.map, request, folder) as written:
        pass
    (folder / written.map).unlink()
    return rendered.map, clock.seconds


def read_and_write(file: Path, made: Map, folder: Path) -> None:
    """Decode the file of heights, and encode and write the map's."""
    decode(file)
    target = folder / "map.png"
    with target.open("wb") as out:
        out.writelines(encode_integer_map(made, "PNG", 16, compress=True))
    target.unlink()


def _ignore(stage: str, share: float) -> None:
    """Ignore progress."""
