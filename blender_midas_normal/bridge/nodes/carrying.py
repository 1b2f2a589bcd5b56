"""Links from one group of nodes to another, through sockets of the groups between."""

from __future__ import annotations

from typing import Any

import bpy

from .changes import Changes
from .graph import Groups, Plug, direct, group_output


def shared_depth(one: Groups, other: Groups) -> int:
    """How many groups both lie in."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def carry(output: Plug, end: Plug, name: str, changes: Changes) -> None:
    """Links an output to an input that may lie in other groups, through sockets of these groups; new ones get the name."""
    common = shared_depth(output.groups, end.groups)
    while len(output.groups) > common:
        output = _out_of_group(output, name, changes)
    for group in end.groups[common:]:
        output = _into_group(output, group, name, changes)
    changes.link(output.socket, end.socket)


def _out_of_group(output: Plug, name: str, changes: Changes) -> Plug:
    group, tree = output.groups[-1], output.tree
    inside = group_output(tree)
    assert inside is not None
    identifier = next((socket.identifier for socket in inside.inputs if direct(socket) == output.socket), None)
    if identifier is None:
        identifier = changes.interface_socket(tree, name, "OUTPUT", output.socket)
        changes.link(output.socket, _called(inside.inputs, identifier))
    return Plug(_called(group.outputs, identifier), output.groups[:-1])


def _into_group(output: Plug, group: bpy.types.Node, name: str, changes: Changes) -> Plug:
    tree: bpy.types.NodeTree = group.node_tree  # type: ignore[attr-defined]
    identifier = next((socket.identifier for socket in group.inputs if direct(socket) == output.socket), None)
    if identifier is None:
        identifier = changes.interface_socket(tree, name, "INPUT", output.socket)
        changes.link(output.socket, _called(group.inputs, identifier))
    entrances = [node for node in tree.nodes if node.bl_idname == "NodeGroupInput"]
    entrance = entrances[0] if entrances else changes.node(tree, "NodeGroupInput")
    return Plug(_called(entrance.outputs, identifier), (*output.groups, group))


def _called(sockets: Any, identifier: str) -> bpy.types.NodeSocket:
    return next(socket for socket in sockets if socket.identifier == identifier)
