"""What the tests of operators work on, and how they work it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import numpy as np
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import generation, timer

BUILT_IN = Settings(engine="LUMINANCE")


def operator(name, label="Brush Stroke"):
    """A FAKE of one of Blender's operators."""
    return SimpleNamespace(bl_idname=name, bl_label=label)


def textured(width=32, height=24, name="photo.png"):
    """An image of noise on the material of an active plane."""
    image = bpy.data.images.new(name, width, height)
    image.pixels.foreach_set(np.random.default_rng(0).random(width * height * 4, np.float32))
    bpy.ops.mesh.primitive_plane_add()
    material = bpy.data.materials.new("photo")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    material.node_tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])
    bpy.context.object.data.materials.append(material)
    return image, material


def values(image):
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], 4)


def pumped(until, seconds=60.0):
    """Lets the timer's work be done by hand: timers do not run in background mode."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "nothing happened"
        timer.tick()
        time.sleep(0.002)


def counts():
    """How much of everything there is in the file."""
    return {kind: len(getattr(bpy.data, kind)) for kind in ("images", "materials", "node_groups", "objects")} | {
        "nodes": sum(len(m.node_tree.nodes) for m in bpy.data.materials if m.node_tree),
        "links": sum(len(m.node_tree.links) for m in bpy.data.materials if m.node_tree)}


class Background:
    """A map that is made while Blender goes on, as a button does it."""

    def __init__(self, **fields):
        self.ask = GenerateRequest(BUILT_IN, **fields)

    def __enter__(self):
        generation.start(start_generation(bpy.context, self.ask), bpy.context.scene)
        pumped(lambda: generation.task().job.id)  # it is at the worker
        return generation.task()

    def __exit__(self, *_):
        pumped(lambda: generation.task() is None and timer.is_idle())
