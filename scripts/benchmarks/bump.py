"""Bump and Displacement nodes beside the normal maps made from them, rendered by Cycles and lit at 45 degrees."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from bl_ext.user_default.midas_normal import generate_from_bump
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from mathutils import Matrix

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan

SIDE, RENDERED, SAMPLES = 512, 256, 32
"""Pixels of the height map and of the renders, and samples of each pixel."""

LIGHTS = {"left": (0.0, -math.pi / 4, 0.0), "top": (-math.pi / 4, 0.0, 0.0)}
"""Rotations of the sun, which shines downwards by itself."""

STONES = 5
"""In each direction."""


@dataclass(frozen=True)
class Case:
    """A node, its properties and inputs, and how its picture is stored and laid.

    width: of the plane, whose height is 1, and on which the picture is stretched.
    """

    name: str
    node: str = "ShaderNodeBump"
    properties: tuple = ()
    inputs: tuple = (("Distance", 0.08),)
    bits: int = 16
    space: str = "Non-Color"
    width: float = 1.0


CASES = (
    Case("Bump"),
    Case("Bump, strength 0.5, inverted", properties=(("invert", True),), inputs=(("Distance", 0.16), ("Strength", 0.5))),
    Case("Bump of 8 bits, sRGB", bits=8, space="sRGB"),
    Case("Bump, stretched to twice the width", inputs=(("Distance", 0.12),), width=2.0),
    Case("Displacement", "ShaderNodeDisplacement", inputs=(("Scale", 0.08), ("Midlevel", 0.5))),
)


def measure(plan: Plan) -> Answer:
    rows, strips, worst = [], [], dict.fromkeys(LIGHTS, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            bpy.ops.wm.read_homefile(use_empty=True)
            material = make_scene(case, Path(folder))
            before = {light: render(light, case.width, Path(folder)) for light in LIGHTS}
            generate_from_bump(material, wire=True)
            after = {light: render(light, case.width, Path(folder)) for light in LIGHTS}
            errors = {light: 100 * float(np.abs(after[light] - before[light]).mean() / before[light].mean())
                      for light in LIGHTS}
            worst = {light: max(worst[light], error) for light, error in errors.items()}
            rows.append([case.name, *(f"{error:.2f} %" for error in errors.values())])
            strips.append(np.hstack([view for light in LIGHTS for view in (before[light], after[light])]))
    if plan.out:
        write_sheet(strips, Path(plan.out) / "bump.png")
    table = Table("Nodes and the normal maps made from them in Cycles (Displacement without Bump Map Correction): mean "
                  "difference in % of the mean brightness",
                  ["node", *(f"lit from the {light}" for light in LIGHTS)], rows)
    return Answer({f"bump {light}": error for light, error in worst.items()}, tables=[table])


def stones() -> np.ndarray:
    """Make a height map that repeats, SIDE x SIDE, 0..1: rounded stones of unlike heights, and a fine waviness."""
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    row, column = np.floor(v * STONES).astype(int), np.floor(u * STONES).astype(int)
    inside = np.maximum(np.abs(u * STONES % 1 - 0.5), np.abs(v * STONES % 1 - 0.5)) * 2
    corner = np.hypot(np.abs(u * STONES % 1 - 0.5), np.abs(v * STONES % 1 - 0.5)) * math.sqrt(2)
    height = 0.6 + 0.4 * np.random.default_rng(3).random((STONES, STONES))[row, column]
    dome = 1 / (1 + np.exp(14 * (0.5 * (inside + corner) - 0.7)))
    return height * dome * 0.95 + 0.02 * (1 + np.sin(2 * math.pi * (7 * u + 11 * v)) * np.cos(2 * math.pi * 9 * u))


def make_scene(case: Case, folder: Path) -> bpy.types.Material:
    """Make a plane with a white material that the case's node shades, a camera above it, and a sun."""
    stored = np.rint(stones()[..., None].repeat(3, axis=2) * (2 ** case.bits - 1)).astype(f"uint{case.bits}")
    (folder / "heights.png").write_bytes(encode_png(stored, compress=False))
    image = bpy.data.images.load(str(folder / "heights.png"), check_existing=False)
    image.colorspace_settings.name = case.space
    material = bpy.data.materials.new("stones")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    texture, node, shader, output = map(tree.nodes.new, ("ShaderNodeTexImage", case.node, "ShaderNodeBsdfDiffuse",
                                                         "ShaderNodeOutputMaterial"))
    texture.image = image
    for name, value in case.properties:
        setattr(node, name, value)
    for name, value in case.inputs:
        node.inputs[name].default_value = value
    shaded = shader.inputs["Normal"] if case.node == "ShaderNodeBump" else output.inputs["Displacement"]
    tree.links.new(texture.outputs["Color"], node.inputs["Height"])
    tree.links.new(node.outputs[0], shaded)
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    material.displacement_method = "BUMP"
    # The correction darkens steep normal maps and Bump nodes, but not what displacement bumps: 2.3 % of these renders.
    material.cycles.use_bump_map_correction = case.node == "ShaderNodeBump"
    bpy.ops.mesh.primitive_plane_add(size=1)
    plane = bpy.context.object
    plane.data.transform(Matrix(((case.width, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))))
    plane.data.materials.append(material)
    bpy.ops.object.camera_add(location=(0, 0, 2))
    camera = bpy.context.object
    camera.data.type, camera.data.ortho_scale, bpy.context.scene.camera = "ORTHO", case.width, camera
    bpy.ops.object.light_add(type="SUN")
    sun = bpy.context.object
    sun.name, sun.data.energy, sun.data.angle = "sun", math.pi * math.sqrt(2), 0.0
    return material


def render(light: str, width: float, folder: Path) -> np.ndarray:
    """Render the plane: RENDERED x RENDERED floats, rows from the top down, 1 where it is flat."""
    scene = bpy.context.scene
    bpy.data.objects["sun"].rotation_euler = LIGHTS[light]
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, False
    scene.cycles.max_bounces = 0
    scene.render.resolution_x, scene.render.resolution_y = round(RENDERED * width), RENDERED
    scene.render.resolution_percentage = 100
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = str(folder / "render.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath, check_existing=False)
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    shown = values.reshape(image.size[1], image.size[0], 4)[::-1, :, 0]
    bpy.data.images.remove(image)
    return shown


def write_sheet(strips: list, path: Path) -> None:
    """Write a row of renders for each case: node, map, lit from the left; node, map, lit from the top."""
    width = max(strip.shape[1] for strip in strips)
    rows = [np.pad(strip, ((0, 8), (0, width - strip.shape[1]))) for strip in strips]
    shown = np.clip(np.vstack(rows) * 0.7, 0, 1) ** (1 / 2.2)
    pixels = np.rint(shown[..., None].repeat(3, axis=2) * 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels, compress=True))
