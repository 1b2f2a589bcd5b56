"""Draws the growth of time and memory: `python scripts/benchmarks/plot.py ANSWER.json PICTURE.png`."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from matplotlib import pyplot
from matplotlib.axes import Axes

from benchmarks import answer, growth

INCHES, DOTS = (11, 4.5), 110


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    curves = growth.curves(answer.read(source).points)
    figure, (time, memory) = pyplot.subplots(1, 2, figsize=INCHES, layout="constrained")
    for way, curve in curves.items():
        sides = [point.side for point in curve]
        draw(time, way, sides, [point.seconds for point in curve])
        draw(memory, way, sides, [point.peak for point in curve])
    label(time, "Seconds of one map", sorted({point.side for curve in curves.values() for point in curve}))
    label(memory, "Megabytes that the worker had at most", time.get_xticks())
    figure.savefig(target, dpi=DOTS)


def draw(axes: Axes, way: str, sides: list, values: list) -> None:
    """Draw a line for each way with its exponent; unknown ways are left out."""
    if all(value > 0 for value in values):
        exponent = growth.exponent(sides, values)
        name = way if math.isnan(exponent) else f"{way} (pixels$^{{{exponent:.2f}}}$)"
        axes.loglog(sides, values, "o-", label=name, markersize=4)


def label(axes: Axes, title: str, sides: list) -> None:
    axes.set_title(title)
    axes.set_xlabel("side of the picture in pixels")
    axes.set_xticks(sides, [str(int(side)) for side in sides])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


if __name__ == "__main__":
    main()
