"""Choose the materials that get the map, and what their textures are for: a shader gets the maps of its colour's picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import NO_MESSAGE, Message, TargetError
from ..image_pixels import VIEWER_TYPES
from ..map_metadata import ENDING, source_of
from .edits import Changes
from .map_nodes import image_of_node
from .traversal import NodeInstance, SocketInstance, feed, inputs_fed, node_instances, shaders_of, why_fixed


@dataclass(frozen=True)
class Targets:
    """The materials to be wired, in order, and sentences for the report."""

    materials: tuple[bpy.types.Material, ...] = ()
    sentences: tuple[Message, ...] = ()


def targets(target: str, image: bpy.types.Image, thing: bpy.types.Object | None,
            material: bpy.types.Material | None) -> Targets:
    """The materials for a value of the operators' property `target`: AUTO, ACTIVE_MATERIAL or NONE.

    thing, material: those that were active when the map was asked for, as far as they are there still.  AUTO is every
    material that uses the image, the object's first; for a render, or an image that nothing uses, the active material, else
    the one that the object has by now, made where it has none.
    """
    if target == "NONE":
        return Targets()
    if target == "ACTIVE_MATERIAL":
        return _only(material)
    if target == "AUTO":
        return _users(image, thing) or _of_object(image, thing, material)
    raise TargetError("There is no target {target!r}; it is one of AUTO, ACTIVE_MATERIAL, NONE.", target=target)


def unavailable_reason(material: bpy.types.Material) -> Message:
    """A sentence about a material that no map can be put into; "" where one can."""
    if material.is_grease_pencil:
        return Message("The material {material!r} is one for Grease Pencil, which shows no maps.", material=material.name)
    reason = why_fixed(material)
    if reason:
        return Message("The material {material!r} is {reason} and stays as it is.", material=material.name, reason=reason)
    return NO_MESSAGE


def uses_nodes(material: bpy.types.Material) -> bool:
    """Whether Blender looks at the material's nodes; from 5.0 on it always does, but never for Grease Pencil."""
    is_on = bpy.app.version >= (5, 0, 0) or material.use_nodes
    return material.node_tree is not None and is_on and not material.is_grease_pencil


def nodes_of(material: bpy.types.Material, changes: Changes) -> bpy.types.NodeTree:
    """The material's nodes; Blender looks at them from now on, and makes those of a new material where there are none."""
    if not uses_nodes(material):
        changes.set(material, "use_nodes", True)
    assert material.node_tree is not None
    return material.node_tree


def object_with(material: bpy.types.Material, thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """An object that has the material: this one if it does, else the first mesh of the file that does."""
    things = [thing] if thing else []
    things += [each for each in bpy.data.objects if each.type == "MESH"]
    return next((each for each in things if any(slot.material == material for slot in each.material_slots)), None)


def check_active_material(material: bpy.types.Material | None) -> None:
    """Raises TargetError when the target ACTIVE_MATERIAL is none that can have a map."""
    if material is None:
        raise TargetError("The active object has no material; give it one, or choose the target AUTO.")
    reason = unavailable_reason(material)
    if reason:
        raise TargetError("{reason} Choose another one, or the target Image only.", reason=reason)


def _only(material: bpy.types.Material | None) -> Targets:
    if material is None:
        return Targets(sentences=(Message("The material is no longer there, so the map is made but not wired."),))
    reason = unavailable_reason(material)
    return Targets(sentences=(reason,)) if reason else Targets((material,))


def _users(image: bpy.types.Image, thing: bpy.types.Object | None) -> Targets | None:
    """Those of the materials that use the image that can have the map; None when none uses it."""
    found = users_of(image, thing)
    if not found:
        return None
    return Targets(tuple(material for material in found if not unavailable_reason(material)),
                   tuple(reason for material in found if (reason := unavailable_reason(material))))


def users_of(image: bpy.types.Image, thing: bpy.types.Object | None) -> list[bpy.types.Material]:
    """All materials that use the image, the object's first."""
    found = [material for material in bpy.data.materials if _uses(material, image)]
    own = [slot.material for slot in thing.material_slots] if thing else []
    return sorted(found, key=lambda material: own.index(material) if material in own else len(own))


def _uses(material: bpy.types.Material, image: bpy.types.Image) -> bool:
    textures = (spot.node for spot in node_instances(material.node_tree)
                if isinstance(spot.node, bpy.types.ShaderNodeTexImage))
    return uses_nodes(material) and any(texture.image == image for texture in textures)


def _of_object(image: bpy.types.Image, thing: bpy.types.Object | None, material: bpy.types.Material | None) -> Targets:
    material = material or (thing.active_material if thing else None)
    if material is not None:
        return _only(material)
    if thing is None or thing.type != "MESH":
        return Targets(sentences=(Message("No mesh object is active, so the map is made but not wired."),))
    reason = why_fixed(thing) or why_fixed(thing.data)  # type: ignore[arg-type]
    if reason:
        return Targets(sentences=(Message("The object {object!r} is {reason} and gets no material.", object=thing.name,
                                          reason=reason),))
    return _made_for(image, thing)


def _made_for(image: bpy.types.Image, thing: bpy.types.Object) -> Targets:
    """A new material for the object, which shows the image; a render is no texture, so then it is plain."""
    is_render = image.type in VIEWER_TYPES
    material = bpy.data.materials.new("Material" if is_render else ENDING.sub("", image.name))
    principled = _principled(material)
    if not is_render:
        texture = material.node_tree.nodes.new("ShaderNodeTexImage")  # type: ignore[union-attr]
        texture.image = image  # type: ignore[union-attr]
        texture.location = (principled.location.x - 600, principled.location.y)
        material.node_tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])  # type: ignore[union-attr]
    thing.active_material = material
    return Targets((material,), (Message("The object {object!r} had no material and got {material!r}.", object=thing.name,
                                         material=material.name),))


def _principled(material: bpy.types.Material) -> bpy.types.Node:
    """The Principled BSDF that Blender puts into a new material's nodes."""
    if not uses_nodes(material):
        material.use_nodes = True
    return next(
        spot.node for spot in node_instances(material.node_tree) if spot.node.bl_idname == "ShaderNodeBsdfPrincipled"
    )


def colour_textures(materials: Iterable[bpy.types.Material]) -> list[bpy.types.Image]:
    """The images of all Image Texture nodes of materials, in groups too, but neither data nor maps of this extension."""
    found: dict[bpy.types.Image, None] = {}
    for material in materials:
        for spot in node_instances(material.node_tree) if uses_nodes(material) else ():
            image = image_of_node(spot.node)
            if image is not None and is_colour(image):
                found[image] = None
    return list(found)


def textures_of_objects(things: Iterable[bpy.types.Object]) -> dict[bpy.types.Image, bpy.types.Object]:
    """The colour textures of the objects' materials, each with the first object that wears it."""
    wearers: dict[bpy.types.Material, bpy.types.Object] = {}
    for thing in things:
        for slot in thing.material_slots:
            if slot.material is not None:
                wearers.setdefault(slot.material, thing)
    found: dict[bpy.types.Image, bpy.types.Object] = {}
    for material, thing in wearers.items():
        for image in colour_textures([material]):
            found.setdefault(image, thing)
    return found


COLOURS = ("Base Color", "Color")
"""Names of the inputs for the colour of a shader's surface."""

FACTORS = ("Fac", "Factor")
"""Names of the inputs that say how much a node does, rather than take what it works on."""


@dataclass(frozen=True)
class Role:
    """A texture that feeds an input of a shader, through whatever lies between."""

    texture: NodeInstance
    input: bpy.types.NodeSocket

    @property
    def image(self) -> bpy.types.Image:
        image = image_of_node(self.texture.node)
        assert image is not None
        return image


def roles(shader: NodeInstance) -> Iterator[Role]:
    """The textures that feed a shader: those of its colour, then those of its other colours, then all others.

    Of those that are mixed, what is mixed in comes last.
    """
    for socket in sorted((socket for socket in shader.node.inputs if socket.enabled), key=_rank):
        for texture in _textures(SocketInstance(socket, shader.groups), set()):
            yield Role(texture, socket)


def first_role(shader: NodeInstance) -> Role | None:
    """The texture from which a shader's maps are to be made, if any: none that is data, or a map of this extension."""
    return next((role for role in roles(shader) if is_colour(role.image)), None)


def is_colour(image: bpy.types.Image) -> bool:
    """Whether an image is a picture in colours, rather than data or a map of this extension."""
    return source_of(image) is None and not image.colorspace_settings.is_data  # type: ignore[union-attr]


def why_not_its_colour(source: bpy.types.Image, material: bpy.types.Material) -> Message:
    """Why no shader of a material is for the maps of the source, as a sentence; "" where one is."""
    firsts = [(shader, role) for shader in shaders_of(material.node_tree) if (role := first_role(shader))]
    if any(role.image == source for _, role in firsts):
        return NO_MESSAGE
    for shader, role in firsts:
        if any(other.image == source for other in roles(shader)):
            return left_to(role, shader, material)
    return no_role(source, material)


def left_to(role: Role, shader: NodeInstance, material: bpy.types.Material) -> Message:
    """A sentence that says which texture's maps a shader is for."""
    return Message("The shader {shader!r} of the material {material!r} is for the map of {image!r}, which feeds its "
                   "{input}.", shader=shader.node.name, material=material.name, image=role.image.name, input=role.input.name)


def no_role(source: bpy.types.Image, material: bpy.types.Material) -> Message:
    """A sentence about a source that no shader shows."""
    return Message("The image {image!r} feeds no shader of the material {material!r} as a picture.", image=source.name,
                   material=material.name)


def alpha_of(image: bpy.types.Image) -> str:
    """What an image's alpha is, one of `core.protocol.ALPHA_MEANINGS`: transparency only where a link takes it somewhere."""
    textures = [
        spot
        for material in bpy.data.materials
        if uses_nodes(material)
        for spot in node_instances(material.node_tree)
        if image_of_node(spot.node) == image
    ]
    if any(any(inputs_fed(SocketInstance(spot.node.outputs["Alpha"], spot.groups))) for spot in textures):
        return "TRANSPARENCY"
    return "OTHER" if textures else "UNKNOWN"


def _rank(socket: bpy.types.NodeSocket) -> int:
    return 0 if socket.name in COLOURS else 1 if socket.type == "RGBA" else 2


def _textures(plug: SocketInstance, seen: set[NodeInstance]) -> Iterator[NodeInstance]:
    """The Image Textures that feed an input, through the colours of nodes that have such, in the order of their inputs.

    What a Normal Map reads is a normal map, and no picture to make one of.
    """
    output = feed(plug).output
    if output is None or output.spot in seen or output.spot.node.bl_idname == "ShaderNodeNormalMap":
        return
    seen.add(output.spot)
    if image_of_node(output.spot.node) is not None:
        yield output.spot
        return
    inputs = [socket for socket in output.spot.node.inputs if socket.enabled]
    inputs = [socket for socket in inputs if socket.name not in FACTORS] or inputs
    for socket in [socket for socket in inputs if socket.type == "RGBA"] or inputs:
        yield from _textures(SocketInstance(socket, output.groups), seen)
