"""The usual way to another program: Blender saves 8 bits, the program loads them, saves 16 bits, Blender loads those."""

from __future__ import annotations

from pathlib import Path

import bpy
import cv2
import numpy as np

from benchmarks.blender_images import read


def through_png(image: bpy.types.Image, folder: Path) -> None:
    """Send the image's pixels to a program and back as PNG files, until Blender can read them."""
    to_worker, from_worker = folder / "there.png", folder / "back.png"
    image.filepath_raw, image.file_format = str(to_worker), "PNG"
    image.save()
    pixels = cv2.imread(str(to_worker), cv2.IMREAD_COLOR)
    cv2.imwrite(str(from_worker), pixels.astype(np.uint16) * 257)
    loaded = bpy.data.images.load(str(from_worker))
    read(loaded)
    bpy.data.images.remove(loaded)
