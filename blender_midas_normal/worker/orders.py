"""A request on its way through the worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..core.protocol import Request
from .reading import Given


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with shared_stage([self], name):
            yield


@contextmanager
def shared_stage(clocks: Sequence[Clock], name: str) -> Iterator[None]:
    """A stage of several requests at once, who share its time."""
    start = time.perf_counter()
    try:
        yield
    finally:
        share = (time.perf_counter() - start) / len(clocks)
        for clock in clocks:
            clock.seconds[name] = clock.seconds.get(name, 0.0) + share


@dataclass(eq=False)
class Order:
    """A request, the time that its stages took, and whether it is not wanted any more.

    given: what it gives to look at, read or about to be.
    """

    request: Request
    clock: Clock = field(default_factory=Clock)
    cancelled: bool = False
    given: Future[Given] = field(default_factory=Future)
