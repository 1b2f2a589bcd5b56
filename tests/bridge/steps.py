"""What a material is, down to each value, and what is left of a change to it that fails at one of its steps."""

from __future__ import annotations

import itertools

import bpy
from bl_ext.user_default.midas_normal.bridge.nodes.edits import NodeEdits

STEPS = ("set", "node", "link", "unlink", "remove", "interface_socket")

NO_VALUES = {"rna_type"} if bpy.app.version < (5, 0) else {"rna_type", "use_nodes"}
"""Properties that are none of a thing's settings; 5.0 warns of one that is always on."""


class OutOfLuck(Exception):
    pass


def state(material):
    """All that a material is made of, by which a change shows: settings, nodes, links, and the sockets of its groups."""
    trees = [material.node_tree, *bpy.data.node_groups]
    return [settings(material), *([[settings(node) for node in sorted(tree.nodes, key=lambda node: node.name)],
                                   sorted(ends(link) for link in tree.links),
                                   [item.identifier for item in tree.interface.items_tree]] for tree in trees)]


def ends(link):
    return (link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier, link.is_muted)


def settings(owner, depth=2):
    """The values of a struct of Blender's, of the structs in it, and of a node's inputs."""
    found = {}
    for name, value in ((name, getattr(owner, name)) for name in set(owner.bl_rna.properties.keys()) - NO_VALUES):
        if isinstance(value, bpy.types.ID):
            found[name] = value.name
        elif isinstance(value, bpy.types.bpy_struct):
            found[name] = settings(value, depth - 1) if depth and isinstance(owner, bpy.types.Node) else None
        elif isinstance(value, (bool, int, float, str, set)):
            found[name] = value
        elif name == "inputs":
            found[name] = [(socket.identifier, plain(getattr(socket, "default_value", None))) for socket in value]
        elif not isinstance(value, bpy.types.bpy_prop_collection):
            found[name] = plain(value)
    return found


def plain(value):
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(tuple(value))


def assert_undone_at_each_step(monkeypatch, material, change):
    """Fails `change` at its first step, its second, ..., and after its last, then lets it through; how often it failed."""
    before = state(material)
    for fail_at in itertools.count(1):
        with monkeypatch.context() as patch:
            steps = itertools.count(1)
            for name in STEPS:
                patch.setattr(NodeEdits, name, counted(getattr(NodeEdits, name), steps, fail_at))
            patch.setattr(NodeEdits, "__exit__", failing_after_the_last(NodeEdits.__exit__, steps, fail_at))
            try:
                change()
            except OutOfLuck:
                assert state(material) == before, fail_at
            else:
                assert state(material) != before
                return fail_at - 1


def counted(original, steps, fail_at):
    def step(*words):
        if next(steps) == fail_at:
            raise OutOfLuck
        return original(*words)
    return step


def failing_after_the_last(original, steps, fail_at):
    def leave(edits, kind, *words):
        is_too_late = kind is None and next(steps) == fail_at
        original(edits, OutOfLuck if is_too_late else kind, *words)
        if is_too_late:
            raise OutOfLuck
    return leave
