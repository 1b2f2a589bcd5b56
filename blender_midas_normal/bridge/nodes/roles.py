"""What the textures of a material are for: a shader gets the maps of the picture that is its colour before any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ...core.messages import NO_MESSAGE, Message
from ..results import source_of
from .graph import Plug, Spot, feed, inputs_fed, shaders_of, spots
from .materials import uses_nodes
from .showing import shown_in

COLOURS = ("Base Color", "Color")
"""Names of the inputs for the colour of a shader's surface."""

FACTORS = ("Fac", "Factor")
"""Names of the inputs that say how much a node does, rather than take what it works on."""


@dataclass(frozen=True)
class Role:
    """A texture that feeds an input of a shader, through whatever lies between."""

    texture: Spot
    input: bpy.types.NodeSocket

    @property
    def image(self) -> bpy.types.Image:
        image = shown_in(self.texture.node)
        assert image is not None
        return image


def roles(shader: Spot) -> Iterator[Role]:
    """The textures that feed a shader: those of its colour, then those of its other colours, then all others.

    Of those that are mixed, what is mixed in comes last.
    """
    for socket in sorted((socket for socket in shader.node.inputs if socket.enabled), key=_rank):
        for texture in _textures(Plug(socket, shader.groups), set()):
            yield Role(texture, socket)


def first_role(shader: Spot) -> Role | None:
    """The texture from which a shader's maps are to be made, if any: none that is data, or a map of this extension."""
    return next((role for role in roles(shader) if is_colour(role.image)), None)


def is_colour(image: bpy.types.Image) -> bool:
    """Whether an image is a picture in colours, rather than data or a map of this extension."""
    return source_of(image) is None and not image.colorspace_settings.is_data  # type: ignore[union-attr]


def reason_against(source: bpy.types.Image, material: bpy.types.Material) -> Message:
    """Why no shader of a material is for the maps of the source, as a sentence; "" where one is."""
    firsts = [(shader, role) for shader in shaders_of(material.node_tree) if (role := first_role(shader))]
    if any(role.image == source for _, role in firsts):
        return NO_MESSAGE
    for shader, role in firsts:
        if any(other.image == source for other in roles(shader)):
            return left_to(role, shader, material)
    return no_role(source, material)


def left_to(role: Role, shader: Spot, material: bpy.types.Material) -> Message:
    """A sentence that says which texture's maps a shader is for."""
    return Message("The shader {shader!r} of the material {material!r} is for the map of {image!r}, which feeds its "
                   "{input}.", shader=shader.node.name, material=material.name, image=role.image.name, input=role.input.name)


def no_role(source: bpy.types.Image, material: bpy.types.Material) -> Message:
    """A sentence about a source that no shader shows."""
    return Message("The image {image!r} feeds no shader of the material {material!r} as a picture.", image=source.name,
                   material=material.name)


def alpha_of(image: bpy.types.Image) -> str:
    """What an image's alpha is, one of `core.protocol.ALPHAS`: transparency only where a link takes it somewhere."""
    textures = [spot for material in bpy.data.materials if uses_nodes(material) for spot in spots(material.node_tree)
                if shown_in(spot.node) == image]
    if any(any(inputs_fed(Plug(spot.node.outputs["Alpha"], spot.groups))) for spot in textures):
        return "TRANSPARENCY"
    return "OTHER" if textures else "UNKNOWN"


def _rank(socket: bpy.types.NodeSocket) -> int:
    return 0 if socket.name in COLOURS else 1 if socket.type == "RGBA" else 2


def _textures(plug: Plug, seen: set[Spot]) -> Iterator[Spot]:
    """The Image Textures that feed an input, through the colours of nodes that have such, in the order of their inputs.

    What a Normal Map reads is a normal map, and no picture to make one of.
    """
    output = feed(plug).output
    if output is None or output.spot in seen or output.spot.node.bl_idname == "ShaderNodeNormalMap":
        return
    seen.add(output.spot)
    if shown_in(output.spot.node) is not None:
        yield output.spot
        return
    inputs = [socket for socket in output.spot.node.inputs if socket.enabled]
    inputs = [socket for socket in inputs if socket.name not in FACTORS] or inputs
    for socket in [socket for socket in inputs if socket.type == "RGBA"] or inputs:
        yield from _textures(Plug(socket, output.groups), seen)
