"""Images in Blender, and what Blender itself takes for their pixels."""

from __future__ import annotations

import bpy
import numpy as np

from benchmarks import pictures

FLOOR = "Blender's own read + write"
"""What `Floor` measures, in tables and in the plot."""


class Photograph:
    """A byte image of a photograph, wired as the colour of a material; `renew` makes its pixels new to the worker."""

    def __init__(self, side: int) -> None:
        import skimage.data

        self._values = pictures.repeat_pattern(skimage.data.gravel(), side).ravel()
        self._count = 0
        self.image = bpy.data.images.new("photograph", side, side)
        self._material = bpy.data.materials.new("photograph")
        self._material.use_nodes = True
        self._wire()
        self.renew()

    def renew(self) -> None:
        """Change the colour of the first pixel."""
        self._values[:3] = self._count % 256 / 255
        self._count += 1
        self.image.pixels.foreach_set(self._values)

    def remove(self) -> None:
        bpy.data.materials.remove(self._material)
        bpy.data.images.remove(self.image)

    def _wire(self) -> None:
        nodes, links = self._material.node_tree.nodes, self._material.node_tree.links
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = self.image
        shader = next(node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
        links.new(texture.outputs["Color"], shader.inputs["Base Color"])


class Floor:
    """Blender's own pixel read and write, without which no map can be made: memory for both is there already."""

    def __init__(self, source: bpy.types.Image) -> None:
        width, height = source.size
        self._source = source
        self._map = bpy.data.images.new("floor", width, height, float_buffer=True, is_data=True)
        self._values = np.zeros(width * height * 4, np.float32)
        self._map.pixels.foreach_set(self._values)

    def cross(self) -> None:
        self._source.pixels.foreach_get(self._values)
        self._map.pixels.foreach_set(self._values)

    def remove(self) -> None:
        bpy.data.images.remove(self._map)


def read(image: bpy.types.Image) -> None:
    """Read the pixels of an image, which makes Blender load them."""
    image.pixels.foreach_get(np.empty(image.size[0] * image.size[1] * 4, np.float32))
