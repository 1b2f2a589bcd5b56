"""The filters of `core.filters` and `core.scales` on tensors of torch, H x W float32: the same sums of the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..core.filters import COARSE_SIGMA
from ..core.kernels import SPLINE_MARGIN, SPLINE_PREFILTER, gaussian, lanczos, spline, straight
from ..core.picture import Wrap
from ..core.scales import a_trous

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from ..core.arrays import Array

    Border = Literal["wrap", "symmetric", "edge"]


def gradient(field: Tensor, wrap: Wrap) -> tuple[Tensor, Tensor]:
    """As `core.filters.gradient`."""
    padded = continued(field, 1, wrap)
    down = padded[:-2] + padded[2:]
    down += 2 * padded[1:-1]
    across = padded[:, :-2] + padded[:, 2:]
    across += 2 * padded[:, 1:-1]
    return (down[:, 2:] - down[:, :-2]).mul_(1 / 8), (across[2:] - across[:-2]).mul_(1 / 8)


def blur(field: Tensor, sigma_x: float, sigma_y: float, wrap: Wrap) -> Tensor:
    """As `core.filters.blur`."""
    if max(sigma_x, sigma_y) <= 0:
        return field
    return _blurred(_blurred(field, sigma_y, wrap.y, 0), sigma_x, wrap.x, 1)


def large_shapes(field: Tensor, sigma_x: float, sigma_y: float, wrap: Wrap) -> Tensor:
    """As `core.filters.large_shapes`."""
    plane = _plane(field, wrap)
    return plane + blur(field - plane, sigma_x, sigma_y, wrap)


def resize(field: Tensor, width: int, height: int, wrap: Wrap) -> Tensor:
    """As `core.filters.resize`."""
    return _resized(_resized(field, height, wrap.y, 0), width, wrap.x, 1)


def resize_share(field: Tensor, width: int, height: int, wrap: Wrap) -> Tensor:
    """As `core.filters.resize_share`."""
    return _straight(_straight(field, height, wrap.y, 0), width, wrap.x, 1)


def coarser(field: Tensor, deviation: float, wrap: Wrap) -> Tensor:
    """As `core.scales.coarser`."""
    step, weights = a_trous(deviation)
    return weighted(continued(field, 2 * step, wrap), weights, step)


def weighted(bordered: Tensor, weights: Array, step: int) -> Tensor:
    """As `core.scales.weighted`."""
    return _convolved(_convolved(bordered, weights, 0, step), weights, 1, step)


def continued(field: Tensor, margin: int, wrap: Wrap) -> Tensor:
    """As `core.scales.continued`."""
    return _continued(_continued(field, margin, wrap.y, 0), margin, wrap.x, 1)


def bordered(field: Tensor, margin: int, mode: Border, dim: int) -> Tensor:
    """The field with `margin` more rows (dim 0) or columns (dim 1) on both sides, as numpy's `pad` takes them."""
    pixels = np.pad(np.arange(field.shape[dim], dtype=np.int64), margin, mode=mode)
    return field.index_select(dim, torch.from_numpy(pixels).to(field.device))


def _continued(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    """As `core.filters.continued_along`."""
    length = field.shape[dim]
    if repeats or length == 1:
        return bordered(field, count, "wrap", dim)
    part = min(count, length - 1)
    before = 2 * field.narrow(dim, 0, 1) - field.narrow(dim, 1, part).flip(dim)
    after = 2 * field.narrow(dim, length - 1, 1) - field.narrow(dim, length - 1 - part, part).flip(dim)
    longer = torch.cat([before, field, after], dim)
    return longer if part == count else _continued(longer, count - part, repeats, dim)


def _plane(field: Tensor, wrap: Wrap) -> Tensor:
    rows, columns = field.shape
    y, x = (torch.arange(count, dtype=torch.float32, device=field.device) - (count - 1) / 2 for count in (rows, columns))
    across = 0.0 if wrap.x or columns == 1 else float(field.mean(dim=0) @ x) / float(x @ x)
    down = 0.0 if wrap.y or rows == 1 else float(field.mean(dim=1) @ y) / float(y @ y)
    return (down * y)[:, None] + (across * x)[None, :]


def _blurred(field: Tensor, sigma: float, repeats: bool, dim: int) -> Tensor:
    length = field.shape[dim]
    if length == 1:
        return field
    if sigma > 2 * COARSE_SIGMA:
        count = max(1, round(length * COARSE_SIGMA / sigma))
        coarse = _reduced(field, count, repeats, dim)
        return _enlarged(_blurred(coarse, sigma * count / length, repeats, dim), length, repeats, dim)
    kernel = gaussian(sigma)
    return _convolved(bordered(field, len(kernel) // 2, "wrap" if repeats else "symmetric", dim), kernel, dim)


def _resized(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    before = field.shape[dim]
    if count > before:
        return _enlarged(field, count, repeats, dim)
    return _reduced(field, count, repeats, dim) if count < before else field


def _enlarged(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    coefficients = _convolved(_continued(field, SPLINE_MARGIN, repeats, dim), SPLINE_PREFILTER, dim)
    return _gathered(coefficients, *spline(field.shape[dim], count), dim)


def _reduced(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    margin, pixels, weights = lanczos(field.shape[dim], count)
    return _gathered(_continued(field, margin, repeats, dim), pixels, weights, dim)


def _straight(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    if field.shape[dim] == count:
        return field
    margin, pixels, weights = straight(field.shape[dim], count)
    return _gathered(bordered(field, margin, "wrap" if repeats else "edge", dim), pixels, weights, dim)


def _convolved(field: Tensor, kernel: Sequence[float] | NDArray, dim: int, step: int = 1) -> Tensor:
    """The pixels that a symmetric kernel, whose weights are `step` apart, covers wholly."""
    last = len(kernel) - 1
    count = field.shape[dim] - last * step
    shifted = [field.narrow(dim, i * step, count) for i in range(last + 1)]
    total = shifted[last // 2] * float(kernel[last // 2])
    for i in range(last // 2):
        total.add_(shifted[i] + shifted[last - i], alpha=float(kernel[i]))
    return total


def _gathered(field: Tensor, pixels: NDArray, weights: NDArray, dim: int) -> Tensor:
    """Along a dimension, out[i] = sum over k of weights[i, k] * field[pixels[i, k]]."""
    shape = (-1, 1) if dim == 0 else (1, -1)
    indices = torch.from_numpy(pixels).to(field.device)
    factors = torch.from_numpy(weights.astype(np.float32)).to(field.device)
    total = field.index_select(dim, indices[:, 0]) * factors[:, 0].view(shape)
    for k in range(1, pixels.shape[1]):
        total.addcmul_(field.index_select(dim, indices[:, k]), factors[:, k].view(shape))
    return total
