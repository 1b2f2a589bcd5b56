"""Changing a material's nodes so that all can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .graph import tree_of

MARK = "midas_normal"
"""Property of the nodes made here; it survives saving, moving and renaming."""


def is_marked(node: bpy.types.Node) -> bool:
    """Whether the node was made by this extension."""
    return bool(node.get(MARK))


def direct(target: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that an input is linked to, be it a reroute's."""
    return target.links[0].from_socket if target.links else None


class Changes:
    """What is done to a material; used with `with`, it is undone when an exception ends the block."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], Any]] = []

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is not None:
            for undo in reversed(self._undo):
                undo()

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

    def link(self, output: bpy.types.NodeSocket, target: bpy.types.NodeSocket) -> None:
        before = direct(target)
        if before == output:
            return
        links = tree_of(target.node).links  # type: ignore[arg-type]
        links.new(output, target)
        self._undo.append(lambda: links.new(before, target) if before else self._cut(target))

    def unlink(self, target: bpy.types.NodeSocket) -> None:
        before = direct(target)
        if before is not None:
            self._cut(target)
            self._undo.append(lambda: tree_of(target.node).links.new(before, target))  # type: ignore[arg-type]

    @staticmethod
    def _cut(target: bpy.types.NodeSocket) -> None:
        tree_of(target.node).links.remove(target.links[0])  # type: ignore[arg-type,index]

    def interface_socket(self, tree: bpy.types.NodeTree, in_out: str) -> str:
        """Identifier of a new socket Normal of the group."""
        interface: Any = tree.interface
        item = interface.new_socket("Normal", in_out=in_out, socket_type="NodeSocketVector")
        self._undo.append(lambda: interface.remove(item))
        return item.identifier
