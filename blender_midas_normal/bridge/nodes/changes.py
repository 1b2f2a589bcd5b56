"""Changing a material's nodes so that all can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .graph import direct, tree_of

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
        if direct(target) != output:
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
