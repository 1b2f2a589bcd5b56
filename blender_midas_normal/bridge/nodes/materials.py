"""Choose the materials that get a map, and find which texture is the colour of a shader, whose maps it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import NO_MESSAGE, Message, TargetError
from ..image_pixels import VIEWER_TYPES
from ..map_metadata import FILE_SUFFIX, source_of
from .edits import NodeEdits
from .map_nodes import image_of_node
from .traversal import (
    NodeInstance,
    SocketInstance,
    downstream_inputs,
    find_link_source,
    node_instances,
    read_only_reason,
    shaders_of,
)

COLOUR_INPUTS = ("Base Color", "Color")
"""Names of the inputs for the colour of a shader."""

FACTOR_INPUTS = ("Fac", "Factor")
"""Names of the inputs that weight what a node does, rather than give what it works on."""

HEIGHT_NODES = ("ShaderNodeBump", "ShaderNodeDisplacement")
"""Nodes with an input Height."""


@dataclass(frozen=True)
class TargetMaterials:
    """The materials to be wired, in order, and messages for the report."""

    materials: tuple[bpy.types.Material, ...] = ()
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class TextureRole:
    """A texture and an input of a shader that it feeds, directly or through other nodes."""

    texture: NodeInstance
    input: bpy.types.NodeSocket

    @property
    def image(self) -> bpy.types.Image:
        image = image_of_node(self.texture.node)
        assert image is not None
        return image


def find_target_materials(target: str, image: bpy.types.Image, obj: bpy.types.Object | None,
                          material: bpy.types.Material | None) -> TargetMaterials:
    """Find the materials for a value of the operators' property `target`.

    Args:
        target: AUTO for every material that uses the image, the object's first; for a render, or an image that no
            material uses, `material`, else that of the object, which gets a new one where it has none.
            ACTIVE_MATERIAL for `material`; NONE for none.
        obj: the object that was active when the map was requested, None where it is gone.
        material: the material that was active then, None where it is gone.
    """
    if target == "NONE":
        return TargetMaterials()
    if target == "ACTIVE_MATERIAL":
        return _single_material(material)
    return _materials_showing(image, obj) or _material_of_object(image, obj, material)


def material_unavailable_reason(material: bpy.types.Material) -> Message:
    """Say why no map can be put into a material; "" where one can."""
    if material.is_grease_pencil:
        return Message("The material {material!r} is one for Grease Pencil, which shows no maps.", material=material.name)
    reason = read_only_reason(material)
    if reason:
        return Message("The material {material!r} is {reason} and stays as it is.", material=material.name, reason=reason)
    return NO_MESSAGE


def uses_nodes(material: bpy.types.Material) -> bool:
    """Whether Blender uses the material's nodes; from 5.0 on it always does, except for Grease Pencil."""
    is_on = bpy.app.version >= (5, 0, 0) or material.use_nodes
    return material.node_tree is not None and is_on and not material.is_grease_pencil


def ensure_nodes(material: bpy.types.Material, edits: NodeEdits) -> bpy.types.NodeTree:
    """Return the material's node tree, with `use_nodes` turned on, which makes a tree where there is none."""
    if not uses_nodes(material):
        edits.set(material, "use_nodes", True)
    assert material.node_tree is not None
    return material.node_tree


def find_object_with(material: bpy.types.Material, obj: bpy.types.Object | None) -> bpy.types.Object | None:
    """Find an object that has the material: the given one if it does, else the first mesh object of the file that does."""
    objects = [obj] if obj else []
    objects += [other for other in bpy.data.objects if other.type == "MESH"]
    return next((owner for owner in objects if any(slot.material == material for slot in owner.material_slots)), None)


def check_active_material(material: bpy.types.Material | None) -> None:
    """Raise TargetError where no map can be put into the active material."""
    if material is None:
        raise TargetError("The active object has no material; give it one, or choose the target AUTO.")
    reason = material_unavailable_reason(material)
    if reason:
        raise TargetError("{reason} Choose another one, or the target Image only.", reason=reason)


def _single_material(material: bpy.types.Material | None) -> TargetMaterials:
    if material is None:
        return TargetMaterials(messages=(Message("The material is no longer there, so the map is made but not wired."),))
    reason = material_unavailable_reason(material)
    return TargetMaterials(messages=(reason,)) if reason else TargetMaterials((material,))


def _materials_showing(image: bpy.types.Image, obj: bpy.types.Object | None) -> TargetMaterials | None:
    """Return those of the materials that use the image that can have the map; None where no material uses it."""
    users = materials_using(image, obj)
    if not users:
        return None
    return TargetMaterials(tuple(material for material in users if not material_unavailable_reason(material)),
                           tuple(reason for material in users if (reason := material_unavailable_reason(material))))


def materials_using(image: bpy.types.Image, obj: bpy.types.Object | None) -> list[bpy.types.Material]:
    """Return all materials that use the image, the object's first."""
    users = [material for material in bpy.data.materials if _uses(material, image)]
    own = [slot.material for slot in obj.material_slots] if obj else []
    return sorted(users, key=lambda material: own.index(material) if material in own else len(own))


def _uses(material: bpy.types.Material, image: bpy.types.Image) -> bool:
    textures = (instance.node for instance in node_instances(material.node_tree)
                if isinstance(instance.node, bpy.types.ShaderNodeTexImage))
    return uses_nodes(material) and any(texture.image == image for texture in textures)


def _material_of_object(image: bpy.types.Image, obj: bpy.types.Object | None,
                        material: bpy.types.Material | None) -> TargetMaterials:
    material = material or (obj.active_material if obj else None)
    if material is not None:
        return _single_material(material)
    if obj is None or obj.type != "MESH":
        return TargetMaterials(messages=(Message("No mesh object is active, so the map is made but not wired."),))
    reason = read_only_reason(obj) or read_only_reason(obj.data)  # type: ignore[arg-type]
    if reason:
        return TargetMaterials(messages=(Message("The object {object!r} is {reason} and gets no material.", object=obj.name,
                                                 reason=reason),))
    return _add_material(image, obj)


def _add_material(image: bpy.types.Image, obj: bpy.types.Object) -> TargetMaterials:
    """Give the object a new material that shows the image; a plain one for a render, which is no texture."""
    is_render = image.type in VIEWER_TYPES
    material = bpy.data.materials.new("Material" if is_render else FILE_SUFFIX.sub("", image.name))
    principled = _principled(material)
    if not is_render:
        texture = material.node_tree.nodes.new("ShaderNodeTexImage")  # type: ignore[union-attr]
        texture.image = image  # type: ignore[union-attr]
        texture.location = (principled.location.x - 600, principled.location.y)
        material.node_tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])  # type: ignore[union-attr]
    obj.active_material = material
    return TargetMaterials((material,), (Message("The object {object!r} had no material and got {material!r}.",
                                                 object=obj.name,
                                                 material=material.name),))


def _principled(material: bpy.types.Material) -> bpy.types.Node:
    """Return the Principled BSDF that Blender puts into a new material's nodes."""
    if not uses_nodes(material):
        material.use_nodes = True
    nodes = (instance.node for instance in node_instances(material.node_tree))
    return next(node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")


def colour_textures(materials: Iterable[bpy.types.Material]) -> list[bpy.types.Image]:
    """Return the images of the materials' Image Textures, in groups too, without data and maps of this extension."""
    images: dict[bpy.types.Image, None] = {}
    for material in materials:
        for instance in node_instances(material.node_tree) if uses_nodes(material) else ():
            image = image_of_node(instance.node)
            if image is not None and is_colour_image(image):
                images[image] = None
    return list(images)


def textures_of_objects(objects: Iterable[bpy.types.Object]) -> dict[bpy.types.Image, bpy.types.Object]:
    """Map the colour textures of the objects' materials to the first object that has each."""
    object_by_material: dict[bpy.types.Material, bpy.types.Object] = {}
    for obj in objects:
        for slot in obj.material_slots:
            if slot.material is not None:
                object_by_material.setdefault(slot.material, obj)
    object_by_image: dict[bpy.types.Image, bpy.types.Object] = {}
    for material, obj in object_by_material.items():
        for image in colour_textures([material]):
            object_by_image.setdefault(image, obj)
    return object_by_image


def texture_roles(shader: NodeInstance) -> Iterator[TextureRole]:
    """Yield the textures that feed a shader: those of its colour, then of its other colour inputs, then all others.

    Of textures that are mixed, the one that is mixed in comes last.
    """
    for socket in sorted((socket for socket in shader.node.inputs if socket.enabled), key=_input_rank):
        for texture in _textures(SocketInstance(socket, shader.groups), set()):
            yield TextureRole(texture, socket)


def map_source_role(shader: NodeInstance) -> TextureRole | None:
    """Return the first texture of a shader from which maps can be made: neither data nor a map of this extension."""
    return next((role for role in texture_roles(shader) if is_colour_image(role.image)), None)


def is_colour_image(image: bpy.types.Image) -> bool:
    """Whether an image holds colours, rather than data or a map of this extension."""
    return source_of(image) is None and not image.colorspace_settings.is_data  # type: ignore[union-attr]


def other_role_reason(source: bpy.types.Image, material: bpy.types.Material) -> Message:
    """Say why no shader of a material takes the maps of the source; "" where one does."""
    shader_roles = [(shader, role) for shader in shaders_of(material.node_tree) if (role := map_source_role(shader))]
    if any(role.image == source for _, role in shader_roles):
        return NO_MESSAGE
    for shader, role in shader_roles:
        if any(other.image == source for other in texture_roles(shader)):
            return other_texture_message(role, shader, material)
    return no_role_message(source, material)


def other_texture_message(role: TextureRole, shader: NodeInstance, material: bpy.types.Material) -> Message:
    """Say which texture's maps a shader takes."""
    return Message("The shader {shader!r} of the material {material!r} is for the map of {image!r}, which feeds its "
                   "{input}.", shader=shader.node.name, material=material.name, image=role.image.name, input=role.input.name)


def no_role_message(source: bpy.types.Image, material: bpy.types.Material) -> Message:
    """Say that no shader shows the source."""
    return Message("The image {image!r} feeds no shader of the material {material!r} as a picture.", image=source.name,
                   material=material.name)


def alpha_of(image: bpy.types.Image) -> str:
    """Say what an image's alpha means, one of `core.protocol.ALPHA_MEANINGS`: transparency only where it is linked."""
    textures = [
        instance
        for material in bpy.data.materials
        if uses_nodes(material)
        for instance in node_instances(material.node_tree)
        if image_of_node(instance.node) == image
    ]
    if any(any(downstream_inputs(SocketInstance(instance.node.outputs["Alpha"], instance.groups))) for instance in textures):
        return "TRANSPARENCY"
    return "OTHER" if textures else "UNKNOWN"


def feeds_height(image: bpy.types.Image) -> bool:
    """Whether an image of data feeds the height of a Bump or Displacement node."""
    return image.colorspace_settings.is_data and any(  # type: ignore[union-attr]
        reached.socket.name == "Height" and reached.node.bl_idname in HEIGHT_NODES
        for material in bpy.data.materials if uses_nodes(material)
        for instance in node_instances(material.node_tree) if image_of_node(instance.node) == image
        for reached in downstream_inputs(SocketInstance(instance.node.outputs["Color"], instance.groups)))


def _input_rank(socket: bpy.types.NodeSocket) -> int:
    return 0 if socket.name in COLOUR_INPUTS else 1 if socket.type == "RGBA" else 2


def _textures(input_socket: SocketInstance, seen: set[NodeInstance]) -> Iterator[NodeInstance]:
    """Yield the Image Textures that feed an input, through the colour inputs of nodes that have such, in their order.

    What a Normal Map node reads is left out, because it is a normal map already.
    """
    output = find_link_source(input_socket).output
    if output is None or output.node_instance in seen or output.node.bl_idname == "ShaderNodeNormalMap":
        return
    seen.add(output.node_instance)
    if image_of_node(output.node) is not None:
        yield output.node_instance
        return
    inputs = [socket for socket in output.node.inputs if socket.enabled]
    inputs = [socket for socket in inputs if socket.name not in FACTOR_INPUTS] or inputs
    for socket in [socket for socket in inputs if socket.type == "RGBA"] or inputs:
        yield from _textures(SocketInstance(socket, output.groups), seen)
