"""Wiring a map into a material: Image Texture -> Normal Map -> the Normal of each shader that the source feeds.

First a plan, which changes nothing, then its steps; when one of them fails, all are undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .changes import Changes, direct, is_marked
from .graph import (
    Feed,
    Groups,
    Plug,
    Spot,
    feed,
    group_output,
    inputs_fed,
    is_normal_shader,
    spots,
    surface,
    tree_of,
    upstream,
)
from .materials import is_editable, uses_nodes
from .pixels import VIEWERS
from .placement import place
from .results import source_of

SAME = ("projection", "projection_blend", "extension")
SAME_MAPPING = ("vector_type", "translation", "rotation", "scale", "min", "max", "use_min", "use_max", "mapping_x",
                "mapping_y", "mapping_z", "mapping")
SAME_FRAMES = ("frame_start", "frame_offset", "frame_duration", "use_cyclic", "use_auto_refresh")
"""Settings in which the map's Image Texture follows the source's, those of its texture mapping, and those of its frames."""


@dataclass(frozen=True)
class WiringReport:
    """Whether the map is wired to at least one shader, and sentences for the user."""

    done: bool
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """One shader that gets the map: `end` is where its chain of normals begins, `texture` shows the source, if any does."""

    shader: Spot
    texture: Spot | None
    end: Feed

    @property
    def home(self) -> Groups:
        """The groups inside which the new nodes belong."""
        return self.texture.groups if self.texture else self.end.input.groups


@dataclass(frozen=True)
class Pair:
    """The two nodes of a wired map."""

    image: bpy.types.Node
    normal: bpy.types.Node


def node_has_convention() -> bool:
    """Whether this Blender's Normal Map node can read DirectX maps (5.1 and newer); else the pixels must be flipped."""
    return "convention" in bpy.types.ShaderNodeNormalMap.bl_rna.properties


def reading(convention: str) -> dict[str, str]:
    """The properties of a Normal Map node that reads maps in the convention, with their values."""
    words = {"space": "OBJECT" if convention == "OBJECT" else "TANGENT"}
    if node_has_convention():
        words["convention"] = "DIRECTX" if convention == "DIRECTX" else "OPENGL"
    return words


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
        wishes, sentences = _plan(material, source, map_image, replace)
        for wish in wishes:
            _fulfil(wish, material, map_image, convention, changes)
    if wishes:
        sentences.append(f"Wired {map_image.name!r} to {_names(wishes)} of the material {material.name!r}.")
    if wishes and convention == "DIRECTX" and node_has_convention():
        sentences.append("The Normal Map node reads the map as DirectX, so its pixels stay as they are.")
    if wishes and convention == "OBJECT":
        sentences.append("The map is in object space, which is right on planes that lie in their object's XY plane.")
    return WiringReport(bool(wishes), tuple(sentences))


def is_wired(map_image: bpy.types.Image) -> bool:
    """Whether a Normal Map node of a material reads the map."""
    return any(_normal_nodes(map_image))


def read_as(map_image: bpy.types.Image, convention: str) -> None:
    """Tells the Normal Map nodes that read the map in which convention it is."""
    for node in _normal_nodes(map_image):
        for name, value in reading(convention).items():
            if getattr(node, name) != value:  # setting it compiles the material's shader again
                setattr(node, name, value)


def _normal_nodes(map_image: bpy.types.Image) -> Iterator[Any]:
    """The nodes of materials, in groups too, that read the map and can be changed."""
    for material in bpy.data.materials:
        for spot in spots(material.node_tree):
            if (spot.node.bl_idname == "ShaderNodeNormalMap" and _shown_behind(spot) == map_image
                    and is_editable(tree_of(spot.node))):
                yield spot.node


def _shown_behind(normal: Spot) -> bpy.types.Image | None:
    behind = _image_node(normal)
    return shown_in(behind.node) if behind else None


def _names(wishes: list[Wish]) -> str:
    return ", ".join(dict.fromkeys(repr(wish.shader.node.name) for wish in wishes))


def _ensure_shader(material: bpy.types.Material, changes: Changes) -> None:
    """A material without any shader gets a Principled BSDF."""
    if not uses_nodes(material):
        changes.set(material, "use_nodes", True)
    tree = material.node_tree
    assert tree is not None
    end = surface(tree)
    if (end is not None and feed(end).output is not None) or any(is_normal_shader(spot.node) for spot in spots(tree)):
        return
    output = end.socket if end else changes.node(tree, "ShaderNodeOutputMaterial").inputs["Surface"]
    principled = changes.node(tree, "ShaderNodeBsdfPrincipled")
    principled.location = (output.node.location.x - 300, output.node.location.y)  # type: ignore[union-attr]
    changes.link(principled.outputs[0], output)


# The plan

def _plan(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image,
          replace: bool) -> tuple[list[Wish], list[str]]:
    """What is to be done, and sentences about what is not and why."""
    wishes: list[Wish] = []
    sentences: list[str] = []
    found = _shaders(material, source, sentences)
    if not found:
        sentences.append(f"The material {material.name!r} has no shader with a Normal input, so the map is not wired.")
    for shader, texture in found.items():
        wish = Wish(shader, texture, _end_of_chain(Plug(shader.node.inputs["Normal"], shader.groups)))
        reason = _reason_against(wish, material, map_image, replace)
        if reason:
            sentences.append(reason)
        else:
            wishes.append(wish)
    return wishes, sentences


def _shaders(material: bpy.types.Material, source: bpy.types.Image, sentences: list[str]) -> dict[Spot, Spot | None]:
    """The shaders that get the map, each with the texture that feeds it; the surface's where the source feeds none."""
    textures = [spot for spot in spots(material.node_tree) if shown_in(spot.node) == source]
    found: dict[Spot, Spot | None] = {}
    for texture in textures:
        for shader, sockets in _fed(texture).items():
            if shader not in found:
                found[shader] = texture
                if not any(socket.type == "RGBA" for socket in sockets):
                    names = " and ".join(sorted({socket.name for socket in sockets}))
                    sentences.append(f"The image {source.name!r} feeds only {names} of {shader.node.name!r}; "
                                     "the map is wired to it all the same.")
    if found:
        return found
    end = surface(material.node_tree)
    return {spot: textures[0] if textures else None
            for spot in (upstream(end) if end else spots(material.node_tree)) if is_normal_shader(spot.node)}


def _fed(texture: Spot) -> dict[Spot, list[bpy.types.NodeSocket]]:
    """The shaders that a texture feeds, with the inputs by which it does."""
    found: dict[Spot, list[bpy.types.NodeSocket]] = {}
    seen = {texture}
    waiting = [texture]
    while waiting:
        spot = waiting.pop(0)
        for plug in (plug for output in spot.node.outputs for plug in inputs_fed(Plug(output, spot.groups))):
            if is_normal_shader(plug.spot.node):
                found.setdefault(plug.spot, []).append(plug.socket)
            elif plug.spot not in seen:
                seen.add(plug.spot)
                waiting.append(plug.spot)
    return found


def _end_of_chain(normal: Plug) -> Feed:
    """What feeds a shader's Normal, beyond the Bump nodes before it, which keep their places."""
    found = feed(normal)
    while found.output is not None and found.output.spot.node.bl_idname == "ShaderNodeBump":
        found = feed(Plug(found.output.spot.node.inputs["Normal"], found.output.groups))
    return found


def _reason_against(wish: Wish, material: bpy.types.Material, map_image: bpy.types.Image, replace: bool) -> str:
    """Why the shader cannot have the map, or shall not; "" when nothing speaks against it."""
    there = wish.end.output
    name = wish.shader.node.name
    if there is not None and _is_ours(there.spot, material, map_image):
        return "" if is_editable(there.tree) else _linked(name, there.tree)
    if there is not None and not replace:
        shown = _image_behind(there.spot)
        what = f"its own normal map {shown.name!r}" if shown else f"the normals of {there.spot.node.name!r}"
        return f"The shader {name!r} keeps {what}; set Replace to wire the new map instead."
    return _obstacle(wish)


def _obstacle(wish: Wish) -> str:
    """Why the normal cannot get from the texture to the shader, in or out of groups; "" when it can."""
    name, end = wish.shader.node.name, wish.end.input
    common = _common(wish.home, end.groups)
    into = [group.node_tree for group in end.groups[common:]]  # type: ignore[attr-defined]
    out_of = [group.node_tree for group in wish.home[common:]]  # type: ignore[attr-defined]
    home = [tree_of(wish.texture.node)] if wish.texture else []
    for tree in (*home, *out_of, *into, end.tree):
        if not is_editable(tree):
            return _linked(name, tree)
    for tree in into:
        if tree.users - tree.use_fake_user > 1:
            return (f"The shader {name!r} is in the group {tree.name!r}, which is used in other places too; "
                    "make the group single-user to wire the map into it.")
    return ""


def _linked(shader: str, tree: bpy.types.NodeTree) -> str:
    return f"The map is not wired to the shader {shader!r}, because the group {tree.name!r} is linked from another file."


def _common(one: Groups, other: Groups) -> int:
    """How many groups both lie in."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


# The nodes that are there

def shown_in(node: bpy.types.Node | None) -> bpy.types.Image | None:
    """The image of an Image Texture; None for any other node."""
    return node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None


def _image_node(normal: Spot) -> Spot | None:
    """The nearest Image Texture that feeds a Normal Map node."""
    behind = upstream(Plug(normal.node.inputs["Color"], normal.groups))
    return next((spot for spot in behind if isinstance(spot.node, bpy.types.ShaderNodeTexImage)), None)


def _is_bare(spot: Spot) -> bool:
    """Whether a node is a Normal Map without anything to map."""
    return (spot.node.bl_idname == "ShaderNodeNormalMap"
            and feed(Plug(spot.node.inputs["Color"], spot.groups)).output is None)


def _image_behind(spot: Spot) -> bpy.types.Image | None:
    """The first image that feeds a node."""
    for socket in spot.node.inputs:
        for found in upstream(Plug(socket, spot.groups)):
            if shown_in(found.node):
                return shown_in(found.node)
    return None


def _is_ours(spot: Spot, material: bpy.types.Material, map_image: bpy.types.Image) -> bool:
    """Whether a node is a Normal Map with this map, with none, or with the map of an image that the material lost."""
    if _is_bare(spot):
        return True
    behind = _image_node(spot) if spot.node.bl_idname == "ShaderNodeNormalMap" else None
    if behind is None:
        return False
    shown = shown_in(behind.node)
    if shown is None:
        return is_marked(behind.node)
    return shown == map_image or (is_marked(spot.node) and _is_stale(shown, material))


def _is_stale(shown: bpy.types.Image, material: bpy.types.Material) -> bool:
    source = source_of(shown)
    if source is None or source.type in VIEWERS:
        return False
    return all(shown_in(spot.node) != source for spot in spots(material.node_tree))


def _pair_in_place(wish: Wish, material: bpy.types.Material, map_image: bpy.types.Image) -> Pair | None:
    """The nodes through which the shader has the map already; the image node may be missing."""
    there = wish.end.output
    if there is None or not _is_ours(there.spot, material, map_image):
        return None
    behind = _image_node(there.spot)
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
                if link.to_node and link.to_node.bl_idname == "ShaderNodeNormalMap":
                    return Pair(image, link.to_node)
    return None


def _vector(wish: Wish) -> bpy.types.NodeSocket | None:
    return direct(wish.texture.node.inputs["Vector"]) if wish.texture else None


# The steps

def _fulfil(wish: Wish, material: bpy.types.Material, map_image: bpy.types.Image, convention: str, changes: Changes) -> None:
    pair = _pair_in_place(wish, material, map_image)
    is_in_place = pair is not None
    home = wish.end.output.groups if is_in_place and wish.end.output else wish.home
    tree = _tree_inside(home, material)
    pair = pair or _pair_nearby(wish, tree, map_image) or _new_pair(wish, tree, map_image, changes)
    changes.set(pair.image, "image", map_image)
    for name, value in reading(convention).items():
        changes.set(pair.normal, name, value)
    if wish.texture and tree_of(wish.texture.node) == tree:
        _map_alike(wish.texture, pair, changes)
    if not is_in_place:
        changes.link(pair.image.outputs["Color"], pair.normal.inputs["Color"])
        _carry(Plug(pair.normal.outputs["Normal"], home), wish.end.input, changes)


def _tree_inside(groups: Groups, material: bpy.types.Material) -> bpy.types.NodeTree:
    tree = groups[-1].node_tree if groups else material.node_tree  # type: ignore[attr-defined]
    assert tree is not None
    return tree


def _new_pair(wish: Wish, tree: bpy.types.NodeTree, map_image: bpy.types.Image, changes: Changes) -> Pair:
    """New nodes, of which those that are left over from earlier are none: an image node with the map, a bare Normal Map."""
    there = wish.end.output
    images = [node for node in tree.nodes if shown_in(node) == map_image and not node.outputs["Color"].is_linked]
    bare = there.spot.node if there and there.tree == tree and _is_bare(there.spot) else None
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


def lie_alike(texture: Spot, image: bpy.types.Node, changes: Changes) -> None:
    """An Image Texture lies on the surface as another one in the same tree does."""
    for name in SAME:
        changes.set(image, name, getattr(texture.node, name))
    closest = texture.node.interpolation == "Closest"  # type: ignore[attr-defined]
    changes.set(image, "interpolation", "Closest" if closest else "Linear")
    for part, names in (("texture_mapping", SAME_MAPPING), ("image_user", SAME_FRAMES)):
        for name in names:
            changes.set(getattr(image, part), name, getattr(getattr(texture.node, part), name))
    vector = direct(texture.node.inputs["Vector"])
    if vector:
        changes.link(vector, image.inputs["Vector"])
    else:
        changes.unlink(image.inputs["Vector"])


def _carry(output: Plug, end: Plug, changes: Changes) -> None:
    """Links an output to an input that may lie in other groups, through sockets of these groups."""
    common = _common(output.groups, end.groups)
    while len(output.groups) > common:
        output = _out_of_group(output, changes)
    for group in end.groups[common:]:
        output = _into_group(output, group, changes)
    changes.link(output.socket, end.socket)


def _out_of_group(output: Plug, changes: Changes) -> Plug:
    group, tree = output.groups[-1], output.tree
    inside = group_output(tree)
    assert inside is not None
    name = next((socket.identifier for socket in inside.inputs if direct(socket) == output.socket), None)
    if name is None:
        name = changes.interface_socket(tree, "OUTPUT")
        changes.link(output.socket, _called(inside.inputs, name))
    return Plug(_called(group.outputs, name), output.groups[:-1])


def _into_group(output: Plug, group: bpy.types.Node, changes: Changes) -> Plug:
    tree: bpy.types.NodeTree = group.node_tree  # type: ignore[attr-defined]
    name = next((socket.identifier for socket in group.inputs if direct(socket) == output.socket), None)
    if name is None:
        name = changes.interface_socket(tree, "INPUT")
        changes.link(output.socket, _called(group.inputs, name))
    entrances = [node for node in tree.nodes if node.bl_idname == "NodeGroupInput"]
    entrance = entrances[0] if entrances else changes.node(tree, "NodeGroupInput")
    return Plug(_called(entrance.outputs, name), (*output.groups, group))


def _called(sockets: Any, identifier: str) -> bpy.types.NodeSocket:
    return next(socket for socket in sockets if socket.identifier == identifier)
