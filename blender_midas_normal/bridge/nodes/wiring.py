"""Wiring a map into a material: Image Texture -> Normal Map -> the Normal of each shader that the source feeds.

First a plan, which changes nothing, then its steps; when one of them fails, all are undone.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .alike import lie_alike
from .carrying import carry
from .changes import Changes
from .graph import Groups, Plug, Spot, direct, feed, input_of_output, is_normal_shader, spots, surface, tree_of, upstream
from .materials import is_editable, nodes_of
from .placement import place
from .showing import image_node, node_has_convention, node_words, shown_in
from .theirs import is_bare, is_ours
from .wishes import Wish, plan


@dataclass(frozen=True)
class WiringReport:
    """Whether the map is wired to at least one shader, and sentences for the user."""

    done: bool
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """The two nodes of a wired map."""

    image: bpy.types.Node
    normal: bpy.types.Node


def wire(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image, convention: str = "OPENGL",
         replace: bool = False) -> WiringReport:
    """Wires the map into the material, or updates the wiring; nothing stays half done.

    replace: normal maps of the user's own give way.  A ControlNet map is never wired: it would shade black.
    """
    if convention == "CONTROLNET":
        return WiringReport(False, ("A ControlNet map is not wired, because Blender would shade it black; "
                                    "choose OPENGL for a map to be wired.",))
    if not is_editable(material):
        return WiringReport(False, (f"The material {material.name!r} is linked from another file and stays as it is.",))
    with Changes() as changes:
        _ensure_shader(material, changes)
        wishes, sentences = plan(material, source, map_image, replace)
        for wish in wishes:
            _fulfil(wish, material, map_image, convention, changes)
    if wishes:
        sentences.append(f"Wired {map_image.name!r} to {_names(wishes)} of the material {material.name!r}.")
    if wishes and convention == "DIRECTX" and node_has_convention():
        sentences.append("The Normal Map node reads the map as DirectX, so its pixels stay as they are.")
    if wishes and convention == "OBJECT":
        sentences.append("The map is in object space, which is right on planes that lie in their object's XY plane.")
    return WiringReport(bool(wishes), tuple(sentences))


def _names(wishes: list[Wish]) -> str:
    return ", ".join(dict.fromkeys(repr(wish.shader.node.name) for wish in wishes))


def _ensure_shader(material: bpy.types.Material, changes: Changes) -> None:
    """A material without any shader gets a Principled BSDF; one that is a volume alone has no surface to shade."""
    tree = nodes_of(material, changes)
    end = surface(tree)
    if _is_fed(end) or _is_fed(input_of_output(tree, "Volume")) or any(is_normal_shader(spot.node) for spot in spots(tree)):
        return
    output = end.socket if end else changes.node(tree, "ShaderNodeOutputMaterial").inputs["Surface"]
    principled = changes.node(tree, "ShaderNodeBsdfPrincipled")
    principled.location = (output.node.location.x - 300, output.node.location.y)  # type: ignore[union-attr]
    changes.link(principled.outputs[0], output)


def _is_fed(plug: Plug | None) -> bool:
    return plug is not None and feed(plug).output is not None


def _pair_in_place(wish: Wish, material: bpy.types.Material, map_image: bpy.types.Image) -> Pair | None:
    """The nodes through which the shader has the map already; the image node may be missing."""
    there = wish.end.output
    if there is None or not is_ours(there.spot, material, map_image):
        return None
    behind = image_node(there.spot)
    if behind is None or tree_of(behind.node) != there.tree:
        return None
    return Pair(behind.node, there.spot.node)


def _pair_nearby(wish: Wish, tree: bpy.types.NodeTree, map_image: bpy.types.Image) -> Pair | None:
    """Nodes with the map in the tree that can serve this shader too: those of the same texture, judged by its mapping."""
    source = shown_in(wish.texture.node) if wish.texture else None
    is_only = sum(shown_in(node) == source for node in tree.nodes) < 2
    for image in tree.nodes:
        if shown_in(image) == map_image and (is_only or direct(image.inputs["Vector"]) == _vector(wish)):
            for link in image.outputs["Color"].links or ():
                if not link.is_muted and link.to_node and link.to_node.bl_idname == "ShaderNodeNormalMap":
                    return Pair(image, link.to_node)
    return None


def _vector(wish: Wish) -> bpy.types.NodeSocket | None:
    return direct(wish.texture.node.inputs["Vector"]) if wish.texture else None


def _fulfil(wish: Wish, material: bpy.types.Material, map_image: bpy.types.Image, convention: str, changes: Changes) -> None:
    pair = _pair_in_place(wish, material, map_image)
    is_in_place = pair is not None
    home = wish.end.output.groups if is_in_place and wish.end.output else wish.home
    tree = _tree_inside(home, material)
    pair = pair or _pair_nearby(wish, tree, map_image) or _new_pair(wish, tree, map_image, changes)
    changes.set(pair.image, "image", map_image)
    for name, value in node_words(convention).items():
        changes.set(pair.normal, name, value)
    if wish.texture and tree_of(wish.texture.node) == tree:
        _map_alike(wish.texture, pair, changes)
    if not is_in_place:
        changes.link(pair.image.outputs["Color"], pair.normal.inputs["Color"])
        carry(Plug(pair.normal.outputs["Normal"], home), wish.end.input, changes)


def _tree_inside(groups: Groups, material: bpy.types.Material) -> bpy.types.NodeTree:
    tree = groups[-1].node_tree if groups else material.node_tree  # type: ignore[attr-defined]
    assert tree is not None
    return tree


def _new_pair(wish: Wish, tree: bpy.types.NodeTree, map_image: bpy.types.Image, changes: Changes) -> Pair:
    """New nodes, of which those that are left over from earlier are none: an image node with the map, a bare Normal Map."""
    there = wish.end.output
    images = [node for node in tree.nodes if shown_in(node) == map_image
              and all(link.is_muted for link in node.outputs["Color"].links or ())]
    bare = there.spot.node if there and there.tree == tree and is_bare(there.spot) else None
    image = images[0] if images else changes.node(tree, "ShaderNodeTexImage")
    normal = bare or changes.node(tree, "ShaderNodeNormalMap")
    if not images or bare is None:
        texture = wish.texture.node if wish.texture and tree_of(wish.texture.node) == tree else None
        shader = wish.end.input.spot.node if wish.end.input.tree == tree else None
        place(image, normal, texture, shader)
    return Pair(image, normal)


def _map_alike(texture: Spot, pair: Pair, changes: Changes) -> None:
    """The map lies on the surface as the source does, and its tangents too."""
    lie_alike(texture, pair.image, changes)
    for spot in upstream(Plug(texture.node.inputs["Vector"], texture.groups)):
        if isinstance(spot.node, bpy.types.ShaderNodeUVMap):
            changes.set(pair.normal, "uv_map", spot.node.uv_map)
            break
