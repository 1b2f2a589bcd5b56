"""What a map's transport cannot do without, each step by one call of numpy, zlib or Blender: no protocol, nothing in pieces.

The floor knows none of it: its memory is there already, nothing leaves Blender, and no file is packed.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import bpy
import numpy as np
import skimage.data
from bl_ext.user_default.midas_normal.core.deflate import packer_of
from bl_ext.user_default.midas_normal.core.maps import made_map
from bl_ext.user_default.midas_normal.core.picture import Surface, Wrap
from bl_ext.user_default.midas_normal.core.png import png_bytes
from bl_ext.user_default.midas_normal.core.settings import Settings

from benchmarks import pictures
from benchmarks.answer import Answer, Table
from benchmarks.blender_images import Floor, Photograph
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn

FLOOR = "Blender's own read + write"


def measured(plan: Plan) -> Answer:
    side = plan.exchange
    photograph = Photograph(side)
    floor = Floor(photograph.image)
    with tempfile.TemporaryDirectory() as folder:
        steps = _steps(photograph.image, side, Path(folder))
        seconds = in_turn({**steps, FLOOR: floor.cross}, plan.runs, plan.patience)
    floor.remove()
    photograph.remove()
    floors = seconds.pop(FLOOR)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    middle |= {"all of these": sum(middle.values()), FLOOR: statistics.median(floors)}
    rows = [[name, f"{value * 1000:.0f} ms", f"{value / middle[FLOOR]:.2f}"] for name, value in middle.items()]
    return Answer(tables=[Table(f"Steps of transport at {side} x {side}, bare", ["Step", "time", "/ Blender's own"], rows)])


def _steps(source: bpy.types.Image, side: int, folder: Path) -> dict:
    """The steps by name, each of which finds what it needs."""
    floats = np.zeros(side * side * 4, np.float32)
    source.pixels.foreach_get(floats)
    values = _bytes(floats)
    grey = pictures.repeated(skimage.data.gravel(), side)[..., 0].astype(np.float32)
    encoded = made_map("NORMAL", Surface(grey, 1.0, False, Wrap(), (side, side)), Settings()).encoded()
    file, png = np.ascontiguousarray(encoded, ">u2"), png_bytes(encoded, compress=False)
    image = bpy.data.images.new("bare", side, side, float_buffer=True, is_data=True)
    picture, pixels = folder / "picture", folder / "pixels"
    floats.tofile(pixels)
    return {
        "Blender's pixels into new memory": lambda: source.pixels.foreach_get(np.empty(side * side * 4, np.float32)),
        "as bytes": lambda: _bytes(floats),
        "these into a file": lambda: values.tofile(picture),
        "and out of it": lambda: np.fromfile(picture, np.uint8),
        "the map's 16 bits as a zlib stream, stored": lambda: packer_of(compress=False).compress(file.data),
        "the map's floats into a file": lambda: floats.tofile(pixels),
        "and out of it into Blender": lambda: image.pixels.foreach_set(np.memmap(pixels, np.float32, "r")),
        "the PNG file packed": lambda: image.pack(data=png, data_len=len(png)),
    }


def _bytes(floats: np.ndarray) -> np.ndarray:
    return (floats * np.float32(255) + np.float32(0.5)).astype(np.uint8)
