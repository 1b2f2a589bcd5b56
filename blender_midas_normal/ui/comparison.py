"""The split look of an Image Editor: the picture on the left, its maps of normals and of heights over the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..bridge.map_metadata import find_map, source_of
from .properties import scene_settings

LINE_WIDTH = 1.5
"""Of the line between two parts, in unscaled pixels."""

_areas: set[int] = set()
"""Areas that show it, by address."""

_handler: Any = None


def is_shown(area: bpy.types.Area | None) -> bool:
    return area is not None and area.as_pointer() in _areas


def toggle(area: bpy.types.Area, picture: bpy.types.Image) -> None:
    """Show the picture in an Image Editor's area with the split look, or without it again."""
    _areas.symmetric_difference_update({area.as_pointer()})
    area.spaces.active.image = picture
    area.tag_redraw()


def reset() -> None:
    """Another file is loaded: its areas are others."""
    _areas.clear()


def register() -> None:
    global _handler
    _handler = bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    global _handler
    reset()
    handler, _handler = _handler, None
    if handler is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(handler, "WINDOW")


def _draw() -> None:
    context = bpy.context
    if not is_shown(context.area):
        return
    result = scene_settings(context.scene).result
    picture = source_of(result) if result is not None else None
    if picture is None or context.space_data.image != picture:
        return
    over = [image for kind in ("NORMAL", "HEIGHT") if (image := find_map(picture, kind)) is not None]
    gpu.state.depth_test_set("NONE")  # Blender 5.2 leaves a test set that hides all that is drawn
    for number, image in enumerate(over, 1):
        _draw_part(context.region, image, number / (len(over) + 1), (number + 1) / (len(over) + 1))


def _draw_part(region: bpy.types.Region, image: bpy.types.Image, start: float, end: float) -> None:
    """Draw the part of an image between two shares of its width where the editor shows the same part of its own."""
    shares = ((start, 0.0), (end, 0.0), (end, 1.0), (start, 1.0))
    places: list[tuple[float, ...]] = [tuple(region.view2d.view_to_region(*share, clip=False)) for share in shares]
    shader = gpu.shader.from_builtin("IMAGE")
    shader.bind()
    shader.uniform_sampler("image", gpu.texture.from_image(image))
    batch_for_shader(shader, "TRI_FAN", {"pos": places, "texCoord": shares}).draw(shader)
    _draw_line(places[0], places[3])


def _draw_line(start: Sequence[float], end: Sequence[float]) -> None:
    """A line in the colour that the theme has for what is highlighted."""
    theme = bpy.context.preferences.themes[0].image_editor.space
    width = LINE_WIDTH * bpy.context.preferences.system.ui_scale
    places = [(start[0] - width, start[1]), (start[0] + width, start[1]), (end[0] + width, end[1]), (end[0] - width, end[1])]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", (*theme.text_hi, 1.0))
    batch_for_shader(shader, "TRI_FAN", {"pos": places}).draw(shader)
