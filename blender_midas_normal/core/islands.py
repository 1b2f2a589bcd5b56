"""Islands of a texture: the parts that a mesh shows, by its UVs or by the constant ground around them, and their layers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from .arrays import parallel_rows
from .engines import COLOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .arrays import Array
    from .picture import Picture

MIN_GROUND = 0.05
"""Share of a picture that is ground, at least."""

MAX_JOINTS, MAX_EQUAL_JOINTS = 0.25, 0.45
"""Share of a picture up to which ground of one colour may be the joints of bricks and tiles, which have one colour, too, in
pictures that were drawn; the latter where the bricks are of about one size."""

MIN_EQUAL, EQUAL_DEVIATION = 6, 0.35
"""So many areas whose relative standard deviation is less are of about one size."""

MIN_SIDE = 0.02
"""Share of each side of a picture that is ground, at least: the sky of a photo does not surround what is below it."""

MIN_SHARP = 0.5
"""Share of the pixels along the ground that differ from it clearly, at least, as no glow and no noise do.  Of an atlas 0.56,
as JPEG of quality 75; of the 230 photos of materials at most 0.34, but for the holes of a chainmail (0.56)."""

MIN_CONNECTED = 0.8
"""Share of all pixels of the ground's colour that hang together with the border, at least: else it is that of a pattern."""

MIN_ONE_COLOUR = 0.25
"""Share of what lies around the islands of a mesh that has one colour, at least: the rest may be the margin of a bake."""

MAX_WITHIN = 0.5
"""Share of pixels of that colour within islands over that around them, at most: a texture that goes on has it in both."""

TOLERANCE, CLEAR = 3, 12
"""Steps of 8 bits up to which a pixel has the ground's colour, as JPEG leaves it, and from which it differs clearly."""

MIN_AREA, MIN_PIXELS = 1e-3, 16
"""Share of a picture that each of two islands covers, at least, and pixels below which a speck counts as ground."""

CELLS = 64
"""Cells along the longer side, by which the distance of islands is measured."""

NEARNESS = (1 + np.hypot(*np.mgrid[-CELLS:CELLS, -CELLS:CELLS])) ** -3
"""How near two cells are, by the rows and columns between them."""

MAX_LAYERS = 4
"""Most layers, and so most runs of an engine for a picture: with four, no two regions of a plane that touch share one."""

MIRRORED_SHARE = 16
"""The part of the longer side within which islands are mirrored."""

THINNED_SIDE = 1024
"""Pixels of the longer side, about, that are enough to see that a picture has no ground."""

COVERAGE_SIDE = 128
"""Pixels of the side of the picture on which it is measured how much triangles cover."""

PIXELS_AT_A_TIME = 1 << 22
"""Pixels painted at a time, which bounds the memory for their indices."""


def islands_of_mesh(picture: Picture, is_certain: bool = False) -> NDArray[np.int32] | None:
    """Find the islands that meshes show of a picture, where it shows nothing between them.

    Args:
        picture: with `uv_triangles`.
        is_certain: the user says that there are islands, whatever lies between them.

    Returns:
        H x W numbers of the islands from 1 on, 0 outside of them; None where there are none, or the picture goes on there.
    """
    assert picture.uv_triangles is not None
    labels = rasterise_islands(picture.uv_triangles, picture.width, picture.height)
    return labels if labels.any() and (is_certain or _is_blank_around(picture, labels == 0)) else None


def rasterise_islands(triangles: Array, width: int, height: int) -> NDArray[np.int32]:
    """Number the pixels whose centres lie in triangles: those of one island are connected by corners, or overlap.

    Args:
        triangles: N x 3 corners x 3: u and v, 0..1, v upwards, and a number of the vertex; float32.
        width, height: pixels of the picture.

    Returns:
        H x W numbers from 1 on, 0 outside of all triangles.

    >>> corners = np.float32([[[0, 0, 0], [0.5, 0, 1], [0, 1, 2]]])
    >>> rasterise_islands(corners, 4, 2).tolist()
    [[0, 0, 0, 0], [1, 0, 0, 0]]
    """
    uv = np.ascontiguousarray(triangles[..., :2] + np.float32(0))  # no negative zeros
    vertex = triangles[..., 2].astype(np.int64).ravel()
    _, point = np.unique(uv.view(np.uint64), return_inverse=True)  # much faster than by rows
    _, corner = np.unique(point.reshape(-1) * (vertex.max(initial=0) + 1) + vertex, return_inverse=True)
    corner = corner.reshape(-1, 3)
    edges = np.concatenate([corner[:, :2], corner[:, 1:]])
    island = connected_components(corner.max(initial=0) + 1, edges)[corner[:, 0]] + 1
    painted = np.zeros(width * height, np.int32)
    overlaps = []
    for number, start, count in _spans(uv, width, height):
        pixels, own = _expand(start, count), np.repeat(island[number], count)
        for _ in range(2):  # what is painted over, and what was painted over it
            other = painted[pixels]
            overlaps.append(np.unique(np.stack([own, other], axis=1)[(other > 0) & (other != own)], axis=0))
            painted[pixels] = own
    merged = connected_components(island.max(initial=0) + 1, np.concatenate([np.empty((0, 2), np.int64), *overlaps]))
    return merged.astype(np.int32)[painted].reshape(height, width)


def uv_coverage(uv: Array) -> float:
    """Return about which share of a picture triangles cover: N x 3 x 2 float32, u and v, 0..1.

    >>> uv_coverage(np.float32([[[0, 0], [1, 0], [0, 1]]])) - 0.5 < 0.01
    True
    """
    covered = np.zeros(COVERAGE_SIDE ** 2, bool)
    for _, start, count in _spans(uv, COVERAGE_SIDE, COVERAGE_SIDE):
        covered[_expand(start, count)] = True
    return float(covered.mean())


def _spans(uv: Array, width: int, height: int) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield runs of pixels inside triangles, some at a time: the triangle, the first pixel and the length of each.

    Args:
        uv: N x 3 x 2.
    """
    uv = uv.astype(np.float64)
    x, y = uv[..., 0] * width - 0.5, (1 - uv[..., 1]) * height - 0.5
    top = np.clip(np.ceil(y.min(axis=1)), 0, height).astype(np.int64)
    rows = np.maximum(np.clip(np.ceil(y.max(axis=1)), 0, height).astype(np.int64) - top, 0)
    pixels = rows * (np.ptp(x, axis=1) + 1)
    group = np.cumsum(pixels) // PIXELS_AT_A_TIME
    for chunk in np.split(np.arange(len(uv)), np.flatnonzero(np.diff(group)) + 1):
        number, row = np.repeat(chunk, rows[chunk]), _expand(top[chunk], rows[chunk])
        low, high = np.full(len(row), np.inf), np.full(len(row), -np.inf)
        for a, b in ((0, 1), (1, 2), (2, 0)):
            is_down = y[number, a] < y[number, b]  # triangles that share an edge must compute the same
            upper, lower = np.where(is_down, a, b), np.where(is_down, b, a)
            y0, y1, x0, x1 = y[number, upper], y[number, lower], x[number, upper], x[number, lower]
            crosses = (y0 <= row) & (row < y1)
            at = x0 + (row - y0) * (x1 - x0) / np.where(crosses, y1 - y0, 1)
            low, high = np.where(crosses, np.minimum(low, at), low), np.where(crosses, np.maximum(high, at), high)
        first, last = (np.clip(np.ceil(np.nan_to_num(end)), 0, width).astype(np.int64) for end in (low, high))
        yield number, row * width + first, np.maximum(last - first, 0)


def islands_on_ground(picture: Picture, is_certain: bool = False) -> NDArray[np.int32] | None:
    """Find the islands that a ground of one colour, or a transparent one, surrounds in a picture.

    The ground touches all sides of the picture and ends with an edge, and there are two islands at least.  DATA is not
    searched, where it may be a floor of that height.

    Args:
        is_certain: the user says that there are islands, so that less is enough: some ground at the picture's border.

    Returns:
        H x W numbers of the islands from 1 on, 0 outside of them; None where there are none.
    """
    if not is_certain and picture.content != COLOUR:
        return None
    if not is_certain and not _is_sharp_ground(_difference_from_ground(_thinned(picture))):
        return None
    difference = _difference_from_ground(picture)
    if difference is None:
        return None
    has_its_colour = difference <= TOLERANCE
    labels = label_mask(has_its_colour)
    touches = np.zeros(int(labels.max()) + 1, bool)
    touches[np.concatenate(_sides(labels))] = True
    touches[0] = False
    ground = touches[labels]
    labels = label_mask(~_grow(ground))  # the pixels at an edge are mixed with the ground
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    is_around = ground.mean() >= MIN_GROUND and ground.sum() >= MIN_CONNECTED * has_its_colour.sum()
    large = areas[areas >= MIN_AREA * labels.size]
    if not is_certain and not (is_around and len(large) >= 2 and (
            _is_transparent_around(picture) or not _are_joints(float(ground.mean()), large))):
        return None
    labels[areas[labels] < MIN_PIXELS] = 0
    return labels if labels.any() else None


def _are_joints(ground: float, areas: NDArray[np.int64]) -> bool:
    """Tell whether ground of one colour, by its share and the areas between it, may be the joints of bricks or tiles."""
    are_equal = len(areas) >= MIN_EQUAL and float(areas.std() / areas.mean()) < EQUAL_DEVIATION
    return ground < (MAX_EQUAL_JOINTS if are_equal else MAX_JOINTS)


def _is_transparent_around(picture: Picture) -> bool:
    """Tell whether each side of a picture has transparent pixels."""
    alpha = picture.alpha_float()
    return alpha is not None and all(np.mean(side == 0) >= MIN_SIDE for side in _sides(alpha))


def _thinned(picture: Picture) -> Picture:
    """Leave out rows and columns of a large picture, which takes no time and keeps edges."""
    step = max(1, max(picture.width, picture.height) // THINNED_SIDE)
    alpha = None if picture.alpha is None else picture.alpha[::step, ::step]
    return dataclasses.replace(picture, rgb=picture.rgb[::step, ::step], alpha=alpha)


def _is_sharp_ground(difference: NDArray[np.uint8] | None) -> bool:
    """Tell whether pixels of the ground's colour are enough, along each side of a picture too, and end with an edge."""
    if difference is None:
        return False
    ground = difference <= TOLERANCE
    if ground.mean() < MIN_GROUND or min(side.mean() for side in _sides(ground)) < MIN_SIDE:
        return False
    edge = _grow(ground) & ~ground
    return bool(edge.any()) and float(np.mean(difference[edge] >= CLEAR)) >= MIN_SHARP


def _difference_from_ground(picture: Picture) -> NDArray[np.uint8] | None:
    """Return how much each pixel differs from what surrounds a picture, in steps of 8 bits.

    That is transparency where each side has some, else the most frequent colour of the sides; None where they have none.
    """
    alpha = picture.alpha_float()
    if alpha is not None and _is_transparent_around(picture):
        return np.ceil(alpha * 255).astype(np.uint8)
    border = np.concatenate(_sides(picture.rgb))
    colours, counts = np.unique(border, axis=0, return_counts=True)
    return _difference(picture, colours[counts.argmax()]) if counts.max() >= MIN_SIDE * len(border) else None


def _difference(picture: Picture, colour: NDArray) -> NDArray[np.uint8]:
    """Return how much each pixel differs from a colour in a channel, in steps of 8 bits, at most 255."""
    rgb = picture.rgb
    step = 1.0 if rgb.dtype == np.uint8 else (1.0 if picture.content == COLOUR else float(np.ptp(rgb)) or 1.0) / 255
    difference = np.empty(rgb.shape[:2], np.uint8)

    def compare(rows: slice) -> None:
        steps = np.abs(rgb[rows].astype(np.float32) - colour.astype(np.float32)).max(axis=2) / np.float32(step)
        difference[rows] = np.minimum(np.rint(steps), 255)

    parallel_rows(compare, picture.height, rgb[0].size)
    return difference


def _is_blank_around(picture: Picture, outside: NDArray[np.bool_]) -> bool:
    """Tell whether enough of a picture lies around islands, and enough of that is transparent or has one colour.

    That colour is rarer within the islands: where it is not, it is a wall's that goes on around them.
    """
    if outside.mean() < MIN_GROUND:
        return False
    if picture.alpha is not None and np.mean(picture.alpha[outside] == 0) >= MIN_ONE_COLOUR:
        return True
    colours, counts = np.unique(picture.rgb[outside][::max(1, int(outside.sum()) >> 16)], axis=0, return_counts=True)
    has_colour = _difference(picture, colours[counts.argmax()]) <= TOLERANCE
    share = float(has_colour[outside].mean())
    return share >= MIN_ONE_COLOUR and float(has_colour[~outside].mean()) < MAX_WITHIN * share


def label_mask(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the parts of a mask that are connected by sides of pixels, from 1 on; 0 where it is false.

    >>> label_mask(np.array([[True, False, True], [True, False, True]])).tolist()
    [[1, 0, 2], [1, 0, 2]]
    """
    starts, stops, step = _runs(mask)
    first = np.searchsorted(stops, starts + step, side="right")
    counts = np.maximum(np.searchsorted(starts, stops + step, side="left") - first, 0)
    edges = np.stack([np.repeat(np.arange(len(starts)), counts), _expand(first, counts)], axis=1)
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = np.repeat(connected_components(len(starts), edges) + 1, stops - starts)
    return labels


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return (starts, stops, step) of the runs in the rows of a mask: the pixel x of row y has the number y * step + x."""
    changes = np.diff(np.pad(mask, [(0, 0), (1, 1)]).astype(np.int8)).ravel()
    return np.flatnonzero(changes == 1), np.flatnonzero(changes == -1), mask.shape[1] + 1


def connected_components(count: int, edges: NDArray) -> NDArray[np.int64]:
    """Return for each of `count` nodes of a graph the number of its component, 0, 1, ...

    The root of a component takes the smallest root next to it, until none has a smaller one.

    Args:
        edges: N x 2, pairs of connected nodes.

    >>> connected_components(4, np.array([[3, 1]])).tolist()
    [0, 1, 2, 1]
    """
    root = np.arange(count, dtype=np.int64)
    while True:
        ends = np.sort(root[edges], axis=1)
        differ = ends[:, 0] != ends[:, 1]
        if not differ.any():
            return np.unique(root, return_inverse=True)[1].reshape(-1)
        edges, ends = edges[differ], ends[differ]
        np.minimum.at(root, ends[:, 1], ends[:, 0])
        while (root[root] != root).any():
            root = root[root]


def separate_layers(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Distribute islands over layers, so that neighbours are in different ones.

    The largest island comes first, and each goes into the layer whose islands are farthest from it: where the sum of
    1 / (1 + distance)^3 over pairs of cells is least.

    Args:
        labels: H x W, see `find_islands`.

    Returns:
        H x W numbers of layers, 1 to MAX_LAYERS; 0 outside of the islands.

    >>> separate_layers(np.int32([[1, 1, 0, 2]])).tolist()
    [[1, 1, 0, 2]]
    """
    areas = np.bincount(labels.ravel())
    cell = -(-max(labels.shape) // CELLS)
    stride = -(-cell // 8)
    row, column = np.nonzero(labels[::stride, ::stride])
    island = labels[::stride, ::stride][row, column]
    order = np.argsort(island, kind="stable")
    cells = np.stack([row * stride // cell, column * stride // cell], axis=1)[order]
    bounds = np.searchsorted(island[order], np.arange(len(areas) + 1))
    nearness = np.zeros((MAX_LAYERS, CELLS, CELLS))
    layers = np.zeros(len(areas), np.uint8)
    for number in 1 + np.argsort(-areas[1:], kind="stable"):
        own = np.unique(cells[bounds[number]:bounds[number + 1]], axis=0)
        costs = nearness[:, own[:, 0], own[:, 1]].sum(axis=1)
        layer = int(costs.argmin())
        layers[number] = layer + 1
        for top, left in own:
            nearness[layer] += NEARNESS[CELLS - top:2 * CELLS - top, CELLS - left:2 * CELLS - left]
    return layers[labels]


def mirror_outwards(fields: NDArray, inside: NDArray[np.bool_]) -> None:
    """Replace what lies around islands by their mirror image, in place, so that no engine sees where their texture ends.

    Each pixel gets the one that lies as far inside of the nearest edge in its row or column, within 1 / MIRRORED_SHARE of
    the longer side.  That is done twice, so that pixels beside corners get one, too.

    Args:
        fields: H x W x C.
        inside: H x W.
    """
    reach = max(inside.shape) // MIRRORED_SHARE
    for _ in range(2):
        distance = np.full(inside.size, reach + 1)
        source = np.arange(inside.size)
        for pixels, mirrored, steps in _mirror_images(inside, reach):
            nearer = steps < distance[pixels]
            distance[pixels[nearer]], source[pixels[nearer]] = steps[nearer], mirrored[nearer]
        around = distance <= reach
        flat = fields.reshape(inside.size, -1)
        flat[around] = flat[source[around]]
        inside = inside | around.reshape(inside.shape)


def _mirror_images(inside: NDArray[np.bool_], reach: int) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield the pixels to the right of islands, those to the left, below and above: (pixel, its mirror image, distance)."""
    width = inside.shape[1]
    for mask, line_stride, stride in ((inside, width, 1), (np.ascontiguousarray(inside.T), 1, width)):
        starts, stops, step = _runs(mask)
        line = starts // step
        gaps_after = np.minimum(np.append(starts[1:], inside.size * step), line * step + step - 1) - stops
        gaps_before = starts - np.maximum(np.append(-1, stops[:-1]), line * step)
        for gaps, edge, way in ((gaps_after, stops - 1, 1), (gaps_before, starts, -1)):
            counts = np.minimum(np.minimum(gaps, stops - starts - 1), reach)
            steps = _expand(np.ones_like(counts), counts)
            middle = np.repeat(line * line_stride + (edge - line * step) * stride, counts)
            yield middle + way * stride * steps, middle - way * stride * steps, steps


def _expand(first: NDArray, counts: NDArray) -> NDArray[np.int64]:
    """Return first[0], first[0] + 1, ..., counts[0] numbers, then those from first[1] on, ..."""
    return np.arange(int(counts.sum())) + np.repeat(first - (np.cumsum(counts) - counts), counts)


def _grow(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask and the pixels around it, diagonal ones too."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def _sides(field: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return the first and last row and the first and last column."""
    return field[0], field[-1], field[:, 0], field[:, -1]
