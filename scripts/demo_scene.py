"""The demonstration's part inside Blender: run by demo.py with the bpy module, or by Blender itself."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
import installed_extension

from blender_midas_normal.batch.cli import NOT_AVAILABLE

installed_extension.install(Path(os.environ[installed_extension.RESOURCES]))

import bpy  # noqa: E402
import numpy as np  # noqa: E402
from bl_ext.user_default.midas_normal.bridge.addon import preferences  # noqa: E402
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata  # noqa: E402
from bl_ext.user_default.midas_normal.core.image_io import encode_png  # noqa: E402
from bl_ext.user_default.midas_normal.core.protocol import VERSION  # noqa: E402

SIDE = 768
"""Pixels of the render's shorter side at most."""


def main() -> int:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = preferences()
    chosen.environment_folder = str(environments.MIDAS.folder)
    chosen.weights_folder = str(options.weights)
    start = time.perf_counter()
    image = bpy.data.images.load(str(options.image))
    if 0 in image.size:
        print(f"{options.image} is no picture that Blender can read; give another one.", file=sys.stderr)
        return 1
    plane = textured_plane(image)
    seconds = {"load": time.perf_counter() - start}
    try:
        bpy.ops.midas_normal.generate(engine=options.engine.upper())
    except RuntimeError as error:
        print(str(error).strip(), file=sys.stderr)
        return NOT_AVAILABLE if options.engine != "auto" else 1
    normal = next(image for image in bpy.data.images if stored_metadata(image))
    facts = stored_metadata(normal)["facts"]
    seconds.update(facts["seconds"])
    (options.out / "normal.png").write_bytes(normal.packed_file.data)

    start = time.perf_counter()
    set_the_light(plane)
    render(options.out / "render.png", image)
    seconds["render"] = time.perf_counter() - start
    image.pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(options.out / "material.blend"), compress=True, check_existing=False)
    sheet = side_by_side([image, normal, bpy.data.images.load(str(options.out / "render.png"))])
    (options.out / "sheet.png").write_bytes(encode_png(sheet, True))
    report = {"engine": facts["engine"], "why": facts["why"], "device": facts["device"], "size": list(image.size),
              "blender": bpy.app.version_string, "protocol": VERSION, "seconds": seconds}
    (options.out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def parse_arguments() -> argparse.Namespace:
    arguments = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


def textured_plane(image: bpy.types.Image) -> bpy.types.Object:
    """Make a plane in the picture's proportions, with a material of the picture, in an otherwise empty file."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    bpy.ops.mesh.primitive_plane_add(size=1)
    plane = bpy.context.object
    plane.scale = (image.size[0] / min(image.size), image.size[1] / min(image.size), 1)
    material = bpy.data.materials.new("Photograph")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    texture.location = (shader.location.x - 600, shader.location.y)
    shader.inputs["Roughness"].default_value = 0.6
    links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    plane.data.materials.append(material)
    return plane


def set_the_light(plane: bpy.types.Object) -> None:
    """Add a camera straight above the plane, and one sun low on the left."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type = "ORTHO"
    camera.data.ortho_scale = max(plane.scale)
    camera.location = (0, 0, 2)
    sun = bpy.data.objects.new("Sun from the left", bpy.data.lights.new("Sun from the left", "SUN"))
    sun.rotation_euler = (0, math.radians(-60), 0)
    sun.data.energy = 6
    for obj in (camera, sun):
        scene.collection.objects.link(obj)
    scene.camera = camera


def render(path: Path, image: bpy.types.Image) -> None:
    """Render the plane with Cycles; four samples and no bounces are enough for a plane and a sun."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 4
    scene.cycles.max_bounces = 0
    scene.cycles.use_denoising = False
    scene.view_settings.view_transform = "Standard"
    scale = min(1.0, SIDE / min(image.size))
    scene.render.resolution_x, scene.render.resolution_y = (max(1, round(side * scale)) for side in image.size)
    scene.render.resolution_percentage = 100
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def side_by_side(images: list[bpy.types.Image]) -> np.ndarray:
    """Join pictures in a row, as high as the last one, 8 bits, with white gaps."""
    height = images[-1].size[1]
    pictures = [shrunk(image, height) for image in images]
    gap = np.full((height, 8, 3), 255, np.uint8)
    return np.hstack([part for picture in pictures for part in (picture, gap)][:-1])


def shrunk(image: bpy.types.Image, height: int) -> np.ndarray:
    """Return an image's display values at a height, H x W x 3 uint8, rows from the top down."""
    copy = image.copy()
    try:
        copy.scale(max(1, round(image.size[0] * height / image.size[1])), height)
        values = np.empty(copy.size[0] * copy.size[1] * 4, np.float32)
        copy.pixels.foreach_get(values)
        rows = values.reshape(copy.size[1], copy.size[0], 4)[::-1, :, :3]
        return np.rint(np.clip(rows, 0, 1) * 255).astype(np.uint8)
    finally:
        bpy.data.images.remove(copy)


if __name__ == "__main__":
    code = main()
    installed_extension.uninstall()
    sys.exit(code)
