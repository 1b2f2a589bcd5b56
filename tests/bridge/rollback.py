"""Compare materials down to each value, and check that an edit that fails at any step is rolled back."""

from __future__ import annotations

import itertools

import bpy
from bl_ext.user_default.midas_normal.bridge.nodes.edits import NodeEdits

STEPS = ("set", "node", "link", "unlink", "remove", "interface_socket")

NO_VALUES = {"rna_type"} if bpy.app.version < (5, 0) else {"rna_type", "use_nodes"}
"""Properties that are not settings; 5.0 warns of one that is always on."""


class InjectedFailure(Exception):
    """The failure of a step that a test injects."""


def state(material):
    """Return everything by which a change of a material shows: settings, nodes, links, and the sockets of its groups."""
    trees = [material.node_tree, *bpy.data.node_groups]
    return [settings(material), *([[settings(node) for node in sorted(tree.nodes, key=lambda node: node.name)],
                                   sorted(ends(link) for link in tree.links),
                                   [item.identifier for item in tree.interface.items_tree]] for tree in trees)]


def ends(link):
    return (link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier, link.is_muted)


def settings(owner, depth=2):
    """Return the values of one of Blender's structs, of the structs in it, and of a node's inputs."""
    values = {}
    for name, value in ((name, getattr(owner, name)) for name in set(owner.bl_rna.properties.keys()) - NO_VALUES):
        if isinstance(value, bpy.types.ID):
            values[name] = value.name
        elif isinstance(value, bpy.types.bpy_struct):
            values[name] = settings(value, depth - 1) if depth and isinstance(owner, bpy.types.Node) else None
        elif isinstance(value, (bool, int, float, str, set)):
            values[name] = value
        elif name == "inputs":
            values[name] = [(socket.identifier, plain(getattr(socket, "default_value", None))) for socket in value]
        elif not isinstance(value, bpy.types.bpy_prop_collection):
            values[name] = plain(value)
    return values


def plain(value):
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(tuple(value))


def assert_undone_at_each_step(monkeypatch, material, change):
    """Run `change` failing at its first step, its second, ..., and after its last, then not; returns how often it failed."""
    before = state(material)
    for fail_at in itertools.count(1):
        with monkeypatch.context() as patch:
            steps = itertools.count(1)
            for name in STEPS:
                patch.setattr(NodeEdits, name, fail_at_step(getattr(NodeEdits, name), steps, fail_at))
            patch.setattr(NodeEdits, "__exit__", fail_after_last_step(NodeEdits.__exit__, steps, fail_at))
            try:
                change()
            except InjectedFailure:
                assert state(material) == before, fail_at
            else:
                assert state(material) != before
                return fail_at - 1


def fail_at_step(original, steps, fail_at):
    def step(*args):
        if next(steps) == fail_at:
            raise InjectedFailure
        return original(*args)
    return step


def fail_after_last_step(original, steps, fail_at):
    def leave(edits, kind, *args):
        is_too_late = kind is None and next(steps) == fail_at
        original(edits, InjectedFailure if is_too_late else kind, *args)
        if is_too_late:
            raise InjectedFailure
    return leave
