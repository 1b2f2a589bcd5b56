"""Colour of the materials: what a surface is painted with, whether or not its relief has anything to do with it."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import shapes
from .cells import courses, voronoi
from .noise import band, between, blur, coordinates, fractal, pick, share, step, warp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array

    from .heights import Relief

FAMILIES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "brick": ((0.01, 0.10), (0.25, 0.75), (0.35, 0.75)),
    "stone": ((0.03, 0.16), (0.02, 0.30), (0.30, 0.78)),
    "concrete": ((0.05, 0.60), (0.00, 0.10), (0.32, 0.75)),
    "wood": ((0.05, 0.11), (0.20, 0.60), (0.25, 0.70)),
    "metal": ((0.05, 0.65), (0.00, 0.15), (0.30, 0.75)),
    "paint": ((0.00, 1.00), (0.00, 0.80), (0.20, 0.92)),
    "glaze": ((0.00, 1.00), (0.00, 0.50), (0.15, 0.92)),
    "plaster": ((0.04, 0.16), (0.00, 0.35), (0.60, 0.92)),
    "soil": ((0.04, 0.12), (0.10, 0.50), (0.15, 0.50)),
    "plant": ((0.07, 0.33), (0.25, 0.70), (0.20, 0.60)),
    "fabric": ((0.00, 1.00), (0.00, 0.60), (0.15, 0.85)),
    "leather": ((0.00, 0.11), (0.10, 0.60), (0.12, 0.55)),
    "sand": ((0.07, 0.14), (0.15, 0.45), (0.50, 0.85)),
}
"""Ranges of hue, saturation and value."""
SHINY = ("metal", "glaze", "leather")

MOSS = ((0.18, 0.30), (0.35, 0.70), (0.18, 0.40))
RUST = ((0.03, 0.07), (0.50, 0.80), (0.25, 0.50))
DIRT = ((0.04, 0.12), (0.05, 0.40), (0.08, 0.28))
DUST = ((0.06, 0.14), (0.02, 0.25), (0.65, 0.88))
MORTAR_PALE = ((0.05, 0.15), (0.00, 0.20), (0.70, 0.92))
MORTAR_DARK = ((0.03, 0.15), (0.00, 0.40), (0.10, 0.30))


@dataclass(frozen=True)
class Paint:
    """albedo: H x W x 3 sRGB values 0..1.  joints: +1 where joints were made paler than the stones, -1 darker, 0 neither."""

    albedo: Array
    joints: int
    shiny: bool


def colour(rng: Generator, ranges: tuple) -> Array:
    """Return one sRGB colour from ranges of hue, saturation and value."""
    return np.array(colorsys.hsv_to_rgb(*(rng.uniform(*limits) for limits in ranges)), np.float32)


def luma(rgb: Array) -> Array:
    return rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def mix(albedo: Array, mask: Array, other: Array) -> Array:
    """Put `other` (a colour or a picture) over the albedo where the mask is 1."""
    return albedo + mask[..., None] * (other - albedo)


def paint(rng: Generator, relief: Relief) -> Paint:
    """Paint a material's colour: the material, its pieces, its joints, aging, and sometimes a print."""
    family = relief.families[rng.integers(len(relief.families))]
    albedo = _stuff(rng, relief, family)
    joints = 0
    coated = family in ("paint", "plaster") and rng.random() < 0.6  # one coat over stones and joints
    if relief.joint is not None and not coated:
        albedo, joints = _paint_joints(rng, relief, albedo)
    if relief.grain is not None:
        albedo = _paint_grain(rng, relief.grain, albedo, family)
    albedo = _age(rng, relief, albedo, family)
    if rng.random() < 0.1:
        albedo = add_prints(rng, albedo)
    return Paint(np.clip(albedo, 0.02, 0.97), joints, family in SHINY)


def _stuff(rng: Generator, relief: Relief, family: str) -> Array:
    """Paint the material itself: its colour, varying by piece, clouded, speckled; often paler where it stands out."""
    size = relief.height.shape[0]
    base = colour(rng, FAMILIES[family])
    albedo = np.broadcast_to(base, (size, size, 3)).astype(np.float32)
    if relief.piece is not None and rng.random() < (0.4 if family in ("paint", "plaster") else 0.9):
        albedo = albedo * _per_piece(rng, relief, family, base)
    clouds = fractal(rng, size, between(rng, 15, 200), rng.uniform(1.5, 2.5))
    albedo = mix(albedo, np.float32(rng.uniform(0, 0.5)) * share(clouds, 0.5, 3.0), colour(rng, FAMILIES[family]))
    speckle = fractal(rng, size, between(rng, 2, 12), rng.uniform(0.2, 1.6))
    albedo = albedo * (1 + np.float32(between(rng, 0.008, 0.1)) * speckle)[..., None]
    if rng.random() < 0.3:
        spots = share(band(rng, size, between(rng, 4, 25), 0.4), between(rng, 0.005, 0.15), 0.4)
        other = colour(rng, FAMILIES[family]) * np.float32(rng.uniform(0.4, 1.5))
        albedo = mix(albedo, spots * np.float32(rng.uniform(0.1, 0.8)), other)
    follows = pick(rng, [0, 1, -1], [0.35, 0.5, 0.15])  # dirt stays in hollows and wear polishes what stands out
    standing = _standing(relief.height, pick(rng, [3, 8, 20]))
    return albedo * np.exp(np.float32(follows * rng.uniform(0.05, 0.4)) * standing)[..., None]


def _standing(height: Array, width: float) -> Array:
    """Return how high a place is among its surroundings, in deviations, -2..2."""
    local = height - blur(height, width)
    deviation = float(local.std())
    return np.clip(local / deviation, -2, 2) if deviation > 1e-6 else np.zeros_like(height)


def _per_piece(rng: Generator, relief: Relief, family: str, base: Array) -> Array:
    """Return factors on the colour, one per piece: brightness, and the way to a second and third colour."""
    count = int(relief.piece.max()) + 1
    vary = between(rng, 0.03, 0.3)
    others = np.stack([base, colour(rng, FAMILIES[family]), colour(rng, FAMILIES[family])]) / base
    chosen = others[rng.choice(3, count, p=[0.5, 0.3, 0.2])]
    toward = np.float32(pick(rng, [0.1, 0.4, 0.9])) * rng.random((count, 1), dtype=np.float32)
    table = np.exp(vary * rng.standard_normal((count, 1))) * (1 + toward * (chosen - 1))
    return table.astype(np.float32)[relief.piece]


def _paint_joints(rng: Generator, relief: Relief, albedo: Array) -> tuple[Array, int]:
    """Paint joints paler than the stones as often as darker; some have the stones' own colour."""
    if rng.random() < 0.12:
        return albedo, 0
    pale = rng.random() < 0.6  # with the samples whose joints keep the stones' colour and collect dirt: half
    size = relief.height.shape[0]
    stones = float(luma(albedo)[::4, ::4].mean())
    mortar = colour(rng, MORTAR_PALE if pale else MORTAR_DARK)
    luma_aim = stones * rng.uniform(1.25, 2.2) if pale else stones * rng.uniform(0.2, 0.75)
    mortar = mortar * np.float32(min(luma_aim, 0.93) / max(float(luma(mortar)), 1e-3))
    if pale and stones > 0.7:
        albedo = albedo * np.float32(0.7)
    rough = 1 + np.float32(rng.uniform(0.02, 0.15)) * fractal(rng, size, between(rng, 2, 20), 1.5)
    cover = relief.joint if rng.random() < 0.6 else np.clip(blur(relief.joint, rng.uniform(0.8, 2.5)) * 1.3, 0, 1)
    if rng.random() < 0.3:  # mortar smeared over the stones' edges
        cover = np.maximum(cover, step(blur(relief.joint, 3), 0.1, 0.6) * share(fractal(rng, size, 12, 2), 0.4))
    return mix(albedo, cover * np.float32(rng.uniform(0.75, 1)), mortar * rough[..., None]), 1 if pale else -1


def _paint_grain(rng: Generator, grain: Array, albedo: Array, family: str) -> Array:
    """Paint wood grain darker or paler, rust under flaked paint, the second of two materials."""
    low, high = float(grain.min()), float(grain.max())
    mask = (grain - low) / max(high - low, 1e-6)
    other = colour(rng, FAMILIES[family]) * np.float32(rng.uniform(0.4, 1.2))
    if family in ("metal", "paint"):
        other = colour(rng, RUST)
    return mix(albedo, mask * np.float32(rng.uniform(0.1, 0.9)), other)


def _age(rng: Generator, relief: Relief, albedo: Array, family: str) -> Array:
    """Add dirt in the hollows, dust on the tops, worn edges, moss, stains, rust that runs down."""
    size = relief.height.shape[0]
    standing = _standing(relief.height, between(rng, 3, 30))
    if rng.random() < 0.35:
        albedo = mix(albedo, step(-standing, 0.2, 2.0) * np.float32(rng.uniform(0.2, 0.9)), colour(rng, DIRT))
    if rng.random() < 0.15:
        hollow = rng.random() < 0.5  # pale dust lies in hollows as often as it whitens what sticks out
        where = step(-standing if hollow else standing, 0.2, 2.0)
        albedo = mix(albedo, where * np.float32(rng.uniform(0.2, 0.7)), colour(rng, DUST))
    if rng.random() < (0.5 if family in ("metal", "paint") else 0.12):
        edges = step(relief.height - blur(relief.height, 2.0), 0.1, 0.8)
        edges = edges * share(fractal(rng, size, 30, 1.6), rng.uniform(0.3, 0.9))
        bare = np.float32(rng.uniform(1.2, 2)) * albedo.mean((0, 1))
        albedo = mix(albedo, edges * np.float32(rng.uniform(0.2, 0.8)), bare)
    if rng.random() < 0.08 and family in ("brick", "stone", "concrete", "wood", "soil", "plaster"):
        where = step(fractal(rng, size, 60, 1.7) - 0.5 * standing, 0.3, 1.5)
        albedo = mix(albedo, where * np.float32(rng.uniform(0.4, 0.9)), colour(rng, MOSS))
    if rng.random() < 0.35:
        run = rng.uniform(1, 5) if rng.random() < 0.4 else 1
        border = rng.uniform(0.05, 0.3) if rng.random() < 0.2 else rng.uniform(0.6, 3)  # few stains have hard borders
        stain = share(fractal(rng, size, between(rng, 20, 160), 2, (1, run)), rng.uniform(0.1, 0.5), border)
        what = colour(rng, pick(rng, [DIRT, DIRT, RUST, DUST]))
        albedo = mix(albedo, stain * np.float32(rng.uniform(0.05, 0.6)), what)
    return albedo


def add_prints(rng: Generator, albedo: Array, layers: int = 1, plain: bool = False) -> Array:
    """Paint marks that have no relief; only plain ones may look like a wall or a tiled floor."""
    for _ in range(layers):
        mask = print_mask(rng, albedo.shape[0], PRINTS + WALL_PRINTS if plain else PRINTS)
        if rng.random() < 0.4:  # worn paint
            mask = mask * share(fractal(rng, albedo.shape[0], between(rng, 6, 60), 1.5), rng.uniform(0.5, 0.95))
        albedo = mix(albedo, mask * np.float32(rng.uniform(0.4, 1)), _other_colour(rng, albedo))
    return albedo


def _other_colour(rng: Generator, albedo: Array) -> Array:
    """Return a paint that is clearly paler or darker than the picture; any paint once in five times."""
    ground = float(luma(albedo)[::4, ::4].mean())
    paints = [colour(rng, FAMILIES["paint"]) for _ in range(4)]
    if rng.random() < 0.2:
        return paints[0]
    return max(paints, key=lambda candidate: abs(float(luma(candidate)) - ground))


def print_mask(rng: Generator, size: int, makers: tuple[Callable[[Generator, int], Array], ...]) -> Array:
    """Draw a mask 0..1, sharp or soft."""
    mask = makers[rng.integers(len(makers))](rng, size)
    return blur(mask.astype(np.float32), pick(rng, [0, 0.4, 0.8, 1.5, 3], [0.25, 0.3, 0.25, 0.1, 0.1]))


def _phase(rng: Generator, size: int, low: float = 4, high: float = 200) -> tuple[Array, Array]:
    """Return coordinates in periods of a pattern, sometimes a little warped."""
    wide = between(rng, low, min(high, size / 1.5))
    x, y = warp(rng, size, wide * pick(rng, [0, 0, 0.03, 0.2]), 2 * wide)
    across, down = max(1, round(size / wide)), max(1, round(size / wide / pick(rng, [0.5, 1, 1, 2])))
    return x * np.float32(across / size), y * np.float32(down / size)


def _stripes(rng: Generator, size: int) -> Array:
    p, q = _phase(rng, size)
    t = [p, q, p + q][rng.integers(3)]
    return (t % 1 < rng.uniform(0.08, 0.9)).astype(np.float32)


def _checks(rng: Generator, size: int) -> Array:
    wide = between(rng, 5, min(160, size / 2))
    count = 2 * max(1, round(size / wide / 2))
    x, y = coordinates(size)
    i, j = (np.floor(t * np.float32(count / size)) for t in (x, y))
    if rng.random() < 0.3:  # gingham
        return ((i % 2) + (j % 2)).astype(np.float32) / 2
    return ((i + j) % 2).astype(np.float32)


def _grid(rng: Generator, size: int) -> Array:
    p, q = _phase(rng, size, 8)
    thin = rng.uniform(0.02, 0.2)
    return ((p % 1 < thin) | (q % 1 < thin)).astype(np.float32)


def _bricks(rng: Generator, size: int) -> Array:
    high = between(rng, 8, 70)
    rows = 2 * max(1, round(size / high / 2))
    cells = courses(rng, *coordinates(size), rows, max(1, round(size / high / 2)), 0.5, 0, 0)
    return step(cells.edge, rng.uniform(0.5, 0.08 * high + 0.6), 0.0)


def _stones(rng: Generator, size: int) -> Array:
    """Draw terrazzo, camouflage, giraffe: cells in shades."""
    wide = between(rng, 6, min(120, size / 2))
    count = max(2, round(size / wide))
    cells = voronoi(rng, *warp(rng, size, wide * pick(rng, [0, 0.1]), wide), count, count, 0.95)
    shades = cells.each(rng.random(cells.count) if rng.random() < 0.5 else np.ones(cells.count))
    gap = pick(rng, [0, rng.uniform(0.5, 0.15 * wide)])
    return shades * step(cells.edge, gap - 0.5, gap + 0.5)


def _words(rng: Generator, size: int) -> Array:
    high = between(rng, 7, 70)
    return shapes.text(rng, size, max(2, min(60, round((size / high) ** 2 / 4))), high)


def _figures(rng: Generator, size: int) -> Array:
    return shapes.motif(rng, size, between(rng, 4, min(80, size / 4)))


def _strokes(rng: Generator, size: int) -> Array:
    thick = int(rng.integers(1, 9))
    count, length = int(rng.integers(4, 40)), size * rng.uniform(0.2, 0.9)
    return shapes.lines(rng, size, count, length, (1, thick), pick(rng, [0, 0.2, 0.6]))


def _blots(rng: Generator, size: int) -> Array:
    field = fractal(rng, size, between(rng, 8, 150), rng.uniform(1.6, 3))
    return share(field, rng.uniform(0.05, 0.6), between(rng, 0.03, 1))


def _veins(rng: Generator, size: int) -> Array:
    """Draw marble, or a map of cracks that are only painted."""
    field = np.abs(fractal(rng, size, between(rng, 25, 180), rng.uniform(1.8, 2.6), (1, rng.uniform(1, 4))))
    return np.exp(-field * np.float32(between(rng, 3, 30)))


def _rings(rng: Generator, size: int) -> Array:
    """Draw printed wood grain or contour lines."""
    field = fractal(rng, size, between(rng, 30, 160), 3, (rng.uniform(1, 8), 1))
    wave = np.float32(0.5) + np.float32(0.5) * np.cos(field * np.float32(rng.uniform(5, 30)))
    return wave ** np.float32(rng.uniform(0.5, 4))


PRINTS = (_stripes, _stripes, _checks, _checks, _stones, _words, _words, _words, _words, _figures, _strokes, _blots, _veins,
          _rings)
WALL_PRINTS = (_bricks, _grid)


def flat_print(rng: Generator, relief: Relief) -> Paint:
    """Print strong marks on a plain material, independent of its relief."""
    family = relief.families[rng.integers(len(relief.families))]
    plain = rng.random() < 0.35  # drawn by a program: no grain at all
    size = relief.height.shape[0]
    base = np.broadcast_to(colour(rng, FAMILIES[family]), (size, size, 3)).astype(np.float32)
    albedo = base if plain else _stuff(rng, relief, family)
    albedo = add_prints(rng, albedo, pick(rng, [1, 2, 3], [0.6, 0.25, 0.15]), plain)
    if not plain:
        albedo = _age(rng, relief, albedo, family)
    return Paint(np.clip(albedo, 0.02, 0.97), 0, family in SHINY)
