"""Queues of pictures that tests work through."""

from __future__ import annotations

import bpy
import numpy as np
from bl_ext.user_default.midas_normal.bridge.queue import (
    build_queue,
)
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, feed_base_color

SETTINGS = Settings(engine="LUMINANCE", strength=4.0)
EXISTING = {"OVERWRITE": False, "SKIP": True}


def noise(name, seed=0, side=16):
    image = bpy.data.images.new(name, side, side)
    image.pixels.foreach_set(np.random.default_rng(seed).random(side * side * 4, np.float32))
    return image


def missing(path):
    image = bpy.data.images.new(path.name, 8, 8)
    image.filepath_raw, image.source = str(path), "FILE"
    return image


def worn(image, name="Wall"):
    """The material of a new object, selected, that shows the image."""
    material = add_material(name)
    feed_base_color(material, image)
    bpy.context.view_layer.objects.active.select_set(True)
    return material


def queue(scope="FILE", existing="OVERWRITE", summary=None, settings=SETTINGS, **fields):
    return build_queue(bpy.context, scope, GenerateRequest(settings, **fields), EXISTING[existing], summary)


def made(*args, **kwargs):
    """The queue, worked through, and its report."""
    new = queue(*args, **kwargs)
    return new, new.task().wait()


def states(done):
    return {item.source.name: item.state for item in done.items}


def normal_node(material):
    """What the Normal input of the material's shader is linked to."""
    links = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links
    return links[0].from_node.bl_idname if links else None
