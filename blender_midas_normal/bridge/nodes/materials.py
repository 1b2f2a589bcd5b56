"""Choosing the materials that get the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ...core.errors import TargetError
from ...core.messages import NO_MESSAGE, Message, Phrase
from ..pixels import VIEWER_TYPES
from ..results import ENDING
from .changes import Changes
from .graph import Spot, spots, tree_of


@dataclass(frozen=True)
class Targets:
    """The materials to be wired, in order, and sentences for the report."""

    materials: tuple[bpy.types.Material, ...] = ()
    sentences: tuple[Message, ...] = ()


def targets(target: str, image: bpy.types.Image, thing: bpy.types.Object | None,
            material: bpy.types.Material | None) -> Targets:
    """The materials for a value of the operators' property `target`: AUTO, ACTIVE_MATERIAL or NONE.

    thing, material: those that were active when the map was asked for, as far as they are there still.  AUTO is every
    material that uses the image, the object's first; for a render, or an image that nothing uses, the active material, else
    the one that the object has by now, made where it has none.
    """
    if target == "NONE":
        return Targets()
    if target == "ACTIVE_MATERIAL":
        return _only(material)
    if target == "AUTO":
        return _users(image, thing) or _of_object(image, thing, material)
    raise TargetError("There is no target {target!r}; it is one of AUTO, ACTIVE_MATERIAL, NONE.", target=target)


def is_editable(owner: bpy.types.ID) -> bool:
    """Whether nodes in it can be changed."""
    return not why_fixed(owner)


def editable_spots(material: bpy.types.Material) -> Iterator[Spot]:
    """The material's nodes that can be changed, in groups too; of an override, its own tree does not say that it cannot."""
    is_fixed = not is_editable(material)
    for spot in spots(material.node_tree):
        if is_editable(tree_of(spot.node)) and (spot.groups or not is_fixed):
            yield spot


def why_fixed(owner: bpy.types.ID) -> Message:
    """Why nodes in it cannot be changed: what it is, as a value of a message; "" where they can."""
    if owner.library is not None:
        return Phrase("linked from another file")
    if owner.override_library is not None:
        return Phrase("a library override of one in another file")
    return NO_MESSAGE if owner.is_editable else Phrase("read-only")


def reason_against(material: bpy.types.Material) -> Message:
    """A sentence about a material that no map can be put into; "" where one can."""
    if material.is_grease_pencil:
        return Message("The material {material!r} is one for Grease Pencil, which shows no maps.", material=material.name)
    reason = why_fixed(material)
    if reason:
        return Message("The material {material!r} is {reason} and stays as it is.", material=material.name, reason=reason)
    return NO_MESSAGE


def uses_nodes(material: bpy.types.Material) -> bool:
    """Whether Blender looks at the material's nodes; from 5.0 on it always does, but never for Grease Pencil."""
    is_on = bpy.app.version >= (5, 0, 0) or material.use_nodes
    return material.node_tree is not None and is_on and not material.is_grease_pencil


def nodes_of(material: bpy.types.Material, changes: Changes) -> bpy.types.NodeTree:
    """The material's nodes; Blender looks at them from now on, and makes those of a new material where there are none."""
    if not uses_nodes(material):
        changes.set(material, "use_nodes", True)
    assert material.node_tree is not None
    return material.node_tree


def object_with(material: bpy.types.Material, thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """An object that has the material: this one if it does, else the first mesh of the file that does."""
    things = [thing] if thing else []
    things += [each for each in bpy.data.objects if each.type == "MESH"]
    return next((each for each in things if any(slot.material == material for slot in each.material_slots)), None)


def check_active_material(material: bpy.types.Material | None) -> None:
    """Raises TargetError when the target ACTIVE_MATERIAL is none that can have a map."""
    if material is None:
        raise TargetError("The active object has no material; give it one, or choose the target AUTO.")
    reason = reason_against(material)
    if reason:
        raise TargetError("{reason} Choose another one, or the target Image only.", reason=reason)


def _only(material: bpy.types.Material | None) -> Targets:
    if material is None:
        return Targets(sentences=(Message("The material is no longer there, so the map is made but not wired."),))
    reason = reason_against(material)
    return Targets(sentences=(reason,)) if reason else Targets((material,))


def _users(image: bpy.types.Image, thing: bpy.types.Object | None) -> Targets | None:
    """Those of the materials that use the image that can have the map; None when none uses it."""
    found = users_of(image, thing)
    if not found:
        return None
    return Targets(tuple(material for material in found if not reason_against(material)),
                   tuple(reason for material in found if (reason := reason_against(material))))


def users_of(image: bpy.types.Image, thing: bpy.types.Object | None) -> list[bpy.types.Material]:
    """All materials that use the image, the object's first."""
    found = [material for material in bpy.data.materials if _uses(material, image)]
    own = [slot.material for slot in thing.material_slots] if thing else []
    return sorted(found, key=lambda material: own.index(material) if material in own else len(own))


def _uses(material: bpy.types.Material, image: bpy.types.Image) -> bool:
    textures = (spot.node for spot in spots(material.node_tree) if isinstance(spot.node, bpy.types.ShaderNodeTexImage))
    return uses_nodes(material) and any(texture.image == image for texture in textures)


def _of_object(image: bpy.types.Image, thing: bpy.types.Object | None, material: bpy.types.Material | None) -> Targets:
    material = material or (thing.active_material if thing else None)
    if material is not None:
        return _only(material)
    if thing is None or thing.type != "MESH":
        return Targets(sentences=(Message("No mesh object is active, so the map is made but not wired."),))
    reason = why_fixed(thing) or why_fixed(thing.data)  # type: ignore[arg-type]
    if reason:
        return Targets(sentences=(Message("The object {object!r} is {reason} and gets no material.", object=thing.name,
                                          reason=reason),))
    return _made_for(image, thing)


def _made_for(image: bpy.types.Image, thing: bpy.types.Object) -> Targets:
    """A new material for the object, which shows the image; a render is no texture, so then it is plain."""
    is_render = image.type in VIEWER_TYPES
    material = bpy.data.materials.new("Material" if is_render else ENDING.sub("", image.name))
    principled = _principled(material)
    if not is_render:
        texture = material.node_tree.nodes.new("ShaderNodeTexImage")  # type: ignore[union-attr]
        texture.image = image  # type: ignore[union-attr]
        texture.location = (principled.location.x - 600, principled.location.y)
        material.node_tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])  # type: ignore[union-attr]
    thing.active_material = material
    return Targets((material,), (Message("The object {object!r} had no material and got {material!r}.", object=thing.name,
                                         material=material.name),))


def _principled(material: bpy.types.Material) -> bpy.types.Node:
    """The Principled BSDF that Blender puts into a new material's nodes."""
    if not uses_nodes(material):
        material.use_nodes = True
    return next(spot.node for spot in spots(material.node_tree) if spot.node.bl_idname == "ShaderNodeBsdfPrincipled")
