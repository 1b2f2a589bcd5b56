"""Single shapes laid on the canvas: piles of stones and leaves, drawn motifs, lines.  All wrap at the borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .noise import between

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array

OUTSIDE = np.float32(-1e6)


def pile(rng: Generator, size: int, radius: float, cover: float, spread: float,
         shape: Callable[[Generator, float], Array]) -> tuple[Array, NDArray[np.int32]]:
    """Return (height, index of the topmost piece; 0 is the ground) of pieces that cover the canvas `cover` times.

    shape: makes one piece of a radius: an odd square of heights, OUTSIDE where it is not.  spread: how far the pieces'
    feet lie apart in height, in radii.
    """
    pieces = [shape(rng, radius * between(rng, 0.6, 1.5)) for _ in range(20)]
    reach = max(piece.shape[0] for piece in pieces)
    count = int(min(cover * size * size / (2.5 * radius * radius), 1500 * (size / 256) ** 1.3))
    canvas = np.zeros((size + 2 * reach, size + 2 * reach), np.float32)
    number = np.zeros(canvas.shape, np.int32)
    places = rng.integers(0, size, (count, 2))
    feet = np.sort(rng.uniform(0, spread * radius, count)).astype(np.float32) - np.float32(0.15 * radius)
    for i, (place, foot) in enumerate(zip(places, feet), 1):
        piece = pieces[i % len(pieces)]
        half = piece.shape[0] // 2
        raised = piece + foot
        for y in _copies(int(place[0]), half, size):
            for x in _copies(int(place[1]), half, size):
                spot = (slice(y - half + reach, y + half + reach + 1), slice(x - half + reach, x + half + reach + 1))
                above = raised > canvas[spot]
                np.copyto(canvas[spot], raised, where=above)
                number[spot][above] = i
    inside = slice(reach, reach + size)
    return canvas[inside, inside].copy(), number[inside, inside].copy()


def _copies(place: int, half: int, size: int) -> list[int]:
    """Return a position and its repetitions that still touch the canvas."""
    return [p for p in (place - size, place, place + size) if p + half >= 0 and p - half < size]


def _plane(radius: float, rng: Generator, long: float) -> tuple[Array, Array]:
    """Return coordinates of a piece in radii, turned at random and `long` times longer than wide."""
    half = int(np.ceil(radius * max(long, 1)))
    y, x = np.mgrid[-half:half + 1, -half:half + 1].astype(np.float32) / np.float32(radius)
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return (c * x + s * y) / np.float32(long), c * y - s * x


def pebble(rng: Generator, radius: float) -> Array:
    """Make a rounded stone."""
    x, y = _plane(radius, rng, rng.uniform(0.8, 1.4))
    d = np.abs(x) ** 2.3 + np.abs(y) ** 2.3
    height = radius * rng.uniform(0.4, 0.8) * np.sqrt(np.maximum(1 - d, 0)) + x * np.float32(rng.uniform(-0.2, 0.2) * radius)
    return np.where(d < 1, height, OUTSIDE).astype(np.float32)


def rubble(rng: Generator, radius: float) -> Array:
    """Make a broken stone with flat faces."""
    x, y = _plane(radius, rng, rng.uniform(0.8, 1.3))
    angles = np.linspace(0, 2 * np.pi, rng.integers(4, 8), endpoint=False) + rng.uniform(-0.4, 0.4)
    sides = np.full_like(x, rng.uniform(0.4, 0.8))
    sides = sides + np.float32(rng.uniform(-0.4, 0.4)) * x + np.float32(rng.uniform(-0.4, 0.4)) * y
    for angle in angles:
        steep = np.float32(rng.uniform(0.6, 2.0))
        far = np.float32(rng.uniform(0.65, 1.0))
        sides = np.minimum(sides, steep * (far - x * np.float32(np.cos(angle)) - y * np.float32(np.sin(angle))))
    return np.where(sides > 0, radius * sides, OUTSIDE).astype(np.float32)


def leaf(rng: Generator, radius: float) -> Array:
    """Make a pointed leaf with a midrib and a curl."""
    x, y = _plane(radius * 0.6, rng, rng.uniform(1.5, 2.6))
    width = np.maximum(1 - x * x, 0) ** np.float32(rng.uniform(0.7, 1.3))
    inside = np.abs(y) < width
    rib = -0.25 * np.exp(-(y / 0.1) ** 2)
    veins = 0.06 * np.cos((np.abs(y) * 1.5 + x * 3) * np.float32(rng.uniform(4, 9)))
    curl = rng.uniform(-0.5, 0.7) * y * y + rng.uniform(-0.4, 0.4) * x * x + rng.uniform(-0.3, 0.3) * y
    return np.where(inside, radius * 0.35 * (0.5 + curl + rib + veins), OUTSIDE).astype(np.float32)


def chip(rng: Generator, radius: float) -> Array:
    """Make a flat splinter: bark mulch, wood chips, straw."""
    x, y = _plane(radius * 0.45, rng, rng.uniform(2.0, 5.0))
    d = np.maximum(np.abs(x) ** 4, np.abs(y) ** 3)
    height = radius * 0.3 * np.sqrt(np.maximum(1 - d, 0))
    return np.where(d < 1, height + x * np.float32(rng.uniform(-0.4, 0.4) * radius * 0.4), OUTSIDE).astype(np.float32)


def draw_mask(size: int, marks: Sequence[Callable[[NDArray[np.uint8]], object]]) -> Array:
    """Draw a mask 0..1 of marks on a canvas of twice the size, whose quarters are laid over each other so that it wraps."""
    canvas = np.zeros((2 * size, 2 * size), np.uint8)
    for mark in marks:
        mark(canvas)
    folded = np.maximum(np.maximum(canvas[:size, :size], canvas[size:, :size]),
                        np.maximum(canvas[:size, size:], canvas[size:, size:]))
    return folded.astype(np.float32) / 255


def text(rng: Generator, size: int, count: int, height: float) -> Array:
    """Draw words, `height` pixels high, as a mask."""
    letters = np.array(list("ABCDEFGHIKLMNOPRSTUVXYZ0123456789abcdehkmnorstz-/&"))
    words = ["".join(rng.choice(letters, rng.integers(1, 9))) for _ in range(count)]
    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
    font = fonts[rng.integers(len(fonts))]
    thick = max(1, round(height * rng.uniform(0.06, 0.2)))
    places = rng.integers(0, size, (count, 2))

    def write(word: str, place: NDArray) -> Callable[[NDArray[np.uint8]], object]:
        foot = (int(place[0]), int(place[1] + height))
        return lambda canvas: cv2.putText(canvas, word, foot, font, height / 22, 255, thick, cv2.LINE_AA)
    return draw_mask(size, [write(word, place) for word, place in zip(words, places)])


def motif(rng: Generator, size: int, radius: float) -> Array:
    """Draw one kind of figure, repeated on a grid or strewn, as a mask."""
    outline = _outline(rng) * radius
    thick = -1 if rng.random() < 0.6 else max(1, round(radius * rng.uniform(0.1, 0.35)))
    cells = max(1, int(size / (radius * rng.uniform(2.3, 4.0))))
    grid = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), -1).reshape(-1, 2)
    if rng.random() < 0.4:
        grid = grid + 0.3 * rng.uniform(-1, 1, grid.shape)
    elif cells % 2 == 0 and rng.random() < 0.5:
        grid = grid + np.array([[0.5, 0]]) * (grid[:, 1:] % 2)
    centres = (grid + 0.5) * size / cells + size / 2
    turns = rng.uniform(0, 2 * np.pi, len(centres)) if rng.random() < 0.3 else np.zeros(len(centres))

    def figure(centre: NDArray, turn: float) -> Callable[[NDArray[np.uint8]], object]:
        c, s = np.cos(turn), np.sin(turn)
        points = np.round((outline @ np.array([[c, s], [-s, c]]) + centre) * 16).astype(np.int32)
        if thick < 0:
            return lambda canvas: cv2.fillPoly(canvas, [points], 255, cv2.LINE_AA, 4)
        return lambda canvas: cv2.polylines(canvas, [points], True, 255, thick, cv2.LINE_AA, 4)
    return draw_mask(size, [figure(centre % (2 * size), turn) for centre, turn in zip(centres, turns)])


def _outline(rng: Generator) -> NDArray:
    """Return a closed line of radius 1: polygon, star, flower, ring or lens."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    corners = int(rng.integers(3, 9))
    style = rng.integers(4)
    if style == 0:
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 1)
        far = np.ones(corners)
    elif style == 1:
        angle = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False)
        far = np.where(np.arange(2 * corners) % 2, rng.uniform(0.35, 0.7), 1)
    elif style == 2:
        far = 0.75 + 0.25 * np.cos(corners * angle)
    else:
        far = 1 / np.hypot(np.cos(angle), np.sin(angle) / rng.uniform(0.3, 1))
    return np.stack([far * np.cos(angle), far * np.sin(angle)], 1)


def lines(rng: Generator, size: int, count: int, length: float, thickness: tuple[int, int], curve: float = 0.2) -> Array:
    """Draw strokes as a mask: scratches, cracks drawn by hand, hairs."""
    marks = []
    for _ in range(count):
        steps = 6
        angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, curve, steps))
        pace = length * rng.uniform(0.3, 1) / steps
        points = np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1) * pace, axis=0)
        points = points - points.mean(0) + rng.uniform(size / 2, 3 * size / 2, 2)
        fixed = np.round(points * 16).astype(np.int32)
        thick, bright = int(rng.integers(thickness[0], thickness[1] + 1)), int(rng.integers(90, 256))
        marks.append(lambda canvas, p=fixed, t=thick, b=bright: cv2.polylines(canvas, [p], False, b, t, cv2.LINE_AA, 4))
    return draw_mask(size, marks)
