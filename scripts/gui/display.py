"""A screen without a monitor, a mouse and a keyboard: Xvfb, xdotool and ImageMagick."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .program import running

PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool", "import": "imagemagick", "convert": "imagemagick"}
"""Programs that are needed, and the Debian packages that have them."""

EVENT_SECONDS = 0.03
"""Blender takes in an event within this time; two clicks that are nearer make a double click with what lies between."""

HAND_SECONDS = 0.2
"""Between the mouse's arrival and its press."""

SHADERS = f"{tempfile.gettempdir()}/midas_gui_shaders"
"""Where Mesa keeps the shaders that it has compiled, which takes a minute; the folder may be removed at any time."""


def missing() -> str:
    """Return a sentence that says what has to be installed first; "" when nothing is missing."""
    packages = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    return f"{' and '.join(packages)} must be installed first (apt-get install {' '.join(packages)})." if packages else ""


@contextmanager
def open_screen(width: int, height: int) -> Iterator[Display]:
    """Start a virtual screen of this size; it ends with the `with` block, or when its start is interrupted."""
    with running(["Xvfb", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        yield Display(width, height, f":{server.stdout.readline().strip()}")


@dataclass(frozen=True)
class Display:
    """A screen that is there: its size in pixels, and its name as DISPLAY has it."""

    width: int
    height: int
    name: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program that shows its windows on this screen."""
        return {**os.environ, "DISPLAY": self.name, "LIBGL_ALWAYS_SOFTWARE": "1",
                "MESA_SHADER_CACHE_DIR": SHADERS}

    def move(self, x: int, y: int) -> None:
        """Move the mouse; x, y: pixels from the upper left corner, as everywhere in this module."""
        self._events("mousemove", str(x), str(y))

    def hover(self, x: int, y: int, keys: str) -> None:
        """Move the mouse to a point and press a key with its modifiers there."""
        self._events("mousemove", str(x - 1), str(y), "mousemove", str(x), str(y), "key", "--clearmodifiers", keys)

    def click(self, button: int = 1) -> None:
        """Press and release the mouse button where the mouse is, as slowly as a hand."""
        self._events("mousedown", str(button))
        time.sleep(HAND_SECONDS / 2)
        self._events("mouseup", str(button))

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 12, pause: float = 0.03) -> None:
        """Press at the start, move in steps with a pause after each, and release at the end."""
        with self.press(*start):
            for step in range(1, steps + 1):
                self.move(*(round(a + (b - a) * step / steps) for a, b in zip(start, end)))
                time.sleep(pause)

    @contextmanager
    def press(self, x: int, y: int) -> Iterator[None]:
        """Move the mouse to a point and keep its button pressed during the `with` block."""
        self.arrive(x, y)
        self._events("mousedown", "1")
        try:
            yield
        finally:
            self._events("mouseup", "1")

    def key(self, keys: str) -> None:
        """Press a key with its modifiers, such as "ctrl+z"."""
        self._events("key", "--clearmodifiers", keys)

    def type(self, text: str) -> None:
        self._events("type", "--delay", "30", text)

    def shoot(self, file: Path, part: tuple[int, int, int, int] | None = None) -> None:
        """Take a picture of the whole screen, or of a part: left, top, width and height."""
        crop = ["-crop", "{2}x{3}+{0}+{1}".format(*part), "+repage"] if part is not None else []
        subprocess.run(["import", "-window", "root", *crop, str(file)], env=self.variables, check=True)

    def pixels(self, left: int, top: int, width: int, height: int) -> bytes:
        """Return red, green and blue of each pixel of a part of the screen."""
        part = f"{width}x{height}+{left}+{top}"
        return subprocess.run(["import", "-window", "root", "-crop", part, "-depth", "8", "rgb:-"], env=self.variables,
                              check=True, capture_output=True).stdout

    def arrive(self, x: int, y: int) -> None:
        """Move the mouse twice: Blender highlights a button when the mouse moves over it, not when it appears.

        Then a hand's pause.
        """
        self._events("mousemove", str(x - 2), str(y))
        self._events("mousemove", str(x), str(y))
        time.sleep(HAND_SECONDS)

    def _events(self, *events: str) -> None:
        subprocess.run(["xdotool", *events], env=self.variables, check=True, stdout=subprocess.DEVNULL)
        time.sleep(EVENT_SECONDS)
