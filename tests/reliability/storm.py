"""Kills a client's worker at random moments of its requests; runs in any program that has a client."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from tests.reliability.traces import is_alive, waited

DEADLINE = 20.0
"""Seconds within which each request must have ended."""

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)


def storm(client: object, request: Callable[[random.Random], str], count: int, seed: int) -> Counter:
    """How often what came of a request during which the worker was hit: what `request` says of its outcome.

    Each is followed by an undisturbed request, which must give a map.
    """
    chance = random.Random(seed)
    outcomes: Counter = Counter()
    for number in range(count):
        hit = Hit(client, chance.choice(SIGNALS), 10 ** chance.uniform(-3, -0.2), chance.uniform(0.01, 0.4))
        outcomes[f"{hit.number.name}: {timed(request, chance, number)}"] += 1
        hit.over()
        undisturbed = timed(request, chance, number)
        assert undisturbed == "map", f"request {number}, after {hit.number.name}: {undisturbed}"
    return outcomes


def timed(request: Callable[[random.Random], str], chance: random.Random, number: int) -> str:
    start = time.monotonic()
    outcome = request(chance)
    assert time.monotonic() - start < DEADLINE, f"request {number} took {time.monotonic() - start:.1f} s"
    return outcome


class Hit:
    """A signal to the worker that there is `delay` seconds from now; one that is stopped goes on after `pause` seconds."""

    def __init__(self, client: object, number: signal.Signals, delay: float, pause: float) -> None:
        self.number = number
        self._client, self._delay, self._pause = client, delay, pause
        self._worker = 0
        self._thread = threading.Thread(target=self._strike)
        self._thread.start()

    def over(self) -> None:
        """Waits until the worker has been hit, and is dead where it must be."""
        self._thread.join()
        if self.number != signal.SIGSTOP and self._worker:
            assert waited(lambda: not is_alive(self._worker)), f"the worker survived {self.number.name}"

    def _strike(self) -> None:
        time.sleep(self._delay)
        process = self._client.worker
        if process is None:
            return
        self._worker = process.pid
        with suppress(ProcessLookupError):
            os.kill(self._worker, self.number)
            if self.number == signal.SIGSTOP:
                time.sleep(self._pause)
                os.kill(self._worker, signal.SIGCONT)
