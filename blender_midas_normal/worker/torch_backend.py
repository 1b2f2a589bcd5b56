"""The filters and maps of `core` on a device of torch: the same formulas on H x W float32 tensors."""

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
    a_trous_kernel,
    gaussian_kernel,
    lanczos_kernel,
    spline_kernel,
    triangle_kernel,
)
from ..core.heights import EPSILON, MIDLEVEL, NYQUIST_FILTER, fft_order, transfer_function
from ..core.maps import CREASE_FACTOR, CURVATURE_SCALES, ArrayBackend
from ..core.normals import DETAIL_RADIUS, MIN_SOFTNESS, map_size, slope_factor
from ..core.occlusion import ANGLE_COEFFICIENTS, RAYS, Ray, smoothing_level
from ..core.picture import Wrap, as_float

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from ..core.arrays import Array
    Border = Literal["wrap", "symmetric", "edge"]
    from ..core.picture import Surface
    from ..core.settings import Settings

PIXELS_PER_STRIP = 1 << 22
"""Pixels whose occlusion is computed at a time: enough to keep a device busy, with little memory for intermediate values."""


def gradient(field: Tensor, wrap: Wrap) -> tuple[Tensor, Tensor]:
    """As `core.gradients.gradient`."""
    padded = pad_field(field, 1, wrap)
    down = padded[:-2] + padded[2:]
    down += 2 * padded[1:-1]
    across = padded[:, :-2] + padded[:, 2:]
    across += 2 * padded[:, 1:-1]
    return (down[:, 2:] - down[:, :-2]).mul_(1 / 8), (across[2:] - across[:-2]).mul_(1 / 8)


def blur(field: Tensor, sigma_x: float, sigma_y: float, wrap: Wrap) -> Tensor:
    """As `core.filters.blur`."""
    if max(sigma_x, sigma_y) <= 0:
        return field
    return _blur_axis(_blur_axis(field, sigma_y, wrap.y, 0), sigma_x, wrap.x, 1)


def blur_around_plane(field: Tensor, sigma_x: float, sigma_y: float, wrap: Wrap) -> Tensor:
    """As `core.filters.blur_around_plane`."""
    plane = _fit_plane(field, wrap)
    return plane + blur(field - plane, sigma_x, sigma_y, wrap)


def resize(field: Tensor, width: int, height: int, wrap: Wrap) -> Tensor:
    """As `core.filters.resize`."""
    return _resize_axis(_resize_axis(field, height, wrap.y, 0), width, wrap.x, 1)


def resize_mask(field: Tensor, width: int, height: int, wrap: Wrap) -> Tensor:
    """As `core.filters.resize_mask`."""
    return _resize_mask_axis(_resize_mask_axis(field, height, wrap.y, 0), width, wrap.x, 1)


def a_trous_smooth(field: Tensor, deviation: float, wrap: Wrap) -> Tensor:
    """As `core.filters.a_trous_smooth`."""
    step, weights = a_trous_kernel(deviation)
    return convolve_separable(pad_field(field, 2 * step, wrap), weights, step)


def convolve_separable(padded: Tensor, weights: Array, step: int) -> Tensor:
    """As `core.filters.convolve_separable`."""
    return _convolve_axis(_convolve_axis(padded, weights, 0, step), weights, 1, step)


def pad_field(field: Tensor, margin: int, wrap: Wrap) -> Tensor:
    """As `core.filters.pad_field`."""
    return pad_axis(pad_axis(field, margin, wrap.y, 0), margin, wrap.x, 1)


def pad_by_index(field: Tensor, margin: int, mode: Border, dim: int) -> Tensor:
    """Pad rows (dim 0) or columns (dim 1) by `margin` on both sides, in a mode of `numpy.pad`."""
    pixels = np.pad(np.arange(field.shape[dim], dtype=np.int64), margin, mode=mode)
    return field.index_select(dim, torch.from_numpy(pixels).to(field.device))


def pad_axis(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    """As `core.filters.pad_axis`."""
    length = field.shape[dim]
    if repeats or length == 1:
        return pad_by_index(field, count, "wrap", dim)
    part = min(count, length - 1)
    before = 2 * field.narrow(dim, 0, 1) - field.narrow(dim, 1, part).flip(dim)
    after = 2 * field.narrow(dim, length - 1, 1) - field.narrow(dim, length - 1 - part, part).flip(dim)
    longer = torch.cat([before, field, after], dim)
    return longer if part == count else pad_axis(longer, count - part, repeats, dim)


def _fit_plane(field: Tensor, wrap: Wrap) -> Tensor:
    rows, columns = field.shape
    y, x = (torch.arange(count, dtype=torch.float32, device=field.device) - (count - 1) / 2 for count in (rows, columns))
    across = 0.0 if wrap.x or columns == 1 else float(field.mean(dim=0) @ x) / float(x @ x)
    down = 0.0 if wrap.y or rows == 1 else float(field.mean(dim=1) @ y) / float(y @ y)
    return (down * y)[:, None] + (across * x)[None, :]


def _blur_axis(field: Tensor, sigma: float, repeats: bool, dim: int) -> Tensor:
    length = field.shape[dim]
    if length == 1:
        return field
    if sigma > 2 * COARSE_SIGMA:
        count = max(1, round(length * COARSE_SIGMA / sigma))
        coarse = _downsample_axis(field, count, repeats, dim)
        return _upsample_axis(_blur_axis(coarse, sigma * count / length, repeats, dim), length, repeats, dim)
    kernel = gaussian_kernel(sigma)
    return _convolve_axis(pad_by_index(field, len(kernel) // 2, "wrap" if repeats else "symmetric", dim), kernel, dim)


def _resize_axis(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    before = field.shape[dim]
    if count > before:
        return _upsample_axis(field, count, repeats, dim)
    return _downsample_axis(field, count, repeats, dim) if count < before else field


def _upsample_axis(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    coefficients = _convolve_axis(pad_axis(field, SPLINE_MARGIN, repeats, dim), SPLINE_PREFILTER, dim)
    return _combine_axis(coefficients, *spline_kernel(field.shape[dim], count), dim)


def _downsample_axis(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    margin, pixels, weights = lanczos_kernel(field.shape[dim], count)
    return _combine_axis(pad_axis(field, margin, repeats, dim), pixels, weights, dim)


def _resize_mask_axis(field: Tensor, count: int, repeats: bool, dim: int) -> Tensor:
    if field.shape[dim] == count:
        return field
    margin, pixels, weights = triangle_kernel(field.shape[dim], count)
    return _combine_axis(pad_by_index(field, margin, "wrap" if repeats else "edge", dim), pixels, weights, dim)


def _convolve_axis(field: Tensor, kernel: Sequence[float] | NDArray, dim: int, step: int = 1) -> Tensor:
    """Convolve with a symmetric kernel whose weights are `step` pixels apart, without the pixels that it covers partly."""
    last = len(kernel) - 1
    count = field.shape[dim] - last * step
    shifted = [field.narrow(dim, i * step, count) for i in range(last + 1)]
    total = shifted[last // 2] * float(kernel[last // 2])
    for i in range(last // 2):
        total.add_(shifted[i] + shifted[last - i], alpha=float(kernel[i]))
    return total


def _combine_axis(field: Tensor, pixels: NDArray, weights: NDArray, dim: int) -> Tensor:
    """Compute out[i] = sum over k of weights[i, k] * field[pixels[i, k]] along a dimension."""
    shape = (-1, 1) if dim == 0 else (1, -1)
    indices = torch.from_numpy(pixels).to(field.device)
    factors = torch.from_numpy(weights.astype(np.float32)).to(field.device)
    total = field.index_select(dim, indices[:, 0]) * factors[:, 0].view(shape)
    for k in range(1, pixels.shape[1]):
        total.addcmul_(field.index_select(dim, indices[:, k]), factors[:, k].view(shape))
    return total


def torch_array_backend(device: str) -> ArrayBackend:
    """Return the functions that make maps on a device ("cpu", "cuda", ...) of surfaces that are not RAW."""
    return ArrayBackend(partial(normal_map, device=device), partial(integrated_heights, device=device), encode_height,
                        occlusion, curvature, to_numpy)


def to_tensor(values: Array, device: str) -> Tensor:
    """Copy H x W float32 values to a device."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def to_numpy(field: Tensor) -> Array:
    """Copy a field to an array of numpy."""
    array: Array = field.cpu().numpy()
    return array


def normal_map(surface: Surface, settings: Settings, device: str) -> Tensor:
    """As `core.normals.normal_map`: 3 x H x W."""
    gx, gy = map_slopes(surface, settings, device)
    factor = slope_factor(settings)
    normals = torch.stack([gx * -factor, gy * factor, torch.ones_like(gx)])
    normals /= torch.sqrt(normals[0] ** 2 + normals[1] ** 2 + 1)
    return normals


def integrated_heights(surface: Surface, settings: Settings, device: str) -> Tensor:
    """As `core.maps.integrated_heights`."""
    gx, gy = map_slopes(surface, settings, device)
    factor = slope_factor(settings)
    return height_map(gx.mul_(factor), gy.mul_(factor), surface.wrap)


def map_slopes(surface: Surface, settings: Settings, device: str) -> tuple[Tensor, Tensor]:
    """As `core.normals.map_slopes`."""
    height, gx, gy = _height_and_gradient(surface, settings, device)
    if surface.fine is not None:
        _, fine_x, fine_y = _height_and_gradient(surface.fine, settings, device)
        gx, gy = (_mix_fine_relief(own, fine, surface, settings) for own, fine in ((gx, fine_x), (gy, fine_y)))
    for mask in _masks(height, surface, settings):
        gx *= mask
        gy *= mask
    return gx, gy


def _height_and_gradient(surface: Surface, settings: Settings, device: str) -> tuple[Tensor, Tensor, Tensor]:
    width, rows = map_size(surface.source_size, settings)
    height = resize(_filter_height(surface, settings, device), width, rows, surface.wrap)
    gx, gy = gradient(height, surface.wrap)
    gx *= surface.slope_gain * surface.shorter * width / surface.source_size[0]
    gy *= surface.slope_gain * surface.shorter * rows / surface.source_size[1]
    return height, gx, gy


def _filter_height(surface: Surface, settings: Settings, device: str) -> Tensor:
    rows, columns = surface.height.shape
    across, down = columns / surface.source_size[0], rows / surface.source_size[1]
    height = blur(to_tensor(surface.height, device), settings.blur * across, settings.blur * down, surface.wrap)
    if settings.high_pass > 0:
        height = height - blur_around_plane(height, settings.high_pass * across, settings.high_pass * down, surface.wrap)
    if settings.detail != 1:
        sigma = DETAIL_RADIUS * surface.shorter
        large = blur_around_plane(height, sigma * across, sigma * down, surface.wrap)
        height = large + settings.detail * (height - large)
    return height


def _mix_fine_relief(own: Tensor, other: Tensor, surface: Surface, settings: Settings) -> Tensor:
    rows, columns = own.shape
    across, down = settings.crossover * columns / surface.source_size[0], settings.crossover * rows / surface.source_size[1]
    fine = other - blur(other, across, down, surface.wrap)
    return blur(own, across, down, surface.wrap) + settings.mix_amount * fine


def _masks(height: Tensor, surface: Surface, settings: Settings) -> Iterator[Tensor]:
    if settings.bg_threshold > 0:
        yield _foreground_mask(height, settings.bg_threshold, settings.bg_softness)
    rows, columns = height.shape
    if settings.mask != "OFF" and surface.alpha is not None:
        yield resize_mask(to_tensor(as_float(surface.alpha), str(height.device)), columns, rows, surface.wrap)
    if settings.mask == "IMAGE" and surface.mask is not None:
        yield resize_mask(to_tensor(surface.mask, str(height.device)), columns, rows, surface.wrap)


def _foreground_mask(height: Tensor, threshold: float, softness: float) -> Tensor:
    low = float(height.min())
    span = float(height.max()) - low
    if span == 0:
        return torch.ones_like(height)
    above = (height - low) / span - threshold
    if softness < MIN_SOFTNESS:
        return (above >= 0).float()
    t = (above / softness + 0.5).clamp_(0, 1)
    return t * t * (3 - 2 * t)


def height_map(gx: Tensor, gy: Tensor, wrap: Wrap) -> Tensor:
    """As `core.heights.height_map`."""
    height = integrate_slopes(gx, gy, wrap)
    for dim, repeats in enumerate((wrap.y, wrap.x)):
        height = pad_by_index(height, len(NYQUIST_FILTER) // 2, "wrap" if repeats else "symmetric", dim)
    return convolve_separable(height, NYQUIST_FILTER, 1)


def integrate_slopes(gx: Tensor, gy: Tensor, wrap: Wrap) -> Tensor:
    """As `core.heights.integrate_slopes`, in double precision."""
    rows, columns = gx.shape
    to_right, to_bottom = (torch.from_numpy(pixels).to(gx.device)
                           for pixels in (fft_order(columns, wrap.x), fft_order(rows, wrap.y)))
    waves = torch.fft.rfft2(_slope_divergence(gx, gy, wrap)[to_bottom[:, None], to_right])
    across, down = (torch.from_numpy(transfer_function(length, repeats)).to(gx.device)
                    for length, repeats in ((columns, wrap.x), (rows, wrap.y)))
    waves *= _poisson_factors(across[None, :columns // 2 + 1], down[:, None])
    height = torch.empty_like(gx)
    height[to_bottom[:, None], to_right] = torch.fft.irfft2(waves, (rows, columns)).float()
    return height


def _poisson_factors(across: Tensor, down: Tensor) -> Tensor:
    """As `core.heights.poisson_factors`."""
    response = across + down
    return torch.where(response > EPSILON, -0.5 / response, 0.0)


def _slope_divergence(gx: Tensor, gy: Tensor, wrap: Wrap) -> Tensor:
    """Return the divergence of a slope field, by the differences of slopes next to each other, in double precision."""
    padded_x, padded_y = _pad_slope(gx, wrap.x, 1).double(), _pad_slope(gy, wrap.y, 0).double()
    divergence = padded_x[:, 2:] - padded_x[:, :-2]
    divergence += padded_y[2:]
    divergence -= padded_y[:-2]
    return divergence


def _pad_slope(slope: Tensor, repeats: bool, dim: int) -> Tensor:
    first, last = slope.narrow(dim, 0, 1), slope.narrow(dim, slope.shape[dim] - 1, 1)
    return torch.cat([last, slope, first] if repeats else [-first, slope, -last], dim)


def encode_height(height: Tensor) -> tuple[Tensor, float]:
    """As `core.heights.encode_height`."""
    centred = height - height.double().mean().float()
    farthest = float(centred.abs().max())
    if farthest == 0:
        return torch.full_like(centred, MIDLEVEL), 0.0
    return centred.mul_(0.5 / farthest).add_(MIDLEVEL), 2 * farthest / min(height.shape)


def curvature(height: Tensor, wrap: Wrap, radius: float) -> Tensor:
    """As `core.maps.curvature`."""
    margin, sigma = math.ceil(3 * radius), radius
    field = blur(pad_field(height, margin, wrap), radius, radius, Wrap())[margin:-margin, margin:-margin]
    total = _mean_curvature(pad_field(field, 1, wrap)).mul_(CREASE_FACTOR * sigma)
    for _ in range(CURVATURE_SCALES - 1):
        field, sigma = a_trous_smooth(field, math.sqrt(3) * sigma, wrap), 2 * sigma
        total.add_(_mean_curvature(pad_field(field, 1, wrap)), alpha=CREASE_FACTOR * sigma)
    return total.mul_(1 / CURVATURE_SCALES).tanh_().mul_(0.5).add_(0.5)


def _mean_curvature(height: Tensor) -> Tensor:
    """As `core.maps.mean_curvature`."""
    middle = height[1:-1, 1:-1]
    x = (height[1:-1, 2:] - height[1:-1, :-2]).mul_(1 / 2)
    y = (height[2:, 1:-1] - height[:-2, 1:-1]).mul_(1 / 2)
    xx = height[1:-1, 2:] + height[1:-1, :-2] - 2 * middle
    yy = height[2:, 1:-1] + height[:-2, 1:-1] - 2 * middle
    xy = (height[2:, 2:] - height[2:, :-2] - height[:-2, 2:] + height[:-2, :-2]).mul_(1 / 4)
    bulge = 2 * x * y * xy - (1 + y * y) * xx - (1 + x * x) * yy
    steep = 1 + x * x + y * y
    return bulge.div_(steep.mul_(2 * torch.sqrt(steep)))


def occlusion(height: Tensor, wrap: Wrap, radius: float) -> Tensor:
    """As `core.occlusion.occlusion`."""
    pyramid = _TorchHeightPyramid(height, wrap, radius)
    rows, columns = height.shape
    step = max(1, PIXELS_PER_STRIP // columns)
    return torch.cat([pyramid.visible_light(slice(first, min(rows, first + step))) for first in range(0, rows, step)])


class _TorchHeightPyramid:
    """As in `core.occlusion`: the heights, smoothed twice as much at each level, and padded by the radius."""

    def __init__(self, height: Tensor, wrap: Wrap, radius: float) -> None:
        self.radius = radius
        self.margin = math.floor(radius)
        self.levels = [_pad_open(height, self.margin, wrap)]
        coarse = height
        for level in range(smoothing_level(radius)):
            coarse = a_trous_smooth(coarse, 2 ** level, wrap)
            self.levels.append(_pad_open(coarse, self.margin, wrap))
        self.slopes = gradient(height, wrap)

    def visible_light(self, rows: slice) -> Tensor:
        """Compute the light that reaches some rows: 1 minus what is blocked in each direction."""
        gx, gy = (slope[rows] for slope in self.slopes)
        blocked = torch.zeros_like(gx)
        for ray in RAYS[:len(RAYS) // 2]:
            slope = gx * (ray.right / ray.length)
            slope += gy * (ray.down / ray.length)
            pair = _blocked_light(slope.clone(), slope).mul_(-2)
            pair += _blocked_light(self._horizon(slope, rows, ray), slope)
            slope.neg_()
            pair += _blocked_light(self._horizon(slope, rows, ray.opposite), slope)
            blocked.add_(pair, alpha=ray.weight)
        blocked /= torch.sqrt(1 + gx * gx + gy * gy)
        return (1 - blocked).clamp_(0, 1)

    def _horizon(self, slope: Tensor, rows: slice, ray: Ray) -> Tensor:
        """Return the steepest slope from each pixel to a height along the ray, at least that of the surface itself."""
        horizon = slope.clone()
        here = self._shifted(rows, 0, 0, level=0)
        rise = torch.empty_like(slope)
        for step in ray.sample_steps(self.radius):
            distance = step * ray.length
            torch.sub(self._shifted(rows, step * ray.right, step * ray.down, smoothing_level(distance)), here, out=rise)
            torch.maximum(horizon, rise.mul_(1 / distance), out=horizon)
        return horizon

    def _shifted(self, rows: slice, right: int, down: int, level: int) -> Tensor:
        """Return the heights `right` and `down` pixels away from each pixel of the rows."""
        columns = self.slopes[0].shape[1]
        top, left = self.margin + down, self.margin + right
        return self.levels[level][rows.start + top:rows.stop + top, left:left + columns]


def _pad_open(field: Tensor, margin: int, wrap: Wrap) -> Tensor:
    """Pad with the repetition of the field, or with -inf, which occludes nothing."""
    for dim, repeats in enumerate((wrap.y, wrap.x)):
        if repeats:
            field = pad_by_index(field, margin, "wrap", dim)
        else:
            field = functional.pad(field, (0, 0, margin, margin) if dim == 0 else (margin, margin), value=-math.inf)
    return field


def _blocked_light(rise: Tensor, slope: Tensor) -> Tensor:
    """As `core.occlusion.blocked_light`."""
    cosine = (rise * rise).add_(1).rsqrt_()
    sine = rise.mul_(cosine)
    integral = cosine * ANGLE_COEFFICIENTS[-1]
    for factor in ANGLE_COEFFICIENTS[-2:1:-1]:
        integral.add_(factor).mul_(cosine)
    integral.add_(1 + ANGLE_COEFFICIENTS[1]).mul_(cosine).add_(ANGLE_COEFFICIENTS[0]).mul_(slope)
    return torch.sub(sine, integral, out=integral).mul_(sine)
