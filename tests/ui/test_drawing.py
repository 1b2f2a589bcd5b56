"""The small pieces that panels are drawn from."""

from __future__ import annotations

import bpy
from bl_ext.user_default.midas_normal.ui import drawing


def test_a_message_goes_to_the_windows_workspace_and_leaves_every_workspace(monkeypatch):
    """Blender puts the message into the context's workspace and lets nobody read it: so that workspace is what counts."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bars = {workspace.name: "left over" for workspace in bpy.data.workspaces}
    monkeypatch.setattr(bpy.types.WorkSpace, "status_text_set",
                        lambda _, text: bars.update({bpy.context.workspace.name: text}))
    shown = bpy.context.window_manager.windows[0].workspace.name
    drawing.status("Busy")
    assert {name for name, text in bars.items() if text == "Busy"} == {shown} and len(bars) > 1
    drawing.status(None)
    assert set(bars.values()) == {None}
