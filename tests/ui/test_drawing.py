"""The small pieces that panels are drawn from."""

from __future__ import annotations

from itertools import pairwise

import bpy
import pytest
from bl_ext.user_default.midas_normal.ui import drawing
from hypothesis import given
from hypothesis import strategies as st


def test_a_message_goes_to_the_windows_workspace_and_leaves_every_workspace(monkeypatch):
    """Blender puts the message into the context's workspace and lets nobody read it: so that workspace is what counts."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bars = {workspace.name: "left over" for workspace in bpy.data.workspaces}
    monkeypatch.setattr(bpy.types.WorkSpace, "status_text_set",
                        lambda _, text: bars.update({bpy.context.workspace.name: text}))
    shown = bpy.context.window_manager.windows[0].workspace.name
    drawing.show_status("Busy")
    assert {name for name, text in bars.items() if text == "Busy"} == {shown} and len(bars) > 1
    drawing.show_status(None)
    assert set(bars.values()) == {None}


def test_without_a_message_nothing_is_given_back_to_blender(monkeypatch):
    """Blender ends in a crash where its own message is touched while its windows close."""
    drawing.show_status("Busy")
    drawing.show_status(None)
    monkeypatch.setattr(bpy.types.WorkSpace, "status_text_set", lambda *_: pytest.fail("the status bars are touched"))
    drawing.show_status(None)


def test_every_message_is_taken_away_in_a_window(monkeypatch):
    """Blender crashes without one."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    drawing.show_status("Busy")
    without = []
    monkeypatch.setattr(bpy.types.WorkSpace, "status_text_set", lambda *_: without.append(bpy.context.window is None))
    with bpy.context.temp_override(window=None):
        drawing.show_status(None)
    assert len(without) > 1 and not any(without)


@given(text=st.text(st.sampled_from("aW i_"), max_size=60), width=st.integers(1, 20))
def test_lines_fit_lose_nothing_and_are_as_long_as_they_can_be(text, width):
    def fits(line):
        return sum(3 if character == "W" else 1 for character in line) <= width
    lines = drawing.wrap(text, fits)
    assert all(fits(line) or len(line) == 1 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    words = text.split()
    if all(map(fits, words)):
        assert " ".join(lines) == " ".join(words)
        assert not any(fits(f"{line} {following.split()[0]}") for line, following in pairwise(lines))
