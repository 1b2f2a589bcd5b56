"""Separable filters on float32 fields: Gaussian blur, spline and Lanczos resampling, à-trous smoothing, borders.

A field is H x W or H x W x C.  At borders of directions that repeat (see `Wrap`) every filter continues on the other side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .arrays import VALUES_PER_STRIP, parallel_rows
from .picture import Wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .arrays import Array

SPLINE_RADIUS = 10
SPLINE_PREFILTER = np.sqrt(3) * (np.sqrt(3) - 2) ** np.abs(np.arange(-SPLINE_RADIUS, SPLINE_RADIUS + 1))
"""Filter from samples to the coefficients of the cubic B-spline that passes through them (Unser, "Splines: a perfect fit for
signal and image processing", 1999); cut off where it has fallen to 2e-6."""

SPLINE_MARGIN = 2 + SPLINE_RADIUS
"""Pixels of padding at both ends of a line that its splines need; two of them are left as coefficients."""

COARSE_SIGMA = 4
"""Pixels: a blur with more than twice this sigma is done on a smaller copy of the field, with about this sigma."""


def gaussian_kernel(sigma: float) -> NDArray:
    """Return the weights of a Gaussian blur, an odd number with sum 1; sigma in pixels.

    >>> print(gaussian_kernel(0.5).round(3))
    [0.    0.106 0.787 0.106 0.   ]
    """
    offsets = np.arange(-np.ceil(3 * sigma), np.ceil(3 * sigma) + 1)
    kernel = np.exp(-0.5 * (offsets / max(sigma, 1e-3)) ** 2)
    return kernel / kernel.sum()


def spline_kernel(before: int, count: int) -> tuple[NDArray[np.int64], NDArray]:
    """Return which spline coefficients, with which weights, make each pixel of an enlarged line.

    Args:
        before: pixels of the line.
        count: pixels of the enlarged line.

    Returns:
        (indices of coefficients, weights), count x 4 each; index 0 is two before the line's first pixel.
    """
    centres = _pixel_centres(before, count)
    first = np.floor(centres)
    t = centres - first
    u = 1 - t
    weights = np.stack([u ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, 3 * u ** 3 - 6 * u ** 2 + 4, t ** 3], axis=1) / 6
    return first.astype(np.int64)[:, None] + np.arange(1, 5), weights


def lanczos_kernel(before: int, count: int) -> tuple[int, NDArray[np.int64], NDArray]:
    """Return the weights of Lanczos resampling with 3 lobes to `count` pixels, fewer than the `before` of a line.

    Returns:
        (margin, indices, weights): pixels of padding at both ends of the line; for each new pixel the indices of pixels of
        the padded line, and their weights with sum 1.
    """
    ratio = before / count
    return _centred_kernel(before, count, int(np.ceil(3 * ratio)), ratio, lambda distance: np.where(
        np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0))


def triangle_kernel(before: int, count: int) -> tuple[int, NDArray[np.int64], NDArray]:
    """Return the weights of linear interpolation, or of a triangle filter for fewer pixels, as `lanczos_kernel` does."""
    ratio = max(1.0, before / count)
    return _centred_kernel(before, count, int(np.ceil(ratio)), ratio, lambda distance: np.maximum(0.0, 1 - np.abs(distance)))


def area_kernel(before: int, count: int) -> tuple[NDArray[np.int64], NDArray]:
    """Return the weights of area averaging: for each of `count` pixels, fewer than `before`, which it covers and how much.

    >>> print(area_kernel(4, 2)[1])
    [[0.5 0.5]
     [0.5 0.5]]
    """
    starts = np.arange(count) * (before / count)
    stops = starts + before / count
    pixels = np.floor(starts + 1e-9).astype(np.int64)[:, None] + np.arange(int(np.ceil(before / count - 1e-9)) + 1)
    covered = np.clip(np.minimum(pixels + 1, stops[:, None]) - np.maximum(pixels, starts[:, None]), 0, None)
    used = covered.max(axis=0) > 1e-9
    weights = covered[:, used] / covered.sum(axis=1, keepdims=True)
    return np.minimum(pixels[:, used], before - 1), weights


def _centred_kernel(before: int, count: int, radius: int, ratio: float,
                    weight: Callable[[NDArray], NDArray]) -> tuple[int, NDArray[np.int64], NDArray]:
    centres = _pixel_centres(before, count)
    pixels = np.floor(centres).astype(np.int64)[:, None] + np.arange(1 - radius, radius + 1)
    weights = weight((pixels - centres[:, None]) / ratio)
    return radius, pixels + radius, weights / weights.sum(axis=1, keepdims=True)


def _pixel_centres(before: int, count: int) -> NDArray:
    """Return where the centres of `count` pixels lie among `before` pixels."""
    return (np.arange(count) + 0.5) * (before / count) - 0.5


def blur(field: Array, sigma_x: float, sigma_y: float, wrap: Wrap) -> Array:
    """Blur an H x W (x C) field with a Gaussian.

    A border that does not repeat is continued by its mirror image.

    Args:
        field: H x W (x C) float32.
        sigma_x, sigma_y: standard deviations in pixels; 0 leaves a direction as it is.
        wrap: the directions that repeat.

    >>> print(blur(np.float32([[0, 0, 1, 0, 0]]), 0.5, 0, Wrap()).round(2))
    [[0.   0.11 0.79 0.11 0.  ]]
    """
    if max(sigma_x, sigma_y) <= 0:
        return field
    down = _blur_rows(field, sigma_y, wrap.y)
    return _transpose(_blur_rows(_transpose(down), sigma_x, wrap.x))


def blur_around_plane(field: Array, sigma_x: float, sigma_y: float, wrap: Wrap) -> Array:
    """Blur an H x W field, but keep its plane, which `blur` would bend at borders that do not repeat.

    >>> blur_around_plane(np.float32([[0, 1, 2, 3]]), 1, 0, Wrap()).tolist()
    [[0.0, 1.0, 2.0, 3.0]]
    """
    plane = _fit_plane(field, wrap)
    return plane + blur(field - plane, sigma_x, sigma_y, wrap)


def _fit_plane(field: Array, wrap: Wrap) -> Array:
    """Fit a plane to an H x W field by least squares, level in directions that repeat; its mean is 0."""
    rows, columns = field.shape
    y, x = (np.arange(count, dtype=np.float32) - np.float32((count - 1) / 2) for count in (rows, columns))
    across = 0.0 if wrap.x or columns == 1 else float(field.mean(axis=0) @ x) / float(x @ x)
    down = 0.0 if wrap.y or rows == 1 else float(field.mean(axis=1) @ y) / float(y @ y)
    return (np.float32(down) * y)[:, None] + (np.float32(across) * x)[None, :]


def resize(field: Array, width: int, height: int, wrap: Wrap) -> Array:
    """Resample an H x W (x C) field: cubic splines enlarge it, a Lanczos kernel of 3 lobes reduces it.

    Splines, because slopes are taken of the result: enlarging waves of 21 pixels eightfold costs 0.01 degrees with splines,
    but 1.4 with Lanczos, whose own ripple shows in the derivative.  Pixel i covers i..i+1, so pixel centres stay where they
    are on the picture.  A border that does not repeat continues its own slope, as `pad_axis` does.

    >>> print(resize(np.float32([[0, 1, 2, 3]]), 8, 1, Wrap()).round(2))
    [[-0.25  0.25  0.75  1.25  1.75  2.25  2.75  3.25]]
    """
    if field.shape[:2] == (height, width):
        return field
    down = _resize_rows(field, height, wrap.y)
    return _transpose(_resize_rows(_transpose(down), width, wrap.x))


def resize_mask(field: Array, width: int, height: int, wrap: Wrap) -> Array:
    """Resample an H x W mask linearly or by averages, so that no value leaves the range of its neighbours.

    A mask of 0 and 1 keeps these values beyond one pixel from its edges, where `resize` would ring.

    >>> resize_mask(np.float32([[0, 1]]), 4, 1, Wrap()).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    if field.shape[:2] == (height, width):
        return field
    down = _resize_mask_rows(field, height, wrap.y)
    return _transpose(_resize_mask_rows(_transpose(down), width, wrap.x))


def resize_area(field: Array, width: int, height: int) -> Array:
    """Reduce an H x W (x C) field: each new pixel is the mean of those it covers.

    >>> resize_area(np.float32([[0, 2, 4, 6]]), 2, 1).tolist()
    [[1.0, 5.0]]
    """
    down = _combine_rows(field, *area_kernel(field.shape[0], height))
    return _transpose(_combine_rows(_transpose(down), *area_kernel(field.shape[1], width)))


def interpolate_at(field: Array, rows: NDArray[np.intp], columns: NDArray[np.intp], size: tuple[int, int],
                   wrap: Wrap) -> Array:
    """Return some pixels of an H x W x C field enlarged linearly to `size`: len(rows) x len(columns) x C.

    Args:
        field: its border pixels continue beyond borders that do not repeat.
        rows, columns: of the enlarged field, in any order.
        size: rows and columns of the enlarged field.
        wrap: the directions that repeat.
    """
    down = _interpolate_rows(field, rows, size[0], wrap.y)
    return _transpose(_interpolate_rows(_transpose(down), columns, size[1], wrap.x))


def upsampled_strips(field: Array, width: int, height: int, wrap: Wrap) -> Iterator[tuple[slice, Array]]:
    """Enlarge an H x W x C field as `resize` does, and yield it some rows at a time: (slice of rows, C x rows x width)."""
    coefficients, rows, weights = _spline_rows(_transpose(_resize_rows(_transpose(field), width, wrap.x)), height, wrap.y)
    step = max(1, VALUES_PER_STRIP // int(np.prod(coefficients.shape[1:])))
    for start in range(0, height, step):
        part = slice(start, start + step)
        yield part, np.moveaxis(_combine_rows(coefficients, rows[part], weights[part]), 2, 0)


def _transpose(field: Array) -> Array:
    return np.ascontiguousarray(field.swapaxes(0, 1))


def pad_axis(field: Array, count: int, repeats: bool, axis: int) -> Array:
    """Pad a field with `count` rows (axis 0) or columns (axis 1) on both sides.

    A direction that does not repeat continues its own slope (odd reflection), so that a plane stays a plane.

    >>> pad_axis(np.float32([1, 2, 4]), 1, False, 0).tolist()
    [0.0, 1.0, 2.0, 4.0, 6.0]
    """
    width = [(count, count) if i == axis else (0, 0) for i in range(field.ndim)]
    if repeats:
        return np.pad(field, width, mode="wrap")
    if field.shape[axis] == 1:
        return np.pad(field, width, mode="edge")
    return np.pad(field, width, mode="reflect", reflect_type="odd")


def _blur_rows(field: Array, sigma: float, repeats: bool) -> Array:
    if len(field) == 1:
        return field
    if sigma > 2 * COARSE_SIGMA:
        count = max(1, round(field.shape[0] * COARSE_SIGMA / sigma))
        coarse = _downsample_rows(field, count, repeats)
        return _upsample_rows(_blur_rows(coarse, sigma * count / field.shape[0], repeats), field.shape[0], repeats)
    kernel = gaussian_kernel(sigma)
    radius = len(kernel) // 2
    mode = "wrap" if repeats else "symmetric"
    padded = np.pad(field, [(radius, radius)] + [(0, 0)] * (field.ndim - 1), mode=mode)  # type: ignore[call-overload]
    return _convolve_rows(padded, kernel)


def _resize_rows(field: Array, count: int, repeats: bool) -> Array:
    before = field.shape[0]
    if count > before:
        return _upsample_rows(field, count, repeats)
    return _downsample_rows(field, count, repeats) if count < before else field


def _upsample_rows(field: Array, count: int, repeats: bool) -> Array:
    return _combine_rows(*_spline_rows(field, count, repeats))


def _spline_rows(field: Array, count: int, repeats: bool) -> tuple[Array, NDArray, NDArray]:
    """Return the splines' coefficients, and for each of `count` rows the indices and weights for `_combine_rows`."""
    padded = pad_axis(field, SPLINE_MARGIN, repeats, axis=0)
    return _convolve_rows(padded, SPLINE_PREFILTER), *spline_kernel(field.shape[0], count)


def _downsample_rows(field: Array, count: int, repeats: bool) -> Array:
    margin, rows, weights = lanczos_kernel(field.shape[0], count)
    return _combine_rows(pad_axis(field, margin, repeats, axis=0), rows, weights)


def _resize_mask_rows(field: Array, count: int, repeats: bool) -> Array:
    margin, rows, weights = triangle_kernel(field.shape[0], count)
    padded = np.pad(field, [(margin, margin), (0, 0)], mode="wrap" if repeats else "edge")
    return _combine_rows(padded, rows, weights)


def _interpolate_rows(field: Array, rows: NDArray[np.intp], count: int, repeats: bool) -> Array:
    before = field.shape[0]
    centres = (rows + 0.5) * (before / count) - 0.5
    first = np.floor(centres).astype(np.int64)
    pixels = first[:, None] + np.arange(2)
    pixels = pixels % before if repeats else np.clip(pixels, 0, before - 1)
    share = centres - first
    return _combine_rows(field, pixels, np.stack([1 - share, share], axis=1))


def _convolve_rows(field: Array, kernel: NDArray) -> Array:
    """Convolve along axis 0 where the kernel fits; the kernel is symmetric and has an odd number of weights."""
    weights = kernel.astype(np.float32)
    last = len(kernel) - 1
    out = np.empty((len(field) - last, *field.shape[1:]), np.float32)

    def convolve(part: slice) -> None:
        total = out[part]
        rows = field[part.start:part.stop + last]
        np.multiply(rows[last // 2:][:len(total)], weights[last // 2], out=total)
        for k in range(last // 2):
            pair = rows[k:][:len(total)] + rows[last - k:][:len(total)]
            pair *= weights[k]
            total += pair

    parallel_rows(convolve, len(out), math.prod(out.shape[1:]))
    return out


def _combine_rows(field: Array, rows: NDArray, weights: NDArray) -> Array:
    """Return out[i] = sum over k of weights[i, k] * field[rows[i, k]], float32."""
    out = np.empty((rows.shape[0], *field.shape[1:]), np.float32)
    weights = weights.astype(np.float32).reshape(*weights.shape, *[1] * (field.ndim - 1))

    def weigh(part: slice) -> None:
        total = out[part]
        np.multiply(field[rows[part, 0]], weights[part, 0], out=total)
        for k in range(1, rows.shape[1]):
            total += field[rows[part, k]] * weights[part, k]

    parallel_rows(weigh, len(out), math.prod(out.shape[1:]))
    return out


def a_trous_smooth(field: Array, deviation: float, wrap: Wrap) -> Array:
    """Smooth an H x W field further with five weights that lie `deviation` pixels apart (à trous, "with holes").

    Args:
        field: smoothed already with about half of the deviation, unless that is 1: what lies between the weights is skipped.
        deviation: standard deviation in pixels, more than 0.
        wrap: the directions that repeat.
    """
    step, weights = a_trous_kernel(deviation)
    return convolve_separable(pad_field(field, 2 * step, wrap), weights, step)


def a_trous_kernel(deviation: float) -> tuple[int, Array]:
    """Return (pixels between weights, five weights) that smooth with a standard deviation in pixels.

    They take as long for 8 pixels as for 1 (Starck and Murtagh, "Astronomical Image and Data Analysis", 2006, appendix A).

    >>> step, weights = a_trous_kernel(1.0)
    >>> step, weights.tolist()
    (1, [0.0625, 0.25, 0.375, 0.25, 0.0625])
    """
    step = math.ceil(deviation)
    side = deviation ** 2 / (4 * step ** 2)
    return step, np.convolve([side, 1 - 2 * side, side], [side, 1 - 2 * side, side]).astype(np.float32)


def pad_field(field: Array, margin: int, wrap: Wrap) -> Array:
    """Pad an H x W field with `margin` pixels on each side, as `pad_axis` does: (H + 2 margin) x (W + 2 margin)."""
    for axis, repeats in enumerate((wrap.y, wrap.x)):
        field = pad_axis(field, margin, repeats, axis)
    return field


def pad_strip(field: Array, rows: slice, margin: int, wrap: Wrap) -> Array:
    """Return some rows of a field with `margin` more pixels on each side: those of `pad_field`, without a copy of the field.

    >>> field = np.arange(12, dtype=np.float32).reshape(4, 3)
    >>> np.array_equal(pad_strip(field, slice(2, 4), 1, Wrap()), pad_field(field, 1, Wrap())[2:6])
    True
    """
    top, bottom, count = rows.start - margin, rows.stop + margin, len(field)
    if top >= 0 and bottom <= count:
        strip = field[top:bottom]
    elif wrap.y:
        strip = field.take(np.arange(top, bottom), axis=0, mode="wrap")
    else:
        first, last = max(0, top - margin), min(count, bottom + margin)
        strip = pad_axis(field[first:last], margin, False, axis=0)[top - first + margin:bottom - first + margin]
    return pad_axis(strip, margin, wrap.x, axis=1)


def convolve_separable(padded: Array, weights: Array, step: int) -> Array:
    """Convolve a padded field with a separable 5 x 5 kernel whose weights lie `step` pixels apart.

    Args:
        padded: H x W field with 2 * step more pixels on each side.
        weights: five, symmetric, the same for rows and columns.
        step: pixels between weights.

    Returns:
        H x W float32.
    """
    rows, columns = (length - 4 * step for length in padded.shape)
    convolved = np.empty((rows, columns), np.float32)

    def work(part: slice) -> None:
        down = _weighted_sum([padded[part.start + i * step:part.stop + i * step] for i in range(5)], weights)
        convolved[part] = _weighted_sum([down[:, i * step:i * step + columns] for i in range(5)], weights)

    parallel_rows(work, rows, columns)
    return convolved


def convolve_axis(padded: Array, weights: Array, axis: int) -> Array:
    """Convolve a field along one axis with an odd number of symmetric weights.

    Args:
        padded: H x W field with (len(weights) - 1) / 2 more pixels at both ends of that axis.
        weights: of neighbouring pixels.
        axis: 0 down the rows, 1 across them.
    """
    margin = len(weights) - 1
    rows, columns = (length - (margin if i == axis else 0) for i, length in enumerate(padded.shape))
    convolved = np.empty((rows, columns), np.float32)

    def work(part: slice) -> None:
        shifted = ([padded[part.start + i:part.stop + i] for i in range(margin + 1)] if axis == 0 else
                   [padded[part, i:i + columns] for i in range(margin + 1)])
        convolved[part] = _weighted_sum(shifted, weights)

    parallel_rows(work, rows, columns)
    return convolved


def _weighted_sum(shifted: list[Array], weights: Array) -> Array:
    """Add up an odd number of fields with symmetric weights."""
    middle = len(weights) // 2
    total = shifted[middle] * weights[middle]
    for before, after, weight in zip(shifted[:middle], reversed(shifted), weights[:middle], strict=False):
        pair = before + after
        pair *= weight
        total += pair
    return total
