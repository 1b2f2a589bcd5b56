"""What a person does in Blender's window: opens the sidebar, finds a button, clicks it, drags a slider."""

from __future__ import annotations

import time
from pathlib import Path

from .blender import Blender, GuiError

TAB = "MiDaS Normal"
HOVER = 16
"""Pixels from one place where something is looked for to the next; the smallest button has 20."""

EXTENSION = "bl_ext.user_default.midas_normal"

NAMES = f"""
import os
import signal
import tempfile
import time
from pathlib import Path
import numpy as np
from {EXTENSION}.bridge.addon import client
from {EXTENSION}.bridge.map_metadata import source_of, stored_metadata
from {EXTENSION}.ui import generation, live_tuning, thumbnail, timer
area = max(bpy.context.window.screen.areas, key=lambda area: area.width * area.height)
"""
"""What the expressions asked of Blender may name."""


SIDEBAR = "next(r for r in area.regions if r.type == 'UI')"
STATUS_BAR = 22
"""Height of the status bar in pixels."""


class Window:
    """The largest editor of Blender's newest window, and the extension's tab in its sidebar."""

    def __init__(self, blender: Blender, pictures: Path) -> None:
        self.blender = blender
        self.display = blender.display
        self._pictures = pictures
        self._known_points: dict[tuple[str, str], tuple[int, int]] = {}
        blender.do(NAMES)

    def turn_into(self, editor: str) -> None:
        """Make the largest area another editor, by its `ui_type`, such as "IMAGE_EDITOR"."""
        self.blender.do(f"area.ui_type = {editor!r}")
        self.settle()

    def open_tab(self) -> None:
        """Open the sidebar with the N key and clicks down its tabs until the extension's is shown."""
        self.press("n")
        left, top, width, height = self._region("UI")
        for y in range(top + 20, top + height, 30):
            self.click_at(left + width - 10, y)
            if self._tab() == TAB:
                return
        raise GuiError(f"The sidebar has no tab {TAB!r}.")

    def show_tab(self) -> None:
        """Have the sidebar show the extension's tab, where the sidebar is not what is tested."""
        self.blender.do("area.spaces.active.show_region_ui = True")
        self.settle()
        self.blender.do(f"{SIDEBAR}.active_panel_category = {TAB!r}; area.tag_redraw()")
        self.settle()

    def find_button(self, what: str, across: float = 0.7, region: str = "UI") -> tuple[int, int]:
        """Return a point on the button that runs "bpy.ops.midas_normal.generate" or edits "midas_normal.strength".

        Found as a person would: by hovering where it was the last time, then down the region, `across` of its width from
        the left, and asking Blender what is there by its keys for Copy Python Command and Copy Data Path.  A second time,
        between the places of the first, where a busy Blender missed a key.
        """
        left, top, width, height = self._region(region)
        x, editor = left + round(width * across), self.blender.value("area.ui_type")
        points = [(x, y) for first in (30, 30 + HOVER // 2) for y in range(top + first, top + height, HOVER)]
        if (editor, what) in self._known_points:
            points.insert(0, self._known_points[editor, what])
        self.blender.do("bpy.context.window_manager.clipboard = ''")
        for place in points:
            self.display.hover(*place, keys="ctrl+c" if what.startswith("bpy.ops.") else "ctrl+shift+c")
            if what in self.blender.value("bpy.context.window_manager.clipboard"):
                self._known_points[editor, what] = place
                return place
        raise GuiError(f"There is no {what}.")

    def click(self, what: str, across: float = 0.7, region: str = "UI") -> None:
        """Click a button, found as in `place`."""
        self.click_at(*self.find_button(what, across, region))

    def click_at(self, x: int, y: int) -> None:
        """Click a place when Blender has drawn what the mouse does there: what is not highlighted yet takes no press."""
        self.display.arrive(x, y)
        self._wait_until_drawn()
        self.display.click()

    def click_beside(self, what: str, across: float) -> tuple[int, int]:
        """Click elsewhere in the row of a button of the sidebar, found as in `place`, and gives the place."""
        left, _, width, _ = self._region("UI")
        place = left + round(width * across), self.find_button(what)[1]
        self.click_at(*place)
        self.settle()
        return place

    def shoot(self, name: str) -> None:
        """Return a picture of the window as it is now."""
        self.settle()
        self.display.shoot(self.picture(name))

    def picture(self, name: str) -> Path:
        """Return the path of a picture of this name."""
        return self._pictures / f"{name}.png"

    def all_in_view(self, operator: str) -> None:
        """Run an operator that looks at all, such as "node.view_all", in the largest area."""
        self.blender.do(f"""
with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == 'WINDOW')):
    bpy.ops.{operator}()
""")
        self.settle()

    def sidebar(self) -> bytes:
        """Return the sidebar's pixels as they are now."""
        return self.display.pixels(*self._region("UI"))

    def sidebar_size(self) -> tuple[int, int]:
        """Return the sidebar's width and height in pixels."""
        return self._region("UI")[2:]

    def shoot_sidebar(self, name: str, height: int) -> None:
        """Take a picture of so many pixels at the top of the sidebar."""
        left, top, width, _ = self._region("UI")
        self.display.shoot(self.picture(name), (left, top, width, height))

    def colour_of_image(self, across: float, up: float) -> tuple[int, int, int]:
        """Return red, green and blue, 0..255, that the Image Editor shows at shares of the image's width and height."""
        red, green, blue = self.display.pixels(*self.place_on_image(across, up), 1, 1)[:3]
        return red, green, blue

    def place_on_image(self, across: float, up: float) -> tuple[int, int]:
        """Return the point where the Image Editor shows shares of the image's width and height."""
        left, top, _, height = self._region("WINDOW")
        x, y = self.blender.value("next(r for r in area.regions if r.type == 'WINDOW')"
                                  f".view2d.view_to_region({across}, {up}, clip=False)[:2]")
        return left + x, top + height - y

    def middle(self) -> bytes:
        """Pixels in the middle of the editor as they are now."""
        x, y = self.place_in_the_middle()
        return self.display.pixels(x - 50, y - 50, 100, 100)

    def place_in_the_middle(self) -> tuple[int, int]:
        """Return the middle of the editor."""
        left, top, width, height = self._region("WINDOW")
        return left + width // 2, top + height // 2

    def status_bar(self) -> bytes:
        """Return the pixels of the status bar's left half, where messages stand, when the mouse is over the editor."""
        self._over_editor()
        self.settle()
        left, bottom = self._corner()
        width = self.blender.value("bpy.context.window.width // 2")
        return self.display.pixels(left, bottom - STATUS_BAR, width, STATUS_BAR)

    def find_again(self) -> None:
        """Define the names of expressions again, after another file was loaded or another window has become the newest."""
        self.blender.do(NAMES)
        self.settle()

    def settle(self, seconds: float = 0.4) -> None:
        """Let Blender draw what has changed, however long that takes."""
        time.sleep(seconds)
        self._wait_until_drawn()

    def press(self, keys: str) -> None:
        """Press a key with its modifiers while the mouse is over the editor."""
        self._over_editor()
        self.display.key(keys)
        self.settle()

    def _wait_until_drawn(self) -> None:
        """Wait until Blender has drawn: it looks at mouse and keyboard, answers, and draws, again and again."""
        for _ in range(2):
            self.blender.value("None")

    def _over_editor(self) -> None:
        left, top, width, height = self._region("WINDOW")
        self.display.move(left + width // 3, top + height // 2)

    def _tab(self) -> str:
        return self.blender.value(f"{SIDEBAR}.active_panel_category")

    def _region(self, kind: str) -> tuple[int, int, int, int]:
        """Return left, top, width and height of a region of the largest area, from the screen's upper left corner."""
        x, y = self._corner()
        left, bottom, width, height = self.blender.value(
            f"next((r.x, r.y, r.width, r.height) for r in area.regions if r.type == {kind!r})")
        return x + left, y - bottom - height, width, height

    def _corner(self) -> tuple[int, int]:
        """Return the window's lower left corner, from the screen's upper left one."""
        x, y = self.blender.value("(bpy.context.window.x, bpy.context.window.y)")
        return x, self.display.height - y
