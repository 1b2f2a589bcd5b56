"""Small pictures of a texture and its map, lit and unlit, and what is suspicious about the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .normal_maps import read_normal_map
from .picture import as_float
from .protocol import LOOKS_INVERTED, NEARLY_FLAT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Array
    from .errors import Message

PANEL_SIDE = 160
"""Most pixels of a side of a panel."""

SAMPLES_PER_PIXEL = 4
"""Pixels, along each axis, of which at most a pixel of a panel is the mean: reading more of a large picture takes longer
and looks the same."""

FLAT_DEGREES = 1.0
"""Mean slope below which a map counts as nearly flat; of 8 real materials the flattest has 6.4 degrees."""

INVERTED_CORRELATION = -0.5
"""Correlation of slopes with the gradient of brightness from which on a map looks inverted: of 8 real materials 7 lie above
-0.3, and dark pebbles on bright ground at -0.8."""

LIGHT = (-0.6, -0.6, 0.53)
"""Direction to the light, x to the right and y downwards: from the upper left, 32 degrees above the surface."""


def sample(values: NDArray) -> NDArray:
    """Return every n-th pixel of H x W x C values, a few for each pixel of a panel."""
    step = max(1, max(values.shape[:2]) // (PANEL_SIDE * SAMPLES_PER_PIXEL))
    return values[::step, ::step]


def shrink(values: Array) -> Array:
    """Shrink H x W x C float32 to PANEL_SIDE or less; each pixel is the mean of a block.

    >>> shrink(np.ones((400, 200, 3), np.float32)).shape
    (133, 66, 3)
    """
    block = -(-max(values.shape[:2]) // PANEL_SIDE)
    rows, columns = (max(1, length // block) for length in values.shape[:2])
    row_block, column_block = min(block, len(values)), min(block, values.shape[1])
    blocks = values[:rows * row_block, :columns * column_block].reshape(rows, row_block, columns, column_block, -1)
    means: Array = blocks.mean((1, 3))
    return means


def review_normal_map(rgb: NDArray, normals: NDArray, convention: str) -> tuple[NDArray[np.uint8], list[Message]]:
    """Draw a picture, its normal map and the picture lit with the map, side by side.

    Args:
        rgb: the picture, H x W x 3, uint8 or float32 0..1.
        normals: the map as its file has it, as `read_normal_map` takes it, of any size.
        convention: of the map, one of `core.settings.CONVENTION`.

    Returns:
        The sheet, H x W x 3 uint8, and what is suspicious: NEARLY_FLAT, LOOKS_INVERTED or nothing.
    """
    map_sample = sample(normals)
    slopes = _read_slopes(map_sample, convention)
    picture, map_panel = shrink(as_float(sample(rgb))), shrink(_as_colours(map_sample))
    picture_of_map = _resample(picture, map_panel.shape[:2])
    slope_panel = np.moveaxis(shrink(np.moveaxis(slopes, 0, 2)), 2, 0)
    sheet = _side_by_side(picture, map_panel, _light(picture_of_map, slope_panel))
    if float(np.degrees(np.arctan(np.hypot(*slopes))).mean()) < FLAT_DEGREES:
        return sheet, [NEARLY_FLAT]
    is_inverted = _brightness_correlation(picture_of_map, slope_panel) < INVERTED_CORRELATION
    return sheet, [LOOKS_INVERTED] if is_inverted else []


def review_other_map(rgb: NDArray, values: NDArray) -> NDArray[np.uint8]:
    """Draw a picture and a map that is no normal map side by side; values of any range become 0..1."""
    panel = shrink(as_float(sample(values)))
    if values.dtype != np.uint8:
        low, high = min(0.0, float(panel.min())), max(1.0, float(panel.max()))
        panel = (panel - low) / (high - low)
    return _side_by_side(shrink(as_float(sample(rgb))), panel)


def _read_slopes(normals: NDArray, convention: str) -> Array:
    """Return dh/dx and dh/dy, y downwards, 2 x H x W."""
    slopes = read_normal_map(normals[..., ::-1] if convention == "CONTROLNET" else normals).slopes
    return np.stack([slopes[0], -slopes[1]]) if convention == "DIRECTX" else slopes


def _as_colours(normals: NDArray) -> Array:
    """Return the map as colours 0..1, which it is but in files of components from -1 to 1."""
    colours = as_float(normals)
    return colours if float(colours.min()) >= 0 else colours * np.float32(0.5) + np.float32(0.5)


def _light(picture: Array, slopes: Array) -> Array:
    """Light a picture, brightened so that a flat surface keeps its colours."""
    normal_length = np.sqrt(1 + slopes[0] ** 2 + slopes[1] ** 2)
    cosine = (-slopes[0] * LIGHT[0] - slopes[1] * LIGHT[1] + LIGHT[2]) / normal_length
    return picture * (np.maximum(cosine, 0) / LIGHT[2])[..., None].astype(np.float32)


def _brightness_correlation(picture: Array, slopes: Array) -> float:
    """Return the correlation of slopes with the gradient of brightness, -1..1: 1 where heights are the brightness."""
    if min(picture.shape[:2]) < 3:
        return 0.0
    luma = picture.mean(axis=2)
    across, down = luma[1:-1, 2:] - luma[1:-1, :-2], luma[2:, 1:-1] - luma[:-2, 1:-1]
    gx, gy = slopes[:, 1:-1, 1:-1]
    spread = float(np.sqrt((np.vdot(across, across) + np.vdot(down, down)) * (np.vdot(gx, gx) + np.vdot(gy, gy))))
    return float(np.vdot(across, gx) + np.vdot(down, gy)) / spread if spread > 0 else 0.0


def _resample(panel: Array, shape: tuple[int, ...]) -> Array:
    """Resample a panel to another height and width, by its nearest pixels."""
    rows, columns = ((np.arange(new) * old // new) for new, old in zip(shape, panel.shape, strict=False))
    resampled: Array = panel[rows][:, columns]
    return resampled


def _side_by_side(*panels: Array) -> NDArray[np.uint8]:
    """Put panels side by side, on white where they are lower than others."""
    sheet = np.ones((max(len(panel) for panel in panels), sum(panel.shape[1] for panel in panels), 3), np.float32)
    left = 0
    for panel in panels:
        sheet[:len(panel), left:left + panel.shape[1]] = panel
        left += panel.shape[1]
    return np.rint(np.clip(sheet, 0, 1) * 255).astype(np.uint8)
