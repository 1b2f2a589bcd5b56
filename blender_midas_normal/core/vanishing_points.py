"""Find how a photo of a flat surface was turned, from the lines of its bricks, boards or tiles.

Such lines run in two directions at right angles, whose vanishing points give the camera's orientation to the surface.  Line
segments are found as by Burns, Hanson and Riseman, "Extracting straight lines", 1986; vanishing points by RANSAC as by
Chaudhury, DiVerdi and Ioffe, "Auto-rectification of user photos", ICIP 2014; then orientation and focal length are refined
together, which also says how far they can be off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .filters import blur
from .perspective import (
    FOCAL_DEVIATION,
    USUAL_FOCAL_MM,
    Points,
    focal_pixels,
    focal_surprise,
)
from .picture import Wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array

ORIENTATION_BINS = 12
"""Pixels whose gradients have about the same direction, one of so many, form a line."""

EDGE_SHARE = 0.3
"""Share of the pixels, those with the steepest gradients, that may belong to lines."""

MIN_LENGTH, MAX_WIDTH, MAX_WIDTH_SHARE = 14.0, 4.0, 0.2
"""Of a line segment, in pixels of the copy, and its width as a share of its length."""

ANGLE_DEVIATION, END_DEVIATION = math.radians(1.0), 1.0
"""Standard deviations of the direction of real lines, as bricks are laid, and of the ends of a segment in pixels."""

HYPOTHESES, BEST_POINTS, SECOND_SEGMENTS, REFINED = 600, 5, 60, 6
"""Vanishing points that are drawn; of these, those that a second one is looked for; segments on which that may lie; outcomes
that are refined."""

FOCAL_TRIALS = np.geomspace(14.0, 90.0, 8)
"""Focal lengths in mm that are tried where it is unknown."""

SURPRISE_WEIGHT = 0.02
"""What an unusual focal length takes off the score, for each squared standard deviation."""

OTHER_DIRECTIONS = [*range(25, 70, 5), *range(115, 160, 5)]
"""Degrees on the surface between the two directions, where fewer lines run than in these."""

MIN_SEGMENTS = 8
"""Fewer line segments tell nothing."""

MAX_TILT = 72.0
"""Degrees: further off, far parts have too few pixels, and lines of one direction could be taken for two."""

KNOWN_FOCAL_DEVIATION = 0.02
"""Standard deviation of the logarithm of a focal length that is known: files tell whole millimetres."""


@dataclass(frozen=True)
class Segments:
    """Line segments: N x 2 centres in pixels from the picture's centre, N x 2 unit directions, N lengths in pixels."""

    centres: Points
    directions: Points
    lengths: Points

    @property
    def deviations(self) -> Points:
        """Standard deviations of their directions, in radians."""
        return np.hypot(ANGLE_DEVIATION, END_DEVIATION / self.lengths)


@dataclass(frozen=True)
class Orientation:
    """How the camera sees the surface.

    Attributes:
        axes: 3 x 3, whose columns are the two directions of lines and the surface's normal, away from the camera.
        focal_mm: focal length, as on 35 mm film.
        deviation: standard deviation of the normal's direction, in degrees.
        shares: of the length of all segments, what runs in each of the two directions.
        rival: of that length, the largest share that runs in one further direction, whatever its vanishing point.
        contrast: how many times more runs in the one that has fewer lines than in any direction of the surface between them.
        score: how well it explains the segments.
    """

    axes: Points
    focal_mm: float
    deviation: float
    shares: tuple[float, float]
    rival: float
    contrast: float
    score: float

    @property
    def tilt(self) -> float:
        """The angle in degrees between the surface and one that faces the camera."""
        return math.degrees(math.acos(min(1.0, abs(float(self.axes[2, 2])))))


def find_segments(luma: Array) -> Segments:
    """Find the straight edges of a picture.

    Args:
        luma: H x W.
    """
    gy, gx = (np.gradient(blur(luma, 1.0, 1.0, Wrap()), axis=axis) for axis in (0, 1))
    steepness: NDArray = np.hypot(gx, gy)
    strong = steepness > max(float(np.quantile(steepness, 1 - EDGE_SHARE)), 1e-6)
    angle = np.arctan2(gy, gx) / (2 * np.pi) * ORIENTATION_BINS
    labels = [_label_regions(strong, np.floor(angle + shift).astype(np.int64) % ORIENTATION_BINS) for shift in (0.0, 0.5)]
    sizes = [np.bincount(each)[each] for each in labels]
    rows, columns = np.nonzero(strong)
    x, y = columns - (luma.shape[1] - 1) / 2, rows - (luma.shape[0] - 1) / 2
    parts = [_fit_segments(labels[k], sizes[k] >= sizes[1 - k], x, y, steepness[strong], gx[strong], gy[strong])
             for k in (0, 1)]
    return Segments(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _label_regions(strong: NDArray[np.bool_], bins: NDArray[np.int64]) -> NDArray[np.intp]:
    """Number the connected regions of strong pixels in one bin; returns a number for each strong pixel."""
    index = np.full(strong.shape, -1)
    index[strong] = np.arange(strong.sum())
    pairs = [_neighbours(index, bins, down, across) for down, across in ((0, 1), (1, 0), (1, 1), (1, -1))]
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    root = np.arange(strong.sum())
    while True:
        low, high = np.minimum(root[first], root[second]), np.maximum(root[first], root[second])
        apart = low != high
        if not apart.any():
            return np.unique(root, return_inverse=True)[1]
        np.minimum.at(root, high[apart], low[apart])
        while (root[root] != root).any():
            root = root[root]


def _neighbours(index: NDArray, bins: NDArray, down: int, across: int) -> tuple[NDArray, NDArray]:
    """Return the numbers of pixels and of those so far down and across, where both are strong and of one bin."""
    height, width = index.shape
    here = slice(0, height - down), slice(max(0, -across), width - max(0, across))
    there = slice(down, height), slice(max(0, across), width + min(0, across))
    both = (index[here] >= 0) & (index[there] >= 0) & (bins[here] == bins[there])
    return index[here][both], index[there][both]


def _fit_segments(labels: NDArray, is_own: NDArray[np.bool_], x: Points, y: Points, weight: NDArray, gx: NDArray,
                  gy: NDArray) -> tuple[Points, Points, Points]:
    """Fit a line to each region: centres, directions and lengths of those that are long, thin and mostly their own."""
    def total(values: NDArray) -> Points:
        return np.bincount(labels, values).astype(np.float64)

    mass = total(weight)
    mx, my = total(weight * x) / mass, total(weight * y) / mass
    dx, dy = x - mx[labels], y - my[labels]
    xx, xy, yy = total(weight * dx * dx) / mass, total(weight * dx * dy) / mass, total(weight * dy * dy) / mass
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    length, width = np.sqrt(12 * (half + spread)), np.sqrt(12 * np.maximum(half - spread, 0))
    direction = np.arctan2(2 * xy, xx - yy) / 2
    dx, dy = np.cos(direction), np.sin(direction)
    along = np.abs(dx * total(gx) + dy * total(gy)) / np.maximum(np.hypot(total(gx), total(gy)), 1e-12)
    chosen = ((length >= MIN_LENGTH) & (width <= np.minimum(MAX_WIDTH, MAX_WIDTH_SHARE * length)) & (along < 0.25)
              & (total(is_own.astype(np.float64)) >= 0.5 * np.bincount(labels)))
    return np.column_stack([mx, my])[chosen], np.column_stack([dx, dy])[chosen], length[chosen]


def find_orientation(segments: Segments, size: tuple[int, int], focal_mm: float = 0.0) -> Orientation | None:
    """Find the orientation that explains the segments best; None where no two directions of lines are there.

    Args:
        segments: of the picture.
        size: its (width, height).
        focal_mm: of the lens, as on 35 mm film; 0 where it is unknown.
    """
    if len(segments.lengths) < MIN_SEGMENTS:
        return None
    random = np.random.default_rng(0)  # the same photo has the same outcome
    points = _draw_vanishing_points(segments, size, random)
    firsts = points[_best_distinct(_agreements(points, segments) @ np.diag(segments.lengths), BEST_POINTS)]
    drawn = [_complete(first, segments, size, focal_mm, random) for first in firsts]
    axes, focals, scores = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    best = np.argsort(-scores)[:REFINED]
    refined = [_refine(axes[number], focals[number], points, segments, size, focal_mm) for number in best]
    return max((each for each in refined if each.tilt < MAX_TILT), key=lambda each: each.score, default=None)


def _complete(first: Points, segments: Segments, size: tuple[int, int], focal_mm: float,
              random: np.random.Generator) -> tuple[Points, Points, Points]:
    """Complete a vanishing point to orientations: the second one is at right angles to it, on the line of a segment.

    Returns:
        N x 3 x 3 axes, N focal lengths in mm, N scores.
    """
    chosen = random.choice(len(segments.lengths), SECOND_SEGMENTS, p=segments.lengths / segments.lengths.sum())
    focals = np.repeat([focal_mm] if focal_mm > 0 else FOCAL_TRIALS, len(chosen))
    lines = np.tile(_lines(segments)[chosen], (len(focals) // len(chosen), 1))
    lengths = focal_pixels(1.0, size) * focals
    scale = np.column_stack([lengths, lengths, np.ones_like(lengths)])
    across = _unit(first / scale)
    down = np.cross(across, lines * scale)  # in the plane through the camera and the segment, at right angles to `across`
    is_apart = np.linalg.norm(down, axis=1) > 1e-3 * np.linalg.norm(lines * scale, axis=1)
    down = _unit(down)
    normals = np.cross(across, down)
    kept = is_apart & (np.abs(normals[:, 2]) > math.cos(math.radians(MAX_TILT))) & _is_below_horizon(normals / scale, size)
    axes = np.stack([across, down, normals], axis=2)[kept]
    points = (np.stack([across, down], axis=1) * scale[:, None])[kept]
    agreements = _agreements(points.reshape(-1, 3), segments).reshape(-1, 2, len(segments.lengths))
    scores = np.array([_score(each, segments) for each in agreements])
    surprise = 0.0 if focal_mm > 0 else SURPRISE_WEIGHT * focal_surprise(focals[kept])
    return axes, focals[kept], scores - surprise


def _is_below_horizon(lines: Points, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell of each horizon, N x 3, whether it does not cross the picture."""
    corners = np.array([[x, y, 1.0] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * [*size, 1.0]
    sides = lines @ corners.T
    return (sides > 0).all(axis=1) | (sides < 0).all(axis=1)


def _score(agreements: Points, segments: Segments) -> float:
    """Return how well two directions, 2 x N agreements, explain the segments: both count, however few lines one has."""
    return float(np.sqrt(_shares(agreements, segments)).sum())


def _shares(agreements: Points, segments: Segments) -> Points:
    """Return the share of the segments' length that runs in each of two directions."""
    own = agreements >= agreements[::-1]
    return (agreements * own * segments.lengths).sum(axis=1) / segments.lengths.sum()


def _unit(vectors: Points) -> Points:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _lines(segments: Segments) -> Points:
    """Return the segments' lines, N x 3 homogeneous."""
    ends = segments.centres + segments.directions
    one = np.ones(len(ends))
    return np.cross(np.column_stack([segments.centres, one]), np.column_stack([ends, one]))


def _angles_to(points: Points, segments: Segments) -> Points:
    """Return by how much each segment, P x N radians, is turned from the line to each of P vanishing points."""
    toward = points[:, None, :2] - points[:, None, 2:] * segments.centres
    cross = segments.directions[:, 0] * toward[..., 1] - segments.directions[:, 1] * toward[..., 0]
    along = segments.directions[:, 0] * toward[..., 0] + segments.directions[:, 1] * toward[..., 1]
    return np.arctan(cross / np.where(np.abs(along) < 1e-12, 1e-12, along))


def _agreements(points: Points, segments: Segments) -> Points:
    """Return how well each segment fits each vanishing point, P x N, 1 to 0 at three standard deviations."""
    return np.maximum(0.0, 1.0 - (_angles_to(points, segments) / (3 * segments.deviations)) ** 2)


def _draw_vanishing_points(segments: Segments, size: tuple[int, int], random: np.random.Generator) -> Points:
    """Return the points, P x 3 homogeneous, in which pairs of segments meet outside the picture."""
    pairs = random.choice(len(segments.lengths), (HYPOTHESES, 2), p=segments.lengths / segments.lengths.sum())
    lines = _lines(segments)
    points = np.cross(lines[pairs[:, 0]], lines[pairs[:, 1]])
    inside = (np.abs(points[:, :2]) < np.abs(points[:, 2:]) * (np.array(size) / 2)).all(axis=1)
    points = points[~inside & (pairs[:, 0] != pairs[:, 1])]
    return _unit(points / [*size, 1.0]) * [*size, 1.0]


def _best_distinct(explained: Points, count: int) -> list[int]:
    """Return the numbers of the best points, each of which explains other segments than those before it.

    explained: P x N, the length of each segment that each point explains.
    """
    chosen: list[int] = []
    directions = _unit(explained)
    for number in np.argsort(-explained.sum(axis=1)):
        if (directions[chosen] @ directions[number] < 0.8).all():
            chosen.append(int(number))
        if len(chosen) == count:
            break
    return chosen


def _refine(axes: Points, focal: float, others: Points, segments: Segments, size: tuple[int, int],
            focal_mm: float) -> Orientation:
    """Fit rotation and focal length to the segments: Gauss-Newton, Tukey's weights, a prior for the focal length.

    others: vanishing points, among which is that of a further direction, if there is one.
    """
    expected, prior = (focal_mm, KNOWN_FOCAL_DEVIATION) if focal_mm > 0 else (USUAL_FOCAL_MM, FOCAL_DEVIATION)
    unit = focal_pixels(1.0, size)
    parameters = np.zeros(4)
    parameters[3] = math.log(focal)
    deviations = segments.deviations
    information = np.eye(4)

    def residuals(values: Points, base: Points) -> Points:
        points = _vanishing_points(base @ _rotation(values[:3]), math.exp(values[3]) * unit)
        return _angles_to(points, segments) / deviations

    for _ in range(12):
        parameters[:3] = 0
        now = residuals(parameters, axes)
        nearest = np.argmin(np.abs(now), axis=0)
        picked = nearest, np.arange(len(nearest))
        steps = np.eye(4) * 1e-5
        jacobian = np.stack([(residuals(parameters + step, axes) - now)[picked] / 1e-5 for step in steps], axis=1)
        values = now[picked]
        weights = np.maximum(0.0, 1 - (values / 3) ** 2) ** 2 * (segments.lengths / segments.lengths.mean())
        information = (jacobian * weights[:, None]).T @ jacobian
        gradient = jacobian.T @ (weights * values)
        information[3, 3] += 1 / prior ** 2
        gradient[3] += (parameters[3] - math.log(expected)) / prior ** 2
        change = -np.linalg.solve(information + np.eye(4) * 1e-6, gradient)
        change *= min(1.0, 0.2 / max(float(np.abs(change).max()), 1e-12))
        axes = axes @ _rotation(change[:3])
        parameters[3] += change[3]
    points = _vanishing_points(axes, math.exp(parameters[3]) * unit)
    agreements = _agreements(points, segments)
    across, down = _shares(agreements, segments)
    covariance = np.linalg.inv(information + np.eye(4) * 1e-6)[:2, :2]
    deviation = math.degrees(math.sqrt(float(np.linalg.eigvalsh(covariance)[-1])))
    surprise = ((parameters[3] - math.log(expected)) / prior) ** 2
    return Orientation(axes, math.exp(parameters[3]), deviation, (float(across), float(down)),
                       _rival(others, agreements, segments),
                       _contrast(axes, math.exp(parameters[3]) * unit, segments),
                       _score(agreements, segments) - SURPRISE_WEIGHT * surprise)


def _rival(others: Points, agreements: Points, segments: Segments) -> float:
    """Return `Orientation.rival`; agreements: 2 x N, of the segments with the two directions."""
    unexplained = segments.lengths * (1 - agreements.max(axis=0))
    return float((_agreements(others, segments) @ unexplained).max() / segments.lengths.sum())


def _contrast(axes: Points, length: float, segments: Segments) -> float:
    """Return `Orientation.contrast`, for a focal length in pixels."""
    angles = np.radians(OTHER_DIRECTIONS)
    directions = np.outer(np.cos(angles), axes[:, 0]) + np.outer(np.sin(angles), axes[:, 1])
    sums = _agreements(np.vstack([axes[:, :2].T, directions]) * [length, length, 1.0], segments) @ segments.lengths
    return float(sums[:2].min() / max(sums[2:].max(), 1e-12))


def _vanishing_points(axes: Points, length: float) -> Points:
    """Return the vanishing points, 2 x 3 homogeneous, of the first two axes, for a focal length in pixels."""
    return axes[:, :2].T * [length, length, 1.0]


def _rotation(vector: Points) -> Points:
    """Return the rotation about a vector by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
