"""Live paint: while it is on, make the maps of a picture again after each stroke of the brush.

Blender calls the handler for updates at the end of a stroke and after its undo and redo, but not during a stroke. It names
the changed images only where the scene shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy

from ..bridge import addon
from ..bridge.addon import find_by_uid
from ..bridge.image_pixels import View
from ..bridge.image_source import active_image
from ..bridge.map_metadata import source_of
from ..bridge.regenerate import repaint_unavailable_reason, start_repaint
from ..bridge.tasks import Task
from ..core.errors import Message, MidasNormalError, SourceError
from . import generation, live_tuning, timer
from .drawing import redraw_editors
from .operator_checks import running_operator

_painted: dict[int, tuple[View, bool]] = {}
"""Pictures that were painted on since their maps were requested last, by session_uid: the view in which they are read, and
whether maps that a user has changed are replaced.
"""

_task: Task | None = None


def note_painted_images(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Add the images that a stroke, its undo or its redo has changed to those whose maps are made again."""
    if scene.midas_normal.live_paint and timer.is_available() and graph.id_type_updated("IMAGE"):
        updated = [update.id.original for update in graph.updates if isinstance(update.id, bpy.types.Image)]
        # Each image that was painted on is dirty. Where the scene does not show it, Blender names no image.
        _add_painted(scene, (image for image in updated or _images_in_paint_mode() if image.is_dirty))


def mark_for_update(scene: bpy.types.Scene) -> None:
    """Add the picture of the scene's map, which may have been painted on before live paint was turned on."""
    picture = source_of(scene.midas_normal.result) if scene.midas_normal.result is not None else None
    if scene.midas_normal.live_paint and timer.is_available() and picture is not None:
        _add_painted(scene, [picture])


def inactive_reason(context: bpy.types.Context) -> Message:
    """Say why the maps of the active image would not follow the brush; "" where they would."""
    try:
        picture = active_image(context)
    except SourceError as error:
        return error.message
    return repaint_unavailable_reason(source_of(picture) or picture)


def task() -> Task | None:
    """Return the running task."""
    return _task


def is_idle() -> bool:
    """Whether no painted picture waits for its maps."""
    return _task is None and not _painted


def stop() -> None:
    """Cancel the running task and forget all painted pictures, when another file is loaded."""
    global _task
    if _task is not None:
        _task.cancel()
    _task = None
    _painted.clear()


def _add_painted(scene: bpy.types.Scene, pictures: Iterable[bpy.types.Image]) -> None:
    options = View.of(scene), scene.midas_normal.replace
    _painted.update((picture.session_uid, options) for picture in pictures if not repaint_unavailable_reason(picture))
    if _painted:
        timer.add(_poll)


def _images_in_paint_mode() -> Iterator[bpy.types.Image]:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceImageEditor) and space.mode == "PAINT" and space.image is not None:
                yield space.image


def _poll() -> bool:
    """Make the maps of one picture after the other, unless another task or an operator runs; returns whether any is left."""
    global _task
    addon.client.pump()
    if generation.task() is not None or running_operator() is not None:
        return True
    if _task is None:
        _task = _start_next_task()
    if _task is not None and _task.is_ready:
        _step(_task)
    return _task is not None or bool(_painted)


def _start_next_task() -> Task | None:
    """Return the task of the next painted picture that still exists, None where there is none."""
    while _painted:
        uid, options = _painted.popitem()
        picture = find_by_uid(bpy.data.images, uid)
        if picture is not None and not repaint_unavailable_reason(picture):
            try:
                return start_repaint(picture, *options)
            except MidasNormalError as error:
                generation.show_outcome(error)
    return None


def _step(task: Task) -> None:
    """Run the task's next step; when it ends, re-tune its maps where a setting changed meanwhile."""
    global _task
    try:
        report = task.step()
    except MidasNormalError as error:
        _task = None
        generation.show_outcome(error)
        return
    if report is not None:
        _task = None
        redraw_editors()
        for scene in bpy.data.scenes:
            result = scene.midas_normal.result
            if result is not None and result.name in report.maps:
                live_tuning.schedule_retune(scene)
