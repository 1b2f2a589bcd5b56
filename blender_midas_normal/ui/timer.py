"""The one timer: it looks after what is under way, and rests when nothing is."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import bpy

from ..bridge.tasks import is_main_thread

INTERVAL = 0.01
"""Seconds between two looks."""

_callbacks: list[Callable[[], bool]] = []


def is_available() -> bool:
    """Whether the timer can be asked for here: Blender runs timers where there is a window, and takes new ones in its main
    thread only, while handlers and settings may be touched by others.
    """
    return not bpy.app.background and is_main_thread()


def add(look: Callable[[], bool]) -> None:
    """Calls `look` again and again until it returns False; it must be quick."""
    if look not in _callbacks:
        _callbacks.append(look)
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=INTERVAL, persistent=True)


def remove(look: Callable[[], bool]) -> None:
    """Does not call `look` again, if it is watched."""
    if look in _callbacks:
        _callbacks.remove(look)


def clear() -> None:
    """Forgets all that is watched."""
    _callbacks.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def is_idle() -> bool:
    """Whether nothing is called any more."""
    return not _callbacks


def tick() -> float | None:
    for look in list(_callbacks):
        if not _call(look) and look in _callbacks:
            _callbacks.remove(look)
    return INTERVAL if _callbacks else None


def _call(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except Exception:  # noqa: BLE001 - Blender drops a timer that raises, without a word: what is left would hang for ever
        traceback.print_exc()
        return False
