"""What a person does in Blender's window: opens the sidebar, finds a button, clicks it, drags a slider."""

from __future__ import annotations

import time
from pathlib import Path

from .blender import Blender, GuiError

TAB = "MiDaS Normal"
HOVER = 9
"""Pixels from one place where something is looked for to the next; the smallest button has 20."""

EXTENSION = "bl_ext.user_default.midas_normal"

NAMES = f"""
import time
import numpy as np
from {EXTENSION}.bridge import session
from {EXTENSION}.bridge.results import stored
from {EXTENSION}.ui import pump, running, tuning
area = max(bpy.context.window.screen.areas, key=lambda area: area.width * area.height)
"""
"""What the expressions asked of Blender may name."""


class Window:
    """Blender's largest editor and the extension's tab in its sidebar."""

    def __init__(self, blender: Blender, pictures: Path) -> None:
        self.blender = blender
        self.display = blender.display
        self._pictures = pictures
        blender.do(NAMES)

    def turn_into(self, editor: str) -> None:
        """Makes the largest area another editor, by its `ui_type`, such as "IMAGE_EDITOR"."""
        self.blender.do(f"area.ui_type = {editor!r}")
        self.settle()

    def open_tab(self) -> None:
        """Opens the sidebar with the N key and clicks down its tabs until the extension's is shown."""
        left, top, width, height = self._region("WINDOW")
        self.display.move(left + width // 3, top + height // 2)
        self.display.key("n")
        self.settle()
        left, top, width, height = self._region("UI")
        for y in range(top + 20, top + height, 30):
            self.display.click(left + width - 10, y)
            if self._tab() == TAB:
                return
        raise GuiError(f"The sidebar has no tab {TAB!r}.")

    def place(self, what: str, across: float = 0.7) -> tuple[int, int]:
        """Middle of the button of the sidebar that runs "bpy.ops.midas_normal.generate" or edits "midas_normal.strength".

        Found as a person would: hovering down the sidebar, `across` of its width from the left, and asking Blender what is
        there by its keys for Copy Python Command and Copy Data Path.
        """
        keys = "ctrl+c" if what.startswith("bpy.ops.") else "ctrl+shift+c"
        left, top, width, height = self._region("UI")
        x, found = left + round(width * across), []
        for y in range(top + 30, top + height, HOVER):
            self.blender.do("bpy.context.window_manager.clipboard = ''")
            self.display.move(x - 1, y)
            self.display.move(x, y)
            self.display.key(keys)
            if what in self.blender.value("bpy.context.window_manager.clipboard"):
                found.append(y)
            elif found:
                break
        if not found:
            raise GuiError(f"The sidebar has no {what}.")
        return x, (found[0] + found[-1]) // 2

    def click(self, what: str, across: float = 0.7) -> None:
        """Clicks a button of the sidebar, found as in `place`."""
        self.display.click(*self.place(what, across))

    def shoot(self, name: str) -> None:
        """A picture of the window as it is now."""
        self.settle()
        self.display.shoot(self.picture(name))

    def picture(self, name: str) -> Path:
        """Where a picture of this name goes."""
        return self._pictures / f"{name}.png"

    def all_in_view(self, operator: str) -> None:
        """Runs an operator that looks at all, such as "node.view_all", in the largest area."""
        self.blender.do(f"""
with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == 'WINDOW')):
    bpy.ops.{operator}()
""")
        self.settle()

    def reopened(self) -> None:
        """Another file is loaded: what expressions name is found again."""
        self.blender.do(NAMES)
        self.settle()

    def settle(self, seconds: float = 0.4) -> None:
        """Lets Blender draw what has changed."""
        time.sleep(seconds)

    def undo(self) -> None:
        """Ctrl+Z with the mouse over the editor."""
        self._over_editor("ctrl+z")

    def redo(self) -> None:
        self._over_editor("ctrl+shift+z")

    def _over_editor(self, keys: str) -> None:
        left, top, width, height = self._region("WINDOW")
        self.display.move(left + width // 3, top + height // 2)
        self.display.key(keys)
        self.settle()

    def _tab(self) -> str:
        return self.blender.value("next(r for r in area.regions if r.type == 'UI').active_panel_category")

    def _region(self, kind: str) -> tuple[int, int, int, int]:
        """Left, top, width and height of a region of the largest area, from the screen's upper left corner."""
        left, bottom, width, height = self.blender.value(
            f"next((r.x, r.y, r.width, r.height) for r in area.regions if r.type == {kind!r})")
        return left, self.display.height - bottom - height, width, height
