"""A tileable relief of sine waves with known slopes: its normal map, its lit render, and materials that map it variously."""

from __future__ import annotations

import math

import bpy
import numpy as np
from bl_ext.user_default.midas_normal.bridge import map_images
from bl_ext.user_default.midas_normal.client.result_files import ResultFiles
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from material_setups import node

WAVES = ((0.05, 1, 0, 0.4), (0.04, 0, 1, 1.1), (0.025, 1, 2, 2.0), (0.02, 2, -1, 0.3))
"""Heights in sides of the picture, periods to the right and up, and phases; their sum has no rotational symmetry."""

LIGHTS = {"left": (-1.0, 0.0, 1.0), "top": (0.0, 1.0, 1.0)}
"""Directions towards the sun."""

RESOLUTION = 64


def slopes(u, v, aspect=1.0):
    """Return the slopes to the right and up at the picture's coordinates u, v; aspect: width by height."""
    across = sum(height * 2 * math.pi * x * np.cos(2 * math.pi * (x * u + y * v) + phase) for height, x, y, phase in WAVES)
    up = sum(height * 2 * math.pi * y * np.cos(2 * math.pi * (x * u + y * v) + phase) for height, x, y, phase in WAVES)
    return across / aspect, up


def waves(aspect=1, is_directx=False):
    """Return the picture, and its stored normal map."""
    source = bpy.data.images.new("waves", 64 * aspect, 64)
    v, u = (np.mgrid[:128, :128 * aspect] + 0.5) / 128
    across, up = slopes(u / aspect, v, aspect)
    normals = np.dstack([-across, up if is_directx else -up, np.ones_like(up)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    values = np.rint((normals[::-1] * 0.5 + 0.5) * 65535).astype(np.uint16)
    return source, map_images.store_map(source, ResultFiles(encode_png(values, 1)), {}, {"map": "NORMAL"})


def plane(material, width=1.0):
    """Add a plane from the origin to (width, 1) with the layer "UV" from 0 to 1, and make it active."""
    mesh = bpy.data.meshes.new("plane")
    mesh.from_pydata([(0, 0, 0), (width, 0, 0), (width, 1, 0), (0, 1, 0)], [], [(0, 1, 2, 3)])
    for loop, uv in zip(mesh.uv_layers.new(name="UV").data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        loop.uv = uv
    obj = bpy.data.objects.new("plane", mesh)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    mesh.materials.append(material)
    return obj


def lit(path, light, width=1.0):
    """Render the lit plane from above: RESOLUTION x RESOLUTION, rows bottom-up, 1 where it is flat."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", max(width, 1.0), (width / 2, 0.5, 2)
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    x, y, _ = LIGHTS[light]
    sun.rotation_euler, sun.data.energy, sun.data.angle = (-math.pi / 4 * y, math.pi / 4 * x, 0), math.pi * math.sqrt(2), 0.0
    for obj in (camera, sun):
        scene.collection.objects.link(obj)
    scene.camera, scene.render.engine = camera, "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces, scene.cycles.use_denoising = 16, 0, False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = RESOLUTION, RESOLUTION, 100
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format, scene.render.filepath = "OPEN_EXR", str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path), check_existing=False)
    values = np.empty(RESOLUTION * RESOLUTION * 4, np.float32)
    image.pixels.foreach_get(values)
    for owner, item in ((bpy.data.images, image), (bpy.data.objects, camera), (bpy.data.objects, sun)):
        owner.remove(item)
    return values.reshape(RESOLUTION, RESOLUTION, 4)[..., 0]


def expected(light, matrix=((1, 0), (0, 1)), shift=(0, 0), aspect=1.0):
    """Compute the same for real geometry mapped by picture = matrix @ uv + shift, scaled by the mean side length.

    Args:
        aspect: of the picture, and of the plane, on which it would be undistorted without the matrix.
    """
    v, u = (np.mgrid[:RESOLUTION, :RESOLUTION] + 0.5) / RESOLUTION
    v = (v - 0.5) * max(aspect, 1.0) + 0.5
    matrix = np.array(matrix, float)
    x, y = np.einsum("ij,jrc->irc", matrix, np.stack([u, v]))
    across, up = slopes(x + shift[0], y + shift[1], aspect)
    pixels = np.diag((aspect, 1.0)) @ matrix @ np.diag((1 / aspect, 1.0))
    x, y = np.einsum("ji,jrc->irc", pixels / math.sqrt(abs(np.linalg.det(pixels))), np.stack([across, up]))
    normals = np.dstack([-x, -y, np.ones_like(x)]) / np.sqrt(x * x + y * y + 1)[..., None]
    on_plane = (v >= 0) & (v <= 1)
    return np.where(on_plane, np.maximum(normals @ np.array(LIGHTS[light]), 0), np.nan)


def material_with(source):
    """Make a white diffuse material with a texture of the source that has no effect on the colour."""
    material = bpy.data.materials.new("Wall")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shader, output = node(tree, "BsdfDiffuse"), node(tree, "OutputMaterial")
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    white = node(tree, "Mix", data_type="RGBA")
    white.inputs[0].default_value, white.inputs[7].default_value = 1.0, (1, 1, 1, 1)
    texture = node(tree, "TexImage", image=source)
    tree.links.new(texture.outputs["Color"], white.inputs[6])
    tree.links.new(white.outputs[2], shader.inputs["Color"])
    return material, texture


def mapped(texture, rotation=0.0, scale=(1, 1, 1), location=(0, 0, 0), vector_type="POINT", vector=None):
    """Put a Mapping node in front of a texture's Vector input."""
    tree = texture.id_data
    mapping = node(tree, "Mapping", vector_type=vector_type)
    if vector_type in ("POINT", "TEXTURE"):
        mapping.inputs["Location"].default_value = location
    mapping.inputs["Rotation"].default_value = (0, 0, math.radians(rotation))
    mapping.inputs["Scale"].default_value = scale
    if texture.inputs["Vector"].is_linked:
        before = texture.inputs["Vector"].links[0].from_socket
    else:
        before = vector or node(tree, "TexCoord").outputs["UV"]
    tree.links.new(before, mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    return mapping


def own(texture, **properties):
    """Set the texture's own mapping."""
    for name, value in properties.items():
        setattr(texture.texture_mapping, name, value)


def in_group(material, texture, **exposed):
    """Move the texture into a group, with a Mapping node whose inputs the group exposes with these values."""
    tree, inside = material.node_tree, bpy.data.node_groups.new("Bricks", "ShaderNodeTree")
    for name in ("Vector", *exposed):
        inside.interface.new_socket(name, in_out="INPUT", socket_type="NodeSocketVector")
    inside.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    entrance, mapping, inner = inside.nodes.new("NodeGroupInput"), node(inside, "Mapping"), node(inside, "TexImage")
    inner.image = texture.image
    for name in ("Vector", *exposed):
        inside.links.new(entrance.outputs[name], mapping.inputs[name])
    inside.links.new(mapping.outputs["Vector"], inner.inputs["Vector"])
    inside.links.new(inner.outputs["Color"], inside.nodes.new("NodeGroupOutput").inputs["Color"])
    group = node(tree, "Group", node_tree=inside)
    for name, value in exposed.items():
        group.inputs[name].default_value = value
    tree.links.new(group.outputs["Color"], texture.outputs["Color"].links[0].to_socket)
    tree.links.new(node(tree, "TexCoord").outputs["UV"], group.inputs["Vector"])
    tree.nodes.remove(texture)
    return group, mapping
