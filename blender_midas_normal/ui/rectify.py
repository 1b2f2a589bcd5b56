"""The operator that rectifies a photo taken at an angle: by its lines, or by corners dragged in the Image Editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import gpu
import numpy as np
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import EnumProperty, FloatProperty, FloatVectorProperty, StringProperty
from gpu_extras.batch import batch_for_shader

from ..bridge.image_pixels import size_of
from ..bridge.image_source import active_image, get_image
from ..bridge.rectify import start_rectification
from ..bridge.request import SAVES
from ..bridge.tasks import Task
from ..core.errors import MidasNormalError
from ..core.exif import FOCAL_LENGTH
from ..core.perspective import UNIT_SQUARE, Points, homography, transform
from . import generation, timer
from .drawing import show_status
from .operator_checks import MainThreadOperator
from .operators import can_start, report_outcome, run_blocking
from .properties import SKIP_SAVE, scene_settings

METHODS = (
    ("AUTO", "Automatic", "From the lines of bricks, boards or tiles. A photo whose lines are unclear is kept as it is"),
    ("CORNERS", "Corners", "From the four corners of a rectangle on the surface"),
)

INSET = 0.2
"""Share of the photo's sides by which the corners lie inside it at first."""

HANDLE_RADIUS, GRAB_RADIUS = 7.0, 18.0
"""Of a corner's handle, as it is drawn and as it takes the mouse, in unscaled pixels."""

LINE_WIDTH, DISC_POINTS = 1.0, 24

THIRDS = (0.0, 1 / 3, 2 / 3, 1.0)
"""Where lines are drawn between two sides: how they follow the surface shows whether the corners are right."""

PASSED_ON = {"MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE", "TRACKPADPAN", "TRACKPADZOOM", "HOME", "INBETWEEN_MOUSEMOVE",
             "NDOF_MOTION"}
"""Types of events with which the Image Editor is moved and zoomed while corners are dragged."""


@dataclass
class CornerDragging:
    """Corners that are being dragged.

    Attributes:
        area: address of the Image Editor's area.
        image_uid: session_uid of the photo.
        corners: 4 x 2 shares of its sides, from the upper left.
        held: number of the corner that the mouse holds, None for none.
    """

    area: int
    image_uid: int
    corners: Points
    held: int | None = None


_dragging: CornerDragging | None = None

_draw_handler: Any = None
"""Blender's handle of the function that draws, None while it is not registered."""


def dragging() -> CornerDragging | None:
    """Return the corners that are being dragged, if any."""
    return _dragging


def stop_dragging() -> None:
    """Forget the corners, when they are given up or another file is loaded."""
    global _dragging
    if _dragging is not None:
        _dragging = None
        show_status(None)
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                area.tag_redraw()


def register() -> None:
    """Add the function that draws in all Image Editors."""
    global _draw_handler
    _draw_handler = bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Remove the function that draws."""
    global _draw_handler
    stop_dragging()
    handler, _draw_handler = _draw_handler, None
    if handler is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(handler, "WINDOW")


class MIDAS_NORMAL_OT_rectify(MainThreadOperator, bpy.types.Operator):
    """Make a new image of the flat surface in a photo as if the camera had faced it. The photo is kept as it is"""

    bl_idname = "midas_normal.rectify"
    bl_label = "Rectify Photo"
    bl_options = {"REGISTER"}
    __annotations__ = {
        "method": EnumProperty(name="Method", description="How the perspective of the photo is found", items=METHODS,
                               default="AUTO", options=SKIP_SAVE),
        "image": StringProperty(name="Image", description="Name of the photo. Empty for the active image",
                                options=SKIP_SAVE),
        "corners": FloatVectorProperty(
            name="Corners", size=8, options=SKIP_SAVE, description="X and Y of the upper left, upper right, lower right and "
            "lower left corner of a rectangle on the surface. In pixels from the photo's upper left, or as fractions of its "
            "sides"),
        "focal_length": FloatProperty(name=FOCAL_LENGTH.label, description=FOCAL_LENGTH.description, min=FOCAL_LENGTH.low,
                                      max=FOCAL_LENGTH.high, options=SKIP_SAVE),
        "save": EnumProperty(name="Storage", description="Where the new image is stored. Without a value, as maps are",
                             items=SAVES, options=SKIP_SAVE),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and can_start(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            task = self._task(context, self._image(context))
        except MidasNormalError as error:
            return report_outcome(self, error)
        return run_blocking(self, task)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.method == "CORNERS" and not self.properties.is_property_set("corners"):
            return self._drag(context)
        return self._start(context)

    def _start(self, context: bpy.types.Context) -> set[str]:
        """Start the task in the background, or run it where there is no timer."""
        if not timer.is_available():
            return self.execute(context)
        try:
            generation.start(self._task(context, self._image(context)), None)
        except MidasNormalError as error:
            return report_outcome(self, error)
        return {"FINISHED"}

    def _task(self, context: bpy.types.Context, image: bpy.types.Image) -> Task:
        corners = tuple(self.corners) if self.method == "CORNERS" or self.properties.is_property_set("corners") else ()
        is_set = self.properties.is_property_set("save")
        save = self.save if is_set else scene_settings(context.scene).save
        return start_rectification(image, corners, self.focal_length, save)

    def _image(self, context: bpy.types.Context) -> bpy.types.Image:
        return get_image(self.image) if self.image else active_image(context)

    def _drag(self, context: bpy.types.Context) -> set[str]:
        """Show handles at four corners in the Image Editor, which the user drags."""
        global _dragging
        image = context.space_data.image if context.area is not None and context.area.type == "IMAGE_EDITOR" else None
        if image is None or 0 in size_of(image):
            self.report({"ERROR"}, rpt_("Show the photo in an Image Editor, whose menu Image has this entry."))
            return {"CANCELLED"}
        self.image = image.name
        corners = INSET + UNIT_SQUARE * (1 - 2 * INSET)
        _dragging = CornerDragging(context.area.as_pointer(), image.session_uid, corners)
        show_status(iface_("Drag the corners of a rectangle on the surface, Enter to rectify the photo, Esc to cancel"))
        context.area.tag_redraw()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        state, area = _dragging, context.area
        if state is None or area is None or area.as_pointer() != state.area or area.type != "IMAGE_EDITOR":
            stop_dragging()
            return {"CANCELLED"}
        if event.type in {"ESC", "RIGHTMOUSE"}:
            stop_dragging()
            return {"CANCELLED"}
        if event.type in {"RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            return self._finish(context, state)
        if event.type in PASSED_ON:
            return {"PASS_THROUGH"}
        region = next(region for region in area.regions if region.type == "WINDOW")
        mouse = np.array([event.mouse_x - region.x, event.mouse_y - region.y], np.float64)
        if event.type == "LEFTMOUSE":
            radius = GRAB_RADIUS * context.preferences.system.ui_scale
            state.held = _corner_at(state, region, mouse, radius) if event.value == "PRESS" else None
        elif event.type == "MOUSEMOVE" and state.held is not None:
            at = np.array(region.view2d.region_to_view(*mouse.tolist()))
            state.corners[state.held] = np.clip([at[0], 1 - at[1]], 0, 1)
            area.tag_redraw()
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        stop_dragging()

    def _finish(self, context: bpy.types.Context, state: CornerDragging) -> set[str]:
        stop_dragging()
        self.corners = state.corners.ravel()
        return self._start(context)


def _corner_at(state: CornerDragging, region: bpy.types.Region, mouse: Points, radius: float) -> int | None:
    """Return the number of the corner whose handle is under the mouse, None where there is none."""
    distances = np.linalg.norm(_to_region(region, state.corners) - mouse, axis=1)
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] <= radius else None


def _to_region(region: bpy.types.Region, shares: Points) -> Points:
    """Convert shares of the photo's sides, from its upper left, to pixels of the region."""
    return np.array([region.view2d.view_to_region(x, 1 - y, clip=False) for x, y in shares], np.float64)


def _draw() -> None:
    """Draw handles and lines over the photo; Blender calls this for each Image Editor."""
    context = bpy.context
    state = _dragging
    if state is None or context.area.as_pointer() != state.area:
        return
    scale = context.preferences.system.ui_scale
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.depth_test_set("NONE")  # Blender 5.2 leaves a test set that hides all that is drawn
    shader.bind()
    shader.uniform_float("color", (*context.preferences.themes[0].image_editor.space.text_hi, 1.0))
    for start, end in _lines(state.corners):
        _draw_line(shader, *_to_region(context.region, np.array([start, end])), LINE_WIDTH * scale)
    angles = np.linspace(0, 2 * np.pi, DISC_POINTS, endpoint=False)
    for corner in _to_region(context.region, state.corners):
        disc = corner + HANDLE_RADIUS * scale * np.column_stack([np.cos(angles), np.sin(angles)])
        batch_for_shader(shader, "TRI_FAN", {"pos": disc.tolist()}).draw(shader)


def _lines(corners: Points) -> list[tuple[Points, Points]]:
    """Return the ends of the sides and of the lines at thirds between them, seen as the surface is."""
    try:
        matrix = homography(UNIT_SQUARE, corners)
    except np.linalg.LinAlgError:  # three corners on one line
        return list(zip(corners, np.roll(corners, -1, axis=0), strict=True))
    ends = [([share, 0], [share, 1]) for share in THIRDS] + [([0, share], [1, share]) for share in THIRDS]
    return [tuple(transform(matrix, np.array(pair, np.float64))) for pair in ends]


def _draw_line(shader: gpu.types.GPUShader, start: Points, end: Points, width: float) -> None:
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
    across = np.array([-along[1], along[0]]) * width
    corners = [start - across, end - across, end + across, start + across]
    batch_for_shader(shader, "TRI_FAN", {"pos": [corner.tolist() for corner in corners]}).draw(shader)


class MIDAS_NORMAL_MT_rectify(bpy.types.Menu):
    bl_label = "Rectify Photo"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("midas_normal.rectify", text="Rectify by Its Lines").method = "AUTO"
        row = layout.row()
        row.enabled = context.area is not None and context.area.type == "IMAGE_EDITOR"
        row.operator("midas_normal.rectify", text="Rectify by Corners").method = "CORNERS"


CLASSES = (MIDAS_NORMAL_OT_rectify, MIDAS_NORMAL_MT_rectify)
