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
from .drawing import redraw
from .operator_checks import running_operator

_changed: dict[int, tuple[View, bool]] = {}
"""Pictures that were painted on since their maps were asked for, by session_uid: how they are seen, and whether maps that
somebody has changed are replaced.
"""

_task: Task | None = None


def look_at_changes(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Takes note of the pictures that were painted on, or on which that was undone, as far as Blender tells."""
    if scene.midas_normal.live_paint and timer.runs() and graph.id_type_updated("IMAGE"):
        told = [update.id.original for update in graph.updates if isinstance(update.id, bpy.types.Image)]
        _note(scene, (image for image in told or _shown_for_painting() if image.is_dirty))  # as all are that were painted on


def mark_for_update(scene: bpy.types.Scene) -> None:
    """The picture of the scene's map may have been painted on before."""
    picture = source_of(scene.midas_normal.result) if scene.midas_normal.result is not None else None
    if scene.midas_normal.live_paint and timer.runs() and picture is not None:
        _note(scene, [picture])


def reason_here(context: bpy.types.Context) -> Message:
    """"" when the picture that is worked on would be followed, else one sentence."""
    try:
        picture = active_image(context)
    except SourceError as error:
        return error.message
    return repaint_unavailable_reason(source_of(picture) or picture)


def stop() -> None:
    """Gives up what is under way: its map belongs to a file that is going away."""
    global _task
    if _task is not None:
        _task.cancel()
    _task = None
    _changed.clear()


def _note(scene: bpy.types.Scene, pictures: Iterable[bpy.types.Image]) -> None:
    told = View.of(scene), scene.midas_normal.replace
    _changed.update((picture.session_uid, told) for picture in pictures if not repaint_unavailable_reason(picture))
    if _changed:
        timer.watch(_look)


def _shown_for_painting() -> Iterator[bpy.types.Image]:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceImageEditor) and space.mode == "PAINT" and space.image is not None:
                yield space.image


def _look() -> bool:
    """Goes on with one picture after the other, unless something else is made, or Blender is in the middle of something."""
    global _task
    addon.client.pump()
    if generation.task() is not None or running_operator() is not None:
        return True
    if _task is None:
        _task = _begun()
    if _task is not None and _task.is_ready:
        _step(_task)
    return _task is not None or bool(_changed)


def _begun() -> Task | None:
    """The task of the next picture that is still there."""
    while _changed:
        uid, told = _changed.popitem()
        picture = find_by_uid(bpy.data.images, uid)
        if picture is not None and not repaint_unavailable_reason(picture):
            try:
                return start_repaint(picture, *told)
            except MidasNormalError as error:
                generation.remember(error)
    return None


def _step(task: Task) -> None:
    """A map that was made may follow a slider, too, that was moved meanwhile."""
    global _task
    try:
        report = task.step()
    except MidasNormalError as error:
        _task = None
        generation.remember(error)
        return
    if report is not None:
        _task = None
        redraw()
        for scene in bpy.data.scenes:
            shown = scene.midas_normal.result
            if shown is not None and shown.name in report.maps:
                live_tuning.schedule_retune(scene)
