"""A whole Blender under test: installed into, started, asked, looked at, closed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .display import Display
from .program import running

AGENT = Path(__file__).resolve().parent / "agent.py"
START_SECONDS = 120.0
ANSWER_SECONDS = 120.0

FIRST_PREFERENCES = """
import bpy
preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.use_preferences_save = False
preferences.view.ui_scale = 1.0
preferences.view.smooth_view = 0
bpy.ops.wm.save_userpref()
"""


class GuiError(Exception):
    """Blender did not do what it was asked to."""


@dataclass(frozen=True)
class Installation:
    """A program that starts Blender, and the private folder for its user files; /tmp is what all Blenders see."""

    program: Path
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "BLENDER_USER_RESOURCES": str(self.folder / "user"), "HOME": str(self.folder),
                "XDG_CACHE_HOME": str(self.folder / "cache"), "TMPDIR": str(self.folder / "temporary")}

    def version(self) -> str:
        """Return the version, such as 4.3.2; raise GuiError when the program is no Blender."""
        match = re.search(r"Blender (\d+\.\d+\.\d+)", self.run("--version"))
        if match is None:
            raise GuiError(f"{self.program} does not say which Blender it is.")
        return match[1]

    def run(self, *arguments: str) -> str:
        """Run Blender without a window and return what it printed; raise GuiError when it fails."""
        done = subprocess.run([str(self.program), *arguments], env=self.variables, capture_output=True, text=True,
                              check=False, timeout=300)
        if done.returncode != 0:
            raise GuiError(f"blender {' '.join(arguments)} ended with {done.returncode}: {done.stdout[-2000:]}"
                           f"{done.stderr[-2000:]}")
        return done.stdout + done.stderr

    def install(self, package: Path) -> None:
        """Install and enables the extension from its zip, as its users do."""
        for name in ("user", "temporary"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.run("--background", "--python-exit-code", "1", "--python-expr", FIRST_PREFERENCES)
        self.run("--command", "extension", "install-file", "--repo", "user_default", "--enable", str(package))


@contextmanager
def open_blender(installation: Installation, display: Display, log: Path, *arguments: str) -> Iterator[Blender]:
    """Start a Blender with a window; it ends with the `with` block, or when its start is interrupted."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gui") as folder, socket.socket(socket.AF_UNIX) as listener, \
            log.open("a") as lines:
        listener.bind(f"{folder}/agent")
        listener.listen()
        listener.settimeout(START_SECONDS)
        with running([str(installation.program), *arguments, "--window-geometry", "0", "0", str(display.width),
                      str(display.height), "--python", shutil.copy(AGENT, installation.folder), "--", f"{folder}/agent"],
                     env={**display.variables, **installation.variables, "DISPLAY": display.name}, stdout=lines,
                     stderr=subprocess.STDOUT) as process, \
                listener.accept()[0] as connection, connection.makefile() as answers:
            connection.settimeout(ANSWER_SECONDS)
            yield Blender(installation, display, process, connection, answers)


@dataclass(frozen=True)
class Blender:
    """A Blender that runs, and the connection to the agent in it."""

    installation: Installation
    display: Display
    _process: subprocess.Popen
    _connection: socket.socket
    _answers: IO[str]

    def do(self, statements: str) -> None:
        """Run Python statements in Blender; raise GuiError with Blender's traceback."""
        self._ask(statements, "None")

    def value(self, expression: str) -> Any:
        """Return the value of a Python expression in Blender, by way of JSON."""
        return self._ask("", expression)

    def wait_until(self, expression: str, seconds: float, pause: float = 0.05) -> float:
        """Wait until the expression is true and return the seconds; raise GuiError when it stays false."""
        start = time.monotonic()
        while not self.value(expression):
            if time.monotonic() - start > seconds:
                raise GuiError(f"Not within {seconds:.0f} seconds: {expression}")
            time.sleep(pause)
        return time.monotonic() - start

    def quit(self) -> int:
        """Ask Blender to end, and return its exit code."""
        self._connection.sendall(json.dumps({"do": "bpy.ops.wm.quit_blender()", "value": "None"}).encode() + b"\n")
        return self._process.wait(60)

    def _ask(self, statements: str, expression: str) -> Any:
        try:
            self._connection.sendall(json.dumps({"do": statements, "value": expression}).encode() + b"\n")
            line = self._answers.readline()
        except ConnectionError:
            line = ""
        if not line:
            raise GuiError(f"Blender ended (exit code {self._process.wait(20)}); its last words are in the log.")
        answer = json.loads(line)
        if "error" in answer:
            raise GuiError(answer["error"])
        return answer["value"]
