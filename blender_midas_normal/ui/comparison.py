"""Compare a picture with its maps in an Image Editor: the picture on the left, its normal and height maps beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..bridge.map_metadata import find_map, source_of
from .properties import scene_settings

LINE_WIDTH = 1.5
"""Half the width of the line between two parts, in unscaled pixels."""

EDITOR: Literal["IMAGE_EDITOR"] = "IMAGE_EDITOR"

IMAGE_SHADER: Any = "IMAGE" if bpy.app.version < (5, 0, 0) else "IMAGE_SCENE_LINEAR_TO_REC709_SRGB"
"""The shader that shows an image as Blender shows it; from 5.0 on the window does not encode colours as sRGB itself."""

_areas: set[int] = set()
"""Addresses of the areas that show the comparison."""

draw_handler: Any = None
"""Blender's handle of the function that draws, None while it is not registered."""


def is_shown(area: bpy.types.Area | None) -> bool:
    """Whether an area shows the comparison."""
    return area is not None and area.as_pointer() in _areas


def find_area(context: bpy.types.Context) -> bpy.types.Area | None:
    """Return the Image Editor that compares: the context's area if it is one, else the window's largest one, if any."""
    if context.area is not None and context.area.type == EDITOR:
        return context.area
    areas = context.screen.areas if context.screen is not None else ()
    return max((area for area in areas if area.type == EDITOR), key=_size_of, default=None)


def open_area(context: bpy.types.Context) -> bpy.types.Area | None:
    """Split the context's area, else the window's largest one, and return the new half as an Image Editor.

    None where there is no window, or no room for another editor.
    """
    screen = context.screen
    if context.window is None or screen is None:
        return None
    area = context.area or max(screen.areas, key=_size_of)
    before = {each.as_pointer() for each in screen.areas}
    with bpy.context.temp_override(area=area, region=area.regions[0]):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5)
    new = next((each for each in screen.areas if each.as_pointer() not in before), None)
    if new is not None:
        new.type = EDITOR
    return new


def _size_of(area: bpy.types.Area) -> int:
    return area.width * area.height


def toggle(area: bpy.types.Area, picture: bpy.types.Image) -> None:
    """Show the picture in an Image Editor's area and turn the comparison on, or off where it is on."""
    _areas.symmetric_difference_update({area.as_pointer()})
    area.spaces.active.image = picture
    area.tag_redraw()


def reset() -> None:
    """Turn all comparisons off, when another file is loaded."""
    _areas.clear()


def register() -> None:
    """Add the function that draws in all Image Editors."""
    global draw_handler
    draw_handler = bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Remove the function that draws, and turn all comparisons off."""
    global draw_handler
    reset()
    handler, draw_handler = draw_handler, None
    if handler is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(handler, "WINDOW")


def _draw() -> None:
    """Draw the maps over their parts of the picture; Blender calls this for each Image Editor."""
    context = bpy.context
    if not is_shown(context.area):
        return
    result = scene_settings(context.scene).result
    picture = source_of(result) if result is not None else None
    if picture is None or context.space_data.image != picture:
        return
    maps = [image for map_type in ("NORMAL", "HEIGHT") if (image := find_map(picture, map_type)) is not None]
    gpu.state.depth_test_set("NONE")  # Blender 5.2 leaves a test set that hides all that is drawn
    for number, image in enumerate(maps, 1):
        _draw_part(context.region, image, number / (len(maps) + 1), (number + 1) / (len(maps) + 1))


def _draw_part(region: bpy.types.Region, image: bpy.types.Image, start: float, end: float) -> None:
    """Draw the part of an image from `start` to `end`, shares of its width, over the same part of the editor's image."""
    uvs = ((start, 0.0), (end, 0.0), (end, 1.0), (start, 1.0))
    corners: list[tuple[float, ...]] = [tuple(region.view2d.view_to_region(*uv, clip=False)) for uv in uvs]
    shader = gpu.shader.from_builtin(IMAGE_SHADER)
    shader.bind()
    shader.uniform_sampler("image", gpu.texture.from_image(image))
    batch_for_shader(shader, "TRI_FAN", {"pos": corners, "texCoord": uvs}).draw(shader)
    _draw_line(corners[0], corners[3])


def _draw_line(start: Sequence[float], end: Sequence[float]) -> None:
    """Draw an upright line from `start` to `end`, in region pixels, in the theme's colour for highlighted text."""
    theme = bpy.context.preferences.themes[0].image_editor.space
    width = LINE_WIDTH * bpy.context.preferences.system.ui_scale
    (x0, y0), (x1, y1) = start, end
    corners = [(x0 - width, y0), (x0 + width, y0), (x1 + width, y1), (x1 - width, y1)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", (*theme.text_hi, 1.0))
    batch_for_shader(shader, "TRI_FAN", {"pos": corners}).draw(shader)
