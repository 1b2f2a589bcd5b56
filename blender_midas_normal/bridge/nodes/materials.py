"""Choosing the materials that get the map."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ...core.errors import TargetError
from ..pixels import VIEWER_TYPES
from ..results import ENDING
from .changes import Changes
from .graph import spots


@dataclass(frozen=True)
class Targets:
    """The materials to be wired, in order, and sentences for the report."""

    materials: tuple[bpy.types.Material, ...] = ()
    sentences: tuple[str, ...] = ()


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
    raise TargetError(f"There is no target {target!r}; it is one of AUTO, ACTIVE_MATERIAL, NONE.")


def is_editable(owner: bpy.types.ID) -> bool:
    """Whether nodes in it can be changed: it is not linked from another file, nor an override of what is."""
    return owner.library is None and owner.override_library is None and owner.is_editable


def uses_nodes(material: bpy.types.Material) -> bool:
    """Whether Blender looks at the material's nodes; from 5.0 on it always does."""
    return material.node_tree is not None and (bpy.app.version >= (5, 0, 0) or material.use_nodes)


def nodes_of(material: bpy.types.Material, changes: Changes) -> bpy.types.NodeTree:
    """The material's nodes; Blender looks at them from now on, and makes those of a new material where there are none."""
    if not uses_nodes(material):
        changes.set(material, "use_nodes", True)
    assert material.node_tree is not None
    return material.node_tree


def active_material(thing: bpy.types.Object | None) -> bpy.types.Material | None:
    """The material of an object's active slot."""
    return thing.active_material if thing else None


def object_with(material: bpy.types.Material, thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """An object that has the material: this one if it does, else the first mesh of the file that does."""
    things = [thing] if thing else []
    things += [each for each in bpy.data.objects if each.type == "MESH"]
    return next((each for each in things if any(slot.material == material for slot in each.material_slots)), None)


def check_active_material(thing: bpy.types.Object | None) -> None:
    """Raises TargetError when ACTIVE_MATERIAL has no material to give."""
    material = active_material(thing)
    if material is None:
        raise TargetError("The active object has no material; give it one, or choose the target AUTO.")
    if not is_editable(material):
        raise TargetError(f"The material {material.name!r} is linked from another file and cannot be changed.")


def _only(material: bpy.types.Material | None) -> Targets:
    if material is None:
        return Targets(sentences=("The material is no longer there, so the map is made but not wired.",))
    if not is_editable(material):
        return Targets(sentences=(f"The material {material.name!r} is linked from another file and stays as it is.",))
    return Targets((material,))


def _users(image: bpy.types.Image, thing: bpy.types.Object | None) -> Targets | None:
    """The materials that use the image; None when there are none."""
    found = [material for material in bpy.data.materials if _uses(material, image)]
    if not found:
        return None
    own = [slot.material for slot in thing.material_slots] if thing else []
    found.sort(key=lambda material: own.index(material) if material in own else len(own))
    linked = tuple(f"The material {material.name!r} is linked from another file and stays as it is."
                   for material in found if not is_editable(material))
    return Targets(tuple(material for material in found if is_editable(material)), linked)


def _uses(material: bpy.types.Material, image: bpy.types.Image) -> bool:
    textures = (spot.node for spot in spots(material.node_tree) if isinstance(spot.node, bpy.types.ShaderNodeTexImage))
    return uses_nodes(material) and any(texture.image == image for texture in textures)


def _of_object(image: bpy.types.Image, thing: bpy.types.Object | None, material: bpy.types.Material | None) -> Targets:
    material = material or active_material(thing)
    if material is not None:
        return _only(material)
    if thing is None or thing.type != "MESH":
        return Targets(sentences=("No mesh object is active, so the map is made but not wired.",))
    if not is_editable(thing) or not is_editable(thing.data):  # type: ignore[arg-type]
        return Targets(sentences=(f"The object {thing.name!r} is linked from another file and gets no material.",))
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
    return Targets((material,), (f"The object {thing.name!r} had no material and got {material.name!r}.",))


def _principled(material: bpy.types.Material) -> bpy.types.Node:
    """The Principled BSDF that Blender puts into a new material's nodes."""
    if not uses_nodes(material):
        material.use_nodes = True
    return next(spot.node for spot in spots(material.node_tree) if spot.node.bl_idname == "ShaderNodeBsdfPrincipled")
