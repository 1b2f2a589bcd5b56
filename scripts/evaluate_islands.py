#!/usr/bin/env python3
"""Prints how steep maps of unwrapped textures are at the borders of their islands and inside, Islands Off and Automatic.

    python3 scripts/evaluate_islands.py [--material FILE] [--side 1024] [--engines luminance,relief] [--out DIR]

The textures: two islands of unlike colour on black, flat or with fine relief of their own; and, where the module bpy is at
hand, Blender's Suzanne, unwrapped by Smart UV Project and baked from the colours of --material, once as they are and once
with each face group in a colour of its own.  Without --material it is tests/materials/bricks_color.png.  The islands of
Suzanne are those of its UVs.  --out gets the textures, their maps, and islands.jpg, which shows the last of them.  Needs
numpy and Pillow.

border   mean tilt in degrees within 4 pixels of an island's border, and the largest one
inside   mean tilt more than 12 pixels from it
islands  their number, and how often the engine ran
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the relief network keeps the cores busy itself

try:
    import numpy as np
    import PIL.Image
except ModuleNotFoundError:
    sys.exit("error: this Python has no numpy or Pillow.")

from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.islands import rasterise_islands
from blender_midas_normal.core.maps import Map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.channel import Clock
from blender_midas_normal.worker.engines import EngineOptions, EngineRegistry
from blender_midas_normal.worker.inputs import LoadedInputs
from blender_midas_normal.worker.pipeline import MapPipeline

MATERIAL = Path(__file__).resolve().parent.parent / "tests" / "materials" / "bricks_color.png"

BORDER, INSIDE = 4, 12
"""Pixels from the border of an island up to which, and from which on, a pixel counts."""

COLOURS = (0.75, 0.65, 0.5), (0.2, 0.3, 0.45)
FINE_RELIEF = 0.03
"""Deviation of the two islands' noise, of colours 0..1."""

TINTS = 0.25, 1.2
"""Range of the factors on red, green and blue of the islands that get a colour of their own."""


def main(arguments: list | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--material", type=Path, default=MATERIAL, help="picture of the material that is baked")
    parser.add_argument("--side", type=int, default=1024, help="pixels of the textures' sides")
    parser.add_argument("--engines", type=str.upper, default="LUMINANCE,RELIEF", help="names with commas")
    parser.add_argument("--out", type=Path, help="folder for the textures and their maps")
    options = parser.parse_args(arguments)
    pipeline = MapPipeline(EngineRegistry(EngineOptions(Path())))
    print(f"{'texture':20s} {'engine':10s} {'islands':8s} {'border':>8s} {'largest':>8s} {'inside':>8s}")
    for name, (rgb, labels, triangles) in textures(options).items():
        shown = [rgb / np.float32(255)]
        for engine in options.engines.split(","):
            for islands in ("OFF", "AUTO"):
                picture = Picture(rgb, uv_triangles=triangles)
                values, notes = normals(pipeline, picture, Settings(engine=engine, islands=islands))
                border, largest, inside = tilts(values, labels)
                print(f"{name:20s} {engine.lower():10s} {islands.lower():8s} {border:8.2f} {largest:8.1f} {inside:8.2f}")
                shown.append(values / 2 + 0.5)
                save(options.out, f"{name}_{engine.lower()}_{islands.lower()}.png", shown[-1])
        save(options.out, f"{name}.png", shown[0])
        print(notes[0])
    save(options.out, "islands.jpg", np.hstack([shown[0], *shown[-2:]])[::2, ::2])
    return 0


def textures(options: argparse.Namespace) -> dict:
    """Return by name the H x W x 3 bytes of each texture, the numbers of its islands, and its triangles of UVs, if any."""
    pairs = (("two, flat", 0.0), ("two, fine relief", FINE_RELIEF))
    made = {name: (*two_islands(options.side, fine), None) for name, fine in pairs}
    try:
        import bpy  # noqa: F401 - whether it is at hand
    except ModuleNotFoundError:
        print("Without the module bpy, Suzanne is left out.")
        return made
    rgb, triangles = bake_suzanne(options.material, options.side)
    labels = rasterise_islands(triangles, options.side, options.side)
    tints = np.random.default_rng(0).uniform(*TINTS, (int(labels.max()) + 1, 3))
    tinted = np.clip(rgb * tints[labels], 0, 255).astype(np.uint8)
    return made | {"Suzanne": (rgb, labels, triangles), "Suzanne, tinted": (tinted, labels, triangles)}


def two_islands(side: int, fine: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw two islands on black, a 32nd of the side apart, with noise of this deviation."""
    noise = blur(np.random.default_rng(0).normal(size=(side, side)).astype(np.float32), 1.5, 1.5, Wrap())
    noise *= fine / noise.std()
    labels, rgb = np.zeros((side, side), int), np.zeros((side, side, 3))
    unit = side / 64
    areas = ((8, 56, 5, 31), (12, 50, 33, 59))
    for number, (area, colour) in enumerate(zip(areas, COLOURS, strict=True), 1):
        top, bottom, left, right = (round(value * unit) for value in area)
        labels[top:bottom, left:right] = number
        rgb[labels == number] = np.array(colour) + noise[labels == number][:, None]
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8), labels


def bake_suzanne(material: Path, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Bake the colours of a material, laid by box projection, into the UVs of Smart UV Project, without a margin.

    Returns:
        (H x W x 3 bytes on black, N x 3 x 3 triangles of UVs as `core.islands.rasterise_islands` takes them).
    """
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_monkey_add()
    mesh = bpy.context.object.data
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.smart_project(angle_limit=1.15, island_margin=0.01)
    bpy.ops.object.mode_set(mode="OBJECT")
    image = bpy.data.images.new("baked", side, side)
    mesh.materials.append(emitting_material(material, image))
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    bpy.ops.object.bake(type="EMIT", margin=0)
    values = np.empty(side * side * 4, np.float32)
    image.pixels.foreach_get(values)
    mesh.calc_loop_triangles()
    corners, vertices = (np.empty(len(mesh.loop_triangles) * 3, np.int32) for _ in range(2))
    mesh.loop_triangles.foreach_get("loops", corners)
    mesh.loop_triangles.foreach_get("vertices", vertices)
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    triangles = np.column_stack([uv.reshape(-1, 2)[corners], vertices]).reshape(-1, 3, 3).astype(np.float32)
    return np.rint(values.reshape(side, side, 4)[::-1, :, :3] * 255).astype(np.uint8), triangles


def emitting_material(file: Path, target: object) -> object:
    """Return a material that shines in the colours of a picture, whose active node is the target of baking."""
    import bpy

    material = bpy.data.materials.new("baked")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    output, emission, texture, coordinates, baked = (nodes.new(f"ShaderNode{name}") for name in (
        "OutputMaterial", "Emission", "TexImage", "TexCoord", "TexImage"))
    texture.image, texture.projection, texture.projection_blend = bpy.data.images.load(str(file.resolve())), "BOX", 0.2
    links.new(coordinates.outputs["Object"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], emission.inputs["Color"])
    links.new(emission.outputs["Emission"], output.inputs["Surface"])
    baked.image, nodes.active = target, baked
    return material


def normals(pipeline: MapPipeline, picture: Picture, settings: Settings) -> tuple[np.ndarray, list]:
    """Return the H x W x 3 unit normals of a picture, as the worker makes them, and what is said of them."""
    pending = pipeline.prepare(Request(settings.to_dict()), LoadedInputs(picture, None), lambda *_: None, Clock())
    rendered = pipeline.render(pipeline.infer([pending])[0])
    assert isinstance(rendered.map, Map)
    return np.stack(rendered.map.planes, axis=2), list(rendered.notes)


def tilts(values: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Return the mean and the largest tilt in degrees at the borders of islands, and the mean inside."""
    degrees = np.degrees(np.arccos(np.clip(values[..., 2], -1, 1)))
    at_border = (labels > 0) & ~eroded(labels, BORDER)
    return float(degrees[at_border].mean()), float(degrees[at_border].max()), float(degrees[eroded(labels, INSIDE)].mean())


def eroded(labels: np.ndarray, pixels: int) -> np.ndarray:
    """Return where an island is, all around up to a number of pixels, diagonally too."""
    padded = np.pad(labels, pixels)
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * pixels + 1, axis)
        padded = np.where(windows.min(axis=-1) == windows.max(axis=-1), windows[..., pixels], 0)
    return padded > 0


def save(folder: Path | None, name: str, colours: np.ndarray) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.rint(colours * 255).astype(np.uint8)).save(folder / name.replace(",", "").replace(" ", "_"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("BLENDER_USER_RESOURCES", folder)
        sys.exit(main())
