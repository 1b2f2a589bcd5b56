"""Make the normal map that shades as a Bump or Displacement node does, and wire it in place of the node."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import bpy

from ..core.errors import Message, SourceError, TargetError
from .addon import find_by_uid
from .generate import generation_steps
from .image_pixels import View
from .image_source import source_from_image
from .map_metadata import find_map, heights_of, stored_settings
from .nodes.bump import (
    BumpReading,
    check_can_wire,
    find_height_node,
    height_nodes,
    read_bump,
    strength_messages,
    wire_instead,
)
from .nodes.map_nodes import is_wired
from .nodes.traversal import NodeInstance
from .request import GenerateRequest, check_and_find_launch, prepare_for_source
from .tasks import Report, Task, TaskSteps


@dataclass(frozen=True)
class BumpRequest:
    """What a user asks for.

    node: the name of a Bump or Displacement node of the material; "" for the active one, else the only one.
    wire: whether the map takes the place of the node.
    replace: whether a map is made again that a user has changed or that shows other heights elsewhere, and whether other
        normal maps make room for one that takes the place of a Displacement node.
    save: as of `GenerateRequest`.
    """

    node: str = ""
    wire: bool = False
    replace: bool = False
    save: str = "PACK"


@dataclass(frozen=True)
class NodePath:
    """A node by names, to find it again after a while: those of the groups around it, outermost first, and its own."""

    material_uid: int
    names: tuple[str, ...]

    @classmethod
    def of(cls, material: bpy.types.Material, instance: NodeInstance) -> NodePath:
        """Return the path to a node of a material."""
        return cls(material.session_uid, tuple(node.name for node in (*instance.groups, instance.node)))

    def find(self) -> tuple[bpy.types.Material, NodeInstance]:
        """Return the material and the node; raises TargetError where they are gone."""
        material = find_by_uid(bpy.data.materials, self.material_uid)
        if material is not None:
            for instance in height_nodes(material.node_tree):
                if NodePath.of(material, instance) == self:
                    return material, instance
        raise TargetError("The node {node!r} or its picture is no longer there.", node=self.names[-1])


def start_from_bump(context: bpy.types.Context, material: bpy.types.Material | None, obj: bpy.types.Object | None,
                    active: bpy.types.Node | None, request: BumpRequest) -> Task:
    """Check a request and return the task that meets it.

    Args:
        material: the one with the node.
        obj: the object by which the texture is measured where it has the material; else another that has it.
        active: the active node, if any.

    Raises:
        MidasNormalError: for a request that cannot be met.
    """
    if material is None:
        raise TargetError("The active object has no material with a Bump or Displacement node.")
    assert context.view_layer is not None
    context.view_layer.update()  # objects may have been moved or scaled by a script
    bump = read_bump(material, find_height_node(material, request.node, active), obj)
    if request.wire:
        check_can_wire(material, bump)
    if not request.replace:
        _check_no_other_use(bump)
    generate = GenerateRequest(bump.settings, source="IMAGE", target="NONE", replace=request.replace, save=request.save)
    prepared = prepare_for_source(source_from_image(bump.image), None, None, generate, check_and_find_launch(generate),
                                  View.of(context.scene))
    return Task(_steps(generation_steps(dataclasses.replace(prepared, heights=bump.heights)), bump,
                       NodePath.of(material, bump.instance), obj.session_uid if obj else None, request))


def _check_no_other_use(bump: BumpReading) -> None:
    """Raise TargetError where the picture's map is used already, and is one of other heights."""
    existing = find_map(bump.image, "NORMAL")
    if existing is None or not is_wired(existing):
        return
    settings = stored_settings(existing)
    if heights_of(existing) != bump.heights or not settings.with_tuning_of(bump.settings).is_close_to(bump.settings):
        raise TargetError("The normal map {map!r} of {image!r} is in use and shows other heights; set Replace to make it "
                          "again, or give {node!r} a copy of the image.", map=existing.name, image=bump.image.name,
                          node=bump.instance.node.name)


def _steps(generation: TaskSteps, bump: BumpReading, path: NodePath, object_uid: int | None,
           request: BumpRequest) -> TaskSteps:
    """Make the map, then wire it where that is asked for."""
    messages = [*bump.messages, *([] if request.wire else strength_messages(bump))]
    report = yield from generation
    if request.wire:
        messages += _wire(report, path, object_uid, request)
    return dataclasses.replace(report, messages=(*report.messages, *messages))


def _wire(report: Report, path: NodePath, object_uid: int | None, request: BumpRequest) -> tuple[Message, ...]:
    """Wire the map; where that fails, the map stays, and the message says why."""
    try:
        material, instance = path.find()
        bump = read_bump(material, instance, find_by_uid(bpy.data.objects, object_uid))
        return wire_instead(material, bump, bpy.data.images[report.map_name], request.replace).messages
    except (TargetError, SourceError) as error:
        return (Message("The map is not wired: {reason}", reason=error.message),)
