"""Live tuning: make the map in the panel again when a setting changes that needs no run of the engine."""

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
"""Seconds that a call waits for the map at most, however long Blender takes to draw."""


class RedrawTimer:
    """Measures how long Blender draws after a slider was moved.

    seconds: those of the last redraw, at most MAX_REDRAW_S.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self.seconds = 0.0

    def start(self) -> None:
        """Start to measure at the end of the slider's update function, after which Blender draws."""
        self._start = time.monotonic()

    def stop(self, interval: float) -> None:
        """Stop to measure, if started, in the timer's next call, which without a redraw comes after `interval` seconds."""
        if self._start is not None:
            self.seconds = min(max(time.monotonic() - self._start - interval, 0.0), MAX_REDRAW_S)
            self._start = None


_scene_uid = 0
"""The scene whose settings changed last, by session_uid."""

_suspended = False
_retune: Task | None = None
_target: tuple[int, Settings] | None = None
"""What the running re-tune makes: the map's session_uid, and its settings."""

_failed_target: tuple[int, Settings] | None = None
"""The target of the re-tune that failed last, which is not tried again before another one succeeds."""

redraw_timer = RedrawTimer()


def can_retune(image: bpy.types.Image | None) -> bool:
    """Whether a map can be re-tuned: it is no linked one, it has one surface, and that is in the worker's cache."""
    if image is None or image.library is not None:
        return False
    try:
        surface = stored_facts(image)["surface"]
    except MidasNormalError:
        return False
    return surface != "" and surface in addon.client.surfaces


def schedule_retune(scene: bpy.types.Scene) -> None:
    """Make the scene's map again with the scene's settings; several calls during one re-tune cause one more.

    The worker starts at once. The call then waits for the map as long as the last redraw took, so that a fast worker's map
    is on the screen together with the slider's new value.
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
        redraw_timer.start()


def _wait_for_map() -> None:
    """Wait for the map as long as the last redraw took."""
    end = time.monotonic() + redraw_timer.seconds
    while time.monotonic() < end and _advance():
        time.sleep(0.002)


def task() -> Task | None:
    """Return the running re-tune."""
    return _retune


def updates_suspended() -> bool:
    """Whether a `with` block of `suspend_updates` is running."""
    return _suspended


@contextmanager
def suspend_updates() -> Iterator[None]:
    """Start no re-tune in the `with` block, in which several settings change together."""
    global _suspended
    before, _suspended = _suspended, True
    try:
        yield
    finally:
        _suspended = before


def stop() -> None:
    """Cancel the running re-tune, when another file is loaded."""
    global _retune, _failed_target
    if _retune is not None:
        _retune.cancel()
    _retune = _failed_target = None


def _poll() -> bool:
    """Measure the redraw and continue, in the timer; returns whether there is more to do."""
    redraw_timer.stop(timer.INTERVAL)
    return _advance()


def _advance() -> bool:
    """Continue the running re-tune, or start one where the map has other settings; returns whether there is more to do."""
    addon.client.pump()
    if running_operator() is not None:
        return True
    if _retune is not None and _retune.is_ready:
        _step(_retune)
    return _retune is not None or _start_retune()


def _step(retune: Task) -> None:
    """Run a re-tune's next step and, when it ends, show an error or take a shown one away."""
    global _retune, _failed_target
    try:
        report = retune.step()
        if report is None:
            return
        _failed_target = None
        if isinstance(generation.last_outcome(), MidasNormalError):
            generation.show_outcome(report)
    except SurfaceGone:
        pass  # `can_retune` is False now, which the panel shows
    except MidasNormalError as error:
        _failed_target = _target
        generation.show_outcome(error)
    _retune = None
    redraw_editors()


def _start_retune() -> bool:
    """Start a re-tune where the scene's map has other settings than the scene; returns whether one runs."""
    global _retune, _target
    scene = find_by_uid(bpy.data.scenes, _scene_uid)
    image = scene.midas_normal.result if scene is not None else None
    addon.client.pump()  # the worker may have ended
    if scene is None or image is None or not can_retune(image):
        return False
    try:
        settings, mask = retune_settings(image, scene.midas_normal.values()), scene.midas_normal.mask_image
        if missing_mask(image, settings, mask) is None and settings.is_close_to(stored_settings(image)):
            return False
        _target = image.session_uid, settings
        if _target == _failed_target:
            return False
        _retune = start_retune(image, settings, mask, View.of(scene), scene.midas_normal.replace)
        _retune.step()
    except MidasNormalError as error:
        _retune = None
        generation.show_outcome(error)
        return False
    return True
