"""Wire a map into a material: Image Texture -> Normal Map -> the Normal of each shader that the source feeds."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ...core.errors import Message
from .edits import Changes, below, link_across_groups, place_node
from .map_nodes import about_convention, image_of_node
from .mapping import reads_through_turns, turn, turns_of
from .materials import nodes_of, unavailable_reason
from .traversal import (
    NodeInstance,
    SocketInstance,
    feed,
    inputs_of_outputs,
    is_normal_shader,
    linked_output,
    node_instances,
    surfaces,
    tree_inside,
    tree_of,
)
from .wiring_plan import WiringTarget, plan

SAME = ("projection", "projection_blend", "extension")
SAME_MAPPING = ("vector_type", "translation", "rotation", "scale", "min", "max", "use_min", "use_max", "mapping_x",
                "mapping_y", "mapping_z", "mapping")
SAME_FRAMES = ("frame_start", "frame_offset", "frame_duration", "use_cyclic", "use_auto_refresh")
"""Settings in which the map's Image Texture follows the source's, those of its texture mapping, and those of its frames."""


def copy_mapping(texture: NodeInstance, image: bpy.types.Node, changes: Changes) -> None:
    """An Image Texture lies on the surface as another one in the same tree does."""
    for name in SAME:
        changes.set(image, name, getattr(texture.node, name))
    closest = texture.node.interpolation == "Closest"  # type: ignore[attr-defined]
    changes.set(image, "interpolation", "Closest" if closest else "Linear")
    for part, names in (("texture_mapping", SAME_MAPPING), ("image_user", SAME_FRAMES)):
        for name in names:
            changes.set(getattr(image, part), name, getattr(getattr(texture.node, part), name))
    vector = linked_output(texture.node.inputs["Vector"])
    if vector:
        changes.link(vector, image.inputs["Vector"])
    else:
        changes.unlink(image.inputs["Vector"])


def has_same_mapping(texture: bpy.types.Node, image: bpy.types.Node) -> bool:
    """Whether an Image Texture lies as another one in the same tree does."""
    own = all(getattr(texture.texture_mapping, name) == getattr(image.texture_mapping, name)  # type: ignore[attr-defined]
              for name in SAME_MAPPING)
    return (own and all(getattr(texture, name) == getattr(image, name) for name in SAME)
            and linked_output(texture.inputs["Vector"]) == linked_output(image.inputs["Vector"]))


@dataclass(frozen=True)
class WiringReport:
    """Whether the map is wired to at least one shader, and sentences for the user."""

    done: bool
    sentences: tuple[Message, ...] = ()


@dataclass(frozen=True)
class MapNodes:
    """The two nodes of a wired map."""

    image: bpy.types.Node
    normal: bpy.types.Node


def wire_normal_map(
    material: bpy.types.Material,
    source: bpy.types.Image,
    map_image: bpy.types.Image,
    convention: str = "OPENGL",
    replace: bool = False,
    is_one_of_many: bool = False,
) -> WiringReport:
    """Wires the map into the material, or updates the wiring; nothing stays half done.

    replace: normal maps of the user's own give way; is_one_of_many: as for `plan`.
    A ControlNet map is never wired: it would shade black.
    """
    if convention == "CONTROLNET":
        return WiringReport(False, (Message("A ControlNet map is not wired, because Blender would shade it black; choose "
                                            "OPENGL for a map to be wired."),))
    reason = unavailable_reason(material)
    if reason:
        return WiringReport(False, (reason,))
    with Changes() as changes:
        if not is_one_of_many:
            _ensure_shader(material, changes)
        wishes, sentences = plan(material, source, map_image, convention, replace, is_one_of_many)
        for wish in wishes:
            _fulfil(wish, material, map_image, convention, changes)
    if wishes:
        sentences.append(Message("Wired {map!r} to {shaders} of the material {material!r}.", map=map_image.name,
                                 shaders=_names(wishes), material=material.name))
        sentences += about_convention(convention)
    return WiringReport(bool(wishes), tuple(sentences))


def _names(wishes: list[WiringTarget]) -> str:
    return ", ".join(dict.fromkeys(repr(wish.shader.node.name) for wish in wishes))


def _ensure_shader(material: bpy.types.Material, changes: Changes) -> None:
    """A material without any shader gets a Principled BSDF; one that is a volume alone has no surface to shade."""
    tree = nodes_of(material, changes)
    ends = surfaces(tree)
    if any(map(_is_fed, (*ends, *inputs_of_outputs(tree, "Volume")))) or any(is_normal_shader(spot.node)
                                                                             for spot in node_instances(tree)):
        return
    surface_inputs = [end.socket for end in ends] or [changes.node(tree, "ShaderNodeOutputMaterial").inputs["Surface"]]
    output = surface_inputs[0].node
    principled = changes.node(tree, "ShaderNodeBsdfPrincipled")
    principled.location = (output.location.x - 300, output.location.y)  # type: ignore[union-attr]
    for surface_input in surface_inputs:
        changes.link(principled.outputs[0], surface_input)


def _is_fed(plug: SocketInstance) -> bool:
    return feed(plug).output is not None


def _pair_nearby(wish: WiringTarget, tree: bpy.types.NodeTree, map_image: bpy.types.Image) -> MapNodes | None:
    """Nodes with the map in the tree that can serve this shader too: those of the same texture, judged by its mapping."""
    source = image_of_node(wish.texture.node) if wish.texture else None
    is_only = sum(image_of_node(node) == source for node in tree.nodes) < 2
    for image in tree.nodes:
        if image_of_node(image) == map_image and (is_only or _lies_right(image, wish)):
            for normal in tree.nodes:
                if normal.bl_idname == "ShaderNodeNormalMap" and reads_through_turns(normal, image):
                    return MapNodes(image, normal)
    return None


def _lies_right(image: bpy.types.Node, wish: WiringTarget) -> bool:
    return has_same_mapping(wish.texture.node, image) if wish.texture else linked_output(image.inputs["Vector"]) is None


def _fulfil(
    wish: WiringTarget, material: bpy.types.Material, map_image: bpy.types.Image, convention: str, changes: Changes
) -> None:
    pair = _pair_of(wish, material, map_image, changes)
    changes.set(pair.image, "image", map_image)
    for name, value in wish.settings_of_normal(convention).items():
        changes.set(pair.normal, name, value)
    if wish.image is None and wish.normal is None:
        link_across_groups(SocketInstance(pair.normal.outputs["Normal"], wish.home), wish.target, "Normal", changes)
    elif wish.image is None:
        link_across_groups(SocketInstance(pair.image.outputs["Color"], wish.home), wish.target, "Normal Map", changes)
    if wish.texture and wish.maps_alike:
        copy_mapping(wish.texture, pair.image, changes)
        turn(wish.normal or NodeInstance(pair.normal, wish.home), pair.image, turns_of(wish.texture, convention), changes)


def _pair_of(wish: WiringTarget, material: bpy.types.Material, map_image: bpy.types.Image, changes: Changes) -> MapNodes:
    """The nodes that the shader has already, or those of another one, or new ones."""
    tree = tree_inside(wish.home, material)
    if wish.normal is None:
        return _pair_nearby(wish, tree, map_image) or _new_pair(wish, tree, map_image, changes)
    image = wish.image.node if wish.image else _image_for(wish, tree, map_image, changes)
    return MapNodes(image, wish.normal.node)


def _new_pair(wish: WiringTarget, tree: bpy.types.NodeTree, map_image: bpy.types.Image, changes: Changes) -> MapNodes:
    image = _unlinked_image(tree, map_image) or changes.node(tree, "ShaderNodeTexImage")
    normal = changes.node(tree, "ShaderNodeNormalMap")
    changes.link(image.outputs["Color"], normal.inputs["Color"])
    shader = wish.target.spot.node if wish.target.tree == tree else None
    place_node(image, normal, _texture_in(tree, wish), shader)
    return MapNodes(image, normal)


def _image_for(wish: WiringTarget, tree: bpy.types.NodeTree, map_image: bpy.types.Image, changes: Changes) -> bpy.types.Node:
    """The Image Texture for a Normal Map node that is there."""
    image = _unlinked_image(tree, map_image)
    if image is None:
        image = changes.node(tree, "ShaderNodeTexImage")
        below(image, _texture_in(tree, wish))
    return image


def _unlinked_image(tree: bpy.types.NodeTree, map_image: bpy.types.Image) -> bpy.types.Node | None:
    """An Image Texture with the map, left over from earlier; a muted link is none."""
    return next((node for node in tree.nodes if image_of_node(node) == map_image
                 and all(link.is_muted for link in node.outputs["Color"].links or ())), None)


def _texture_in(tree: bpy.types.NodeTree, wish: WiringTarget) -> bpy.types.Node | None:
    return wish.texture.node if wish.texture and tree_of(wish.texture.node) == tree else None
