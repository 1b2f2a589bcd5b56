"""Things measured in turn, so that a slow moment of the machine falls on all of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

Ways = dict[str, Callable[[], object]]

ENOUGH = 1
"""Rounds that count at least, whatever they take."""


def time_call(work: Callable[[], object]) -> float:
    """Return the seconds of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(ways: Ways, runs: int, patience: float = math.inf, warm: int = 1) -> dict[str, list[float]]:
    """Run each way once in each round; return the seconds by way.

    warm: first rounds that do not count; patience: seconds after which no further round begins.
    """
    for _ in range(warm):
        for way in ways.values():
            way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    end = time.monotonic() + patience
    for number in range(runs):
        if number >= ENOUGH and time.monotonic() > end:
            break
        for name, way in ways.items():
            seconds[name].append(time_call(way))
    return seconds


def median_ratio(ones: list[float], others: list[float]) -> float:
    """Return the median of the ratios of the rounds."""
    return statistics.median(one / other for one, other in zip(ones, others))


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each name's values in the runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
