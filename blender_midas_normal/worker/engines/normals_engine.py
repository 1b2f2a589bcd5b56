"""Engines whose network estimates normals: turned to tangent space, upright where the picture is a texture, integrated."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from ...core.colour import is_single_colour
from ...core.errors import Message
from ...core.heights import integrate_slopes
from ...core.normal_maps import MIN_Z
from ...core.picture import Surface, Wrap
from ...core.tileable import make_periodic
from ..devices import device_for
from ..memory import available_bytes, memory_errors_as
from . import EngineInput
from .device_fallback import Attempt, check_finite, example_picture
from .network_engine import TOO_LITTLE_FOR_NETWORK, LoadedNetwork, NetworkEngine
from .tiled_inference import MAX_PASS_PIXELS, capped_size, limit_size, network_resolution, prepare_pixels, resample

if TYPE_CHECKING:
    from ...core.arrays import Array

BYTES_PER_PIXEL = 3000
"""Memory that one pass takes for each pixel the network sees, at most.  Peaks of NormalBae measured on the CPU above the
loaded network: 2840 bytes a pixel at 512 x 512, 2620 at 1024 x 1024; of MoGe with ViT-S, less than 800."""

MIN_LEAN_DEGREES = 1.0
"""Mean normals that lean less are not worth a note."""


class NormalsNetwork(LoadedNetwork, Protocol):
    """A network that estimates normals.

    max_pixels: of its input, beyond which it sees nothing more.
    """

    max_pixels: int

    def normals(self, pictures: Array, on_progress: Callable[[float], None], precision: str = "AUTO") -> Array:
        """Estimate the normals of several pictures in one pass; arguments as of `depth_engine.DepthNetwork.depths`.

        Returns:
            N x H x W x 3 float32 unit vectors in tangent space: x to the right, y up, z out of the picture.
        """


class NormalsEngine(NetworkEngine[NormalsNetwork]):
    """An engine whose network estimates normals; a subclass loads the network.

    size_multiple: both sides of the network's input are multiples of this.
    """

    size_multiple: ClassVar[int]

    def surface(self, item: EngineInput) -> Surface:
        """Make the surface of the picture's normals; raise EngineUnavailable, WeightsError or EngineError."""
        device = device_for(item.settings)
        self.load(item.settings, item.report)
        with memory_errors_as(TOO_LITTLE_FOR_NETWORK):
            return self.add_weights_warning(self._surface_on(device, item), item.settings)

    def example(self, network: NormalsNetwork, attempt: Attempt) -> Array:
        return network.normals(example_picture()[None], lambda done: None, attempt.precision)[0]

    def _surface_on(self, device: str, item: EngineInput) -> Surface:
        rgb, picture = item.picture.rgb_float(), item.picture
        source_size = (picture.width, picture.height)
        if is_single_colour(rgb):
            return Surface(np.zeros(rgb.shape[:2], np.float32), 1.0, False, item.wrap, source_size)
        pixels, (x, y) = prepare_pixels(rgb, item.wrap, network_resolution(picture, item.settings), self.size_multiple)
        share = picture.shorter / min(source_size)

        def infer_normals(attempt: Attempt) -> tuple[Array, tuple[int, int], str]:
            network = self.network_on(attempt.device)
            rows, columns = pixels.shape[:2]
            affordable = max(available_bytes(attempt.device) // BYTES_PER_PIXEL, MAX_PASS_PIXELS // 16)
            limit = min(MAX_PASS_PIXELS, network.max_pixels, affordable)
            width, height = capped_size(columns, rows, MAX_PASS_PIXELS // 8 if attempt.in_pieces else limit,
                                        self.size_multiple)
            seen = pixels if (width, height) == (columns, rows) else resample(pixels, width, height, Wrap())
            answer = network.normals(seen[None], lambda done: item.report("network", done), attempt.precision)[0]
            normals = _fill_non_finite(check_finite(answer, attempt))
            margin = (round(x * width / columns), round(y * height / rows))
            return _periodic(normals, margin), (width, height), attempt.device

        (normals, seen_size, used), notes = self._fallback.run(
            infer_normals, device, item.settings.precision, item.settings.device == "AUTO", can_split=True)
        if seen_size != (pixels.shape[1], pixels.shape[0]):
            notes += (Message("The network saw the picture in {width} x {height} pixels, as far as it and the memory allow.",
                              width=seen_size[0], height=seen_size[1]),)
        item.report("height", 0.0)
        if not item.is_render:
            normals, lean = upright(normals)
            if lean >= MIN_LEAN_DEGREES:
                notes += (Message("The picture as a whole leans by {lean:.0f} degrees, which was taken out of its normals.",
                                  lean=lean),)
        slopes = normals_to_slopes(normals)
        height = integrate_slopes(slopes[..., 0], slopes[..., 1], item.wrap)
        height /= min(height.shape) * share
        return Surface(limit_size(height, source_size, item.wrap), 1.0, False, item.wrap, source_size, notes, device=used)


def _fill_non_finite(normals: Array) -> Array:
    """Replace vectors with NaN or infinity, H x W x 3, by those of a flat surface: one would spread to all heights."""
    finite = np.isfinite(normals).all(axis=2, keepdims=True)
    return normals if finite.all() else np.where(finite, normals, np.array([0, 0, 1], np.float32))


def _periodic(normals: Array, margin: tuple[int, int]) -> Array:
    """Cut one period out of the H x W x 3 normals of a padded picture; they go on across its borders."""
    if margin == (0, 0):
        return normals
    vectors = np.stack([make_periodic(normals[..., axis], margin) for axis in range(3)], axis=2)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), np.float32(1e-6))


def normals_to_slopes(normals: Array) -> Array:
    """Return the slopes (dh/dx, dh/dy), y downwards, of tangent-space normals: both H x W x n float32.

    A surface h(x, y) has the normal (-dh/dx, -dh/dy, 1), normalised; here the normal's y points up and the slope's down.

    >>> normals_to_slopes(np.float32([[[-0.6, 0.0, 0.8]]])).round(2).tolist()
    [[[0.75, 0.0]]]
    """
    z = np.maximum(normals[..., 2:], np.float32(MIN_Z))
    return (normals[..., :2] * np.array([-1, 1], np.float32) / z).astype(np.float32)


def upright(normals: Array) -> tuple[Array, float]:
    """Turn a field of normals as a whole, so that its mean points out of the picture.

    The shortest rotation that takes the mean direction to z (Rodrigues' formula).

    Args:
        normals: H x W x 3 float32 unit vectors.

    Returns:
        (H x W x 3 float32, degrees by which they were turned).
    """
    mean = normals.mean(axis=(0, 1), dtype=np.float64)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        return normals, 0.0
    x, y, z = mean / length
    if z <= -1 + 1e-6:
        return normals, 0.0
    across = np.array([[0, 0, -x], [0, 0, -y], [x, y, 0]])
    rotation = np.eye(3) + across + across @ across / (1 + z)
    return (normals @ rotation.T.astype(np.float32)).astype(np.float32), math.degrees(math.acos(min(1.0, z)))
