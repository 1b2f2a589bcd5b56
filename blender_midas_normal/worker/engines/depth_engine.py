"""Engines whose network estimates depth: NORMALISED surfaces of it, in tiles where a picture is large, and in batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...core.colour import is_single_colour
from ...core.edges import upsample_along_edges
from ...core.errors import Cancelled, Message
from ...core.heights import normalise_depth
from ...core.picture import Surface
from ...core.tileable import make_periodic
from ..devices import default_batch_size, device_for
from ..memory import available_bytes, memory_errors_as
from . import EngineInput, MakeSurface, Report
from .device_fallback import COMPARED_DEVICES, Attempt, check_finite, example_picture
from .network_engine import TOO_LITTLE_FOR_NETWORK, LoadedNetwork, NetworkEngine
from .tiled_inference import (
    MAX_PASS_PIXELS,
    DepthCache,
    limit_size,
    network_resolution,
    prepare_pixels,
    tiled_inference,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.arrays import Array
    from ...core.settings import Settings

SLOPE_PER_DEPTH = 0.75
"""K in the NORMALISED formula: the node's default look at resolution 512 for a depth range of 300 units."""

BYTES_PER_PIXEL = 2200
"""Memory that one pass takes for each pixel the network sees, at most.  Peaks of MiDaS measured on the CPU above the loaded
network, with torch's fused attention, which keeps memory proportional to the pixels: 0.55 GB at 512 x 512 (2104 bytes a
pixel), 1.94 GB at 1024 x 1024 (1847), 2.94 GB at 1024 x 1536 (1872), 7.14 GB at 2048 x 2048 (1702)."""


class DepthNetwork(LoadedNetwork, Protocol):
    """A network that estimates depth."""

    def depths(self, pictures: Array, on_progress: Callable[[float], None], precision: str = "AUTO") -> Array:
        """Estimate the depth of several pictures in one pass.

        Args:
            pictures: N x H x W x 3 float32 sRGB, 0..1.
            on_progress: called with the finished share of the pass; an exception that it raises ends the pass.
            precision: AUTO or FLOAT32, as in the settings; in half precision, values that are too large become NaN.

        Returns:
            N x H x W float32, larger is nearer.
        """


@dataclass(eq=False)
class InferenceItem:
    """A forward pass for one picture, to be run in a batch.

    Attributes:
        pixels: H x W x 3 float32, 0..1, as `prepare_pixels` gives them, with their margin.
        margin: (x, y) pixels that were added on each side.
        settings: of the request; device and precision as asked for.
        device: torch's name of the device that was asked for.
        report: the request's own.
        depth: None until the batch has run.
        used: the device on which it ran.
        notes: messages to the user.
    """

    pixels: Array
    margin: tuple[int, int]
    settings: Settings
    device: str
    report: Report
    depth: Array | None = None
    used: str = ""
    notes: tuple[Message, ...] = ()

    @property
    def batch_key(self) -> tuple[object, ...]:
        """What items of one batch have in common."""
        settings = self.settings
        return self.device, settings.precision, settings.model, settings.model_folder, self.pixels.shape


def group_by_shape(items: Sequence[InferenceItem], max_count: Callable[[InferenceItem], int]) -> list[list[InferenceItem]]:
    """Group items of one shape, device, precision and network into batches of at most `max_count(item)`.

    Single ones are left out.
    """
    groups: list[list[InferenceItem]] = []
    for _, like in groupby(sorted(items, key=lambda item: item.batch_key), lambda item: item.batch_key):
        rest = list(like)
        count = max(1, max_count(rest[0]))
        groups += [rest[start:start + count] for start in range(0, len(rest), count)]
    return [group for group in groups if len(group) > 1]


def infer_batch(items: Sequence[InferenceItem], run: Callable[[Array, Callable[[float], None]], Array]) -> None:
    """Run a batch and store each item's depth; run(N x H x W x 3 pixels, done) -> N x H x W.

    Raises Cancelled when all of the requests are cancelled.
    """
    def done(share: float) -> None:
        report_all(items, "network", share)

    for item, depth in zip(items, run(np.stack([item.pixels for item in items]), done), strict=True):
        item.depth = depth


def report_all(items: Sequence[InferenceItem], stage: str, share: float) -> None:
    """Report progress to all items; raise Cancelled only when all of the requests are cancelled."""
    wanted = 0
    for item in items:
        with suppress(Cancelled):
            item.report(stage, share)
            wanted += 1
    if not wanted:
        raise Cancelled("The requests were cancelled.")


class DepthEngine(NetworkEngine[DepthNetwork]):
    """An engine whose network estimates depth; a subclass loads the network."""

    def __init__(self, weights: Path, batch: int = 0) -> None:
        """batch: pictures that the network may see at once; 0 for as many as are worth it on the device."""
        super().__init__(weights)
        self._batch = batch
        self._depth_cache = DepthCache()

    def surface(self, item: EngineInput) -> Surface:
        """Make the surface of the picture's depth; raise EngineUnavailable, WeightsError or EngineError."""
        device = device_for(item.settings)
        self.load(item.settings, item.report)
        with memory_errors_as(TOO_LITTLE_FOR_NETWORK):
            return self.add_weights_warning(self.surface_on(device, item), item.settings)

    def surfaces(self, items: Sequence[EngineInput]) -> list[MakeSurface]:
        """Run the network for pictures that it sees with one size in batches; the others run alone later."""
        prepared = [self._make_item(item) if len(items) > 1 else None for item in items]
        self._run_items([one for one in prepared if one is not None])
        return [partial(self.surface, item) if one is None or one.depth is None
                else partial(self._surface_of_item, one, item) for item, one in zip(items, prepared, strict=True)]

    def unload(self) -> None:
        self._depth_cache.clear()
        super().unload()

    @abstractmethod
    def size_multiple(self, settings: Settings) -> int:
        """Return what both sides of the network's input are multiples of."""

    def surface_on(self, device: str, item: EngineInput) -> Surface:
        """Make a surface with the network of the last `load`, as the device allows."""
        rgb, settings = item.picture.rgb_float(), item.settings
        if is_single_colour(rgb):
            source_size = (item.picture.width, item.picture.height)
            return Surface(np.zeros(rgb.shape[:2], np.float32), SLOPE_PER_DEPTH, False, item.wrap, source_size)
        resolution, multiple = network_resolution(item.picture, settings), self.size_multiple(settings)

        def infer_depth(attempt: Attempt) -> tuple[Array, str]:
            network = self.network_on(attempt.device)
            pixels = MAX_PASS_PIXELS // 8 if attempt.in_pieces else _affordable_pass(attempt.device)
            run = self._depth_cache.memoize(_run_one(_checking(network, attempt)), attempt.device, attempt.precision,
                                            settings.model, settings.model_folder)
            return tiled_inference(rgb, item.wrap, resolution, multiple, pixels, run, item.report), attempt.device

        (depth, used), notes = self._fallback.run(infer_depth, device, settings.precision, settings.device == "AUTO",
                                                  can_split=True)
        return _surface_from_depth(depth, used, notes, item)

    def example(self, network: DepthNetwork, attempt: Attempt) -> Array:
        return network.depths(example_picture()[None], lambda done: None, attempt.precision)[0]

    def runs_alone(self, settings: Settings) -> bool:
        """Whether pictures with these settings never share a pass with others."""
        return False

    def _make_item(self, item: EngineInput) -> InferenceItem | None:
        """Prepare a picture for a batch; None where it should run alone."""
        picture, settings = item.picture, item.settings
        device = device_for(settings)
        used = self._device_used(device, settings.precision)
        if self.runs_alone(settings) or self._max_batch_size(used) == 1:
            return None
        rgb = picture.rgb_float()
        if is_single_colour(rgb):
            return None
        pixels, margin = prepare_pixels(rgb, item.wrap, network_resolution(picture, settings), self.size_multiple(settings))
        if pixels.shape[0] * pixels.shape[1] > _affordable_pass(used):
            return None
        return InferenceItem(pixels, margin, settings, device, item.report)

    def _run_items(self, items: Sequence[InferenceItem]) -> None:
        """Run items of one shape in batches, as far as memory allows; the others get no depth."""
        def max_count(item: InferenceItem) -> int:
            needed = item.pixels.shape[0] * item.pixels.shape[1] * BYTES_PER_PIXEL
            used = self._device_used(item.device, item.settings.precision)
            return min(self._max_batch_size(used), available_bytes(used) // needed)

        report = partial(report_all, items)
        for group in group_by_shape(items, max_count):
            settings = group[0].settings
            attempt, notes = self._fallback.first_attempt(group[0].device, settings.precision)
            self.load(settings, report)
            network = self.network_on(attempt.device)
            for item in group:
                item.notes, item.used = notes, attempt.device
            with suppress(Cancelled):  # nobody wants any of the group
                infer_batch(group, _checking(network, attempt))

    def _surface_of_item(self, ran: InferenceItem, item: EngineInput) -> Surface:
        """Make the surface of a picture whose depth a batch has given."""
        assert ran.depth is not None
        item.report("network", 1.0)
        with memory_errors_as(TOO_LITTLE_FOR_NETWORK):
            depth = make_periodic(ran.depth, ran.margin)
            surface = _surface_from_depth(depth, ran.used, ran.notes, item)
            return self.add_weights_warning(surface, item.settings)

    def _device_used(self, device: str, precision: str) -> str:
        """Return the device on which the network runs where this one is asked for: another one if it was found unfit."""
        return self._fallback.first_attempt(device, precision)[0].device

    def _max_batch_size(self, device: str) -> int:
        return 1 if device in COMPARED_DEVICES else self._batch or default_batch_size(device)


def _surface_from_depth(depth: Array, device: str, notes: tuple[Message, ...], item: EngineInput) -> Surface:
    """Make the NORMALISED surface of a picture's depth, which the device computed."""
    item.report("height", 0.0)
    source_size = (item.picture.width, item.picture.height)
    height, depth_range = normalise_depth(depth)
    height = limit_size(height, source_size, item.wrap)
    if item.settings.enlargement == "EDGES":
        height = upsample_along_edges(height, item.picture.luma(), item.wrap)
    return Surface(height, SLOPE_PER_DEPTH, False, item.wrap, source_size, notes, range=depth_range, device=device)


def _affordable_pass(device: str) -> int:
    """Return the number of pixels that the network may see in one pass."""
    return min(MAX_PASS_PIXELS, max(available_bytes(device) // BYTES_PER_PIXEL, MAX_PASS_PIXELS // 16))


def _checking(network: DepthNetwork, attempt: Attempt) -> Callable[[Array, Callable[[float], None]], Array]:
    """Return the network's pass over several pictures as an attempt wants it, its answers checked."""
    return lambda pictures, done: check_finite(network.depths(pictures, done, attempt.precision), attempt)


def _run_one(run: Callable[[Array, Callable[[float], None]], Array]) -> Callable[[Array, Callable[[float], None]], Array]:
    """Return a pass over one picture, H x W x 3, of one over several."""
    return lambda pixels, done: run(pixels[None], done)[0]
