"""Plan the wiring of a normal map: which shaders get it, at which input, and why the other shaders do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import NO_MESSAGE, Message
from .edits import is_marked, shared_depth
from .map_nodes import find_image_node, image_of_node, is_replaceable, normal_map_properties, reads_only, upstream_image
from .mapping import mapping_messages, mapping_of, transform_messages
from .materials import map_source_role, no_role_message, other_texture_message, texture_roles
from .traversal import (
    GroupPath,
    LinkSource,
    NodeInstance,
    SocketInstance,
    downstream_inputs,
    find_link_source,
    is_normal_shader,
    linked_output,
    node_instances,
    normal_shaders_of,
    read_only_reason,
    tree_of,
    upstream_inputs,
)


@dataclass(frozen=True)
class WiringTarget:
    """A shader that gets the map.

    texture: a node that shows the source, None where none does.
    chain_start: what feeds the shader's Normal before any Bump nodes, which stay where they are.
    normal_node: the Normal Map node in use there that reads the map, or can; None where a new one is needed.
    image_node: the Image Texture through which `normal_node` reads the map; it may have lost its image.
    input_socket: the input to be linked where `image_node` is None: the Color of `normal_node`, or a Normal without one.
    """

    shader: NodeInstance
    texture: NodeInstance | None
    chain_start: LinkSource
    normal_node: NodeInstance | None
    image_node: NodeInstance | None
    input_socket: SocketInstance

    @property
    def groups(self) -> GroupPath:
        """The groups in which new nodes are placed."""
        return self.texture.groups if self.texture else self.input_socket.groups

    def required_properties(self, convention: str) -> dict[str, str]:
        """Return the names and values of the properties that the Normal Map node needs to read the map."""
        layer = mapping_of(self.texture).uv_layer if self.texture and self.can_copy_mapping else None
        if layer or (self.can_copy_mapping and (self.normal_node is None or is_marked(self.normal_node.node))):
            return {**normal_map_properties(convention), "uv_map": layer or ""}
        return normal_map_properties(convention)  # a user's own node may name the layer that is active

    @property
    def can_copy_mapping(self) -> bool:
        """Whether the map's Image Texture is, or will be, in the same tree as the source's, and can copy its mapping."""
        if self.texture is None:
            return False
        return self.image_node is None or tree_of(self.image_node.node) == tree_of(self.texture.node)


def plan_wiring(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image | None, convention: str,
                replace: bool, is_one_of_many: bool = False) -> tuple[list[WiringTarget], list[Message]]:
    """Decide which shaders of a material get the map of a source.

    Args:
        map_image: None where it is still to be made.
        convention: that of the map, OPENGL, DIRECTX or OBJECT.
        replace: whether a user's own normal maps are replaced.
        is_one_of_many: whether maps of many pictures are wired, so that each shader gets only the map of the texture
            that is its colour, unless it has this map already.

    Returns:
        The shaders to wire, and messages about those that are not wired and about what the wiring changes.
    """
    targets: list[WiringTarget] = []
    messages: list[Message] = []
    shaders = normal_shaders_of(material.node_tree)
    if not shaders:
        messages.append(Message("The material {material!r} has no shader with a Normal input, so the map is not wired.",
                                material=material.name))
    textures = [instance for instance in node_instances(material.node_tree) if image_of_node(instance.node) == source]
    textures_by_shader = _textures_by_shader(textures, shaders)
    for shader in textures_by_shader or shaders:
        texture, names = textures_by_shader.get(shader, (textures[0] if textures else None, ""))
        target = _wiring_target(shader, texture, material, map_image, replace)
        reason = _unavailable_reason(target, map_image, convention, replace)
        if not reason and is_one_of_many:
            reason = _other_texture_reason(target, source, material, map_image)
        if reason:
            messages.append(reason)
            continue
        targets.append(target)
        messages += _muted_link_messages(target)
        if names:
            messages.append(Message("The image {image!r} feeds only {inputs} of {shader!r}; the map is wired to it all the "
                                    "same.", image=source.name, inputs=names, shader=shader.node.name))
        if target.texture and target.can_copy_mapping:
            messages += (*mapping_messages(target.texture, convention), *transform_messages(target.texture, convention))
    return targets, list(dict.fromkeys(messages))


def _textures_by_shader(
    textures: list[NodeInstance], shaders: list[NodeInstance]
) -> dict[NodeInstance, tuple[NodeInstance, str]]:
    """Map each shader that a texture feeds to the first such texture, and the names of the inputs that it feeds.

    The names are "" where one of the inputs is for a colour.
    """
    textures_by_shader: dict[NodeInstance, tuple[NodeInstance, str]] = {}
    for texture in textures:
        for shader, sockets in _shader_inputs_fed(texture).items():
            if shader in shaders and shader not in textures_by_shader:
                names = "" if any(socket.type == "RGBA" for socket in sockets) else ", ".join(
                    sorted({socket.name for socket in sockets}))
                textures_by_shader[shader] = texture, names
    return textures_by_shader


def _shader_inputs_fed(texture: NodeInstance) -> dict[NodeInstance, list[bpy.types.NodeSocket]]:
    """Map each shader that a texture feeds, directly or through other nodes, to the inputs that it feeds."""
    inputs_by_shader: dict[NodeInstance, list[bpy.types.NodeSocket]] = {}
    seen = {texture}
    waiting = [texture]
    while waiting:
        instance = waiting.pop(0)
        outputs = [SocketInstance(output, instance.groups) for output in instance.node.outputs]
        for input_socket in (reached for output in outputs for reached in downstream_inputs(output)):
            if is_normal_shader(input_socket.node):
                inputs_by_shader.setdefault(input_socket.node_instance, []).append(input_socket.socket)
            elif input_socket.node_instance not in seen:
                seen.add(input_socket.node_instance)
                waiting.append(input_socket.node_instance)
    return inputs_by_shader


def _other_texture_reason(target: WiringTarget, source: bpy.types.Image, material: bpy.types.Material,
                          map_image: bpy.types.Image | None) -> Message:
    """Say why a shader takes the map of another texture, or of none; "" where it takes this one, or has it already."""
    if target.image_node is not None and image_of_node(target.image_node.node) == map_image:
        return NO_MESSAGE
    first = map_source_role(target.shader)
    if first is not None and first.image == source:
        return NO_MESSAGE
    if first is not None and any(role.image == source for role in texture_roles(target.shader)):
        return other_texture_message(first, target.shader, material)
    return no_role_message(source, material)


def _wiring_target(
    shader: NodeInstance,
    texture: NodeInstance | None,
    material: bpy.types.Material,
    map_image: bpy.types.Image | None,
    replace: bool,
) -> WiringTarget:
    """Find where the map can be linked to a shader, and the nodes in use there that can read it."""
    normal_input, chain_start = _find_chain_start(shader, texture)
    existing = chain_start.output.node_instance if chain_start.output else None
    if existing is None or existing.node.bl_idname != "ShaderNodeNormalMap":
        return WiringTarget(shader, texture, chain_start, None, None, normal_input)
    colour_input = _outermost_linkable_input(SocketInstance(existing.node.inputs["Color"], existing.groups), texture)
    if is_replaceable(existing, material, map_image):
        return WiringTarget(shader, texture, chain_start, existing, find_image_node(existing), colour_input)
    if replace and len(colour_input.groups) < len(existing.groups):  # its group takes the picture by an input
        return WiringTarget(shader, texture, chain_start, existing, None, colour_input)
    return WiringTarget(shader, texture, chain_start, None, None, normal_input)


def _find_chain_start(shader: NodeInstance, texture: NodeInstance | None) -> tuple[SocketInstance, LinkSource]:
    """Follow a shader's Normal input through Bump nodes.

    Returns:
        The input that can be linked to something else, and what feeds it now.
    """
    while True:
        normal_input = SocketInstance(shader.node.inputs["Normal"], shader.groups)
        chain_start = find_link_source(normal_input)
        if chain_start.output is None or chain_start.output.node.bl_idname != "ShaderNodeBump":
            return _outermost_linkable_input(normal_input, texture), chain_start
        shader = chain_start.output.node_instance


def _outermost_linkable_input(input_socket: SocketInstance, texture: NodeInstance | None) -> SocketInstance:
    """Follow an input upstream to the last input that can be linked to new nodes next to the texture.

    An input outside a group that contains the texture is not one: the link would leave the group and enter it again.
    """
    linkable = input_socket
    for upstream_input in upstream_inputs(input_socket):
        is_outside = len(upstream_input.groups) < len(linkable.groups)
        if texture and is_outside and shared_depth(texture.groups, linkable.groups) == len(linkable.groups):
            break
        linkable = upstream_input
    return linkable


def _unavailable_reason(target: WiringTarget, map_image: bpy.types.Image | None, convention: str, replace: bool) -> Message:
    """Say why the map is not wired to a shader; "" where it is."""
    existing = target.chain_start.output
    if existing is not None and target.normal_node is None and not replace:
        shown, shader = upstream_image(existing.node_instance), target.shader.node.name
        if shown is None:
            return Message("The shader {shader!r} keeps the normals of {node!r}; set Replace to wire the new map instead.",
                           shader=shader, node=existing.node.name)
        return Message("The shader {shader!r} keeps its own normal map {map!r}; set Replace to wire the new map instead.",
                       shader=shader, map=shown.name)
    return _group_reason(target, map_image, convention)


def _muted_link_messages(target: WiringTarget) -> Iterator[Message]:
    """Yield a message where the map's link replaces a muted link that the user made."""
    links = target.input_socket.socket.links
    if links and links[0].is_muted and links[0].from_node and not is_marked(links[0].from_node):
        yield Message("The link from {node!r}, which was muted, is replaced by the map's.", node=links[0].from_node.name)


def _group_reason(target: WiringTarget, map_image: bpy.types.Image | None, convention: str) -> Message:
    """Say why the map cannot be wired without changing a group that is read-only or used elsewhere; "" where it can."""
    name, source_groups = target.shader.node.name, target.texture.groups if target.texture else ()
    changed = list(_changed_sockets(target, map_image, convention))
    for tree in (*_trees_of_new_nodes(target), *_trees_outside(source_groups, changed),
                 *(socket.tree for socket in changed)):
        if read_only_reason(tree):
            return Message("The map is not wired to the shader {shader!r}, because the group {group!r} is {reason}.",
                           shader=name, group=tree.name, reason=read_only_reason(tree))
    changed_elsewhere = [socket for socket in changed if not _reads_map_only(socket, map_image)]
    for tree in _trees_outside(source_groups, changed_elsewhere) + _trees_losing_an_input(target):
        if tree.users - tree.use_fake_user > 1:
            return Message("The shader {shader!r} gets its normals in the group {group!r}, which is used in other places "
                           "too; make the group single-user to wire the map into it.", shader=name, group=tree.name)
    return NO_MESSAGE


def _trees_of_new_nodes(target: WiringTarget) -> list[bpy.types.NodeTree]:
    """Return the tree of new nodes, and those of the groups that their link leaves."""
    if target.image_node is not None or target.texture is None:
        return []
    common = shared_depth(target.groups, target.input_socket.groups)
    return [tree_of(target.texture.node),
            *(group.node_tree for group in target.groups[common:])]  # type: ignore[attr-defined]


def _changed_sockets(target: WiringTarget, map_image: bpy.types.Image | None, convention: str) -> Iterator[SocketInstance]:
    """Yield the sockets of existing nodes that are to be linked to something else, or whose node is to be set otherwise."""
    if target.image_node is None:
        yield target.input_socket
    elif image_of_node(target.image_node.node) != map_image:
        yield SocketInstance(target.image_node.node.outputs["Color"], target.image_node.groups)
    settings = target.required_properties(convention)
    if target.normal_node and any(getattr(target.normal_node.node, name) != value for name, value in settings.items()):
        yield SocketInstance(target.normal_node.node.outputs["Normal"], target.normal_node.groups)


def _trees_outside(source_groups: GroupPath, sockets: list[SocketInstance]) -> list[bpy.types.NodeTree]:
    """Return the trees of the groups around sockets, without the groups that contain the source's texture."""
    return [group.node_tree for socket in sockets  # type: ignore[attr-defined]
            for group in socket.groups[shared_depth(source_groups, socket.groups):]]


def _reads_map_only(socket: SocketInstance, map_image: bpy.types.Image | None) -> bool:
    """Whether a socket belongs to a Normal Map node that reads this map in every material that uses it."""
    return socket.socket.is_output and reads_only(socket.node, map_image)


def _trees_losing_an_input(target: WiringTarget) -> list[bpy.types.NodeTree]:
    """Return the group, if any, one of whose inputs the map would replace, with what other materials link to it."""
    output = linked_output(target.input_socket.socket) if target.image_node is None else None
    is_group_input = output is not None and output.node is not None and output.node.bl_idname == "NodeGroupInput"
    return [target.input_socket.tree] if is_group_input else []
