"""A user lets a normal map take the place of a Bump node, and takes it back."""

from __future__ import annotations

from ..window import Window
from .common import TREE, check

BUTTON = "bpy.ops.midas_normal.generate_from_bump(wire=True)"

BUMPED = f"""
tree = {TREE}
shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
texture, bump = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeBump")
texture.name, bump.name, texture.image = "heights", "relief", picture(256, 11)
texture.location, bump.location = (-900, -600), (-400, -600)
bump.inputs["Distance"].default_value = 0.05
kept = shader.inputs["Normal"].links[0].from_node.name
tree.links.new(texture.outputs["Color"], bump.inputs["Height"])
tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
tree.nodes.active = bump
last = generation.last_outcome()
bpy.ops.ed.undo_push()
"""

LINKS = f"sorted([link.from_node.name, link.to_node.name, link.to_socket.name] for link in {TREE}.links)"

FORGOTTEN = f"""
tree = {TREE}
shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
tree.links.new(tree.nodes[kept].outputs["Normal"], shader.inputs["Normal"])
for name in ("heights", "relief"):
    tree.nodes.remove(tree.nodes[name])
bpy.data.images.remove(bpy.data.images["tiles_256_11.png"])
bpy.ops.ed.undo_push()
"""


def from_bump(window: Window) -> str:
    """A click below Generate wires a normal map in the Bump node's place, in one undo step; the node stays."""
    window.blender.do(BUMPED)
    window.show_tab()
    before = window.blender.value(LINKS)
    window.click(BUTTON)
    window.blender.wait_until("generation.task() is None and generation.last_outcome() not in (None, last)", 60)
    window.shoot("from_bump_wired")
    after, said = window.blender.value(LINKS), window.blender.value("generation.last_message()")
    check(["heights", "relief", "Height"] in after, "the Bump node has lost its picture")
    check(not any(link[0] == "relief" for link in after), f"the Bump node still shades: {said}")
    check("shades instead of 'relief'" in said, f"the panel says: {said}")
    window.press("ctrl+z")
    check(window.blender.value(LINKS) == before, f"undo left {window.blender.value(LINKS)} of {before}")
    window.blender.do(FORGOTTEN)
    return ""
