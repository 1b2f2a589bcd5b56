"""Runs inside Blender: answers what gui_test.py asks over a socket, a request at a time, from a timer.

    blender --python agent.py -- SOCKET

A request is a line of JSON {"do": statements, "value": expression}; the answer {"value": ...} or {"error": traceback}.
"""

from __future__ import annotations

import json
import socket
import sys
import traceback

import bpy

INTERVAL = 0.01
NAMES: dict = {"bpy": bpy}
"""What the statements of all requests share."""


class Agent:
    """One connection to gui_test.py."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.setblocking(False)
        self._received = b""

    def tick(self) -> float | None:
        """Read requests and answer them; end with the connection."""
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return INTERVAL
        if not data:
            return None
        self._received += data
        while b"\n" in self._received:
            line, self._received = self._received.split(b"\n", 1)
            self._socket.sendall(json.dumps(answer(json.loads(line))).encode() + b"\n")
        return INTERVAL


def answer(request: dict) -> dict:
    """Do what a request says, in the newest window's context."""
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):
            exec(request["do"], NAMES)
            return {"value": eval(request["value"], NAMES)}
    except Exception:  # noqa: BLE001 - whatever goes wrong belongs to whoever asked
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    bpy.app.timers.register(Agent(sys.argv[-1]).tick, persistent=True)
