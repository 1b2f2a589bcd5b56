"""The one timer: it looks after what is under way, and rests when nothing is."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import bpy

from ..bridge.tasks import is_main_thread

INTERVAL = 0.01
"""Seconds between two looks."""

_watched: list[Callable[[], bool]] = []


def runs() -> bool:
    """Whether the timer can be asked for here: Blender runs timers where there is a window, and takes new ones in its main
    thread only, while handlers and settings may be touched by others.
    """
    return not bpy.app.background and is_main_thread()


def watch(look: Callable[[], bool]) -> None:
    """Calls `look` again and again until it returns False; it must be quick."""
    if look not in _watched:
        _watched.append(look)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL, persistent=True)


def forget(look: Callable[[], bool]) -> None:
    """Does not call `look` again, if it is watched."""
    if look in _watched:
        _watched.remove(look)


def stop() -> None:
    """Forgets all that is watched."""
    _watched.clear()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def _tick() -> float | None:
    for look in list(_watched):
        if not _looked(look) and look in _watched:
            _watched.remove(look)
    return INTERVAL if _watched else None


def _looked(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except Exception:  # noqa: BLE001 - Blender drops a timer that raises, without a word: what is left would hang for ever
        traceback.print_exc()
        return False
