"""The whole path against real geometry: a bump off the centre, lit from the left and from the top."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

SIDE = 128
STRENGTH = 10.0
RELIEF = 2.74 / 512
LIGHTS = {"left": (0, math.radians(-45), 0), "top": (math.radians(-45), 0, 0)}


def heights(n):
    """A bump of height 1, rows from the bottom up as Blender's; not symmetric about anything."""
    v, u = (np.mgrid[:n, :n] + 0.5) / n
    return np.exp(-((u - 0.35) ** 2 + (v - 0.6) ** 2) / (2 * 0.09 ** 2))


def picture():
    """The bump as brightness, in floats that are display-referred, so that luminance sees exactly these heights."""
    image = bpy.data.images.new("bump", SIDE, SIDE, float_buffer=True, is_data=True)
    values = np.ones((SIDE, SIDE, 4), np.float32)
    values[..., :3] = heights(SIDE)[..., None]
    image.pixels.foreach_set(values.ravel())
    return image


def white_material(image=None):
    """White and dull; the image, if any, feeds the colour."""
    material = bpy.data.materials.new("white")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    shader, output = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
    links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    if image is not None:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = image
        links.new(texture.outputs["Color"], shader.inputs["Color"])
    return material


def plane(material):
    bpy.ops.mesh.primitive_plane_add(size=1)
    bpy.context.object.data.materials.append(material)
    return bpy.context.object


def relief(material):
    """The bump as a mesh, as high as the map claims it to be."""
    bpy.ops.mesh.primitive_grid_add(size=1, x_subdivisions=256, y_subdivisions=256)
    obj = bpy.context.object
    for vertex in obj.data.vertices:
        x, y = vertex.co.x + 0.5, vertex.co.y + 0.5
        vertex.co.z = RELIEF * STRENGTH * math.exp(-((x - 0.35) ** 2 + (y - 0.6) ** 2) / (2 * 0.09 ** 2))
    obj.data.polygons.foreach_set("use_smooth", [True] * len(obj.data.polygons))
    obj.data.materials.append(material)
    return obj


def lit(path, only, light):
    """Linear brightness, rows from the top down, of one object under a sun from one side."""
    scene = bpy.context.scene
    for obj in scene.objects:
        obj.hide_render = obj != only
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", 1.0, (0, 0, 2)
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.rotation_euler, sun.data.energy, sun.data.angle = LIGHTS[light], 3.0, 0.0
    for obj in (camera, sun):
        scene.collection.objects.link(obj)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces = 4, 0
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.resolution_percentage = 100
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    values = np.empty(SIDE * SIDE * 4, np.float32)
    image.pixels.foreach_get(values)
    for obj in (camera, sun):
        bpy.data.objects.remove(obj)
    return values.reshape(SIDE, SIDE, 4)[::-1, :, 0]


@pytest.mark.slow
@pytest.mark.parametrize("convention", ["OPENGL", "DIRECTX", "OBJECT"])
def test_the_lit_map_looks_like_real_geometry(tmp_path, convention):
    image = picture()
    material = white_material(image)
    flat = plane(material)
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=STRENGTH, tileable="OFF", convention=convention)
    shader = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfDiffuse")
    assert shader.inputs["Normal"].is_linked
    material.node_tree.links.remove(shader.inputs["Color"].links[0])
    mesh = relief(white_material())
    for light in LIGHTS:
        mapped = lit(tmp_path / f"map_{light}.exr", flat, light)
        true = lit(tmp_path / f"mesh_{light}.exr", mesh, light)
        assert np.ptp(true) > 0.2
        assert np.corrcoef(mapped.ravel(), true.ravel())[0, 1] > 0.99, light
        assert np.abs(mapped - true).mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 180])
def test_a_plane_without_a_uv_map_is_lit_right_in_object_space(tmp_path, turn):
    """Where tangents have nothing to follow; also on an object that is turned about the camera's axis."""
    image = picture()
    material = white_material(image)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture = next(node for node in nodes if node.bl_idname == "ShaderNodeTexImage")
    links.new(nodes.new("ShaderNodeTexCoord").outputs["Generated"], texture.inputs["Vector"])
    flat, mesh = plane(material), relief(white_material())
    flat.data.uv_layers.remove(flat.data.uv_layers[0])
    for obj in (flat, mesh):
        obj.rotation_euler[2] = math.radians(turn)
    bpy.context.view_layer.objects.active = flat
    bpy.ops.midas_normal.generate(engine="LUMINANCE", strength=STRENGTH, tileable="OFF", convention="OBJECT")
    links.remove(texture.outputs["Color"].links[0])
    for light in LIGHTS:
        mapped, true = lit(tmp_path / f"map_{light}.exr", flat, light), lit(tmp_path / f"mesh_{light}.exr", mesh, light)
        assert np.ptp(true) > 0.2
        assert np.corrcoef(mapped.ravel(), true.ravel())[0, 1] > 0.99, light
        assert np.abs(mapped - true).mean() < 0.01
