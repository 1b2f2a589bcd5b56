"""Generate the maps of one picture, or of a queue of pictures, for tests."""

from __future__ import annotations

import bpy
import numpy as np
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.queue import build_queue
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, feed_base_color

SETTINGS = Settings(engine="LUMINANCE", strength=4.0)
EXISTING = {"OVERWRITE": False, "SKIP": True}


def generation_task(image, settings=SETTINGS, **fields):
    """Return the task that makes the maps of an image; by default they are wired nowhere.

    Args:
        fields: those of a `GenerateRequest`.
    """
    fields = {"target": "NONE", **fields}
    return start_generation(bpy.context, GenerateRequest(settings, source="IMAGE", image_uid=image.session_uid, **fields))


def generate_map(image, settings=SETTINGS, **fields):
    """Make the maps of an image as `generation_task`; returns the first one and the report."""
    report = generation_task(image, settings, **fields).wait()
    return bpy.data.images[report.map_name], report


def noise(name, seed=0, side=16):
    """Return a square image of random values."""
    image = bpy.data.images.new(name, side, side)
    image.pixels.foreach_set(np.random.default_rng(seed).random(side * side * 4, np.float32))
    return image


def missing(path):
    """Return an image whose file does not exist."""
    image = bpy.data.images.new(path.name, 8, 8)
    image.filepath_raw, image.source = str(path), "FILE"
    return image


def select_object_with(image, name="Wall"):
    """Add an object that is selected and shows the image; returns its material."""
    material = add_material(name)
    feed_base_color(material, image)
    bpy.context.view_layer.objects.active.select_set(True)
    return material


def queue(scope="FILE", existing="OVERWRITE", summary=None, settings=SETTINGS, **fields):
    """Build a queue; `fields` as for `generation_task`."""
    return build_queue(bpy.context, scope, GenerateRequest(settings, **fields), EXISTING[existing], summary)


def run_queue(*args, **kwargs):
    """Build a queue as `queue` and run its task; returns the queue and the report."""
    new = queue(*args, **kwargs)
    return new, new.task().wait()


def states(done):
    """Return the states of a queue's pictures by name."""
    return {item.source.name: item.state for item in done.items}


def normal_node(material):
    """Return the type of the node that is linked to the Normal input of the material's shader, None without one."""
    links = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links
    return links[0].from_node.bl_idname if links else None
