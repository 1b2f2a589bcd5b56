"""Edit a material's nodes as a transaction that can be rolled back, place new nodes, and link across node groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .traversal import GroupPath, SocketInstance, find_group_output, linked_output, tree_of

MARK = "midas_normal"
"""Custom property of the nodes made by this extension; it survives saving, moving and renaming."""

GAP = 40
"""Free space between nodes, in units of the node editor."""

IMAGE_SIZE, NORMAL_SIZE, USUAL_HEIGHT = (240, 280), (150, 160), 300
"""Width and height of an Image Texture and of a Normal Map node; Blender knows heights only once it has drawn them."""


def is_marked(node: bpy.types.Node) -> bool:
    """Whether the node was made by this extension."""
    return bool(node.get(MARK))


class NodeEdits:
    """A transaction of edits to a material: when an exception ends the `with` block, all are rolled back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], Any]] = []
        self._unused: list[bpy.types.Node] = []

    def __enter__(self) -> NodeEdits:
        return self

    def __exit__(self, exception_type: type | None, *_: object) -> None:
        if exception_type is not None:
            for undo in reversed(self._undo):
                undo()
        else:
            for node in self._unused:
                tree_of(node).nodes.remove(node)

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a node, a socket or a material."""
        before = getattr(owner, name)
        before = before.copy() if hasattr(before, "copy") and not isinstance(before, bpy.types.ID) else before
        if before != value:
            setattr(owner, name, value)
            self._undo.append(lambda: setattr(owner, name, before))

    def node(self, tree: bpy.types.NodeTree, node_type: str) -> bpy.types.Node:
        """Add a node, given its type by its `bl_idname`, marked as made by this extension."""
        node = tree.nodes.new(node_type)
        node[MARK] = True
        self._undo.append(lambda: tree.nodes.remove(node))
        return node

    def remove(self, node: bpy.types.Node) -> None:
        """Remove an unlinked node at the end of the block: a node that is removed could not be brought back."""
        self._unused.append(node)

    def link(self, output: bpy.types.NodeSocket, input_socket: bpy.types.NodeSocket) -> None:
        """Link an output to an input in the same tree, in place of any other link and of a muted one."""
        if linked_output(input_socket) != output:
            restore = _link_restorer(input_socket)
            link = _links_of_tree(input_socket).new(output, input_socket)
            assert link is not None, "an output and an input of different trees"  # Blender itself says nothing
            self._undo.append(restore)

    def unlink(self, input_socket: bpy.types.NodeSocket) -> None:
        """Remove the link of an input, if any."""
        if input_socket.links:
            restore = _link_restorer(input_socket)
            _links_of_tree(input_socket).remove(input_socket.links[0])
            self._undo.append(restore)

    def interface_socket(self, tree: bpy.types.NodeTree, name: str, in_out: str, output: bpy.types.NodeSocket) -> str:
        """Add a socket to a group's interface, for the colours or vectors of an output.

        Args:
            in_out: "INPUT" or "OUTPUT".

        Returns:
            The socket's identifier.
        """
        interface: Any = tree.interface
        socket_type = "NodeSocketColor" if output.type == "RGBA" else "NodeSocketVector"
        item = interface.new_socket(name, in_out=in_out, socket_type=socket_type)
        self._undo.append(lambda: interface.remove(item))
        return item.identifier


def _links_of_tree(input_socket: bpy.types.NodeSocket) -> bpy.types.NodeLinks:
    assert input_socket.node is not None
    return tree_of(input_socket.node).links


def _link_restorer(input_socket: bpy.types.NodeSocket) -> Callable[[], Any]:
    """Return a function that restores the present link of an input, or that it has none."""
    links, before = _links_of_tree(input_socket), input_socket.links[0] if input_socket.links else None
    if before is None:
        return lambda: links.remove(input_socket.links[0])  # type: ignore[index]
    output, is_muted = before.from_socket, before.is_muted

    def restore() -> None:
        restored: Any = links.new(output, input_socket)  # type: ignore[arg-type]
        restored.is_muted = is_muted

    return restore


def place_node(image: bpy.types.Node, normal: bpy.types.Node, texture: bpy.types.Node | None,
               shader: bpy.types.Node | None) -> None:
    """Place an Image Texture and its Normal Map side by side below the texture, left of the shader, over no other node.

    They join the texture's frame; a node that the user made is not moved.

    Args:
        texture, shader: None where they are not in the same tree.
    """
    x, y = _top_left(texture or shader or image)
    if texture is None:
        y -= USUAL_HEIGHT
    right = _top_left(shader)[0] - GAP if shader else x + IMAGE_SIZE[0] + GAP + NORMAL_SIZE[0]
    left = right - NORMAL_SIZE[0] - GAP - IMAGE_SIZE[0]
    left = min(left, x) if texture else left
    top = _free_top(tree_of(image), (image, normal), left, right, y)
    _move_to(normal, right - NORMAL_SIZE[0], top, texture)
    _move_to(image, left, top, texture)


def place_below(image: bpy.types.Node, texture: bpy.types.Node | None) -> None:
    """Place a node made here below another one, or below its own place without one, over no other node."""
    x, y = _top_left(texture or image)
    left, right = x, x + IMAGE_SIZE[0]
    _move_to(image, left, _free_top(tree_of(image), (image,), left, right, y), texture)


def _free_top(tree: bpy.types.NodeTree, moved: tuple[bpy.types.Node, ...], left: float, right: float, top: float) -> float:
    """Find the highest place, not above `top`, where a strip as high as an Image Texture covers no node."""
    boxes = [_box(node) for node in tree.nodes if node not in moved and node.bl_idname != "NodeFrame"]
    for box_left, box_top, box_right, box_bottom in sorted(boxes, key=lambda box: -box[1]):
        is_beside = box_right + GAP <= left or box_left - GAP >= right
        is_below = box_top + GAP <= top - IMAGE_SIZE[1]
        if not is_beside and not is_below and box_bottom - GAP < top:
            top = box_bottom - GAP
    return top


def _box(node: bpy.types.Node) -> tuple[float, float, float, float]:
    x, y = _top_left(node)
    width, height = (16, 16) if node.bl_idname == "NodeReroute" else (node.width, max(node.height, USUAL_HEIGHT))
    return x, y, x + width, y - height


def _top_left(node: bpy.types.Node) -> tuple[float, float]:
    """Return the node's top left corner in its tree; `location` is relative to the node's frame."""
    x, y = node.location.x, node.location.y
    frame = node.parent
    while frame is not None:
        x, y = x + frame.location.x, y + frame.location.y
        frame = frame.parent
    return x, y


def _move_to(node: bpy.types.Node, x: float, y: float, neighbour: bpy.types.Node | None) -> None:
    """Move a node made here to a place in its tree, and into the frame of its neighbour."""
    if not is_marked(node):
        return
    node.parent = neighbour.parent if neighbour else None
    offset = _top_left(node.parent) if node.parent else (0.0, 0.0)
    node.location = (x - offset[0], y - offset[1])


def shared_depth(one: GroupPath, other: GroupPath) -> int:
    """Return the number of outermost groups that two paths share."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def link_across_groups(output: SocketInstance, input_socket: SocketInstance, name: str, edits: NodeEdits) -> None:
    """Link an output to an input that may be in other groups, through sockets of these groups.

    Args:
        name: that of new sockets of the groups.
    """
    common = shared_depth(output.groups, input_socket.groups)
    while len(output.groups) > common:
        output = _out_of_group(output, name, edits)
    for group in input_socket.groups[common:]:
        output = _into_group(output, group, name, edits)
    edits.link(output.socket, input_socket.socket)


def _out_of_group(output: SocketInstance, name: str, edits: NodeEdits) -> SocketInstance:
    """Return the output of a group node that gives what an output inside the group gives, a new one if need be."""
    group, tree = output.groups[-1], output.tree
    inside = find_group_output(tree)
    assert inside is not None
    identifier = next((socket.identifier for socket in inside.inputs if linked_output(socket) == output.socket), None)
    if identifier is None:
        identifier = edits.interface_socket(tree, name, "OUTPUT", output.socket)
        edits.link(output.socket, _socket_by_identifier(inside.inputs, identifier))
    return SocketInstance(_socket_by_identifier(group.outputs, identifier), output.groups[:-1])


def _into_group(output: SocketInstance, group: bpy.types.Node, name: str, edits: NodeEdits) -> SocketInstance:
    """Return the output of a Group Input node that gives what an output outside gives, a new one if need be."""
    tree: bpy.types.NodeTree = group.node_tree  # type: ignore[attr-defined]
    identifier = next((socket.identifier for socket in group.inputs if linked_output(socket) == output.socket), None)
    if identifier is None:
        identifier = edits.interface_socket(tree, name, "INPUT", output.socket)
        edits.link(output.socket, _socket_by_identifier(group.inputs, identifier))
    entrances = [node for node in tree.nodes if node.bl_idname == "NodeGroupInput"]
    entrance = entrances[0] if entrances else edits.node(tree, "NodeGroupInput")
    return SocketInstance(_socket_by_identifier(entrance.outputs, identifier), (*output.groups, group))


def _socket_by_identifier(sockets: Any, identifier: str) -> bpy.types.NodeSocket:
    return next(socket for socket in sockets if socket.identifier == identifier)
