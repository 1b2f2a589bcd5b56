"""Live paint: while it is on, the maps of a picture that was painted on follow when the brush is lifted.

Blender tells at the end of a stroke, and after its undo and redo, that images have changed, and says nothing while the brush
is down.  Which ones it tells of those that the scene shows only.
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
"""Pictures that were painted on since their maps were asked for, by session_uid: how they are seen, and whether maps that
somebody has changed are replaced.
"""

_task: Task | None = None


def note_painted_images(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Take note of the pictures that were painted on, or on which that was undone, as far as Blender tells."""
    if scene.midas_normal.live_paint and timer.is_available() and graph.id_type_updated("IMAGE"):
        updated = [update.id.original for update in graph.updates if isinstance(update.id, bpy.types.Image)]
        # Every image that was painted on is dirty, but Blender names only those that the scene shows.
        _add_painted(scene, (image for image in updated or _images_in_paint_mode() if image.is_dirty))


def mark_for_update(scene: bpy.types.Scene) -> None:
    """The picture of the scene's map may have been painted on before."""
    picture = source_of(scene.midas_normal.result) if scene.midas_normal.result is not None else None
    if scene.midas_normal.live_paint and timer.is_available() and picture is not None:
        _add_painted(scene, [picture])


def inactive_reason(context: bpy.types.Context) -> Message:
    """"" when the picture that is worked on would be followed, else one sentence."""
    try:
        picture = active_image(context)
    except SourceError as error:
        return error.message
    return repaint_unavailable_reason(source_of(picture) or picture)


def task() -> Task | None:
    """The task of the picture that is under way."""
    return _task


def is_idle() -> bool:
    """Whether no painted picture waits for its maps."""
    return _task is None and not _painted


def stop() -> None:
    """Give up what is under way: its map belongs to a file that is going away."""
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
    """Go on with one picture after the other, unless something else is made, or Blender is in the middle of something."""
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
    """The task of the next picture that is still there."""
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
    """A map that was made may follow a slider, too, that was moved meanwhile."""
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
            shown = scene.midas_normal.result
            if shown is not None and shown.name in report.maps:
                live_tuning.schedule_retune(scene)
