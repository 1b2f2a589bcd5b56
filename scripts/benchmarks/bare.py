"""What a map's transport cannot do without, each step by one call of numpy, zlib or Blender: no protocol, nothing in pieces.

The floor knows none of it: its memory is there already, nothing leaves Blender, and no file is packed.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from bl_ext.user_default.midas_normal.bridge.image_pixels import to_uint8
from bl_ext.user_default.midas_normal.core.image_io import make_compressor

from benchmarks.answer import Answer, Table
from benchmarks.blender_images import FLOOR, Floor, Photograph
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn


def measure(plan: Plan) -> Answer:
    side = plan.exchange
    source = Photograph(side).image
    with tempfile.TemporaryDirectory() as folder:
        seconds = in_turn({**steps(source, Path(folder)), FLOOR: Floor(source).cross}, plan.runs, plan.patience)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    floor = middle.pop(FLOOR)
    rows = [[name, f"{value * 1000:.0f} ms", f"{value / floor:.2f}"]
            for name, value in {**middle, "all of these": sum(middle.values()), FLOOR: floor}.items()]
    return Answer(tables=[Table(f"Steps of transport at {side} x {side}, bare", ["Step", "time", "/ Blender's own"], rows)])


def steps(source: bpy.types.Image, folder: Path) -> dict[str, Callable[[], object]]:
    """Return the steps by name, each with the data that it needs; storing and packing take the same time for all pixels."""
    width, height = source.size
    floats = np.zeros(width * height * 4, np.float32)
    source.pixels.foreach_get(floats)
    values, encoded = to_uint8(floats), np.zeros(width * height * 3, np.uint16).tobytes()
    image = bpy.data.images.new("bare", width, height, float_buffer=True, is_data=True)
    picture, pixels = folder / "picture", folder / "pixels"
    return {
        "Blender's pixels into new memory": lambda: source.pixels.foreach_get(np.empty(len(floats), np.float32)),
        "as bytes": lambda: to_uint8(floats),
        "these into a file": lambda: values.tofile(picture),
        "and out of it": lambda: np.fromfile(picture, np.uint8),
        "the map's 16 bits as a zlib stream, stored": lambda: make_compressor(compress=False).compress(encoded),
        "the map's floats into a file": lambda: floats.tofile(pixels),
        "and out of it into Blender": lambda: image.pixels.foreach_set(np.memmap(pixels, np.float32, "r")),
        "the PNG file packed": lambda: image.pack(data=encoded, data_len=len(encoded)),
    }
