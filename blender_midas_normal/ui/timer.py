"""The one timer of the extension: it calls each added function until that returns False, and stops when none is left."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import bpy

from ..bridge.tasks import is_main_thread

INTERVAL = 0.01
"""Seconds between two calls of each function."""

_callbacks: list[Callable[[], bool]] = []


def is_available() -> bool:
    """Whether a function can be added here.

    Blender runs timers only where there is a window, and registers them in its main thread only, while handlers and updates
    of properties are called in other threads too.
    """
    return not bpy.app.background and is_main_thread()


def add(callback: Callable[[], bool]) -> None:
    """Call a function every INTERVAL seconds until it returns False; it must be quick."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=INTERVAL, persistent=True)


def remove(callback: Callable[[], bool]) -> None:
    """Stop calling a function, if it was added."""
    if callback in _callbacks:
        _callbacks.remove(callback)


def clear() -> None:
    """Remove all functions and stop the timer."""
    _callbacks.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def is_idle() -> bool:
    """Whether no function is left to call."""
    return not _callbacks


def tick() -> float | None:
    """Call each function once; returns the seconds after which Blender calls this again, None to stop."""
    for callback in list(_callbacks):
        if not _call(callback) and callback in _callbacks:
            _callbacks.remove(callback)
    return INTERVAL if _callbacks else None


def _call(callback: Callable[[], bool]) -> bool:
    """Call a function; one that raises is not called again, and its traceback is in the console."""
    try:
        return callback()
    except Exception:  # noqa: BLE001 - Blender silently drops a timer that raises, so the other functions would never be called
        traceback.print_exc()
        return False
