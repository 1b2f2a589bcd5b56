"""The materials' relief: one function per kind, each making a height field from a seed.

Heights are in pixels of the picture, so slopes are dimensionless.  A kind's function gives the shape; how steep it is
overall is drawn from the kind's range afterwards, as maps made by different hands differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from . import shapes
from .cells import Cells, basket, box, courses, herringbone, scales, voronoi
from .noise import band, between, blur, coordinates, fractal, gradient, pick, share, step, warped

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from .noise import Array

STEEPEST = 1.9
"""Slope (62 degrees) that all but half a percent of the pixels stay below."""


@dataclass(frozen=True)
class Relief:
    """A surface, and what its colour depends on.

    height: size x size, pixels.  families: names of the stuffs it may be made of (see albedo.FAMILIES).
    piece: number of the brick or stone that a pixel belongs to, from 0.  joint: 0..1, the share of mortar or gap.
    grain: where a second colour lies: wood's grain, rust under paint, the upper of two materials; any range.
    Each of the three is None where there is no such thing.
    """

    kind: str
    height: Array
    families: tuple[str, ...]
    piece: NDArray[np.int32] | None = None
    joint: Array | None = None
    grain: Array | None = None


@dataclass(frozen=True)
class Kind:
    """How a kind of relief is made.  tilt: range of the mean tilt in degrees.  weight: how often it is met."""

    make: Callable[[Generator, int], Relief]
    tilt: tuple[float, float]
    weight: float


KINDS: dict[str, Kind] = {}

STONY = ("stone", "stone", "concrete", "brick", "sand")
WALLS = ("brick", "brick", "stone", "concrete", "paint", "plaster")
FLOORS = ("stone", "concrete", "brick", "glaze", "glaze", "plaster")


def kind(tilt: tuple[float, float], weight: float = 1.0) -> Callable:
    """Enters a function into the table of kinds, under its own name."""
    def enter(make: Callable[[Generator, int], Relief]) -> Callable[[Generator, int], Relief]:
        KINDS[make.__name__] = Kind(make, tilt, weight)
        return make
    return enter


def relief(rng: Generator, size: int, name: str) -> Relief:
    """One material of a kind, with fine detail, at the resolution and steepness that real maps have."""
    made = _single(KINDS[name].make(rng, size))
    low, high = KINDS[name].tilt
    height = blur(_detailed(rng, made), pick(rng, [0.4, 0.6, 0.9, 1.3, 1.8], [0.2, 0.3, 0.25, 0.15, 0.1]))
    return replace(made, height=scaled_to_tilt(height, rng.triangular(low, 0.4 * low + 0.6 * high, high)))


def _single(made: Relief) -> Relief:
    """The relief in single precision, whatever its kind's arithmetic came to."""
    fields = {name: getattr(made, name) for name in ("height", "joint", "grain")}
    return replace(made, **{name: field.astype(np.float32) for name, field in fields.items() if field is not None})


def scaled_to_tilt(height: Array, degrees: float) -> Array:
    """The height times the factor that gives this mean tilt, or less where it would be too steep."""
    slope = np.hypot(*gradient(height))
    steep = float(np.quantile(slope, 0.995))
    if steep < 1e-6:
        return np.zeros_like(height)
    factor = min(np.tan(np.radians(degrees)) / max(float(slope.mean()), 1e-9), STEEPEST / steep)
    for _ in range(3):
        mean = float(np.degrees(np.arctan(slope * factor)).mean())
        factor = min(factor * degrees / max(mean, 1e-6), STEEPEST / steep)
    return height * np.float32(factor)


def eased(height: Array) -> Array:
    """The height, made lower where it would be too steep."""
    steep = float(np.quantile(np.hypot(*gradient(height)), 0.995))
    return height * np.float32(min(1, STEEPEST / max(steep, 1e-6)))


def mean_slope(height: Array) -> float:
    return float(np.hypot(*gradient(height)).mean())


def _detailed(rng: Generator, made: Relief) -> Array:
    """The height with fine unevenness: none, everywhere, or mostly on the stones or in the joints; now and then on a
    ground that rises and falls."""
    if rng.random() < 0.2:
        size = made.height.shape[0]
        hills = fractal(rng, size, _feature(rng, size, 70, 200), 3.2)
        amount = between(rng, 0.1, 0.5) * mean_slope(made.height) / max(mean_slope(hills), 1e-6)
        made = replace(made, height=made.height + np.float32(amount) * hills)
    chance = rng.random()
    if chance < 0.25:
        return made.height
    size = made.height.shape[0]
    rough = fractal(rng, size, between(rng, 4, 40), rng.uniform(1.6, 2.6))
    amount = np.float32(between(rng, 0.05, 0.5) * mean_slope(made.height) / max(mean_slope(rough), 1e-6))
    if made.joint is not None and chance < 0.8:
        amount = amount * (1 - np.float32(rng.uniform(0.3, 1)) * (made.joint if chance < 0.5 else 1 - made.joint))
    return made.height + amount * rough


def _whole(size: int, feature: float, least: int = 1, multiple: int = 1) -> int:
    """How many features of about this size fit on the canvas."""
    return max(least, round(size / feature / multiple)) * multiple


def _feature(rng: Generator, size: int, low: float, high: float) -> float:
    high = min(high, size / 1.5)
    return between(rng, min(low, high), high)


def _laid(rng: Generator, cells: Cells, name: str, families: tuple[str, ...], joint: float, bevel: float, dome: float = 0.0,
          uneven: float = 0.3, chipped: float = 0.3) -> Relief:
    """Stones with joints.  Lengths in pixels: `joint` is the gap, `bevel` the width of the stones' edges.

    dome: how much the tops are rounded, in depths of the joint; uneven: how much stones stand out and lean, likewise.
    """
    size = cells.index.shape[0]
    bites = np.minimum(fractal(rng, size, between(rng, 6, 50), 1.7) + np.float32(0.6), 0)
    ragged = np.float32(1.2 * chipped * bevel) * bites
    inner = cells.edge - np.float32(joint / 2) + ragged
    depth = np.float32(bevel * rng.uniform(0.5, 1.5))
    side = np.clip(inner / np.float32(bevel), 0, 1)
    wall = side * side * (3 - 2 * side) if rng.random() < 0.6 else np.sqrt(np.maximum(1 - (1 - side) ** 2, 0))
    radius = np.maximum(cells.radius, 2.0)
    top = 1 - (1 - np.clip(inner / radius, 0, 1)) ** 2
    lean = cells.each(rng.normal(0, 1, cells.count)) * cells.x + cells.each(rng.normal(0, 1, cells.count)) * cells.y
    out = cells.each(rng.normal(0, 1, cells.count)) + lean / np.float32(np.mean(radius))
    height = depth * wall * (1 + np.float32(dome) * top + np.float32(0.5 * uneven) * out)
    gap = 1 - step(inner, -0.2 * bevel - 0.5, 0.4 * bevel + 0.5)
    if rng.random() < 0.4:
        height = height + gap * depth * np.float32(rng.uniform(0.03, 0.15)) * fractal(rng, size, between(rng, 3, 15), 1.8)
    return Relief(name, height.astype(np.float32), families, cells.index, gap.astype(np.float32))


def _joint(rng: Generator, feature: float) -> tuple[float, float]:
    """(gap, edge width) in pixels for stones of this size."""
    return max(1.0, feature * between(rng, 0.015, 0.16)), min(between(rng, 1.2, 6), 0.3 * feature)


@kind((3, 12), 2.5)
def bricks(rng: Generator, size: int) -> Relief:
    high = _feature(rng, size, 9, 80)
    long = high * rng.uniform(1.6, 3.6)
    u, v = warped(rng, size, high * pick(rng, [0, 0.015, 0.04]), 2 * high)
    rows = _whole(size, high, 2, 2)
    shift = [0.5, 0.5, 0.5, 0.25, 1 / 3, 0.0, None][rng.integers(7)]
    rows = rows if shift != 1 / 3 else max(3, rows // 3 * 3)
    rows = rows if shift != 0.25 else max(4, rows // 4 * 4)
    cells = courses(rng, u, v, rows, _whole(size, long), shift, pick(rng, [0, 0.1, 0.4]), rng.uniform(0, 0.2) * high)
    gap, bevel = _joint(rng, high)
    return _laid(rng, cells, "bricks", WALLS, gap, bevel, pick(rng, [0, 0.1, 0.5]), pick(rng, [0.05, 0.3, 0.8]))


@kind((3, 11), 1.0)
def ashlar(rng: Generator, size: int) -> Relief:
    high = _feature(rng, size, 16, 110)
    u, v = warped(rng, size, high * pick(rng, [0, 0.02, 0.05]), high)
    cells = courses(rng, u, v, _whole(size, high), _whole(size, high * rng.uniform(0.9, 2.2)), None, rng.uniform(0.4, 1),
                    rng.uniform(0, 0.15) * high)
    gap, bevel = _joint(rng, high)
    families = ("stone", "stone", "sand", "concrete")
    return _laid(rng, cells, "ashlar", families, gap, bevel, rng.uniform(0, 0.6), rng.uniform(0, 1))


@kind((1, 9), 1.8)
def tiles(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 8, 200)
    x, y = coordinates(size)
    flat = rng.random() < 0.7
    cells = courses(rng, x, y, _whole(size, wide * pick(rng, [0.5, 1, 1])), _whole(size, wide), 0.0, 0.0,
                    wide * pick(rng, [0, 0.03, 0.12]))
    gap, bevel = _joint(rng, 0.6 * wide)
    return _laid(rng, cells, "tiles", FLOORS, gap, min(bevel, 4), 0 if flat else rng.uniform(0.1, 0.8),
                 pick(rng, [0, 0.05, 0.4]), pick(rng, [0, 0, 0.2]))


@kind((2, 9), 0.7)
def pavers(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 12, 70)
    u, v = warped(rng, size, wide * pick(rng, [0, 0.01, 0.03]), 2 * wide)
    style = rng.integers(3)
    if style == 0:
        cells = herringbone(u, v, _whole(size, wide / 2, 1, 4), rng.uniform(0, 0.1) * wide)
    elif style == 1:
        cells = basket(u, v, _whole(size, wide, 1, 2), int(rng.integers(2, 5)), rng.uniform(0, 0.05) * wide)
    else:
        cells = voronoi(rng, u, v, _whole(size, wide), _whole(size, 0.87 * wide, 1, 2), 0.0, staggered=True)
    gap, bevel = _joint(rng, 0.5 * wide)
    families = ("concrete", "concrete", "brick", "stone")
    return _laid(rng, cells, "pavers", families, gap, bevel, pick(rng, [0, 0.3]), rng.uniform(0, 0.6))


@kind((5, 20), 2.0)
def cobbles(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 9, 80)
    u, v = warped(rng, size, wide * rng.uniform(0.03, 0.09), wide)
    if rng.random() < 0.5:
        rows, columns = _whole(size, wide, 2), _whole(size, wide * rng.uniform(0.9, 1.5))
        cells = courses(rng, u, v, rows, columns, None, rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.4) * wide)
    else:
        cells = voronoi(rng, u, v, _whole(size, wide, 2), _whole(size, wide, 2), rng.uniform(0.3, 0.8), staggered=False)
    gap, bevel = _joint(rng, wide)
    return _laid(rng, cells, "cobbles", STONY, gap * 1.2, bevel * 1.3, rng.uniform(0.4, 2.5), rng.uniform(0.1, 0.8))


@kind((5, 22), 2.0)
def rubble_wall(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 14, 130)
    u, v = warped(rng, size, wide * rng.uniform(0.02, 0.07), wide * 0.6)
    cells = voronoi(rng, u, v, _whole(size, wide, 2), _whole(size, wide * rng.uniform(0.4, 1), 2), rng.uniform(0.6, 0.95))
    gap, bevel = _joint(rng, 0.8 * wide)
    made = _laid(rng, cells, "rubble_wall", STONY, gap * 1.3, bevel * 1.3, pick(rng, [0.2, 0.8, 2.0]), rng.uniform(0.2, 1.2),
                 rng.uniform(0.2, 0.7))
    if rng.random() < 0.12:  # mortar that was pressed out stands above the stones
        return replace(made, height=-made.height)
    return made


@kind((2, 10), 0.8)
def crazy_paving(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 25, 150)
    u, v = warped(rng, size, wide * rng.uniform(0.005, 0.03), wide * 0.4)
    cells = voronoi(rng, u, v, _whole(size, wide, 2), _whole(size, wide, 2), rng.uniform(0.7, 1.0))
    gap, bevel = _joint(rng, 0.6 * wide)
    return _laid(rng, cells, "crazy_paving", ("stone", "concrete", "sand"), gap, bevel, 0, rng.uniform(0, 0.5))


@kind((13, 32), 1.6)
def gravel(rng: Generator, size: int) -> Relief:
    radius = _feature(rng, size, 4, 26)
    piece = [shapes.rubble, shapes.pebble][int(rng.random() < 0.4)]
    height, number = shapes.pile(rng, size, radius, rng.uniform(1.5, 3.5), rng.uniform(0.6, 2.0), piece)
    return Relief("gravel", height, ("stone", "stone", "concrete", "brick", "soil"), number,
                  step(-height, -0.25 * radius, 0.05 * radius))


@kind((5, 18), 1.4)
def pebbles(rng: Generator, size: int) -> Relief:
    radius = _feature(rng, size, 4, 30)
    height, number = shapes.pile(rng, size, radius, rng.uniform(0.2, 1.0), rng.uniform(0.1, 0.5), shapes.pebble)
    bed = np.float32(0.12 * radius) * fractal(rng, size, 3 * radius, 2)
    free = step(height - bed, 1.0, 0.0)
    return Relief("pebbles", np.maximum(height, bed), ("stone", "stone", "soil", "concrete"), number, free)


@kind((8, 24), 0.7)
def litter(rng: Generator, size: int) -> Relief:
    radius = _feature(rng, size, 7, 40)
    piece = [shapes.leaf, shapes.chip][int(rng.random() < 0.5)]
    height, number = shapes.pile(rng, size, radius, rng.uniform(1, 2.5), rng.uniform(0.3, 1), piece)
    return Relief("litter", height, ("plant", "plant", "wood"), number)


def _wood(rng: Generator, u: Array, v: Array, size: int, feature: float) -> Array:
    """Grain along x: fibres and rings, deviation about 1; u and v are periodic coordinates."""
    fibres = band(rng, size, between(rng, 2.5, 8), 0.5, (rng.uniform(8, 25), 1))
    rings = fractal(rng, size, feature, 3, (rng.uniform(3, 8), 1))
    count = rng.uniform(1, 4)
    saw = np.abs(((rings * np.float32(count)) % 1) - 0.5) * 2
    return (np.float32(rng.uniform(0.2, 1)) * fibres + np.float32(rng.uniform(0.3, 1.5)) * saw).astype(np.float32)


@kind((2, 10), 1.4)
def planks(rng: Generator, size: int) -> Relief:
    high = _feature(rng, size, 16, 130)
    x, y = coordinates(size)
    cells = courses(rng, x, y, _whole(size, high), _whole(size, high * rng.uniform(3, 9)), None, pick(rng, [0, 0.3]), 0)
    gap, bevel = max(1.0, high * rng.uniform(0.01, 0.06)), between(rng, 1, 4)
    families = ("wood", "wood", "wood", "paint")
    made = _laid(rng, cells, "planks", families, gap, bevel, pick(rng, [0, 0.2]), rng.uniform(0, 0.4), 0.1)
    grain = _wood(rng, x, y, size, high)
    deep = np.float32(between(rng, 0.02, 0.35) * bevel) * (1 - made.joint)
    return replace(made, height=made.height - deep * grain, grain=grain)


@kind((3, 12), 0.8)
def wood(rng: Generator, size: int) -> Relief:
    grain = _wood(rng, *coordinates(size), size, _feature(rng, size, 30, 160))
    cracks = np.maximum(band(rng, size, between(rng, 6, 20), 0.4, (rng.uniform(6, 15), 1)) - 1.3, 0)
    return Relief("wood", -grain - np.float32(pick(rng, [0, 1.5, 4])) * cracks, ("wood",), grain=grain)


@kind((10, 26), 0.7)
def bark(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 12, 60)
    x, y = coordinates(size)
    u = x + np.float32(0.2 * wide) * fractal(rng, size, 2 * wide, 2.6, (1, 2))
    cells = voronoi(rng, u, y, _whole(size, wide, 2), _whole(size, wide * rng.uniform(3, 6), 1), 0.9)
    made = _laid(rng, cells, "bark", ("wood", "wood", "soil"), 0.15 * wide, 0.35 * wide, 0.5, 0.5, 0.2)
    ridges = -np.abs(fractal(rng, size, 0.6 * wide, 1.9, (1, rng.uniform(3, 6))))
    return replace(made, height=made.height + np.float32(0.07 * wide) * ridges, joint=None, piece=None)


@kind((8, 24), 1.6)
def weave(rng: Generator, size: int) -> Relief:
    thread = _feature(rng, size, 4, 40)
    count = _whole(size, thread, 1, 4)
    u, v = warped(rng, size, thread * pick(rng, [0, 0.04, 0.1]), 5 * thread)
    p, q = u * np.float32(count / size), v * np.float32(count / size)
    i, j = np.floor(p).astype(np.int32), np.floor(q).astype(np.int32)
    style = rng.integers(3)
    over = [(i + j) % 2 == 0, (i + j) % 4 < 2, (i // 2 + j // 2) % 2 == 0][style]
    fx, fy = p - i - np.float32(0.5), q - j - np.float32(0.5)
    run = [1.0, 2.0, 2.0][style]
    round_x, round_y = np.sqrt(np.maximum(1 - (1.9 * fx) ** 2, 0)), np.sqrt(np.maximum(1 - (1.9 * fy) ** 2, 0))
    swell = np.float32(rng.uniform(0.2, 0.8))
    along = [fy, _bow((j - i) % 4, fy), (j % 2 + fy) / 2 - np.float32(0.25)][style]
    across = [fx, _bow((i + j) % 4 - 2, fx), (i % 2 + fx) / 2 - np.float32(0.25)][style]
    rise = np.where(over, round_x * (1 - swell * (2 * along) ** 2), round_y * (1 - swell * (2 * across) ** 2))
    fibre = np.float32(pick(rng, [0, 0.1, 0.2])) * np.cos(2 * np.pi * 4 * np.where(over, fx + 0.3 * fy, fy + 0.3 * fx))
    number = np.where(over, i % count, count + j % count).astype(np.int32)
    return Relief("weave", (thread * 0.3 * (rise * (1 + fibre)) * np.float32(run ** 0.3)).astype(np.float32),
                  ("fabric", "fabric", "fabric", "plant", "metal"), number, step(rise.astype(np.float32), 0.45, 0.0))


def _bow(step_in_run: NDArray, fraction: Array) -> Array:
    """Place along a thread that runs over two others, -0.5..0.5."""
    return ((step_in_run % 2 + fraction) / 2 - np.float32(0.25)).astype(np.float32)


@kind((8, 20), 0.5)
def knit(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 7, 36)
    columns, rows = _whole(size, wide), _whole(size, wide * rng.uniform(0.7, 1))
    u, v = warped(rng, size, 0.03 * wide, 6 * wide)
    p, q = u * np.float32(columns / size), v * np.float32(rows / size)
    column = np.floor(p)
    side = p - column - np.float32(0.5)
    slant = q - np.abs(side) * np.float32(rng.uniform(0.8, 1.6))
    stitch = np.abs(np.sin(np.pi * slant)) ** np.float32(0.7)
    lobe = np.sqrt(np.maximum(1 - ((np.abs(side) - 0.25) * 3.9) ** 2, 0))
    return Relief("knit", (0.3 * wide * stitch * lobe).astype(np.float32), ("fabric",), None, None)


@kind((5, 16), 0.8)
def leather(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 4, 24)
    u, v = warped(rng, size, wide * 0.15, 1.5 * wide)
    cells = voronoi(rng, u, v, _whole(size, wide), _whole(size, wide * rng.uniform(0.7, 1.2)), 0.85)
    bump = 1 - (1 - np.clip(cells.edge / np.float32(0.35 * wide), 0, 1)) ** 2
    folds = -np.exp(-np.abs(band(rng, size, 8 * wide, 0.5)) * 8)
    return Relief("leather", (wide * (0.2 * bump + np.float32(rng.uniform(0, 0.4)) * folds)).astype(np.float32),
                  ("leather", "leather", "fabric"))


@kind((4, 16), 1.0)
def roof_tiles(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 10, 80)
    columns = _whole(size, wide)
    rows = _whole(size, wide * rng.uniform(0.6, 1.3), 1, 2)
    u, v = warped(rng, size, wide * pick(rng, [0, 0.02]), wide)
    made = scales(u, v, rows, columns, pick(rng, [0, 0.4, 0.8]), rng.uniform(0, 1))
    high = size / rows
    thick = np.float32(between(rng, 1, 0.15 * wide))
    cross = 1 - (made.x / made.radius) ** 2
    out = made.each(rng.normal(0, 0.15, made.count))
    gap = np.clip(made.edge / np.float32(max(1.2, 0.4 * thick)), 0, 1)
    seam = np.clip((made.radius - np.abs(made.x)) / np.float32(1.5), 0, 1)
    lying = (0.5 + 0.5 * made.y / np.float32(high) + out) * gap - 0.3 * (1 - seam)
    height = thick * (lying + np.float32(pick(rng, [0, 0.5, 2])) * cross)
    families = ("brick", "brick", "stone", "wood", "metal", "glaze", "paint")
    return Relief("roof_tiles", height.astype(np.float32), families, made.index)


@kind((8, 28), 0.7)
def corrugation(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 6, 70)
    u, _ = warped(rng, size, wide * pick(rng, [0, 0.02]), 100)
    wave = np.cos(2 * np.pi * _whole(size, wide) * u / np.float32(size))
    sharp = rng.uniform(0, 1)
    if sharp > 0.4:
        wave = np.clip(wave * np.float32(1 + 3 * sharp), -1, 1)
    height = blur((wide * 0.25 * wave).astype(np.float32), 1 + 0.02 * wide)
    return Relief("corrugation", height, ("metal", "metal", "paint", "concrete", "fabric"))


@kind((0.7, 8), 1.6)
def panels(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 40, 240)
    x, y = coordinates(size)
    rows, columns = _whole(size, wide), _whole(size, wide * rng.uniform(0.6, 2))
    shift = pick(rng, [0.0, None] if rows % 2 else [0.0, 0.5, None])
    cells = courses(rng, x, y, rows, columns, shift, pick(rng, [0, 0.6]), pick(rng, [0, 4, 10]))
    made = _laid(rng, cells, "panels", ("metal", "metal", "paint", "concrete", "plaster", "leather"), rng.uniform(1, 6),
                 between(rng, 1.2, 4), 0, pick(rng, [0, 0.2]), 0)
    depth = np.float32(max(float(np.ptp(made.height)), 0.5))
    height = made.height + depth * np.float32(pick(rng, [-1, 0, 0, 1])) * step(cells.edge, 6, 7 + 0.05 * wide)
    height = height + depth * np.float32(pick(rng, [0, 0.3, 1])) * _rivets(rng, cells)
    if rng.random() < 0.4:
        height = height + depth * _dents(rng, size, wide)
    return replace(made, height=height.astype(np.float32), families=made.families)


def _rivets(rng: Generator, cells: Cells) -> Array:
    """Round heads or holes along the edges or in the corners of each panel, -1..1."""
    radius = np.float32(between(rng, 2, 7))
    inset = np.float32(radius * rng.uniform(2, 4))
    gap = np.float32(radius * rng.uniform(4, 12))
    half = np.float32(cells.edge.max())
    ax, ay = np.abs(cells.x), np.abs(cells.y)
    distance = np.hypot((ax + gap / 2) % gap - gap / 2, cells.edge - inset) if rng.random() < 0.5 else np.hypot(
        ax - (half - inset) * np.float32(rng.uniform(0.4, 1)), ay - (half - inset) * np.float32(rng.uniform(0.4, 1)))
    if rng.random() < 0.6:
        return np.sqrt(np.maximum(1 - (distance / radius) ** 2, 0))
    return -step(distance, radius, 0.6 * radius)


def _dents(rng: Generator, size: int, wide: float) -> Array:
    return -np.maximum(band(rng, size, min(wide, 90) * rng.uniform(0.4, 1), 0.5) - np.float32(rng.uniform(0.3, 1.3)), 0)


@kind((0.5, 8), 1.0)
def worn_metal(rng: Generator, size: int) -> Relief:
    scratches = shapes.lines(rng, size, int(rng.integers(5, 60)), size * rng.uniform(0.1, 0.7), (1, 2), 0.05)
    buckled = fractal(rng, size, _feature(rng, size, 60, 200), 3.5)
    height = 2 * buckled * np.float32(rng.uniform(0, 1)) + 3 * _dents(rng, size, 60) * np.float32(pick(rng, [0, 1]))
    height = height - scratches * np.float32(rng.uniform(0.2, 1))
    if rng.random() < 0.5:
        flaked = share(fractal(rng, size, _feature(rng, size, 20, 120), 2), rng.uniform(0.1, 0.6), 0.1)
        rust = fractal(rng, size, between(rng, 3, 12), 1.7)
        return Relief("worn_metal", height - flaked * (1 - 0.3 * rust), ("metal", "paint"), grain=flaked)
    return Relief("worn_metal", height.astype(np.float32), ("metal", "metal", "paint"))


@kind((3, 15), 1.0)
def studs(rng: Generator, size: int) -> Relief:
    """Tread plates, perforated plates, buttons, waffles."""
    wide = _feature(rng, size, 6, 50)
    count = _whole(size, wide, 1, 2)
    x, y = coordinates(size)
    p, q = x * np.float32(count / size), y * np.float32(count / size)
    column, row = np.floor(p), np.floor(q)
    fx, fy = p - column - np.float32(0.5), q - row - np.float32(0.5)
    style = rng.integers(4)
    odd = (column + row) % 2 == 1
    edge = np.float32(min(between(rng, 1, 4) / wide * 1.5, 0.35))
    if style == 0:
        bar = rng.uniform(0.08, 0.18)
        a, b = (fx + fy) * np.float32(0.7071), (fx - fy) * np.float32(0.7071)
        far = box(np.where(odd, a, b), np.where(odd, b, a), np.float32(rng.uniform(0.35, 0.5)), np.float32(bar), bar)
    elif style == 1:
        far = np.float32(rng.uniform(0.2, 0.42)) - np.hypot(fx, fy)
    elif style == 2:
        far = box(fx, fy, *[np.float32(rng.uniform(0.25, 0.42))] * 2, rng.uniform(0, 0.2))
    else:
        far = np.where(odd, 0.4 - np.hypot(fx, fy), np.float32(-0.2))
    bump = step(far, -edge / 2, edge / 2)
    if rng.random() < 0.5:
        bump = np.sqrt(np.clip(far / np.maximum(far.max(), edge), 0, 1))
    sign = np.float32(pick(rng, [-1, 1], [0.35, 0.65]))
    number = (odd * 1).astype(np.int32)
    families = ("metal", "metal", "metal", "paint", "leather", "fabric", "plaster")
    made = Relief("studs", (sign * wide * 0.2 * bump).astype(np.float32), families)
    return replace(made, piece=number) if rng.random() < 0.2 else made


@kind((0.8, 11), 1.3)
def plaster(rng: Generator, size: int) -> Relief:
    rough = fractal(rng, size, _feature(rng, size, 6, 120), rng.uniform(1.5, 2.8))
    style = rng.integers(3)
    if style == 1:  # trowel strokes
        rough = np.maximum(rough, fractal(rng, size, _feature(rng, size, 20, 100), 2.6, (rng.uniform(1, 3), 1)))
    elif style == 2:  # roughcast
        rough = np.maximum(band(rng, size, between(rng, 4, 14), 0.3), np.float32(rng.uniform(-0.5, 0.8)))
    return Relief("plaster", rough.astype(np.float32), ("plaster", "plaster", "paint", "concrete"))


@kind((0.5, 7), 1.2)
def concrete(rng: Generator, size: int) -> Relief:
    height = np.float32(0.3) * fractal(rng, size, _feature(rng, size, 30, 150), 2.5)
    pores = np.maximum(band(rng, size, between(rng, 4, 14), 0.35) - np.float32(rng.uniform(1.8, 2.6)), 0)
    height = height - np.float32(rng.uniform(0.5, 3)) * pores
    if rng.random() < 0.5:
        height = height - np.float32(between(rng, 0.5, 3)) * _crack(rng, size)
    if rng.random() < 0.4:
        return _formwork(rng, size, height.astype(np.float32))
    return Relief("concrete", height.astype(np.float32), ("concrete", "concrete", "plaster", "stone"))


def _formwork(rng: Generator, size: int, surface: Array) -> Relief:
    """Slabs with tie holes, as of cast walls."""
    wide = _feature(rng, size, 70, 240)
    cells = courses(rng, *coordinates(size), _whole(size, wide), _whole(size, wide), 0.0, 0.0, 0)
    made = _laid(rng, cells, "concrete", ("concrete",), rng.uniform(1, 5), between(rng, 1.5, 4), 0, 0.02, 0.1)
    holes = np.minimum(_rivets(rng, cells), 0) if rng.random() < 0.7 else 0
    return replace(made, height=(made.height + 0.5 * surface + 2 * holes).astype(np.float32))


def _crack(rng: Generator, size: int) -> Array:
    """A few fine branching grooves, 0..1."""
    wide = _feature(rng, size, 60, 160)
    cells = voronoi(rng, *warped(rng, size, wide * 0.12, wide * 0.6), _whole(size, wide, 2), _whole(size, wide, 2), 0.9)
    only = share(fractal(rng, size, wide, 2.5), rng.uniform(0.2, 0.8))
    return step(cells.edge, rng.uniform(1.2, 3.0), 0.0) * only


@kind((5, 20), 0.8)
def cracked(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 14, 110)
    u, v = warped(rng, size, wide * rng.uniform(0.05, 0.15), wide * 0.5)
    cells = voronoi(rng, u, v, _whole(size, wide, 2), _whole(size, wide, 2), 0.9)
    made = _laid(rng, cells, "cracked", ("soil", "soil", "paint", "stone", "plaster"), rng.uniform(1, 0.1 * wide + 1),
                 between(rng, 1.5, 6), rng.uniform(-0.5, 0.5), 0.4, 0.3)
    return replace(made, piece=None)


@kind((8, 27), 1.2)
def rock(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 20, 170)
    height = fractal(rng, size, wide, rng.uniform(1.9, 2.6), (1, rng.uniform(1, 2)))
    style = rng.integers(3)
    if style == 0:
        height = -np.abs(height) + 0.4 * fractal(rng, size, wide / 2, 2)
    elif style == 1:
        levels = height * np.float32(rng.uniform(2, 5))
        part = levels - np.floor(levels)
        height = np.floor(levels) + step(part, 0.5, 1.0) + 0.3 * part
    else:
        u, v = warped(rng, size, wide * 0.1, wide)
        facets = voronoi(rng, u, v, _whole(size, wide, 2), _whole(size, wide, 2), 0.95)
        lean_x, lean_y = (facets.each(rng.normal(0, 1, facets.count)) for _ in range(2))
        plane = lean_x * facets.x + lean_y * facets.y
        height = 0.5 * height + 1.5 * plane / np.float32(wide) + facets.each(rng.normal(0, 0.3, facets.count))
    return Relief("rock", blur(height.astype(np.float32), 0.7), ("stone", "stone", "sand", "soil", "plaster"))


@kind((4, 16), 0.7)
def sand(rng: Generator, size: int) -> Relief:
    wide = _feature(rng, size, 8, 80)
    wave = band(rng, size, wide, rng.uniform(0.1, 0.3), (rng.uniform(1, 5), 1))
    sharp = np.where(wave > 0, wave, wave * np.float32(0.6))
    return Relief("sand", (wide * 0.1 * sharp).astype(np.float32), ("sand", "sand", "soil", "plaster", "fabric"))


@kind((3, 18), 1.3)
def ground(rng: Generator, size: int) -> Relief:
    """Soil, asphalt, carpet, stone chippings: fine grains on gentle waves."""
    grain = _feature(rng, size, 4, 14)
    cells = voronoi(rng, *coordinates(size), _whole(size, grain), _whole(size, grain), 0.95)
    size_of = cells.each(rng.uniform(0.1, 1, cells.count))
    stones = np.sqrt(np.clip(cells.edge / np.float32(0.4 * grain), 0, 1)) * size_of
    height = np.float32(rng.uniform(0.1, 0.4) * grain) * stones
    height = height + np.float32(rng.uniform(0, 0.1) * grain) * fractal(rng, size, _feature(rng, size, 20, 150), 2.3)
    if rng.random() < 0.3:
        height = height - np.float32(rng.uniform(1, 3)) * _crack(rng, size)
    return Relief("ground", height.astype(np.float32), ("soil", "concrete", "stone", "fabric", "plant"), cells.index)


@kind((6, 20), 0.6)
def lumps(rng: Generator, size: int) -> Relief:
    """Moss, grass from above, foam, popcorn plaster."""
    wide = _feature(rng, size, 5, 50)
    height = band(rng, size, wide, rng.uniform(0.2, 0.6)) + rng.uniform(0, 0.5) * fractal(rng, size, 3 * wide, 2)
    if rng.random() < 0.5:
        height = -np.abs(height)
    return Relief("lumps", (0.2 * wide * height).astype(np.float32), ("plant", "plant", "plaster", "fabric", "soil"))


@kind((2, 13), 1.2)
def embossed(rng: Generator, size: int) -> Relief:
    radius = _feature(rng, size, 6, 60)
    if rng.random() < 0.3:
        mask = shapes.text(rng, size, _whole(size, 4 * radius, 2) ** 2, radius)
    else:
        mask = shapes.motif(rng, size, radius)
    raised = blur(mask, between(rng, 0.7, 3))
    if rng.random() < 0.3:
        raised = raised + blur(mask, 0.25 * radius)
    sign = np.float32(pick(rng, [-1, 1]))
    families = ("metal", "paint", "leather", "plaster", "fabric", "stone", "wood")
    return Relief("embossed", sign * raised * np.float32(between(rng, 1, 5)), families)


@kind((2, 9), 0.4)
def folds(rng: Generator, size: int) -> Relief:
    """Creased cloth or foil: soft hills with sharper lines."""
    wide = _feature(rng, size, 40, 200)
    hills = fractal(rng, size, wide, 3.5, (1, rng.uniform(1, 3)))
    creases = -np.exp(-np.abs(band(rng, size, wide, 0.5, (1, rng.uniform(1, 3)))) * np.float32(rng.uniform(3, 8)))
    height = hills + np.float32(rng.uniform(0, 1)) * creases
    return Relief("folds", 0.05 * wide * height, ("fabric", "fabric", "metal", "leather"))


def mixture(rng: Generator, size: int) -> Relief:
    """One material over another: sand between stones, fallen plaster, moss, filled joints."""
    names = list(KINDS)
    under, over = (relief(rng, size, names[i]) for i in rng.choice(len(names), 2, replace=False))
    if rng.random() < 0.5:  # poured over: it fills the low places
        level = float(np.quantile(under.height[::4, ::4], rng.uniform(0.15, 0.6)))
        filling = level + np.float32(rng.uniform(0.2, 1)) * (over.height - over.height.mean())
        covered = step(filling - under.height, -1, 1)
        height = under.height * (1 - covered) + filling * covered
    else:  # a coat with holes
        covered = share(fractal(rng, size, _feature(rng, size, 30, 150), 2), rng.uniform(0.3, 0.7), 0.15)
        coat = float(under.height.mean()) + np.float32(rng.uniform(0, 4)) + over.height - over.height.mean()
        height = under.height * (1 - covered) + coat * covered
    joint = None if under.joint is None else under.joint * (1 - covered)
    name = f"{over.kind} over {under.kind}"
    return Relief(name, eased(blur(height.astype(np.float32), 0.6)), under.families, under.piece, joint, covered)


def flat(size: int) -> Relief:
    """Nothing: the ground of prints, labels and screens."""
    families = ("paint", "plaster", "fabric", "metal", "concrete", "wood", "stone")
    return Relief("flat", np.zeros((size, size), np.float32), families)
