"""Walking through a material's nodes as light does not: along the links, through reroutes and in and out of groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import NO_MESSAGE, Message, Phrase

GroupPath = tuple[bpy.types.Node, ...]


@dataclass(frozen=True)
class NodeInstance:
    """A node where it stands; `groups` are the group nodes entered to get there, outermost first."""

    node: bpy.types.Node
    groups: GroupPath = ()


@dataclass(frozen=True)
class SocketInstance:
    """A socket where it stands."""

    socket: bpy.types.NodeSocket
    groups: GroupPath = ()

    @property
    def spot(self) -> NodeInstance:
        assert self.socket.node is not None
        return NodeInstance(self.socket.node, self.groups)

    @property
    def tree(self) -> bpy.types.NodeTree:
        return tree_of(self.spot.node)


@dataclass(frozen=True)
class LinkSource:
    """What feeds an input: the other node's `output`, or None, and the `input` that it or nothing is linked to.

    The input is another one than asked about where reroutes or the borders of groups lie between.
    """

    input: SocketInstance
    output: SocketInstance | None


def tree_of(node: bpy.types.Node) -> bpy.types.NodeTree:
    tree = node.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    return tree


def tree_inside(groups: GroupPath, material: bpy.types.Material) -> bpy.types.NodeTree:
    """The tree of the innermost group, or the material's own."""
    tree = groups[-1].node_tree if groups else material.node_tree  # type: ignore[attr-defined]
    assert tree is not None
    return tree


def node_instances(tree: bpy.types.NodeTree | None, groups: GroupPath = ()) -> Iterator[NodeInstance]:
    """Every node of a tree, and of the groups in it wherever they are used."""
    for node in tree.nodes if tree else ():
        yield NodeInstance(node, groups)
        if is_group(node):
            yield from node_instances(node.node_tree, (*groups, node))  # type: ignore[attr-defined]


def is_group(node: bpy.types.Node) -> bool:
    return node.bl_idname == "ShaderNodeGroup" and node.node_tree is not None  # type: ignore[attr-defined]


def linked_output(target: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that an input is linked to, be it a reroute's; renderers ignore a muted link."""
    link = target.links[0] if target.links else None
    return link.from_socket if link is not None and not link.is_muted else None


def feed(plug: SocketInstance) -> LinkSource:
    """What feeds an input socket."""
    *_, last = inputs_behind(plug)
    socket = linked_output(last.socket)
    return LinkSource(last, SocketInstance(socket, last.groups) if socket else None)


def inputs_behind(plug: SocketInstance) -> Iterator[SocketInstance]:
    """The input itself and those that it is linked to through reroutes and the borders of groups, nearest first."""
    behind: SocketInstance | None = plug
    while behind is not None:
        yield behind
        socket = linked_output(behind.socket)
        behind = _input_behind(SocketInstance(socket, behind.groups)) if socket else None


def _input_behind(output: SocketInstance) -> SocketInstance | None:
    """The input that an output of a reroute, a group or a group's inside only passes on; None for any other node."""
    node, groups = output.spot.node, output.groups
    if node.bl_idname == "NodeReroute":
        return SocketInstance(node.inputs[0], groups)
    if node.bl_idname == "NodeGroupInput" and groups:
        return _same(groups[-1].inputs, output.socket, groups[:-1])
    if is_group(node):
        inside = group_output(node.node_tree)  # type: ignore[attr-defined]
        return _same(inside.inputs, output.socket, (*groups, node)) if inside else None
    return None


def inputs_fed(output: SocketInstance) -> Iterator[SocketInstance]:
    """The inputs of other nodes that an output feeds, through reroutes and the borders of groups."""
    for link in output.socket.links or ():
        if link.is_muted or link.to_socket is None:
            continue
        reached = SocketInstance(link.to_socket, output.groups)
        behind = list(_outputs_behind(reached))
        for further in behind:
            yield from inputs_fed(further)
        if not behind and not _is_border(reached.spot.node):
            yield reached


def _is_border(node: bpy.types.Node) -> bool:
    return node.bl_idname in ("NodeReroute", "NodeGroupOutput") or is_group(node)


def _outputs_behind(plug: SocketInstance) -> Iterator[SocketInstance]:
    node, groups = plug.spot.node, plug.groups
    if node.bl_idname == "NodeReroute":
        yield SocketInstance(node.outputs[0], groups)
    elif node.bl_idname == "NodeGroupOutput" and groups and node.is_active_output:  # type: ignore[attr-defined]
        outside = _same(groups[-1].outputs, plug.socket, groups[:-1])
        if outside:
            yield outside
    elif is_group(node):
        for inside in node.node_tree.nodes:  # type: ignore[attr-defined]
            found = _same(inside.outputs, plug.socket, (*groups, node)) if inside.bl_idname == "NodeGroupInput" else None
            if found:
                yield found


def _same(sockets: object, wanted: bpy.types.NodeSocket, groups: GroupPath) -> SocketInstance | None:
    """The socket on the other side of a group's border."""
    for socket in sockets:  # type: ignore[attr-defined]
        if socket.identifier == wanted.identifier:
            return SocketInstance(socket, groups)
    return None


def group_output(tree: bpy.types.NodeTree) -> bpy.types.Node | None:
    """The node in which a group's answer ends."""
    for node in tree.nodes:
        if node.bl_idname == "NodeGroupOutput" and node.is_active_output:  # type: ignore[attr-defined]
            return node
    return None


def upstream(*plugs: SocketInstance) -> Iterator[NodeInstance]:
    """The nodes that feed inputs, nearest first; each once."""
    seen: set[NodeInstance] = set()
    waiting = list(plugs)
    while waiting:
        output = feed(waiting.pop(0)).output
        if output is None or output.spot in seen:
            continue
        seen.add(output.spot)
        yield output.spot
        waiting += [SocketInstance(socket, output.groups) for socket in output.spot.node.inputs if socket.enabled]


def surfaces(tree: bpy.types.NodeTree | None) -> list[SocketInstance]:
    """The Surface inputs of the material's outputs."""
    return inputs_of_outputs(tree, "Surface")


def inputs_of_outputs(tree: bpy.types.NodeTree | None, name: str) -> list[SocketInstance]:
    """The input Surface, Volume or Displacement of each output that a renderer uses: EEVEE and Cycles may have one each."""
    if not isinstance(tree, bpy.types.ShaderNodeTree):
        return []
    nodes = dict.fromkeys(tree.get_output_node(renderer) for renderer in ("EEVEE", "CYCLES"))
    return [SocketInstance(node.inputs[name]) for node in nodes if node]


def shaders_of(tree: bpy.types.NodeTree | None) -> list[NodeInstance]:
    """The shaders that the material's outputs show, nearest first; all where they show nothing."""
    ends = surfaces(tree)
    is_shown = any(feed(end).output for end in ends)
    return [spot for spot in (upstream(*ends) if is_shown else node_instances(tree)) if _is_shader(spot.node)]


def normal_shaders_of(tree: bpy.types.NodeTree | None) -> list[NodeInstance]:
    """Those of the shaders that take a normal."""
    return [spot for spot in shaders_of(tree) if is_normal_shader(spot.node)]


def _is_shader(node: bpy.types.Node) -> bool:
    """Whether the node is a shader, and not a mix of shaders or a group."""
    is_made_of_shaders = any(socket.type == "SHADER" for socket in node.inputs)
    return any(output.type == "SHADER" for output in node.outputs) and not is_made_of_shaders and not is_group(node)


def is_normal_shader(node: bpy.types.Node) -> bool:
    """Whether the node is a shader that takes a normal."""
    return "Normal" in node.inputs and any(output.type == "SHADER" for output in node.outputs)


def is_editable(owner: bpy.types.ID) -> bool:
    """Whether nodes in it can be changed."""
    return not why_fixed(owner)


def editable_nodes(material: bpy.types.Material) -> Iterator[NodeInstance]:
    """The material's nodes that can be changed, in groups too; of an override, its own tree does not say that it cannot."""
    is_fixed = not is_editable(material)
    for spot in node_instances(material.node_tree):
        if is_editable(tree_of(spot.node)) and (spot.groups or not is_fixed):
            yield spot


def why_fixed(owner: bpy.types.ID) -> Message:
    """Why nodes in it cannot be changed: what it is, as a value of a message; "" where they can."""
    if owner.library is not None:
        return Phrase("linked from another file")
    if owner.override_library is not None:
        return Phrase("a library override of one in another file")
    return NO_MESSAGE if owner.is_editable else Phrase("read-only")
