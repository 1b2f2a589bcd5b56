"""Make small image files, images, renders and materials in Blender, for tests."""

from __future__ import annotations

import struct
import zlib

import bpy
import numpy as np


def rgba(height=3, width=5, seed=0):
    """Return random values: H x W x 4 float64 in 0.25..1, rows top-down."""
    return np.random.default_rng(seed).uniform(0.25, 1.0, (height, width, 4))


def write_png(path, values, depth=16):
    """Write a PNG file with alpha from H x W x 4 values in 0..1."""
    height, width, _ = values.shape
    rows = np.rint(values * (2 ** depth - 1)).astype(f">u{depth // 8}").reshape(height, -1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, 0))
                     + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def saved_by_blender(path, values):
    """Let Blender save an 8-bit PNG file from H x W x 4 values in 0..1."""
    image = bpy.data.images.new("saved", values.shape[1], values.shape[0], alpha=True)
    image.pixels.foreach_set(values[::-1].astype(np.float32).ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def pixels_of_file(path):
    """Read a file as data: H x W x 4, rows top-down."""
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.is_data = True
    values = pixels_of(image)
    bpy.data.images.remove(image)
    return values


def pixels_of(image):
    """Return an image's pixels as H x W x 4, rows top-down."""
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], 4)[::-1]


def linear(encoded):
    """Convert sRGB to scene-linear."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def render_plane(colour=(0.5, 0.25, 0.75), size=(8, 6)):
    """Render an even background."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.world = scene.world or bpy.data.worlds.new("World")
    if bpy.app.version < (5, 0):
        scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (*colour, 1.0)
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    bpy.ops.render.render()
    return bpy.data.images["Render Result"]


def rendered(texture, size, path, corner=(0, 0)):
    """Render an Image Texture on the active plane with Cycles, one value for each of the picture's pixels.

    Args:
        size: (width, height) of the picture.
        path: the file to render into.
        corner: the UV coordinates of the plane's corner.

    Returns:
        H x W x 3, rows top-down.
    """
    scene, plane, tree = bpy.context.scene, bpy.context.view_layer.objects.active, texture.id_data
    for loop, (u, v) in zip(plane.data.uv_layers[0].data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        loop.uv = corner[0] + u, corner[1] + v
    texture.interpolation = "Closest"
    light = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(texture.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.camera.location, scene.camera.data.type, scene.camera.data.ortho_scale = (0.5, 0.5, 1), "ORTHO", 1
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    side = 3 * size[0] * size[1]  # square, as the plane is, and the middle of every pixel is the middle of some of its own
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.resolution_percentage, scene.view_settings.view_transform = 100, "Raw"
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth = "PNG", "16"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    across, down = side // size[0], side // size[1]
    return pixels_of_file(path)[down // 2::down, across // 2::across, :3]


def add_material(name="Wall"):
    """Add a plane with a material of a Principled BSDF, and make it active."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], [], [(0, 1, 2, 3)])
    mesh.uv_layers.new(name="UVMap")
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    mesh.materials.append(material)
    return material


def feed_base_color(material, image, between="direct"):
    """Link an image to Base Color, directly or through a node; returns the last node before the shader."""
    tree = material.node_tree
    target = tree.nodes["Principled BSDF"].inputs["Base Color"]
    if between == "group":
        return _feed_from_group(tree, target, image)
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.location = image, (-300, 300)
    last, output = texture, texture.outputs["Color"]
    if between == "reroute":
        last = tree.nodes.new("NodeReroute")
        tree.links.new(output, last.inputs[0])
        output = last.outputs[0]
    elif between == "mix":
        last = tree.nodes.new("ShaderNodeMix")
        last.data_type = "RGBA"
        tree.links.new(output, last.inputs[6])
        output = last.outputs[2]
    tree.links.new(output, target)
    return last


def use_alpha(texture):
    """Link an Image Texture's alpha to the shader, so that it counts as transparency."""
    tree = texture.id_data
    tree.links.new(texture.outputs["Alpha"], tree.nodes["Principled BSDF"].inputs["Alpha"])


def _feed_from_group(tree, target, image):
    inside = bpy.data.node_groups.new("Bricks", "ShaderNodeTree")
    inside.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    texture = inside.nodes.new("ShaderNodeTexImage")
    texture.image = image
    inside.links.new(texture.outputs["Color"], inside.nodes.new("NodeGroupOutput").inputs["Color"])
    group = tree.nodes.new("ShaderNodeGroup")
    group.node_tree = inside
    tree.links.new(group.outputs["Color"], target)
    return group


def add_linked_material(image, folder):
    """Add a material linked from another file, whose base colour shows a copy of the image."""
    other = bpy.data.materials.new("Linked")
    if bpy.app.version < (5, 0):
        other.use_nodes = True
    feed_base_color(other, image)
    path = str(folder / "library.blend")
    bpy.data.libraries.write(path, {other})
    bpy.data.materials.remove(other)
    with bpy.data.libraries.load(path, link=True) as (_, loaded):
        loaded.materials = ["Linked"]
    return loaded.materials[0]


def add_overriding_material(image, folder):
    """Add a library override of such a material, which shows the linked copy of the image."""
    linked = add_linked_material(image, folder)
    override = linked.override_create(remap_local_usages=True)
    assert override.override_library and not override.library
    return override


def add_pencil_material(name="Pencil"):
    """Add a material for Grease Pencil, which from 5.0 on has nodes that Blender does not use."""
    material = bpy.data.materials.new(name)
    bpy.data.materials.create_gpencil_data(material)
    return material
