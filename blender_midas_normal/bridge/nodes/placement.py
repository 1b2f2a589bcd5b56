"""Where new nodes are put in the node editor."""

from __future__ import annotations

import bpy

from .changes import is_marked
from .graph import tree_of

GAP = 40
"""Free space between nodes, in units of the node editor."""

IMAGE_SIZE, NORMAL_SIZE, USUAL_HEIGHT = (240, 280), (150, 160), 300
"""Width and height of an Image Texture and of a Normal Map node; Blender knows heights only once it has drawn them."""


def place(image: bpy.types.Node, normal: bpy.types.Node, texture: bpy.types.Node | None,
          shader: bpy.types.Node | None) -> None:
    """Puts an Image Texture and its Normal Map, those of them that were made here, where they look tidy.

    Side by side below the texture, left of the shader, on nothing else, and inside the texture's frame; texture and shader
    are None where they are not in the same tree.
    """
    x, y = _corner(texture or shader or image)
    if texture is None:
        y -= USUAL_HEIGHT
    right = _corner(shader)[0] - GAP if shader else x + IMAGE_SIZE[0] + GAP + NORMAL_SIZE[0]
    left = right - NORMAL_SIZE[0] - GAP - IMAGE_SIZE[0]
    left = min(left, x) if texture else left
    top = _free_top(tree_of(image), (image, normal), left, right, y)
    _put(normal, right - NORMAL_SIZE[0], top, texture)
    _put(image, left, top, texture)


def below(image: bpy.types.Node, texture: bpy.types.Node | None) -> None:
    """Puts an Image Texture made here below another one, or where it is, on nothing else."""
    x, y = _corner(texture or image)
    left, right = x, x + IMAGE_SIZE[0]
    _put(image, left, _free_top(tree_of(image), (image,), left, right, y), texture)


def _free_top(tree: bpy.types.NodeTree, moved: tuple[bpy.types.Node, ...], left: float, right: float, top: float) -> float:
    """The highest place at most at `top` where a strip as high as an Image Texture lies on no node."""
    boxes = [_box(node) for node in tree.nodes if node not in moved and node.bl_idname != "NodeFrame"]
    for box_left, box_top, box_right, box_bottom in sorted(boxes, key=lambda box: -box[1]):
        is_beside = box_right + GAP <= left or box_left - GAP >= right
        is_below = box_top + GAP <= top - IMAGE_SIZE[1]
        if not is_beside and not is_below and box_bottom - GAP < top:
            top = box_bottom - GAP
    return top


def _box(node: bpy.types.Node) -> tuple[float, float, float, float]:
    x, y = _corner(node)
    width, height = (16, 16) if node.bl_idname == "NodeReroute" else (node.width, max(node.height, USUAL_HEIGHT))
    return x, y, x + width, y - height


def _corner(node: bpy.types.Node) -> tuple[float, float]:
    """The node's left upper corner in its tree; Blender gives it within the node's frame."""
    x, y = node.location.x, node.location.y
    frame = node.parent
    while frame is not None:
        x, y = x + frame.location.x, y + frame.location.y
        frame = frame.parent
    return x, y


def _put(node: bpy.types.Node, x: float, y: float, neighbour: bpy.types.Node | None) -> None:
    if not is_marked(node):
        return
    node.parent = neighbour.parent if neighbour else None
    offset = _corner(node.parent) if node.parent else (0.0, 0.0)
    node.location = (x - offset[0], y - offset[1])
