"""Make pictures for engines from the pixels of Blender and of decoded files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.colour import apply_exposure, linear_to_srgb, srgb_to_linear
from ..core.engines import COLOUR, DATA
from ..core.errors import Message, SourceError
from ..core.image_headers import check_size
from ..core.picture import LUMA_ROWS, Picture, as_float
from ..core.protocol import Pixels
from ..core.regions import Tile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..core.arrays import Array

BYTE_STEP = 1 / 255
"""Distance of two neighbouring values of a file of bytes."""

Strip = tuple[slice, "NDArray"]
"""Some rows of a picture, and their RGBA values, rows x W x 4."""


def picture_from_pixels(folder: Path, pixels: Pixels, exposure: float = 0.0, content: str = COLOUR) -> Picture:
    """Read a picture from a file of raw pixels.

    Args:
        folder: the exchange folder.
        pixels: describes the file.
        exposure: stops by which scene-linear values are brightened before they are clipped to 1.
        content: COLOUR or DATA, see `core.engines`.

    Raises:
        SourceError: the file has another size, or the picture has no pixels or too many.
    """
    check_size(pixels.width, pixels.height)
    path = folder / pixels.file
    if path.stat().st_size != pixels.nbytes:
        raise SourceError("The pixels of the picture take {size} bytes instead of {expected}.", size=path.stat().st_size,
                          expected=pixels.nbytes)
    shape = (pixels.height, pixels.width)
    weights = np.array(pixels.height_weights, np.float32)
    if pixels.encoding == "BYTE":
        picture = _picture_from_bytes(_file_strips(path, pixels, np.uint8), shape)
        if len(weights):
            picture = heights_from_bytes(picture, weights, pixels.is_srgb)
        elif content == DATA:
            picture = dataclasses.replace(picture, content=DATA, step=BYTE_STEP)
    elif len(weights):
        picture = heights_from_strips(_file_strips(path, pixels, np.float32), shape, weights)
    elif content == DATA:
        picture = data_from_strips(_file_strips(path, pixels, np.float32), shape, pixels.encoding, pixels.premultiplied)
    else:
        picture = picture_from_floats(_file_strips(path, pixels, np.float32), shape, pixels.encoding, pixels.premultiplied,
                                      exposure, pixels.to_rec709)
    triangles = _read_triangles(folder / pixels.uv_triangles) if pixels.uv_triangles else None
    return dataclasses.replace(picture, part=Tile(*pixels.part) if pixels.part else None, pixel_aspect=pixels.pixel_aspect,
                               uv_triangles=triangles)


def _read_triangles(path: Path) -> Array:
    """Read a file of N x 3 x 3 float32; raise SourceError for one of another size, or with values that are no numbers."""
    values: Array = np.fromfile(path, np.float32)
    if len(values) % 9 or not np.isfinite(values).all():
        raise SourceError("The UVs of the meshes that show the picture are damaged; check them, or set Islands to Off.")
    return values.reshape(-1, 3, 3)


def _file_strips(path: Path, pixels: Pixels, dtype: type) -> Iterator[Strip]:
    """Read strips of a file whose rows run bottom-up, the last strip of the picture first."""
    with path.open("rb") as file:
        for end in range(pixels.height, 0, -LUMA_ROWS):
            rows = slice(max(0, end - LUMA_ROWS), end)
            values: NDArray = np.fromfile(file, dtype, (end - rows.start) * pixels.width * 4)
            yield rows, values.reshape(-1, pixels.width, 4)[::-1]


def row_strips(values: Array) -> Iterator[Strip]:
    """Split H x W x C into strips, from the top down."""
    for top in range(0, len(values), LUMA_ROWS):
        rows = slice(top, top + LUMA_ROWS)
        yield rows, values[rows]


def _picture_from_bytes(strips: Iterator[Strip], shape: tuple[int, int]) -> Picture:
    """Make a picture of bytes; channel by channel, which takes half as long as all three colours at a time."""
    rgb, alpha = np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8)
    for rows, values in strips:
        for channel in range(3):
            rgb[rows, :, channel] = values[..., channel]
        alpha[rows] = values[..., 3]
    return Picture(rgb, drop_opaque_alpha(alpha))


def picture_from_floats(strips: Iterator[Strip], shape: tuple[int, int], encoding: str, premultiplied: bool,
                        exposure: float, to_rec709: Sequence[float] = ()) -> Picture:
    """Make a picture of strips of floats.

    Args:
        strips: cover the picture, in any order.
        shape: (height, width).
        encoding, premultiplied, to_rec709: as in `core.protocol.Pixels`.
        exposure: as in `picture_from_pixels`.
    """
    rgb, alpha = np.empty((*shape, 3), np.float32), np.empty(shape, np.float32)
    matrix = np.array(to_rec709, np.float32).reshape(-1, 3)
    for rows, values in strips:
        alpha[rows] = np.clip(np.nan_to_num(values[..., 3], nan=0.0), 0.0, 1.0)
        colours = replace_non_finite(values[..., :3])
        if premultiplied:
            opacity = alpha[rows, :, None]
            colours = np.divide(colours, opacity, out=np.zeros_like(colours), where=opacity > 0)
        if encoding != "DISPLAY" and len(matrix):
            with np.errstate(over="ignore", invalid="ignore"):
                colours = replace_non_finite(colours @ matrix.T)
        if encoding == "LINEAR":
            colours = apply_exposure(colours, exposure)
        rgb[rows] = np.clip(colours, 0.0, 1.0) if encoding == "DISPLAY" else linear_to_srgb(colours)
    return Picture(rgb, drop_opaque_alpha(alpha))


def data_from_strips(strips: Iterator[Strip], shape: tuple[int, int], encoding: str, premultiplied: bool,
                     channels: int = 3) -> Picture:
    """Make a picture of DATA of strips of floats: values as they are stored, of any range.

    Values that are no numbers become holes: they are filled from around them as transparent pixels are, and a note counts
    them.

    Args:
        strips, shape, premultiplied: as of `picture_from_floats`; strips may have no alpha.
        encoding: as in `core.protocol.Pixels`; DECODED values were stored as sRGB.
        channels: of colour that the strips have: 1 for grey, else 3.
    """
    planes, count = np.empty((*shape, channels), np.float32), 0
    alpha: Array | None = None
    for rows, values in strips:
        colours, opacity = values[..., :channels], values[..., channels] if values.shape[2] > channels else None
        if not np.isfinite(values).all():
            finite = np.isfinite(values).all(axis=2)
            count += int(finite.size - finite.sum())
            colours = np.nan_to_num(colours, nan=0.0, posinf=0.0, neginf=0.0)
            opacity = np.where(finite, 1.0 if opacity is None else opacity, 0.0)
        if opacity is not None:
            alpha = np.ones(shape, np.float32) if alpha is None else alpha
            alpha[rows] = np.clip(opacity, 0, 1)
        if premultiplied and alpha is not None:
            opacity = alpha[rows, :, None]
            colours = np.divide(colours, opacity, out=np.zeros_like(colours), where=opacity > 0)
        planes[rows] = linear_to_srgb(colours) if encoding == "DECODED" else colours
    return Picture(np.broadcast_to(planes, (*shape, 3)), None if alpha is None else drop_opaque_alpha(alpha),
                   notes=_hole_notes(count), content=DATA)


def heights_from_bytes(picture: Picture, weights: NDArray, is_srgb: bool) -> Picture:
    """Return the heights that the nodes of a material make of a picture of bytes, as DATA.

    sRGB values of one channel, or of grey, stay as they are for the engine to decode, because their steps are equal.  Of
    several channels, or with transparency, they are decoded here, and count as values without steps.

    Args:
        weights: of red, green and blue, 3 float32.
        is_srgb: the nodes see values decoded from sRGB, multiplied by alpha.
    """
    rgb, alpha = picture.rgb, picture.alpha_float()
    used = np.flatnonzero(weights)
    is_one = len(used) == 1 or bool((rgb[..., :1] == rgb).all())
    if is_one and np.isclose(weights.sum(), 1, atol=1e-6) and (alpha is None or not is_srgb):
        channel = np.ascontiguousarray(np.broadcast_to(rgb[..., used[:1]], rgb.shape))
        return Picture(channel, content=DATA, step=BYTE_STEP, is_srgb=is_srgb)
    heights = np.empty((*rgb.shape[:2], 3), np.float32)
    for top in range(0, len(rgb), LUMA_ROWS):
        rows = slice(top, top + LUMA_ROWS)
        colours = as_float(rgb[rows])
        if is_srgb:
            colours = srgb_to_linear(colours) if alpha is None else srgb_to_linear(colours) * alpha[rows, :, None]
        heights[rows] = (colours @ weights)[..., None]
    return Picture(heights, content=DATA, step=0.0 if is_srgb else BYTE_STEP * float(np.abs(weights).sum()))


def heights_from_strips(strips: Iterator[Strip], shape: tuple[int, int], weights: NDArray) -> Picture:
    """Return the heights that the nodes of a material make of strips of floats, as DATA.

    Args:
        strips, shape: as of `picture_from_floats`.
        weights: of red, green and blue, 3 float32.
    """
    heights, alpha = np.empty((*shape, 3), np.float32), np.empty(shape, np.float32)
    for rows, values in strips:
        finite = np.isfinite(values).all(axis=2)
        alpha[rows] = finite
        heights[rows] = (np.where(finite[..., None], values[..., :3], 0) @ weights)[..., None]
    count = int((alpha == 0).sum())
    return Picture(heights, drop_opaque_alpha(alpha), notes=_hole_notes(count), content=DATA)


def _hole_notes(count: int) -> tuple[Message, ...]:
    """Tell the user how many pixels are no numbers."""
    message = Message("{count} pixels of the picture are no numbers; they were filled from around them.", count=count)
    return (message,) if count else ()


def spread_grey(colours: NDArray) -> NDArray:
    """Return H x W x 3 colours of those, or of grey, H x W x 1; numpy takes five times as long for all three at a time."""
    if colours.shape[2] == 3:
        return colours
    rgb = np.empty((*colours.shape[:2], 3), colours.dtype)
    for channel in range(3):
        rgb[..., channel] = colours[..., 0]
    return rgb


def replace_non_finite(values: Array) -> Array:
    """Replace NaN by 0, and infinities by the largest and smallest float."""
    return values if np.isfinite(values).all() else np.nan_to_num(values, nan=0.0)


def drop_opaque_alpha(alpha: NDArray) -> NDArray | None:
    """Return alpha values, uint8 or float; None when every pixel is opaque."""
    return None if (alpha >= (255 if alpha.dtype == np.uint8 else 1.0)).all() else alpha
