"""What is to be wired: which shaders get a map, where in their chains of normals, and why others do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import NO_MESSAGE, Message
from .edits import is_marked, shared_depth
from .map_nodes import image_node, image_of_node, is_ours, node_words, reads_only, upstream_image
from .mapping import about_mapping, about_turns, mapping_of
from .materials import first_role, left_to, no_role, roles
from .traversal import (
    GroupPath,
    LinkSource,
    NodeInstance,
    SocketInstance,
    feed,
    inputs_behind,
    inputs_fed,
    is_normal_shader,
    linked_output,
    node_instances,
    normal_shaders_of,
    tree_of,
    why_fixed,
)


@dataclass(frozen=True)
class WiringTarget:
    """One shader that gets the map.

    texture: a node that shows the source, if any does.
    end: the beginning of the shader's chain of normals, behind the Bump nodes, which keep their places.
    normal: the Normal Map node there that reads the map already, or can; None where one is to be made.
    image: the Image Texture through which it reads the map already; that may have lost its image.
    target: the input to be linked where there is no such image: the Color of `normal`, or a Normal where that is None.
    """

    shader: NodeInstance
    texture: NodeInstance | None
    end: LinkSource
    normal: NodeInstance | None
    image: NodeInstance | None
    target: SocketInstance

    @property
    def home(self) -> GroupPath:
        """The groups inside which new nodes belong."""
        return self.texture.groups if self.texture else self.target.groups

    def settings_of_normal(self, convention: str) -> dict[str, str]:
        """The properties of the Normal Map node, with their values: it reads the map as it is, where the texture lies."""
        layer = mapping_of(self.texture).uv_layer if self.texture and self.maps_alike else None
        if layer or (self.maps_alike and (self.normal is None or is_marked(self.normal.node))):
            return {**node_words(convention), "uv_map": layer or ""}
        return node_words(convention)  # a user's own node may name the layer that is active

    @property
    def maps_alike(self) -> bool:
        """Whether the map's Image Texture is, or will be, in the tree of the source's, and can lie as that does."""
        return self.texture is not None and (self.image is None or tree_of(self.image.node) == tree_of(self.texture.node))


def plan(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image | None, convention: str,
         replace: bool, is_one_of_many: bool = False) -> tuple[list[WiringTarget], list[Message]]:
    """What is to be done, and sentences about what is not and why.

    map_image: None where it is still to be made.
    is_one_of_many: a shader is left to the texture that is its colour, unless it has the source's map already.
    """
    wishes: list[WiringTarget] = []
    sentences: list[Message] = []
    shaders = normal_shaders_of(material.node_tree)
    if not shaders:
        sentences.append(Message("The material {material!r} has no shader with a Normal input, so the map is not wired.",
                                 material=material.name))
    textures = [spot for spot in node_instances(material.node_tree) if image_of_node(spot.node) == source]
    fed = _fed(textures, shaders)
    for shader in fed or shaders:
        texture, names = fed.get(shader, (textures[0] if textures else None, ""))
        wish = _wish(shader, texture, material, map_image, replace)
        reason = _reason_against(wish, map_image, convention, replace)
        if not reason and is_one_of_many:
            reason = _reason_to_leave(wish, source, material, map_image)
        if reason:
            sentences.append(reason)
            continue
        wishes.append(wish)
        sentences += _about_muted_link(wish)
        if names:
            sentences.append(Message("The image {image!r} feeds only {inputs} of {shader!r}; the map is wired to it all the "
                                     "same.", image=source.name, inputs=names, shader=shader.node.name))
        if wish.texture and wish.maps_alike:
            sentences += (*about_mapping(wish.texture, convention), *about_turns(wish.texture, convention))
    return wishes, list(dict.fromkeys(sentences))


def _fed(textures: list[NodeInstance], shaders: list[NodeInstance]) -> dict[NodeInstance, tuple[NodeInstance, str]]:
    """Those of the shaders that textures feed, each with the first that does; by which inputs, where none is for colours."""
    found: dict[NodeInstance, tuple[NodeInstance, str]] = {}
    for texture in textures:
        for shader, sockets in _inputs_fed(texture).items():
            if shader in shaders and shader not in found:
                is_colour = any(socket.type == "RGBA" for socket in sockets)
                found[shader] = texture, "" if is_colour else ", ".join(sorted({socket.name for socket in sockets}))
    return found


def _inputs_fed(texture: NodeInstance) -> dict[NodeInstance, list[bpy.types.NodeSocket]]:
    """The shaders that a texture feeds, with the inputs by which it does."""
    found: dict[NodeInstance, list[bpy.types.NodeSocket]] = {}
    seen = {texture}
    waiting = [texture]
    while waiting:
        spot = waiting.pop(0)
        for plug in (plug for output in spot.node.outputs for plug in inputs_fed(SocketInstance(output, spot.groups))):
            if is_normal_shader(plug.spot.node):
                found.setdefault(plug.spot, []).append(plug.socket)
            elif plug.spot not in seen:
                seen.add(plug.spot)
                waiting.append(plug.spot)
    return found


def _reason_to_leave(wish: WiringTarget, source: bpy.types.Image, material: bpy.types.Material,
                     map_image: bpy.types.Image | None) -> Message:
    """Why the shader is for the map of another texture, or for none; "" where it is for this one, or has it already."""
    if wish.image is not None and image_of_node(wish.image.node) == map_image:
        return NO_MESSAGE
    first = first_role(wish.shader)
    if first is not None and first.image == source:
        return NO_MESSAGE
    if first is not None and any(role.image == source for role in roles(wish.shader)):
        return left_to(first, wish.shader, material)
    return no_role(source, material)


def _wish(
    shader: NodeInstance,
    texture: NodeInstance | None,
    material: bpy.types.Material,
    map_image: bpy.types.Image | None,
    replace: bool,
) -> WiringTarget:
    target, end = _beginning(shader, texture)
    there = end.output.spot if end.output else None
    if there is None or there.node.bl_idname != "ShaderNodeNormalMap":
        return WiringTarget(shader, texture, end, None, None, target)
    colour = _last_within_reach(SocketInstance(there.node.inputs["Color"], there.groups), texture)
    if is_ours(there, material, map_image):
        return WiringTarget(shader, texture, end, there, image_node(there), colour)
    takes_pictures = replace and len(colour.groups) < len(there.groups)  # by an input of its group
    return WiringTarget(shader, texture, end, there if takes_pictures else None, None, colour if takes_pictures else target)


def _beginning(shader: NodeInstance, texture: NodeInstance | None) -> tuple[SocketInstance, LinkSource]:
    """Where a shader's chain of normals can be linked to something else, and what feeds it there, behind Bump nodes."""
    while True:
        normal = SocketInstance(shader.node.inputs["Normal"], shader.groups)
        end = feed(normal)
        if end.output is None or end.output.spot.node.bl_idname != "ShaderNodeBump":
            return _last_within_reach(normal, texture), end
        shader = end.output.spot


def _last_within_reach(plug: SocketInstance, texture: NodeInstance | None) -> SocketInstance:
    """The furthest of the inputs behind one that can be linked to nodes beside the texture.

    One outside a group that the texture is in cannot: the link would come out of the group and go back into it.
    """
    before = plug
    for behind in inputs_behind(plug):
        is_outside = len(behind.groups) < len(before.groups)
        if texture and is_outside and shared_depth(texture.groups, before.groups) == len(before.groups):
            break
        before = behind
    return before


def _reason_against(wish: WiringTarget, map_image: bpy.types.Image | None, convention: str, replace: bool) -> Message:
    """Why the shader cannot have the map, or shall not; "" when nothing speaks against it."""
    there = wish.end.output
    if there is not None and wish.normal is None and not replace:
        shown, shader = upstream_image(there.spot), wish.shader.node.name
        if shown is None:
            return Message("The shader {shader!r} keeps the normals of {node!r}; set Replace to wire the new map instead.",
                           shader=shader, node=there.spot.node.name)
        return Message("The shader {shader!r} keeps its own normal map {map!r}; set Replace to wire the new map instead.",
                       shader=shader, map=shown.name)
    return _obstacle(wish, map_image, convention)


def _about_muted_link(wish: WiringTarget) -> Iterator[Message]:
    """A sentence about a link of the user's that has no effect, and that the map's link replaces."""
    links = wish.target.socket.links
    if links and links[0].is_muted and links[0].from_node and not is_marked(links[0].from_node):
        yield Message("The link from {node!r}, which was muted, is replaced by the map's.", node=links[0].from_node.name)


def _obstacle(wish: WiringTarget, map_image: bpy.types.Image | None, convention: str) -> Message:
    """Why the map cannot get to the shader without a change to what is not this material's; "" when it can."""
    name, own = wish.shader.node.name, wish.texture.groups if wish.texture else ()
    changed = list(_changed(wish, map_image, convention))
    for tree in (*_left(wish), *_beyond(own, changed), *(plug.tree for plug in changed)):
        if why_fixed(tree):
            return Message("The map is not wired to the shader {shader!r}, because the group {group!r} is {reason}.",
                           shader=name, group=tree.name, reason=why_fixed(tree))
    for tree in _beyond(own, [plug for plug in changed if not _reads_map_only(plug, map_image)]) + _cut(wish):
        if tree.users - tree.use_fake_user > 1:
            return Message("The shader {shader!r} gets its normals in the group {group!r}, which is used in other places "
                           "too; make the group single-user to wire the map into it.", shader=name, group=tree.name)
    return NO_MESSAGE


def _left(wish: WiringTarget) -> list[bpy.types.NodeTree]:
    """The tree of new nodes, and those of the groups that their link leaves."""
    if wish.image is not None or wish.texture is None:
        return []
    common = shared_depth(wish.home, wish.target.groups)
    return [tree_of(wish.texture.node),
            *(group.node_tree for group in wish.home[common:])]  # type: ignore[attr-defined]


def _changed(wish: WiringTarget, map_image: bpy.types.Image | None, convention: str) -> Iterator[SocketInstance]:
    """The sockets of what is there already and is to be linked to something else or set otherwise."""
    if wish.image is None:
        yield wish.target
    elif image_of_node(wish.image.node) != map_image:
        yield SocketInstance(wish.image.node.outputs["Color"], wish.image.groups)
    settings = wish.settings_of_normal(convention)
    if wish.normal and any(getattr(wish.normal.node, name) != value for name, value in settings.items()):
        yield SocketInstance(wish.normal.node.outputs["Normal"], wish.normal.groups)


def _beyond(own: GroupPath, plugs: list[SocketInstance]) -> list[bpy.types.NodeTree]:
    """The trees around sockets that do not show the source wherever they are used, as those do that the texture is in."""
    return [group.node_tree for plug in plugs  # type: ignore[attr-defined]
            for group in plug.groups[shared_depth(own, plug.groups):]]


def _reads_map_only(plug: SocketInstance, map_image: bpy.types.Image | None) -> bool:
    """Whether a socket is that of a Normal Map that reads the map wherever it is used."""
    return plug.socket.is_output and reads_only(plug.spot.node, map_image)


def _cut(wish: WiringTarget) -> list[bpy.types.NodeTree]:
    """The group that loses what other materials may give it, if any: the map takes the place of one of its inputs."""
    output = linked_output(wish.target.socket)
    is_cut = wish.image is None and output is not None and output.node and output.node.bl_idname == "NodeGroupInput"
    return [wish.target.tree] if is_cut else []
