"""The filters and the mathematics of the maps on a device of torch: the formulas of `core`, on H x W float32 tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..core.filters import (
    COARSE_SIGMA,
    SPLINE_MARGIN,
    SPLINE_PREFILTER,
    a_trous,
    gaussian_kernel,
    lanczos_kernel,
    spline_kernel,
    triangle_kernel,
)
from ..core.heights import MIDDLE, NYQUIST_FILTER, heights_of_waves, ring, sight
from ..core.maps import CREASE, SCALES, ArrayBackend
from ..core.normals import DETAIL_REACH, SHARPEST, map_size, slope_factor
from ..core.occlusion import ANGLE, RAYS, Ray, level_at
from ..core.picture import Wrap, as_float

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from ..core.arrays import Array
    Border = Literal["wrap", "symmetric", "edge"]
    from ..core.picture import Surface
    from ..core.settings import Settings

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
    """As `core.scales.a_trous_smooth`."""
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
    kernel = gaussian_kernel(sigma)
    return _convolved(bordered(field, len(kernel) // 2, "wrap" if repeats else "symmetric", dim), kernel, dim)


def _resized(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    before = field.shape[dim]
    if count > before:
        return _enlarged(field, count, repeats, dim)
    return _reduced(field, count, repeats, dim) if count < before else field


def _enlarged(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    coefficients = _convolved(_continued(field, SPLINE_MARGIN, repeats, dim), SPLINE_PREFILTER, dim)
    return _gathered(coefficients, *spline_kernel(field.shape[dim], count), dim)


def _reduced(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    margin, pixels, weights = lanczos_kernel(field.shape[dim], count)
    return _gathered(_continued(field, margin, repeats, dim), pixels, weights, dim)


def _straight(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    if field.shape[dim] == count:
        return field
    margin, pixels, weights = triangle_kernel(field.shape[dim], count)
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


STRIP = 1 << 22
"""Pixels whose light is found at a time: a device is busy with them, and few bytes lie between."""


def mathematics(device: str) -> ArrayBackend:
    """What makes maps on the device, "cpu", "cuda", ..., of surfaces that are not raw."""
    return ArrayBackend(partial(normal_map, device=device), partial(slope_heights, device=device), encoded_height, occlusion,
                        curvature, array)


def tensor(values: Array, device: str) -> Tensor:
    """The values, H x W float32, on the device."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def array(field: Tensor) -> Array:
    """The field as numpy has it."""
    found: Array = field.cpu().numpy()
    return found


def normal_map(surface: Surface, settings: Settings, device: str) -> Tensor:
    """As `core.normals.normal_map`: 3 x H x W."""
    gx, gy = slopes(surface, settings, device)
    factor = slope_factor(settings)
    normals = torch.stack([gx * -factor, gy * factor, torch.ones_like(gx)])
    normals /= torch.sqrt(normals[0] ** 2 + normals[1] ** 2 + 1)
    return normals


def slope_heights(surface: Surface, settings: Settings, device: str) -> Tensor:
    """As `core.maps.slope_heights`."""
    gx, gy = slopes(surface, settings, device)
    factor = slope_factor(settings)
    return height_map(gx.mul_(factor), gy.mul_(factor), surface.wrap)


def slopes(surface: Surface, settings: Settings, device: str) -> tuple[Tensor, Tensor]:
    """As `core.normals.slopes`."""
    height, gx, gy = _relief(surface, settings, device)
    if surface.fine is not None:
        _, fine_x, fine_y = _relief(surface.fine, settings, device)
        gx, gy = (_mixed(own, fine, surface, settings) for own, fine in ((gx, fine_x), (gy, fine_y)))
    for kept in _masks(height, surface, settings):
        gx *= kept
        gy *= kept
    return gx, gy


def _relief(surface: Surface, settings: Settings, device: str) -> tuple[Tensor, Tensor, Tensor]:
    width, rows = map_size(surface.source_size, settings)
    height = resize(_shaped(surface, settings, device), width, rows, surface.wrap)
    gx, gy = gradient(height, surface.wrap)
    gx *= surface.relief * surface.shorter * width / surface.source_size[0]
    gy *= surface.relief * surface.shorter * rows / surface.source_size[1]
    return height, gx, gy


def _shaped(surface: Surface, settings: Settings, device: str) -> Tensor:
    rows, columns = surface.height.shape
    across, down = columns / surface.source_size[0], rows / surface.source_size[1]
    height = blur(tensor(surface.height, device), settings.blur * across, settings.blur * down, surface.wrap)
    if settings.high_pass > 0:
        height = height - large_shapes(height, settings.high_pass * across, settings.high_pass * down, surface.wrap)
    if settings.detail != 1:
        reach = DETAIL_REACH * surface.shorter
        large = large_shapes(height, reach * across, reach * down, surface.wrap)
        height = large + settings.detail * (height - large)
    return height


def _mixed(own: Tensor, other: Tensor, surface: Surface, settings: Settings) -> Tensor:
    rows, columns = own.shape
    across, down = settings.crossover * columns / surface.source_size[0], settings.crossover * rows / surface.source_size[1]
    fine = other - blur(other, across, down, surface.wrap)
    return blur(own, across, down, surface.wrap) + settings.mix_amount * fine


def _masks(height: Tensor, surface: Surface, settings: Settings) -> Iterator[Tensor]:
    if settings.bg_threshold > 0:
        yield _foreground(height, settings.bg_threshold, settings.bg_softness)
    rows, columns = height.shape
    if settings.mask != "OFF" and surface.alpha is not None:
        yield resize_share(tensor(as_float(surface.alpha), str(height.device)), columns, rows, surface.wrap)
    if settings.mask == "IMAGE" and surface.mask is not None:
        yield resize_share(tensor(surface.mask, str(height.device)), columns, rows, surface.wrap)


def _foreground(height: Tensor, threshold: float, softness: float) -> Tensor:
    low = float(height.min())
    span = float(height.max()) - low
    if span == 0:
        return torch.ones_like(height)
    above = (height - low) / span - threshold
    if softness < SHARPEST:
        return (above >= 0).float()
    t = (above / softness + 0.5).clamp_(0, 1)
    return t * t * (3 - 2 * t)


def height_map(gx: Tensor, gy: Tensor, wrap: Wrap) -> Tensor:
    """As `core.displacement.height_map`."""
    height = height_from_slopes(gx, gy, wrap)
    for dim, repeats in enumerate((wrap.y, wrap.x)):
        height = bordered(height, len(NYQUIST_FILTER) // 2, "wrap" if repeats else "symmetric", dim)
    return weighted(height, NYQUIST_FILTER, 1)


def height_from_slopes(gx: Tensor, gy: Tensor, wrap: Wrap) -> Tensor:
    """As `core.integration.height_from_slopes`, in double precision."""
    rows, columns = gx.shape
    to_right, to_bottom = (torch.from_numpy(pixels).to(gx.device) for pixels in (ring(columns, wrap.x), ring(rows, wrap.y)))
    waves = torch.fft.rfft2(_bends(gx, gy, wrap)[to_bottom[:, None], to_right])
    factors = heights_of_waves(sight(columns, wrap.x)[None, :columns // 2 + 1], sight(rows, wrap.y)[:, None])
    waves *= torch.from_numpy(factors).to(gx.device)
    height = torch.empty_like(gx)
    height[to_bottom[:, None], to_right] = torch.fft.irfft2(waves, (rows, columns)).float()
    return height


def _bends(gx: Tensor, gy: Tensor, wrap: Wrap) -> Tensor:
    """The sums of the slopes' differences in both directions, in double precision."""
    runs, rises = _with_border(gx, wrap.x, 1).double(), _with_border(gy, wrap.y, 0).double()
    bends = runs[:, 2:] - runs[:, :-2]
    bends += rises[2:]
    bends -= rises[:-2]
    return bends


def _with_border(slope: Tensor, repeats: bool, dim: int) -> Tensor:
    first, last = slope.narrow(dim, 0, 1), slope.narrow(dim, slope.shape[dim] - 1, 1)
    return torch.cat([last, slope, first] if repeats else [-first, slope, -last], dim)


def encoded_height(height: Tensor) -> tuple[Tensor, float]:
    """As `core.displacement.encoded_height`."""
    centred = height - height.double().mean().float()
    farthest = float(centred.abs().max())
    if farthest == 0:
        return torch.full_like(centred, MIDDLE), 0.0
    return centred.mul_(0.5 / farthest).add_(MIDDLE), 2 * farthest / min(height.shape)


def curvature(height: Tensor, wrap: Wrap, radius: float) -> Tensor:
    """As `core.curvature.curvature`."""
    reach, sigma = math.ceil(3 * radius), radius
    field = blur(continued(height, reach, wrap), radius, radius, Wrap())[reach:-reach, reach:-reach]
    total = _mean_curvature(continued(field, 1, wrap)).mul_(CREASE * sigma)
    for _ in range(SCALES - 1):
        field, sigma = coarser(field, math.sqrt(3) * sigma, wrap), 2 * sigma
        total.add_(_mean_curvature(continued(field, 1, wrap)), alpha=CREASE * sigma)
    return total.mul_(1 / SCALES).tanh_().mul_(0.5).add_(0.5)


def _mean_curvature(height: Tensor) -> Tensor:
    """As `core.curvature.mean_curvature`."""
    middle = height[1:-1, 1:-1]
    x = (height[1:-1, 2:] - height[1:-1, :-2]).mul_(1 / 2)
    y = (height[2:, 1:-1] - height[:-2, 1:-1]).mul_(1 / 2)
    xx = height[1:-1, 2:] + height[1:-1, :-2] - 2 * middle
    yy = height[2:, 1:-1] + height[:-2, 1:-1] - 2 * middle
    xy = (height[2:, 2:] - height[2:, :-2] - height[:-2, 2:] + height[:-2, :-2]).mul_(1 / 4)
    bulge = 2 * x * y * xy - (1 + y * y) * xx - (1 + x * x) * yy
    steep = 1 + x * x + y * y
    return bulge.div_(steep.mul_(2 * torch.sqrt(steep)))


def occlusion(height: Tensor, wrap: Wrap, reach: float) -> Tensor:
    """As `core.occlusion.occlusion`."""
    scene = _Scene(height, wrap, reach)
    rows, columns = height.shape
    step = max(1, STRIP // columns)
    return torch.cat([scene.light(slice(first, min(rows, first + step))) for first in range(0, rows, step)])


class _Scene:
    """The heights, each level twice as coarse as the one before, with a margin as wide as the reach."""

    def __init__(self, height: Tensor, wrap: Wrap, reach: float) -> None:
        self.reach = reach
        self.margin = math.floor(reach)
        self.levels = [_open_bordered(height, self.margin, wrap)]
        coarse = height
        for level in range(level_at(reach)):
            coarse = coarser(coarse, 2 ** level, wrap)
            self.levels.append(_open_bordered(coarse, self.margin, wrap))
        self.slopes = gradient(height, wrap)

    def light(self, rows: slice) -> Tensor:
        """The light that comes to some rows: 1 less what hills keep off."""
        gx, gy = (slope[rows] for slope in self.slopes)
        lost = torch.zeros_like(gx)
        for ray in RAYS[:len(RAYS) // 2]:
            slope = gx * (ray.right / ray.length)
            slope += gy * (ray.down / ray.length)
            pair = _below(slope.clone(), slope).mul_(-2)
            pair += _below(self._horizon(slope, rows, ray), slope)
            slope.neg_()
            pair += _below(self._horizon(slope, rows, ray.opposite), slope)
            lost.add_(pair, alpha=ray.share)
        lost /= torch.sqrt(1 + gx * gx + gy * gy)
        return (1 - lost).clamp_(0, 1)

    def _horizon(self, slope: Tensor, rows: slice, ray: Ray) -> Tensor:
        """The steepest rise from each pixel to a height along the ray, or that of its own surface."""
        horizon = slope.clone()
        here = self._seen(rows, 0, 0, level=0)
        rise = torch.empty_like(slope)
        for stop in ray.stops(self.reach):
            distance = stop * ray.length
            torch.sub(self._seen(rows, stop * ray.right, stop * ray.down, level_at(distance)), here, out=rise)
            torch.maximum(horizon, rise.mul_(1 / distance), out=horizon)
        return horizon

    def _seen(self, rows: slice, right: int, down: int, level: int) -> Tensor:
        """The heights some pixels to the right of, and below, each pixel of the rows."""
        columns = self.slopes[0].shape[1]
        top, left = self.margin + down, self.margin + right
        return self.levels[level][rows.start + top:rows.stop + top, left:left + columns]


def _open_bordered(field: Tensor, margin: int, wrap: Wrap) -> Tensor:
    """The field going on with the other side, or with nothing that could stand in the way."""
    for dim, repeats in enumerate((wrap.y, wrap.x)):
        if repeats:
            field = bordered(field, margin, "wrap", dim)
        else:
            field = functional.pad(field, (0, 0, margin, margin) if dim == 0 else (margin, margin), value=-math.inf)
    return field


def _below(rise: Tensor, slope: Tensor) -> Tensor:
    """As `core.occlusion._below`; the rises are used up."""
    cosine = (rise * rise).add_(1).rsqrt_()
    sine = rise.mul_(cosine)
    found = cosine * ANGLE[-1]
    for factor in ANGLE[-2:1:-1]:
        found.add_(factor).mul_(cosine)
    found.add_(1 + ANGLE[1]).mul_(cosine).add_(ANGLE[0]).mul_(slope)
    return torch.sub(sine, found, out=found).mul_(sine)
