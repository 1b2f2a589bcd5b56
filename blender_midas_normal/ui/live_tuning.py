"""Live tuning: a map that was made or picked in the panel follows those settings that need no engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from ..bridge import addon
from ..bridge.addon import find_by_uid
from ..bridge.image_pixels import View
from ..bridge.map_metadata import stored_facts, stored_settings
from ..bridge.regenerate import missing_mask, retune_settings, start_retune
from ..bridge.tasks import Task
from ..core.errors import MidasNormalError, SurfaceGone
from ..core.settings import Settings
from . import generation, timer
from .drawing import redraw_editors
from .operator_checks import running_operator

MAX_REDRAW_S = 0.1
"""Seconds that are waited at most, however long Blender draws."""


class RedrawTimer:
    """Measures how long Blender takes from the end of the call in which a slider moved to the timer's next look."""

    def __init__(self) -> None:
        self._left = 0.0
        self.seconds = 0.0

    def drawing_starts(self) -> None:
        """The call ends; Blender draws next."""
        self._left = time.monotonic()

    def drawing_ended(self, interval: float) -> None:
        """The timer looks, which it would have done after `interval` seconds without any drawing."""
        if self._left:
            self.seconds = min(max(time.monotonic() - self._left - interval, 0.0), MAX_REDRAW_S)
            self._left = 0.0


_scene_uid = 0
"""The scene whose settings changed last, by session_uid."""

_suspended = False
_retune: Task | None = None
_target: tuple[int, Settings] | None = None
"""What that re-tune shall give: the map's session_uid, and its settings."""

_failed_target: tuple[int, Settings] | None = None
"""What could not be given, and is not tried again before something else has been."""

redraw_timer = RedrawTimer()


def can_retune(image: bpy.types.Image | None) -> bool:
    """Whether a map follows the settings: this file's own, of one surface, which the worker has kept as far as is known."""
    if image is None or image.library is not None:
        return False
    try:
        surface = stored_facts(image)["surface"]
    except MidasNormalError:
        return False
    return surface != "" and surface in addon.client.surfaces


def schedule_retune(scene: bpy.types.Scene) -> None:
    """See that the scene's map becomes what its settings say; calls that come while one is made are one.

    The worker begins at once, and the map is waited for as long as Blender would draw the slider that was moved.
    """
    global _scene_uid
    if _suspended or not timer.is_available():
        return
    _scene_uid = scene.session_uid
    if running_operator() is not None:
        timer.add(_poll)
    elif _retune is not None or _start_retune():
        _wait_for_map()
        timer.add(_poll)
        redraw_timer.drawing_starts()


def _wait_for_map() -> None:
    """Wait for the map while Blender would draw."""
    end = time.monotonic() + redraw_timer.seconds
    while time.monotonic() < end and _advance():
        time.sleep(0.002)


def task() -> Task | None:
    """The re-tune that is under way."""
    return _retune


def updates_suspended() -> bool:
    """Whether the `with` block of `suspend_updates` is entered."""
    return _suspended


@contextmanager
def suspend_updates() -> Iterator[None]:
    """Settings that change together: nothing follows before they all have."""
    global _suspended
    before, _suspended = _suspended, True
    try:
        yield
    finally:
        _suspended = before


def stop() -> None:
    """Give up what is under way: its map belongs to a file that is going away."""
    global _retune, _failed_target
    if _retune is not None:
        _retune.cancel()
    _retune = _failed_target = None


def _poll() -> bool:
    """What the timer does."""
    redraw_timer.drawing_ended(timer.INTERVAL)
    return _advance()


def _advance() -> bool:
    """Go on with the re-tune under way and begin another one as long as the map is not what the settings say."""
    addon.client.pump()
    if running_operator() is not None:
        return True
    if _retune is not None and _retune.is_ready:
        _step(_retune)
    return _retune is not None or _start_retune()


def _step(retune: Task) -> None:
    global _retune, _failed_target
    try:
        report = retune.step()
        if report is None:
            return
        _failed_target = None
        if isinstance(generation.last_outcome(), MidasNormalError):
            generation.show_outcome(report)
    except SurfaceGone:
        pass  # the panel says so as long as it shows the map
    except MidasNormalError as error:
        _failed_target = _target
        generation.show_outcome(error)
    _retune = None
    redraw_editors()


def _start_retune() -> bool:
    """Whether there was something to begin."""
    global _retune, _target
    scene = find_by_uid(bpy.data.scenes, _scene_uid)
    image = scene.midas_normal.result if scene is not None else None
    addon.client.pump()  # the worker may have ended
    if scene is None or image is None or not can_retune(image):
        return False
    try:
        wanted, mask = retune_settings(image, scene.midas_normal.values()), scene.midas_normal.mask_image
        if missing_mask(image, wanted, mask) is None and wanted.is_close_to(stored_settings(image)):
            return False
        _target = image.session_uid, wanted
        if _target == _failed_target:
            return False
        _retune = start_retune(image, wanted, mask, View.of(scene), scene.midas_normal.replace)
        _retune.step()
    except MidasNormalError as error:
        _retune = None
        generation.show_outcome(error)
        return False
    return True
