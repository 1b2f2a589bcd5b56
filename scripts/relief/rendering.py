"""The small test set of tests/materials, rendered with Cycles: materials whose true normals are known.

Each is a mesh displaced by a height field that the training has never seen (seeds of their own), painted, lit by a sky and a
sun, and repeated around the picture so that light and shadow wrap.  Needs bpy, numpy and OpenCV.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import cv2
import numpy as np

from relief import albedo, heights
from relief.noise import gradient

if TYPE_CHECKING:
    from blender_midas_normal.core.arrays import Array

SIZE = 256
SAMPLES = 96
SEEDS = {"bricks": 7_000_001, "cobbles": 7_000_002, "weave": 7_000_003, "pebbles": 7_000_004, "leather": 7_000_005,
         "tiles": 7_000_006, "planks": 7_000_007, "roof_tiles": 7_000_008}
"""Kinds of relief and their seeds; a training's seeds stay far below."""


def write(out: Path) -> None:
    """Write the pictures, the normal maps and their list into a folder."""
    for kind, seed in SEEDS.items():
        rng = np.random.default_rng(seed)
        relief = heights.relief(rng, SIZE, kind)
        paint = albedo.paint(rng, relief)
        stage(relief.height, paint.albedo, rng)
        render(out / f"{kind}_color.png")
        write_normals(relief.height, out / f"{kind}_normal.png")
    (out / "index.tsv").write_text("\n".join(["id", *sorted(SEEDS)]) + "\n", encoding="utf-8")


def stage(height: Array, colours: Array, rng: np.random.Generator) -> None:
    """Build a scene: the material nine times, camera above the middle one, sky and sun."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    mesh = displaced_mesh(height)
    mesh.materials.append(material(colours))
    for x in (-1, 0, 1):
        for y in (-1, 0, 1):
            tile = bpy.data.objects.new("Tile", mesh)
            tile.location = (x, y, 0)
            scene.collection.objects.link(tile)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", 1, (0, 0, 3)
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler = (0, math.radians(rng.uniform(25, 55)), rng.uniform(0, 2 * math.pi))
    sun.data.energy, sun.data.angle = rng.uniform(0.2, 1.5), math.radians(5)
    for obj in (camera, sun):
        scene.collection.objects.link(obj)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("Sky")
    if bpy.app.version < (5, 0):
        scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)


def displaced_mesh(height: Array) -> bpy.types.Mesh:
    """Make a square of side 1 with one vertex at each pixel's centre and one row and column more, which repeat."""
    closed = np.pad(height, (0, 1), mode="wrap") / SIZE
    y, x = np.mgrid[:SIZE + 1, :SIZE + 1]
    points = np.stack([(x + 0.5) / SIZE - 0.5, 0.5 - (y + 0.5) / SIZE, closed], axis=2).reshape(-1, 3)
    first = (np.arange(SIZE)[:, None] * (SIZE + 1) + np.arange(SIZE)).reshape(-1, 1)
    faces = first + np.array([0, SIZE + 1, SIZE + 2, 1])
    mesh = bpy.data.meshes.new("Relief")
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    mesh.shade_smooth()
    layer = mesh.uv_layers.new().data
    layer.foreach_set("uv", (points[faces.reshape(-1), :2] + 0.5).astype(np.float32).reshape(-1))
    return mesh


def material(colours: Array) -> bpy.types.Material:
    """Make rough paint of these colours (H x W x 3 sRGB values)."""
    image = bpy.data.images.new("Albedo", SIZE, SIZE)
    rgba = np.concatenate([colours[::-1], np.ones((SIZE, SIZE, 1))], axis=2).astype(np.float32)
    image.pixels.foreach_set(rgba.reshape(-1))
    material = bpy.data.materials.new("Paint")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes = material.node_tree.nodes
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.7
    material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    return material


def render(path: Path) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces, scene.cycles.use_denoising = SAMPLES, 2, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def write_normals(height: Array, path: Path) -> None:
    """Write the true normals, OpenGL, 8 bits."""
    gx, gy = gradient(height)
    normals = np.stack([-gx, gy, np.ones_like(gx)], axis=2)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    cv2.imwrite(str(path), np.rint((normals[..., ::-1] * 0.5 + 0.5) * 255).astype(np.uint8))
