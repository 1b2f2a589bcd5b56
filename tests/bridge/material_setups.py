"""Materials as users build them: each of SHAPES makes one that uses the image, and returns the shaders that must get the
map, with their groups.
"""

from __future__ import annotations

import bpy
import numpy as np
from bl_ext.user_default.midas_normal.bridge.nodes.traversal import SocketInstance, find_link_source
from bl_ext.user_default.midas_normal.client.result_files import ResultFiles
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from blender_data import feed_base_color

FLAT = ResultFiles(encode_png(np.full((4, 4, 3), 32768, np.uint16), 1))
"""A map that is flat everywhere, 4 x 4."""

WIRED = ["NormalMap", "TexImage"]
"""The `chain` of a shader with a wired map."""


def chain(shader, groups=()):
    """Return the types of the nodes before a shader's Normal, nearest first, and the image at their end."""
    node_types, input_socket = [], SocketInstance(shader.inputs["Normal"], groups)
    while True:
        output = find_link_source(input_socket).output
        if output is None:
            return node_types, None
        node = output.node
        node_types.append(node.bl_idname.removeprefix("ShaderNode"))
        if node.bl_idname == "ShaderNodeTexImage":
            return node_types, node.image
        input_socket = SocketInstance(node.inputs["Normal" if node.bl_idname == "ShaderNodeBump" else "Color"],
                                      output.groups)


def node(tree, node_type, **settings):
    new = tree.nodes.new(f"ShaderNode{node_type}")
    for name, value in settings.items():
        setattr(new, name, value)
    return new


def principled(material):
    return material.node_tree.nodes["Principled BSDF"]


def texture_of(tree, image):
    return next(node for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage" and node.image == image)


def user_map(tree, target):
    """A normal map of the user's own, wired to an input."""
    texture = node(tree, "TexImage", image=bpy.data.images.new("mine", 4, 4))
    normal = node(tree, "NormalMap")
    tree.links.new(texture.outputs["Color"], normal.inputs["Color"])
    tree.links.new(normal.outputs["Normal"], target)
    return texture


def plain(material, image):
    feed_base_color(material, image)
    return [(principled(material), ())]


def through_reroute(material, image):
    feed_base_color(material, image, "reroute")
    return [(principled(material), ())]


def in_frame(material, image):
    texture = feed_base_color(material, image)
    frame = material.node_tree.nodes.new("NodeFrame")
    frame.location = (-700, 200)
    texture.parent, texture.location = frame, (50, -50)
    return [(principled(material), ())]


def image_in_group(material, image):
    feed_base_color(material, image, "group")
    return [(principled(material), ())]


def image_in_nested_group(material, image):
    inner = feed_base_color(material, image, "group").node_tree
    outer = bpy.data.node_groups.new("Outer", "ShaderNodeTree")
    outer.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    group = node(outer, "Group", node_tree=inner)
    outer.links.new(group.outputs["Color"], outer.nodes.new("NodeGroupOutput").inputs["Color"])
    used, tree = material.node_tree.nodes["Group"], material.node_tree
    used.node_tree = outer
    tree.links.new(used.outputs["Color"], principled(material).inputs["Base Color"])
    return [(principled(material), ())]


def shader_in_group(material, image):
    tree, inside = material.node_tree, bpy.data.node_groups.new("Paint", "ShaderNodeTree")
    inside.interface.new_socket("Color", in_out="INPUT", socket_type="NodeSocketColor")
    inside.interface.new_socket("BSDF", in_out="OUTPUT", socket_type="NodeSocketShader")
    shader = node(inside, "BsdfPrincipled")
    inside.links.new(inside.nodes.new("NodeGroupInput").outputs["Color"], shader.inputs["Base Color"])
    inside.links.new(shader.outputs[0], inside.nodes.new("NodeGroupOutput").inputs["BSDF"])
    group = node(tree, "Group", node_tree=inside)
    texture = node(tree, "TexImage", image=image)
    tree.links.new(texture.outputs["Color"], group.inputs["Color"])
    tree.links.new(group.outputs["BSDF"], tree.nodes["Material Output"].inputs["Surface"])
    return [(shader, (group,))]


def all_in_group(material, image):
    (shader, groups), = shader_in_group(material, image)
    inside = groups[0].node_tree
    texture = node(inside, "TexImage", image=image)
    inside.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    material.node_tree.nodes.remove(texture_of(material.node_tree, image))
    return [(shader, groups)]


def two_shaders(material, image):
    texture, tree = feed_base_color(material, image), material.node_tree
    diffuse, mix = node(tree, "BsdfDiffuse"), node(tree, "MixShader")
    tree.links.new(texture.outputs["Color"], diffuse.inputs["Color"])
    tree.links.new(principled(material).outputs[0], mix.inputs[1])
    tree.links.new(diffuse.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return [(principled(material), ()), (diffuse, ())]


def diffuse_and_mix(material, image):
    shaders = two_shaders(material, image)[1:]
    tree = material.node_tree
    tree.nodes.remove(principled(material))
    return shaders


def rgb_curves(material, image):
    texture, tree = feed_base_color(material, image), material.node_tree
    curves = node(tree, "RGBCurve")
    tree.links.new(texture.outputs["Color"], curves.inputs["Color"])
    tree.links.new(curves.outputs["Color"], principled(material).inputs["Base Color"])
    return [(principled(material), ())]


def roughness_only(material, image):
    texture, tree = feed_base_color(material, image), material.node_tree
    tree.links.remove(texture.outputs["Color"].links[0])
    tree.links.new(texture.outputs["Color"], principled(material).inputs["Roughness"])
    return [(principled(material), ())]


def unconnected(material, image):
    node(material.node_tree, "TexImage", image=image)
    return [(principled(material), ())]


def unused(material, image):
    return [(principled(material), ())]


def bare_normal_map(material, image):
    feed_base_color(material, image)
    tree = material.node_tree
    tree.links.new(node(tree, "NormalMap").outputs["Normal"], principled(material).inputs["Normal"])
    return [(principled(material), ())]


def dangling_reroute(material, image):
    feed_base_color(material, image)
    tree = material.node_tree
    tree.links.new(tree.nodes.new("NodeReroute").outputs[0], principled(material).inputs["Normal"])
    return [(principled(material), ())]


def own_map_replaced(material, image):
    feed_base_color(material, image)
    user_map(material.node_tree, principled(material).inputs["Normal"])
    return [(principled(material), ())]


def no_shader(material, image):
    material.node_tree.nodes.clear()
    return None


SHAPES = (plain, through_reroute, in_frame, image_in_group, image_in_nested_group, shader_in_group, all_in_group,
          two_shaders, diffuse_and_mix, rgb_curves, roughness_only, unconnected, unused, bare_normal_map, dangling_reroute,
          own_map_replaced, no_shader)
