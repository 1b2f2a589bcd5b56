"""Edit a material's nodes so that all can be undone: where new nodes go, and links across node groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .traversal import GroupPath, SocketInstance, group_output, linked_output, tree_of

MARK = "midas_normal"
"""Property of the nodes made here; it survives saving, moving and renaming."""


def is_marked(node: bpy.types.Node) -> bool:
    """Whether the node was made by this extension."""
    return bool(node.get(MARK))


class Changes:
    """What is done to a material; used with `with`, it is undone when an exception ends the block."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], Any]] = []
        self._unused: list[bpy.types.Node] = []

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is not None:
            for undo in reversed(self._undo):
                undo()
        else:
            for node in self._unused:
                tree_of(node).nodes.remove(node)

    def set(self, owner: Any, name: str, value: Any) -> None:
        before = getattr(owner, name)
        before = before.copy() if hasattr(before, "copy") and not isinstance(before, bpy.types.ID) else before
        if before != value:
            setattr(owner, name, value)
            self._undo.append(lambda: setattr(owner, name, before))

    def node(self, tree: bpy.types.NodeTree, kind: str) -> bpy.types.Node:
        node = tree.nodes.new(kind)
        node[MARK] = True
        self._undo.append(lambda: tree.nodes.remove(node))
        return node

    def remove(self, node: bpy.types.Node) -> None:
        """Removes a node that no link needs any more, once all else is done: a removed one could not be brought back."""
        self._unused.append(node)

    def link(self, output: bpy.types.NodeSocket, target: bpy.types.NodeSocket) -> None:
        """Links an output to an input in the same tree; a link that is there already, or is muted, gives way."""
        if linked_output(target) != output:
            restore = _link_restorer(target)
            made = _links_at(target).new(output, target)
            assert made is not None, "an output and an input of different trees"  # Blender itself says nothing
            self._undo.append(restore)

    def unlink(self, target: bpy.types.NodeSocket) -> None:
        if target.links:
            restore = _link_restorer(target)
            _links_at(target).remove(target.links[0])
            self._undo.append(restore)

    def interface_socket(self, tree: bpy.types.NodeTree, name: str, in_out: str, output: bpy.types.NodeSocket) -> str:
        """Identifier of a new socket of the group, for the colours or vectors that an output gives."""
        interface: Any = tree.interface
        kind = "NodeSocketColor" if output.type == "RGBA" else "NodeSocketVector"
        item = interface.new_socket(name, in_out=in_out, socket_type=kind)
        self._undo.append(lambda: interface.remove(item))
        return item.identifier


def _links_at(target: bpy.types.NodeSocket) -> bpy.types.NodeLinks:
    assert target.node is not None
    return tree_of(target.node).links


def _link_restorer(target: bpy.types.NodeSocket) -> Callable[[], Any]:
    """What brings back the link, or the lack of one, that an input has now."""
    links, before = _links_at(target), target.links[0] if target.links else None
    if before is None:
        return lambda: links.remove(target.links[0])  # type: ignore[index]
    output, is_muted = before.from_socket, before.is_muted

    def restore() -> None:
        again: Any = links.new(output, target)  # type: ignore[arg-type]
        again.is_muted = is_muted

    return restore


GAP = 40
"""Free space between nodes, in units of the node editor."""

IMAGE_SIZE, NORMAL_SIZE, USUAL_HEIGHT = (240, 280), (150, 160), 300
"""Width and height of an Image Texture and of a Normal Map node; Blender knows heights only once it has drawn them."""


def place_node(image: bpy.types.Node, normal: bpy.types.Node, texture: bpy.types.Node | None,
               shader: bpy.types.Node | None) -> None:
    """Puts an Image Texture and its Normal Map, those of them that were made here, where they look tidy.

    Side by side below the texture, left of the shader, on nothing else, and inside the texture's frame; texture and shader
    are None where they are not in the same tree.
    """
    x, y = _corner(texture or shader or image)
    if texture is None:
        y -= USUAL_HEIGHT
    right = _corner(shader)[0] - GAP if shader else x + IMAGE_SIZE[0] + GAP + NORMAL_SIZE[0]
    left = right - NORMAL_SIZE[0] - GAP - IMAGE_SIZE[0]
    left = min(left, x) if texture else left
    top = _free_top(tree_of(image), (image, normal), left, right, y)
    _put(normal, right - NORMAL_SIZE[0], top, texture)
    _put(image, left, top, texture)


def below(image: bpy.types.Node, texture: bpy.types.Node | None) -> None:
    """Puts an Image Texture made here below another one, or where it is, on nothing else."""
    x, y = _corner(texture or image)
    left, right = x, x + IMAGE_SIZE[0]
    _put(image, left, _free_top(tree_of(image), (image,), left, right, y), texture)


def _free_top(tree: bpy.types.NodeTree, moved: tuple[bpy.types.Node, ...], left: float, right: float, top: float) -> float:
    """The highest place at most at `top` where a strip as high as an Image Texture lies on no node."""
    boxes = [_box(node) for node in tree.nodes if node not in moved and node.bl_idname != "NodeFrame"]
    for box_left, box_top, box_right, box_bottom in sorted(boxes, key=lambda box: -box[1]):
        is_beside = box_right + GAP <= left or box_left - GAP >= right
        is_below = box_top + GAP <= top - IMAGE_SIZE[1]
        if not is_beside and not is_below and box_bottom - GAP < top:
            top = box_bottom - GAP
    return top


def _box(node: bpy.types.Node) -> tuple[float, float, float, float]:
    x, y = _corner(node)
    width, height = (16, 16) if node.bl_idname == "NodeReroute" else (node.width, max(node.height, USUAL_HEIGHT))
    return x, y, x + width, y - height


def _corner(node: bpy.types.Node) -> tuple[float, float]:
    """The node's left upper corner in its tree; Blender gives it within the node's frame."""
    x, y = node.location.x, node.location.y
    frame = node.parent
    while frame is not None:
        x, y = x + frame.location.x, y + frame.location.y
        frame = frame.parent
    return x, y


def _put(node: bpy.types.Node, x: float, y: float, neighbour: bpy.types.Node | None) -> None:
    if not is_marked(node):
        return
    node.parent = neighbour.parent if neighbour else None
    offset = _corner(node.parent) if node.parent else (0.0, 0.0)
    node.location = (x - offset[0], y - offset[1])


def shared_depth(one: GroupPath, other: GroupPath) -> int:
    """How many groups both lie in."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def link_across_groups(output: SocketInstance, end: SocketInstance, name: str, changes: Changes) -> None:
    """Links an output to an input that may lie in other groups, through sockets of these groups; new ones get the name."""
    common = shared_depth(output.groups, end.groups)
    while len(output.groups) > common:
        output = _out_of_group(output, name, changes)
    for group in end.groups[common:]:
        output = _into_group(output, group, name, changes)
    changes.link(output.socket, end.socket)


def _out_of_group(output: SocketInstance, name: str, changes: Changes) -> SocketInstance:
    group, tree = output.groups[-1], output.tree
    inside = group_output(tree)
    assert inside is not None
    identifier = next((socket.identifier for socket in inside.inputs if linked_output(socket) == output.socket), None)
    if identifier is None:
        identifier = changes.interface_socket(tree, name, "OUTPUT", output.socket)
        changes.link(output.socket, _called(inside.inputs, identifier))
    return SocketInstance(_called(group.outputs, identifier), output.groups[:-1])


def _into_group(output: SocketInstance, group: bpy.types.Node, name: str, changes: Changes) -> SocketInstance:
    tree: bpy.types.NodeTree = group.node_tree  # type: ignore[attr-defined]
    identifier = next((socket.identifier for socket in group.inputs if linked_output(socket) == output.socket), None)
    if identifier is None:
        identifier = changes.interface_socket(tree, name, "INPUT", output.socket)
        changes.link(output.socket, _called(group.inputs, identifier))
    entrances = [node for node in tree.nodes if node.bl_idname == "NodeGroupInput"]
    entrance = entrances[0] if entrances else changes.node(tree, "NodeGroupInput")
    return SocketInstance(_called(entrance.outputs, identifier), (*output.groups, group))


def _called(sockets: Any, identifier: str) -> bpy.types.NodeSocket:
    return next(socket for socket in sockets if socket.identifier == identifier)
