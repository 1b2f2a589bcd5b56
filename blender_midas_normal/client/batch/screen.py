"""What a run shows: lines, and on a terminal a bar below them."""

from __future__ import annotations

import io
import os
import sys
import time
from typing import TextIO

from ..client import Job

WIDTH = 24
"""Characters of the bar."""

GAP = 0.1
"""Seconds between two pictures of the bar."""


class Screen:
    """Lines go to standard output, errors and the bar to standard error."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what the terminal cannot show
        self._has_bar = sys.stderr.isatty()
        self._shown = 0.0

    def say(self, line: str) -> None:
        self._print(line, sys.stdout)

    def complain(self, line: str) -> None:
        self._print(line, sys.stderr)

    def show(self, job: Job | None, done: int, of: int) -> None:
        """Draws the bar: how many pictures are done, and how far the job is that is waited for."""
        now = time.monotonic()
        if self._has_bar and now - self._shown > GAP:
            self._shown = now
            full = WIDTH * done // max(of, 1)
            doing = f"  {job.stage} {job.done:.0%}" if job is not None else ""
            print(f"\r\x1b[K[{'#' * full}{'.' * (WIDTH - full)}] {done}/{of}{doing}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the bar away."""
        if self._has_bar:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _print(self, line: str, stream: TextIO) -> None:
        self.clear()
        try:
            print(line, file=stream, flush=True)
        except OSError:  # whoever read the lines has gone, or their disk is full; that is no reason to make no maps
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
