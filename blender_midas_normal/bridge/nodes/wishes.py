"""What is to be wired: which shaders get a map, where in their chains of normals, and why others do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from .carrying import shared_depth
from .changes import is_marked
from .graph import Feed, Groups, Plug, Spot, feed, inputs_fed, is_normal_shader, spots, surface, tree_of, upstream
from .materials import is_editable
from .showing import shown_in
from .theirs import image_behind, is_ours


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


def plan(material: bpy.types.Material, source: bpy.types.Image, map_image: bpy.types.Image,
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
            sentences += _about_muted_link(wish)
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
    if there is not None and is_ours(there.spot, material, map_image):
        return "" if is_editable(there.tree) else _linked(name, there.tree)
    if there is not None and not replace:
        shown = image_behind(there.spot)
        what = f"its own normal map {shown.name!r}" if shown else f"the normals of {there.spot.node.name!r}"
        return f"The shader {name!r} keeps {what}; set Replace to wire the new map instead."
    return _obstacle(wish)


def _about_muted_link(wish: Wish) -> Iterator[str]:
    """A sentence about a link of the user's that has no effect, and that the map's link replaces."""
    links = wish.end.input.socket.links
    if links and links[0].is_muted and links[0].from_node and not is_marked(links[0].from_node):
        yield f"The link from {links[0].from_node.name!r}, which was muted, is replaced by the map's."


def _obstacle(wish: Wish) -> str:
    """Why the normal cannot get from the texture to the shader, in or out of groups; "" when it can."""
    name, end = wish.shader.node.name, wish.end.input
    common = shared_depth(wish.home, end.groups)
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
