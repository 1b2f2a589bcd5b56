"""Run by a Python that has bpy: a .blend file with maps wired to lit materials, and the picture that Cycles makes of it.

    python lit_file.py make FOLDER     writes walls.blend, lit.npy, and, for comparison, flat.npy without the maps
    python lit_file.py open FOLDER PICTURE     renders walls.blend in a Blender that has never seen the extension

A picture is an H x W x 4 float32 array of light, rows from the top down.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

SIDE = 64
"""Pixels of the picture that one wall takes."""

WALLS = ("packed", "beside", "tiled")
"""Packed maps of normals and of heights; a map in a file beside the photograph; a packed map of two UDIM tiles."""

FILE, LIT, FLAT = "walls.blend", "lit.npy", "flat.npy"


def make(folder: Path) -> None:
    import installed_extension

    with tempfile.TemporaryDirectory() as resources:
        installed_extension.install(Path(resources))
        import bpy

        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / FILE))  # so that paths are relative to it
        for number, name in enumerate(WALLS):
            add_wall(number, name, folder)
        add_light()
        bpy.ops.wm.save_mainfile()
        render(folder / LIT)
        take_maps_away()
        render(folder / FLAT)
        installed_extension.uninstall()


def add_wall(number: int, name: str, folder: Path) -> None:
    """A unit square with the photograph and its maps, the `number`th from the left."""
    import bpy

    from tests.bridge.blender_data import add_material, feed_base_color

    material = add_material(name)
    wall = bpy.context.view_layer.objects.active
    wall.location.x = number
    wall.select_set(True)
    image = tiles(name, folder, wall) if name == "tiled" else photograph(folder / f"{name}.png", 8 + number)
    feed_base_color(material, image)
    maps = {"NORMAL", "HEIGHT"} if name == "packed" else {"NORMAL"}
    save = "BESIDE" if name == "beside" else "PACK"
    done = bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=10.0, maps=maps, save=save)
    assert done == {"FINISHED"}


def photograph(path: Path, bumps: int):
    """The image of a new file beside the .blend file: so many bumps each way."""
    import bpy
    import numpy as np

    from tests.bridge.blender_data import saved_by_blender

    waves = np.sin(np.linspace(0, np.pi * bumps, SIDE))
    values = np.ones((SIDE, SIDE, 4))
    values[..., :3] = 0.7 + 0.25 * np.outer(waves, waves)[..., None]
    image = bpy.data.images.load(str(saved_by_blender(path, values)))
    image.filepath = f"//{path.name}"
    return image


def tiles(name: str, folder: Path, wall):
    """A set of two tiles; the wall shows both."""
    for bumps, number in enumerate((1001, 1002), 8):
        image = photograph(folder / f"{name}.{number}.png", bumps)
    image.filepath_raw, image.source = f"//{name}.<UDIM>.png", "TILED"
    for loop in wall.data.uv_layers[0].data:
        loop.uv.x *= 2
    return image


def add_light() -> None:
    """A sun from the left and a camera that sees all walls."""
    import bpy

    scene = bpy.context.scene
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.rotation_euler.y, sun.data.energy, sun.data.angle = -0.8, 3.0, 0.0
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", len(WALLS), (len(WALLS) / 2, 0.5, 2)
    for obj in (sun, camera):
        scene.collection.objects.link(obj)
    scene.camera = camera
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 16, False
    scene.cycles.max_bounces = 0
    scene.render.resolution_x, scene.render.resolution_y = SIDE * len(WALLS), SIDE
    scene.render.resolution_percentage = 100
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR"


def take_maps_away() -> None:
    import bpy

    for material in bpy.data.materials:
        for node in list(material.node_tree.nodes):
            if node.bl_idname in ("ShaderNodeNormalMap", "ShaderNodeDisplacement"):
                material.node_tree.nodes.remove(node)


def render(picture: Path) -> None:
    import bpy
    import numpy as np

    from tests.bridge.blender_data import pixels_of

    file = picture.with_suffix(".exr")
    bpy.context.scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    np.save(picture, pixels_of(bpy.data.images.load(str(file))))


def reopen(folder: Path, picture: Path) -> None:
    with tempfile.TemporaryDirectory() as resources:
        os.environ["BLENDER_USER_RESOURCES"] = resources
        import bpy

        bpy.ops.wm.open_mainfile(filepath=str(folder / FILE))
        assert not hasattr(bpy.types.Scene, "midas_normal")
        render(picture)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        reopen(Path(sys.argv[2]), Path(sys.argv[3]))
