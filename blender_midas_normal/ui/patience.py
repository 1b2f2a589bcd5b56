"""How long Blender draws after a slider was moved, and so how long a map may be waited for before it does.

Where drawing takes longer than making the map again (0.15 to 0.2 s and 0.06 s at 1024 x 1024 with a software renderer on two
cores, which share them besides), the map is sooner there, and drawn once with the slider rather than after it.  Where a
graphics card draws, there is next to nothing to wait for.
"""

from __future__ import annotations

import time

LONGEST = 0.1
"""Seconds that are waited at most, however long Blender draws."""


class Patience:
    """Measures how long Blender takes from the end of the call in which a slider moved to the timer's next look."""

    def __init__(self) -> None:
        self._left = 0.0
        self.seconds = 0.0

    def leave(self) -> None:
        """The call ends; Blender draws next."""
        self._left = time.monotonic()

    def come_back(self, interval: float) -> None:
        """The timer looks, which it would have done after `interval` seconds without any drawing."""
        if self._left:
            self.seconds = min(max(time.monotonic() - self._left - interval, 0.0), LONGEST)
            self._left = 0.0
