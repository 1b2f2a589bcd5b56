"""A person sets MiDaS up in the preferences."""

from __future__ import annotations

from ..window import EXTENSION, Window
from .common import check

INSTALL, CANCEL = "bpy.ops.midas_normal.install", "bpy.ops.midas_normal.cancel_setup"
LEFT = 0.3
"""Install stands left in its row."""

STUCK = f"""
from {EXTENSION}.bridge.addon import preferences
from {EXTENSION}.ui import setup
stuck = Path(tempfile.gettempdir()) / "python3"
stuck.write_text('''#!/bin/sh
[ "$2" = -c ] && echo '["'"$0"'", [3, 12, 0], true, true]' || exec sleep 60
''')
stuck.chmod(0o755)
preferences().interpreter = str(stuck)
preferences().environment_folder = str(stuck.parent / "environment")
preferences().backend = "cpu"
bpy.context.preferences.system.use_online_access = True
"""
"""A Python that says what it is and never ends making an environment, so that nothing is downloaded, and the build of torch
that asks for the least free space before that."""

CHOSEN_BEFORE = """
preferences().interpreter = preferences().environment_folder = ""
preferences().backend = "auto"
bpy.context.preferences.system.use_online_access = False
bpy.ops.wm.window_close()
"""


def set_up(window: Window) -> str:
    """Install asks before it begins, the step under way is shown while the window lives on, and Cancel ends it."""
    window.blender.do(f"{STUCK}bpy.ops.midas_normal.show_preferences()")
    window.find_again()
    window.click(INSTALL, LEFT, "WINDOW")
    window.settle()
    check(not window.blender.value("setup.is_running()"), "it was begun before the question was answered")
    window.display.key("Return")
    window.blender.wait_until("setup.describe_progress().startswith('Step 2 of 6')", 60)
    window.shoot("installing")
    window.click(CANCEL, LEFT, "WINDOW")
    seconds = window.blender.wait_until("not setup.is_running()", 20)
    check("cancelled" in window.blender.value("setup.outcome()"), "the preferences do not tell of the cancelling")
    window.shoot("setup_cancelled")
    window.blender.do(CHOSEN_BEFORE)
    window.find_again()
    return f"cancelled within {seconds * 1000:.0f} ms"
