"""Find the Bump or Displacement node that a picture feeds, read how high its heights are, and wire a normal map instead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Color

from ...core.errors import Message, Phrase, SourceError, TargetError
from ...core.settings import Settings
from ..image_pixels import is_data, size_of
from ..map_metadata import HeightReading
from .edits import NodeEdits, place_node
from .linear import NotLinearError
from .map_nodes import image_of_node, normal_map_properties
from .mapping import TOLERANCE, Mapping, apply_transforms, mapping_of, transform_messages, transforms_of
from .materials import HEIGHT_NODES, find_object_with, material_unavailable_reason
from .normal_map import WiringReport, copy_mapping, wire_normal_map
from .picture_values import evaluate_constant, evaluate_number
from .traversal import (
    NodeInstance,
    SocketInstance,
    find_link_source,
    linked_output,
    node_instances,
    read_only_reason,
    tree_of,
    upstream_nodes,
)
from .uv_size import UVSize, uv_size

BUMP, DISPLACEMENT = HEIGHT_NODES

MAX_HEIGHT_SCALE, MAX_STRENGTH = 10.0, 10.0
"""Limits of the settings height_scale and strength, which multiply each other."""

MAX_SKEW = 0.05
"""Cosine of the angle between u and v on a mesh above which the user is warned."""


@dataclass(frozen=True)
class BumpReading:
    """What a normal map needs that shades as a Bump or Displacement node does.

    instance, texture: the node, and the Image Texture that feeds its Height.
    settings: those of the engine HEIGHT.
    strength: of the Normal Map node; None where something feeds the Bump node's Strength.
    messages: what the user should know.
    """

    instance: NodeInstance
    texture: NodeInstance
    settings: Settings
    heights: HeightReading
    strength: float | None
    messages: tuple[Message, ...]

    @property
    def image(self) -> bpy.types.Image:
        """The picture that feeds the node."""
        image = image_of_node(self.texture.node)
        assert image is not None
        return image


def height_nodes(tree: bpy.types.NodeTree | None) -> list[NodeInstance]:
    """Return the Bump and Displacement nodes of a tree, in groups too, whose Height a picture feeds."""
    return [instance for instance in node_instances(tree) if instance.node.bl_idname in HEIGHT_NODES
            and any(image_of_node(upstream.node) for upstream in upstream_nodes(_input(instance, "Height")))]


def find_height_node(material: bpy.types.Material, name: str, active: bpy.types.Node | None) -> NodeInstance:
    """Find the Bump or Displacement node of a material that is meant.

    Args:
        name: that of the node, "" for the active one, else the only one.
        active: the active node, if any.

    Raises:
        TargetError: where there is none, or several.
    """
    instances = height_nodes(material.node_tree)
    named = [instance for instance in instances if (instance.node.name == name if name else instance.node == active)]
    chosen = named if name else named or instances
    if not chosen:
        raise TargetError("The material {material!r} has no Bump or Displacement node whose Height a picture feeds.",
                          material=material.name)
    if len({instance.node for instance in chosen}) > 1:
        raise TargetError("The material {material!r} has several nodes of this kind, {nodes}; make one of them active.",
                          material=material.name, nodes=", ".join(repr(instance.node.name) for instance in chosen))
    return chosen[0]


def read_bump(material: bpy.types.Material, instance: NodeInstance, obj: bpy.types.Object | None) -> BumpReading:
    """Read how high a node's heights are, as a share of its picture on the mesh of an object.

    Args:
        obj: the object by which the texture is measured where it has the material; else another that has it.

    Raises:
        TargetError: where no normal map shades as the node does.
        SourceError: where the picture's values are not known.
    """
    node: Any = instance.node
    if node.mute:
        raise TargetError("The node {node!r} is muted, so it shades nothing.", node=node.name)
    texture, weights, is_animated = _read_height(instance)
    mapping = _uv_mapping(texture)
    obj = find_object_with(material, obj)
    size = uv_size(obj, material, mapping.uv_layer or "") if obj else None
    if obj is None or size is None:
        raise TargetError("No mesh with the material {material!r} has a UV layer by which {texture!r} could be measured.",
                          material=material.name, texture=texture.node.name)
    is_bump = node.bl_idname == BUMP
    is_in_world = is_bump or node.space == "WORLD"
    factor, changes = _constant(instance, "Distance" if is_bump else "Scale")
    factor *= float(weights.sum() if weights.sum() else np.abs(weights).sum())
    weights = weights / weights.sum() if weights.sum() else weights / np.abs(weights).sum()
    factor *= (-1 if is_bump and node.invert else 1) * (size.height_factor if is_in_world else 1)
    image = image_of_node(texture.node)
    assert image is not None
    height_scale, pixel_aspect, messages = _scale_on_surface(texture, mapping, size, image)
    height_scale *= abs(factor)
    strength = max(1.0, height_scale / MAX_HEIGHT_SCALE)
    if strength > MAX_STRENGTH:
        raise TargetError("The relief of {node!r} is {factor:.0f} times as high as the picture's shorter side is long, too "
                          "steep for a normal map.", node=node.name, factor=height_scale)
    settings = Settings(engine="HEIGHT", height_scale=height_scale / strength, strength=strength, invert=factor < 0,
                        tileable="AUTO" if texture.node.extension == "REPEAT" else "OFF")  # type: ignore[attr-defined]
    made_for = Message("On {object!r}, the height {scale:.4g} of the picture's shorter side shades as {node!r} does.",
                       object=obj.name, scale=height_scale, node=node.name)
    reading = _reading_of_colours(image, texture, weights, pixel_aspect)
    messages = [made_for, *messages, *_messages_about_others(material, obj, size, mapping.uv_layer or "")]
    if is_animated or changes or mapping.is_animated:
        messages.append(Message("The heights of {node!r} are animated; the map shows them as they are now.", node=node.name))
    strength_of_node = _strength_of(instance) if is_bump else 1.0
    return BumpReading(instance, texture, settings, reading, strength_of_node, tuple(messages))


def _input(instance: NodeInstance, name: str) -> SocketInstance:
    return SocketInstance(instance.node.inputs[name], instance.groups)


def _read_height(instance: NodeInstance) -> tuple[NodeInstance, np.ndarray, bool]:
    """Return the texture that feeds a node's Height, its colours' weights, and whether they are animated."""
    node = instance.node
    try:
        value = evaluate_number(_input(instance, "Height"))
    except NotLinearError as error:
        raise TargetError("The Height of {node!r} is no sum of a picture's colours, because of the node {other!r}; only "
                          "Separate Color, RGB to BW, Invert, Map Range and Math that adds and multiplies may lie between.",
                          node=node.name, other=error.node.name) from None
    if len(value.textures) != 1 or not value.weights.any():
        raise TargetError("The Height of {node!r} depends on {count} textures; it must be one.", node=node.name,
                          count=len(value.textures) if value.weights.any() else 0)
    if node.bl_idname == DISPLACEMENT and find_link_source(_input(instance, "Normal")).output is not None:
        raise TargetError("The node {node!r} displaces along what feeds its Normal, which a normal map cannot show.",
                          node=node.name)
    texture, = value.textures
    if texture.node.interpolation == "Closest":  # type: ignore[attr-defined]
        raise TargetError("The texture {texture!r} is not interpolated, so that its relief is nothing but steps; set it to "
                          "Linear.", texture=texture.node.name)
    return texture, value.weights, value.is_animated


def _constant(instance: NodeInstance, name: str) -> tuple[float, bool]:
    """Return the number at an input, and whether it changes with time; raises TargetError where it is no constant."""
    try:
        return evaluate_constant(_input(instance, name))
    except NotLinearError:
        raise TargetError("The {input} of {node!r} is not the same all over the surface; give it a number.", input=name,
                          node=instance.node.name) from None


def _strength_of(instance: NodeInstance) -> float | None:
    strength = _input(instance, "Strength")
    if find_link_source(strength).output is not None:
        return None
    return max(0.0, _constant(instance, "Strength")[0])


def _uv_mapping(texture: NodeInstance) -> Mapping:
    """Return the mapping of a texture; raises TargetError where it is not laid by a UV layer."""
    mapping = mapping_of(texture)
    node: Any = texture.node
    if node.projection != "FLAT" or mapping.uv_layer is None or mapping.obstacle is not None:
        raise TargetError("The texture {texture!r} is not laid flat by a UV layer, so its size on the mesh is not known.",
                          texture=node.name)
    if abs(float(np.linalg.det(mapping.matrix))) < TOLERANCE ** 2:
        raise TargetError("The texture {texture!r} shows only one line or point of its picture.", texture=node.name)
    return mapping


def _scale_on_surface(texture: NodeInstance, mapping: Mapping, size: UVSize,
                      image: bpy.types.Image) -> tuple[float, float, list[Message]]:
    """Return the height scale of heights of 1, in the object's units, and the aspect of pixels, with messages.

    What the texture's mapping does to slopes, but for its mean scale, is left to the nodes that transform the map's vectors.
    """
    width, height = size_of(image)
    if width * height == 0:
        raise SourceError("The image {image!r} has no pixels.", image=image.name)
    repeats = math.sqrt(abs(float(np.linalg.det(mapping.matrix))))
    pixel, pixel_height = size.u / width, size.v / height  # of a texture that is mapped as the layer is
    messages = []
    (along, across), (up_across, up) = np.abs(mapping.matrix) > TOLERANCE
    if not along and not up:
        pixel, pixel_height = pixel_height, pixel  # turned by a right angle
    aspect = pixel / pixel_height
    is_turned = (along or up) and (across or up_across)
    if (is_turned and not np.isclose(aspect, 1, atol=MAX_SKEW)) or abs(size.skew) > MAX_SKEW:
        messages.append(Message("The picture of {texture!r} is sheared on the mesh, which the map follows on average only.",
                                texture=texture.node.name))
    if np.isclose(aspect, 1, atol=1e-3):
        aspect = 1.0
    elif is_turned:
        pixel, aspect = math.sqrt(pixel * pixel_height), 1.0
    return repeats / (pixel * min(width, height)), aspect, messages


def _reading_of_colours(image: bpy.types.Image, texture: NodeInstance, weights: np.ndarray,
                        pixel_aspect: float) -> HeightReading:
    """Say how the colours of an image become the numbers that nodes see; raises SourceError where that is not known."""
    if is_data(image):
        return HeightReading(_triple(weights), False, pixel_aspect)
    if image.alpha_mode not in ("NONE", "CHANNEL_PACKED") and any(
            not link.is_muted for link in texture.node.outputs["Alpha"].links or ()):
        raise SourceError("The colours of {image!r} depend on its alpha where that is linked; set its Alpha to Channel "
                          "Packed.", image=image.name)
    if image.is_float:
        return HeightReading(_triple(weights), False, pixel_aspect)
    space = image.colorspace_settings
    if space is None or space.name != "sRGB":
        raise SourceError("The image {image!r} has a colour space whose values are not known here; set it to Non-Color.",
                          image=image.name)
    columns = [Color(unit).from_rec709_linear_to_scene_linear() for unit in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    return HeightReading(_triple(np.array(columns) @ weights), True, pixel_aspect)


def _triple(weights: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = weights.tolist()
    return red, green, blue


def _messages_about_others(material: bpy.types.Material, obj: bpy.types.Object, size: UVSize,
                           uv_layer: str) -> list[Message]:
    """Tell the user of other objects with the material on which the texture has another size."""
    others = [other for other in bpy.data.objects if other != obj and other.type == "MESH"
              and any(slot.material == material for slot in other.material_slots)]
    sizes = {other: uv_size(other, material, uv_layer) for other in others}
    unlike = [other.name for other, its in sizes.items() if its is not None and not its.is_like(size)]
    if not unlike:
        return []
    return [Message("The map is for {object!r}; the texture has another size on {count} other objects, such as {other!r}, "
                    "where it is too steep or too flat.", object=obj.name, count=len(unlike), other=unlike[0])]


def check_can_wire(material: bpy.types.Material, bump: BumpReading) -> None:
    """Raise TargetError where a normal map cannot take the place of the node."""
    reason = material_unavailable_reason(material)
    if reason:
        raise TargetError(reason)
    node, tree = bump.instance.node, tree_of(bump.instance.node)
    if bump.instance.groups and (read_only_reason(tree) or tree.users - tree.use_fake_user > 1):
        raise TargetError("The node {node!r} is in the group {group!r}, which is used in other places too or cannot be "
                          "changed; make the group single-user.", node=node.name, group=tree.name)
    if node.bl_idname == DISPLACEMENT:
        return
    if bump.texture.groups != bump.instance.groups:
        raise TargetError("The node {node!r} and its texture {texture!r} are in different groups; put them into one.",
                          node=node.name, texture=bump.texture.node.name)
    start = SocketInstance(_chain_of_bumps(bump.instance)[-1].inputs["Normal"], bump.instance.groups)
    below = find_link_source(start).output
    if below is not None:
        raise TargetError("The node {node!r} lies over the normals of {other!r}, which a normal map in its place would "
                          "hide; make the map without wiring it.", node=node.name, other=below.node.name)


def _chain_of_bumps(instance: NodeInstance) -> list[bpy.types.Node]:
    """Return a Bump node and those that feed its Normal directly, nearest first."""
    chain = [instance.node]
    while True:
        before = linked_output(chain[-1].inputs["Normal"])
        if before is None or before.node is None or before.node.bl_idname != BUMP or before.node in chain:
            return chain
        chain.append(before.node)


def wire_instead(material: bpy.types.Material, bump: BumpReading, map_image: bpy.types.Image, replace: bool) -> WiringReport:
    """Let a Normal Map node shade instead of a Bump or Displacement node, which stays in its tree, unlinked.

    Bump nodes that feed its Normal stay where they are, on top of the map.  When it fails, the material stays as it was.

    Args:
        replace: of a Displacement node, whether other normal maps of the user's are replaced.

    Raises:
        TargetError: as `check_can_wire`.
    """
    check_can_wire(material, bump)
    output = bump.instance.node.outputs[0]
    targets = [link.to_socket for link in output.links or () if link.to_socket is not None and not link.is_muted]
    if not targets:
        return WiringReport(False, (Message("The node {node!r} feeds nothing, so the map is not wired.",
                                            node=bump.instance.node.name),))
    if bump.instance.node.bl_idname == DISPLACEMENT:
        report = wire_normal_map(material, bump.image, map_image, "OPENGL", replace)
        if not report.done:
            return report
        with NodeEdits() as edits:
            for target in targets:
                edits.unlink(target)
        return WiringReport(True, (*report.messages, _unlinked_message(material, bump)))
    with NodeEdits() as edits:
        normal = _add_normal_map(bump, map_image, targets[0].node, edits)
        chain = _chain_of_bumps(bump.instance)
        if len(chain) > 1:
            edits.link(normal.outputs["Normal"], chain[-1].inputs["Normal"])
            normal = chain[1]
        for target in targets:
            edits.link(normal.outputs["Normal"], target)
    return WiringReport(True, (_unlinked_message(material, bump), *transform_messages(bump.texture, "OPENGL")))


def _add_normal_map(bump: BumpReading, map_image: bpy.types.Image, shader: bpy.types.Node | None,
                    edits: NodeEdits) -> bpy.types.Node:
    """Add an Image Texture with the map and a Normal Map node, mapped and as strong as the Bump node's."""
    tree = tree_of(bump.instance.node)
    image, normal = edits.node(tree, "ShaderNodeTexImage"), edits.node(tree, "ShaderNodeNormalMap")
    edits.set(image, "image", map_image)
    layer = mapping_of(bump.texture).uv_layer
    for name, value in {**normal_map_properties("OPENGL"), "uv_map": layer or ""}.items():
        edits.set(normal, name, value)
    edits.link(image.outputs["Color"], normal.inputs["Color"])
    strength = linked_output(bump.instance.node.inputs["Strength"])
    if strength is not None:
        edits.link(strength, normal.inputs["Strength"])
    elif bump.strength is not None:
        edits.set(normal.inputs["Strength"], "default_value", bump.strength)
    copy_mapping(bump.texture, image, edits)
    apply_transforms(NodeInstance(normal, bump.instance.groups), image, transforms_of(bump.texture, "OPENGL"), edits)
    place_node(image, normal, bump.texture.node, shader)
    return normal


def _unlinked_message(material: bpy.types.Material, bump: BumpReading) -> Message:
    return Message("The map shades instead of {node!r} of the material {material!r}; the node is still there, unlinked.",
                   node=bump.instance.node.name, material=material.name)


def strength_messages(bump: BumpReading) -> list[Message]:
    """Tell the user which Strength a Normal Map node needs that reads the map; empty for 1."""
    if bump.strength == 1:
        return []
    strength = Phrase("that which feeds it there") if bump.strength is None else f"{bump.strength:.4g}"
    return [Message("For the same look, the Normal Map node needs the Strength of {node!r}: {strength}.",
                    node=bump.instance.node.name, strength=strength)]
