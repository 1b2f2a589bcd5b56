"""Follow links through a material's nodes, upstream and downstream, through reroutes and in and out of node groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import NO_MESSAGE, Message, Phrase

GroupPath = tuple[bpy.types.Node, ...]
"""The group nodes entered to reach a node, outermost first; empty in the material's own tree."""


@dataclass(frozen=True)
class NodeInstance:
    """A node as one use of its group contains it: a node in a group exists once for each path of groups to it."""

    node: bpy.types.Node
    groups: GroupPath = ()


@dataclass(frozen=True)
class SocketInstance:
    """A socket as one use of its node's group contains it."""

    socket: bpy.types.NodeSocket
    groups: GroupPath = ()

    @property
    def node(self) -> bpy.types.Node:
        """The node that the socket belongs to."""
        assert self.socket.node is not None
        return self.socket.node

    @property
    def node_instance(self) -> NodeInstance:
        """The instance of the node that the socket belongs to."""
        return NodeInstance(self.node, self.groups)

    @property
    def tree(self) -> bpy.types.NodeTree:
        """The tree that contains the socket's node."""
        return tree_of(self.node)


@dataclass(frozen=True)
class LinkSource:
    """Where the value of an input comes from.

    input: the last input before the source, another than asked for where reroutes or borders of groups lie between.
    output: the output of another node that feeds it, None where none does.
    """

    input: SocketInstance
    output: SocketInstance | None


def tree_of(node: bpy.types.Node) -> bpy.types.NodeTree:
    """Return the tree that contains a node."""
    tree = node.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    return tree


def tree_inside(groups: GroupPath, material: bpy.types.Material) -> bpy.types.NodeTree:
    """Return the tree of the innermost group, or the material's own where there is no group."""
    tree = groups[-1].node_tree if groups else material.node_tree  # type: ignore[attr-defined]
    assert tree is not None
    return tree


def node_instances(tree: bpy.types.NodeTree | None, groups: GroupPath = ()) -> Iterator[NodeInstance]:
    """Yield every node of a tree and of the groups in it, once for each use of a group."""
    for node in tree.nodes if tree else ():
        yield NodeInstance(node, groups)
        if is_group(node):
            yield from node_instances(node.node_tree, (*groups, node))  # type: ignore[attr-defined]


def is_group(node: bpy.types.Node) -> bool:
    """Whether the node is a group node that has a tree."""
    return node.bl_idname == "ShaderNodeGroup" and node.node_tree is not None  # type: ignore[attr-defined]


def linked_output(target: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """Return the output that an input is directly linked to, None for a muted link, which renderers ignore."""
    link = target.links[0] if target.links else None
    return link.from_socket if link is not None and not link.is_muted else None


def find_link_source(input_socket: SocketInstance) -> LinkSource:
    """Follow an input through reroutes and borders of groups to where its value comes from."""
    *_, last = upstream_inputs(input_socket)
    socket = linked_output(last.socket)
    return LinkSource(last, SocketInstance(socket, last.groups) if socket else None)


def upstream_inputs(input_socket: SocketInstance) -> Iterator[SocketInstance]:
    """Yield the input, then those that it is linked to through reroutes and borders of groups, nearest first."""
    current: SocketInstance | None = input_socket
    while current is not None:
        yield current
        socket = linked_output(current.socket)
        current = _upstream_input(SocketInstance(socket, current.groups)) if socket else None


def _upstream_input(output: SocketInstance) -> SocketInstance | None:
    """Return the input that a reroute, a group or a group's inside passes to an output; None for any other node."""
    node, groups = output.node, output.groups
    if node.bl_idname == "NodeReroute":
        return SocketInstance(node.inputs[0], groups)
    if node.bl_idname == "NodeGroupInput" and groups:
        return _matching_socket(groups[-1].inputs, output.socket, groups[:-1])
    if is_group(node):
        inside = find_group_output(node.node_tree)  # type: ignore[attr-defined]
        return _matching_socket(inside.inputs, output.socket, (*groups, node)) if inside else None
    return None


def downstream_inputs(output: SocketInstance) -> Iterator[SocketInstance]:
    """Yield the inputs of other nodes that an output feeds, through reroutes and borders of groups."""
    for link in output.socket.links or ():
        if link.is_muted or link.to_socket is None:
            continue
        input_socket = SocketInstance(link.to_socket, output.groups)
        passed_to = list(_downstream_outputs(input_socket))
        for next_output in passed_to:
            yield from downstream_inputs(next_output)
        if not passed_to and not _passes_values_on(input_socket.node):
            yield input_socket


def _passes_values_on(node: bpy.types.Node) -> bool:
    return node.bl_idname in ("NodeReroute", "NodeGroupOutput") or is_group(node)


def _downstream_outputs(input_socket: SocketInstance) -> Iterator[SocketInstance]:
    """Yield the outputs to which a reroute, a group or a group's inside passes an input; none for any other node."""
    node, groups = input_socket.node, input_socket.groups
    if node.bl_idname == "NodeReroute":
        yield SocketInstance(node.outputs[0], groups)
    elif node.bl_idname == "NodeGroupOutput" and groups and node.is_active_output:  # type: ignore[attr-defined]
        outside = _matching_socket(groups[-1].outputs, input_socket.socket, groups[:-1])
        if outside:
            yield outside
    elif is_group(node):
        for inner in node.node_tree.nodes:  # type: ignore[attr-defined]
            if inner.bl_idname == "NodeGroupInput":
                inside = _matching_socket(inner.outputs, input_socket.socket, (*groups, node))
                if inside:
                    yield inside


def _matching_socket(
    sockets: object, other_side: bpy.types.NodeSocket, groups: GroupPath
) -> SocketInstance | None:
    """Find the socket that stands for `other_side` across a group's border, by its identifier."""
    for socket in sockets:  # type: ignore[attr-defined]
        if socket.identifier == other_side.identifier:
            return SocketInstance(socket, groups)
    return None


def find_group_output(tree: bpy.types.NodeTree) -> bpy.types.Node | None:
    """Return the Group Output node that is in use, None where the group has none."""
    for node in tree.nodes:
        if node.bl_idname == "NodeGroupOutput" and node.is_active_output:  # type: ignore[attr-defined]
            return node
    return None


def upstream_nodes(*input_sockets: SocketInstance) -> Iterator[NodeInstance]:
    """Yield the nodes that feed inputs, directly or through others: breadth first, each once."""
    seen: set[NodeInstance] = set()
    waiting = list(input_sockets)
    while waiting:
        output = find_link_source(waiting.pop(0)).output
        if output is None or output.node_instance in seen:
            continue
        seen.add(output.node_instance)
        yield output.node_instance
        waiting += [SocketInstance(socket, output.groups) for socket in output.node.inputs if socket.enabled]


def surface_inputs(tree: bpy.types.NodeTree | None) -> list[SocketInstance]:
    """Return the Surface inputs of the material's output nodes."""
    return output_node_inputs(tree, "Surface")


def output_node_inputs(tree: bpy.types.NodeTree | None, name: str) -> list[SocketInstance]:
    """Return one input of each output node that a renderer uses; EEVEE and Cycles may have a node each.

    Args:
        name: "Surface", "Volume" or "Displacement".
    """
    if not isinstance(tree, bpy.types.ShaderNodeTree):
        return []
    nodes = dict.fromkeys(tree.get_output_node(renderer) for renderer in ("EEVEE", "CYCLES"))
    return [SocketInstance(node.inputs[name]) for node in nodes if node]


def shaders_of(tree: bpy.types.NodeTree | None) -> list[NodeInstance]:
    """Return the shaders that the material's outputs show, nearest first; all shaders where the outputs show nothing."""
    surfaces = surface_inputs(tree)
    is_shown = any(find_link_source(surface).output for surface in surfaces)
    instances = upstream_nodes(*surfaces) if is_shown else node_instances(tree)
    return [instance for instance in instances if _is_shader(instance.node)]


def normal_shaders_of(tree: bpy.types.NodeTree | None) -> list[NodeInstance]:
    """Return those of the material's shaders that have a Normal input."""
    return [instance for instance in shaders_of(tree) if is_normal_shader(instance.node)]


def _is_shader(node: bpy.types.Node) -> bool:
    """Whether the node is a shader, and neither a mix of shaders nor a group."""
    combines_shaders = any(socket.type == "SHADER" for socket in node.inputs)
    return any(output.type == "SHADER" for output in node.outputs) and not combines_shaders and not is_group(node)


def is_normal_shader(node: bpy.types.Node) -> bool:
    """Whether the node is a shader with a Normal input."""
    return "Normal" in node.inputs and any(output.type == "SHADER" for output in node.outputs)


def is_editable(owner: bpy.types.ID) -> bool:
    """Whether the nodes of a material or node group can be changed."""
    return not read_only_reason(owner)


def editable_nodes(material: bpy.types.Material) -> Iterator[NodeInstance]:
    """Yield the material's nodes that can be changed, in groups too.

    The material itself is asked too, because the tree of an overridden material does not say that it is read-only.
    """
    is_read_only = not is_editable(material)
    for instance in node_instances(material.node_tree):
        if is_editable(tree_of(instance.node)) and (instance.groups or not is_read_only):
            yield instance


def read_only_reason(owner: bpy.types.ID) -> Message:
    """Say why the nodes of a material or node group cannot be changed, as a part of a sentence; "" where they can."""
    if owner.library is not None:
        return Phrase("linked from another file")
    if owner.override_library is not None:
        return Phrase("a library override of one in another file")
    return NO_MESSAGE if owner.is_editable else Phrase("read-only")
