"""Operators that refuse to be called from another thread than Blender's main one."""

from __future__ import annotations

import bpy

from ..bridge.main_thread import ELSEWHERE, is_main_thread


class MainThreadOperator:
    """Mixed into every operator: elsewhere it cannot be called, which one sentence says instead of a crash."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not is_main_thread():
            cls.poll_message_set(ELSEWHERE)  # in English: Blender translates nothing in other threads
            return False
        return True
