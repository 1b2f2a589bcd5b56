"""The one timer of the extension: it calls functions until each says that it is done, and stops when there are none."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import bpy

from ..bridge.tasks import is_main_thread

INTERVAL = 0.01
"""Seconds between two calls of each function."""

_callbacks: list[Callable[[], bool]] = []


def is_available() -> bool:
    """Whether the timer can be asked for here: Blender runs timers where there is a window, and takes new ones in its main
    thread only, while handlers and settings may be touched by others.
    """
    return not bpy.app.background and is_main_thread()


def add(callback: Callable[[], bool]) -> None:
    """Call `callback` again and again until it returns False; it must be quick."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=INTERVAL, persistent=True)


def remove(callback: Callable[[], bool]) -> None:
    """Stop calling `callback`, if it was added."""
    if callback in _callbacks:
        _callbacks.remove(callback)


def clear() -> None:
    """Remove all functions and stop the timer."""
    _callbacks.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def is_idle() -> bool:
    """Tell whether no function is left to call."""
    return not _callbacks


def tick() -> float | None:
    """Call each function once; Blender calls this again after the seconds that it returns."""
    for callback in list(_callbacks):
        if not _call(callback) and callback in _callbacks:
            _callbacks.remove(callback)
    return INTERVAL if _callbacks else None


def _call(callback: Callable[[], bool]) -> bool:
    try:
        return callback()
    except Exception:  # noqa: BLE001 - Blender drops a timer that raises, without a word: what is left would hang for ever
        traceback.print_exc()
        return False
