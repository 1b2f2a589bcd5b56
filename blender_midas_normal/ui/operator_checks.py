"""Check when the extension may change the file: in Blender's main thread, and while no modal operator runs."""

from __future__ import annotations

import bpy

from ..bridge.tasks import WRONG_THREAD_MESSAGE, is_main_thread

HARMLESS_OPERATORS = frozenset({
    "ASSET_OT_open_containing_blend_file",  # until the other Blender, which it has started, ends
    "EXTENSIONS_OT_repo_sync", "EXTENSIONS_OT_repo_sync_all",  # as long as the network takes
    "VIEW3D_OT_blenderkit_asset_bar_widget",  # of the add-on BlenderKit, as long as its bar is shown
    "WM_OT_sk_screencast_keys",  # of the add-on Screencast Keys, as long as it is on
})
"""Names of modal operators that run for long, change no data of the file, and let others change it meanwhile.

No operator of Blender 4.2 to 5.2 itself runs all the time: playing an animation, notifications and consoles are none.
"""


def running_operator() -> bpy.types.Operator | None:
    """Return a running modal operator during which the file must not be changed, None where there is none."""
    operators = (operator for window in bpy.context.window_manager.windows for operator in window.modal_operators)
    return next((operator for operator in operators if operator.bl_idname not in HARMLESS_OPERATORS), None)


class MainThreadOperator:
    """Mixin of every operator: in another thread than the main one, its poll fails with a message instead of a crash."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not is_main_thread():
            cls.poll_message_set(WRONG_THREAD_MESSAGE)  # in English: Blender translates nothing in other threads
            return False
        return True
