"""How time and memory grow with the pixels."""

from __future__ import annotations

import math

from benchmarks.answer import Table

LEAST_SIDE = 1024
"""Below, what any map takes hides the growth."""


def curves(points: list) -> dict:
    """Return the points of each way, from the smallest on."""
    by_way: dict = {}
    for point in sorted(points, key=lambda point: point.side):
        by_way.setdefault(point.way, []).append(point)
    return by_way


def exponent(sides: list, values: list) -> float:
    """Fit the power law value = c * pixels ** e in logarithms and return e; NaN for fewer than two positive values."""
    known = [(math.log(side * side), math.log(value)) for side, value in zip(sides, values)
             if side >= LEAST_SIDE and value > 0]
    if len(known) < 2:
        return math.nan
    x_mean, y_mean = (sum(column) / len(known) for column in zip(*known))
    return sum((x - x_mean) * (y - y_mean) for x, y in known) / sum((x - x_mean) ** 2 for x, _ in known)


def table(points: list) -> Table:
    rows = []
    for way, curve in curves(points).items():
        sides = [point.side for point in curve]
        exponents = (exponent(sides, [point.seconds for point in curve]), exponent(sides, [point.peak for point in curve]))
        rows.append([way, f"{sides[0]} to {sides[-1]}", *("" if math.isnan(e) else f"{e:.2f}" for e in exponents)])
    return Table(f"Growth with the pixels, exponents fitted from {LEAST_SIDE} on", ["Way", "sides", "time", "memory"], rows)
