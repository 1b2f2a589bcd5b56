"""MiDaS: depth from the network of the MiDaS node, as the node sees it (RAW) or independent of its units (NORMALISED)."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.colour import is_single_colour
from ....core.edges import upsample_along_edges
from ....core.engines import MIDAS_WEIGHTS, WEIGHTS_FOLDER_HINT, verify_weights
from ....core.errors import NO_MESSAGE, Cancelled, EngineError, Message
from ....core.files import is_file
from ....core.filters import resize
from ....core.heights import fill_non_finite, normalise_depth
from ....core.normals import apply_convention, normal_map
from ....core.picture import Surface
from ....core.settings import node_size
from ....core.tileable import make_periodic
from ...devices import default_batch_size, device_for, import_errors_as_unavailable
from ...memory import available_bytes, format_gigabytes, memory_errors_as
from .. import Engine, EngineInput, EngineOptions, MakeSurface, Report
from ..device_fallback import COMPARED_DEVICES, Attempt, Fallback, check_finite, example_picture
from .tiled_inference import MAX_PASS_PIXELS, DepthCache, prepare_pixels, tiled_inference

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array
    from ....core.picture import Picture, Wrap
    from ....core.settings import Settings
    from .network import Network

SLOPE_PER_DEPTH = 0.75
"""K in the NORMALISED formula: the node's default look at resolution 512 for a depth range of 300 units."""

BYTES_PER_PIXEL = 2200
"""Memory that one pass takes for each pixel the network sees.  Peaks measured on the CPU above the loaded network, with
torch's fused attention, which keeps memory proportional to the pixels: 0.55 GB at 512 x 512 (2104 bytes a pixel), 1.94 GB at
1024 x 1024 (1847), 2.94 GB at 1024 x 1536 (1872), 7.14 GB at 2048 x 2048 (1702)."""

TOO_LITTLE_FOR_NETWORK = Message(
    "There is not enough memory for the network; choose a lower resolution, or close other programs.")


@dataclass(eq=False)
class InferenceItem:
    """A forward pass for one picture, to be run in a batch.

    Attributes:
        pixels: H x W x 3 float32, 0..1, as `prepare_pixels` gives them, with their margin.
        margin: (x, y) pixels that were added on each side.
        device, precision: as asked for.
        report: the request's own.
        depth: None until the batch has run.
        used: the device on which it ran.
        notes: messages to the user.
    """

    pixels: Array
    margin: tuple[int, int]
    device: str
    precision: str
    report: Report
    depth: Array | None = None
    used: str = ""
    notes: tuple[Message, ...] = ()


def group_by_shape(items: Sequence[InferenceItem], max_count: Callable[[InferenceItem], int]) -> list[list[InferenceItem]]:
    """Group items of one shape, device and precision into batches of at most `max_count(item)`; single ones are left out."""
    groups: list[list[InferenceItem]] = []
    for _, like in groupby(sorted(items, key=_batch_key), _batch_key):
        rest = list(like)
        count = max(1, max_count(rest[0]))
        groups += [rest[start:start + count] for start in range(0, len(rest), count)]
    return [group for group in groups if len(group) > 1]


def _batch_key(item: InferenceItem) -> tuple[str, str, tuple[int, ...]]:
    """Return what items of one batch have in common."""
    return item.device, item.precision, item.pixels.shape


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


def unavailable_reason(options: EngineOptions) -> Message:
    """Return "" when MiDaS can run in this process with the file in the folder of the weights, else a sentence why not."""
    if options.without_midas:
        return options.without_midas
    if importlib.util.find_spec("torch") is None:
        return Message("This Python has no {packages}; install the MiDaS environment in the preferences.", packages="torch")
    if not is_file(options.weights / MIDAS_WEIGHTS.name):
        return Message("MiDaS needs the file {file} ({size} bytes), but it is not in {folder}; put it there or choose its "
                       "folder ({chosen}).", file=MIDAS_WEIGHTS.name, size=MIDAS_WEIGHTS.size, folder=options.weights,
                       chosen=WEIGHTS_FOLDER_HINT)
    return NO_MESSAGE


def create(options: EngineOptions) -> Midas:
    """Make the engine; the network is loaded later."""
    return Midas(options.weights, options.batch)


class Midas(Engine):
    """The engine; the network is loaded for the first picture and kept until `unload`."""

    def __init__(self, weights: Path, batch: int = 0) -> None:
        """batch: pictures that the network may see at once; 0 for as many as are worth it on the device."""
        self._weights = weights
        self._batch = batch
        self._network: Network | None = None
        self._fallback = Fallback(self._example, self._release)
        self._depth_cache = DepthCache()

    def surface(self, item: EngineInput) -> Surface:
        """Make the surface of the picture's depth; raise EngineUnavailable, WeightsError or EngineError."""
        device = device_for(item.settings)
        self._load(item.report)
        with memory_errors_as(TOO_LITTLE_FOR_NETWORK):
            make_surface = self._raw_surface if item.settings.depth_scale == "RAW" else self._normalised_surface
            return self._add_weights_warning(make_surface(device, item))

    def surfaces(self, items: Sequence[EngineInput]) -> list[MakeSurface]:
        """Run the network for pictures that it sees with one size in batches; the others run alone later."""
        prepared = [self._make_item(item) if len(items) > 1 else None for item in items]
        self._run_items([one for one in prepared if one is not None])
        return [partial(self.surface, item) if one is None or one.depth is None
                else partial(self._surface_of_item, one, item) for item, one in zip(items, prepared, strict=True)]

    def node_picture(self, surface: Surface, settings: Settings) -> NDArray[np.uint8]:
        """Return the node's own picture, computed by controlnet_aux without the network.

        Where that divides 0 by 0 (a = 0, constant depth), the same formula is computed here with a flat pixel as its limit.
        """
        constant = float(surface.height.min()) == float(surface.height.max())
        if constant or np.square(np.float32(settings.a)) == 0:
            components = apply_convention(normal_map(surface, settings), "CONTROLNET")
            return (np.stack(components, axis=2) * np.float32(127.5) + np.float32(127.5)).clip(0, 255).astype(np.uint8)
        with import_errors_as_unavailable():
            from .node import replay_node
        return replay_node(surface.height, surface.source_size, settings)

    def unload(self) -> None:
        self._depth_cache.clear()
        self._forget_network()

    def _make_item(self, item: EngineInput) -> InferenceItem | None:
        """Prepare a picture for a batch; None where it should run alone, as RAW always does."""
        picture, settings = item.picture, item.settings
        device = device_for(settings)
        used = self._device_used(device, settings.precision)
        if settings.depth_scale == "RAW" or self._max_batch_size(used) == 1:
            return None
        rgb = picture.rgb_float()
        if is_single_colour(rgb):
            return None
        pixels, margin = prepare_pixels(rgb, item.wrap, _resolution(picture, settings))
        if pixels.shape[0] * pixels.shape[1] > _affordable_pass(used):
            return None
        return InferenceItem(pixels, margin, device, settings.precision, item.report)

    def _run_items(self, items: Sequence[InferenceItem]) -> None:
        """Run items of one shape in batches, as far as memory allows; the others get no depth."""
        def max_count(item: InferenceItem) -> int:
            needed = item.pixels.shape[0] * item.pixels.shape[1] * BYTES_PER_PIXEL
            used = self._device_used(item.device, item.precision)
            return min(self._max_batch_size(used), available_bytes(used) // needed)

        report = partial(report_all, items)
        for group in group_by_shape(items, max_count):
            attempt, notes = self._fallback.first_attempt(group[0].device, group[0].precision)
            network = self._network_on(attempt.device, report)
            for item in group:
                item.notes, item.used = notes, attempt.device
            with suppress(Cancelled):  # nobody wants any of the group
                infer_batch(group, _checking(network.depths, attempt))

    def _surface_of_item(self, ran: InferenceItem, item: EngineInput) -> Surface:
        """Make the surface of a picture whose depth a batch has given."""
        assert ran.depth is not None
        item.report("network", 1.0)
        with memory_errors_as(TOO_LITTLE_FOR_NETWORK):
            depth = make_periodic(ran.depth, ran.margin)
            return self._add_weights_warning(_surface_from_depth(depth, ran.used, ran.notes, item))

    def _forget_network(self) -> None:
        if self._network is not None:
            self._network.close()
            self._network = None

    def _load(self, report: Report) -> Network:
        report("load", 0.0)
        if self._network is None:
            self._network = load_network(self._weights)
        report("load", 1.0)
        return self._network

    def _network_on(self, device: str, report: Report) -> Network:
        """Load the network and move it to a device."""
        network = self._load(report)
        network.move(device)
        return network

    def _raw_surface(self, device: str, item: EngineInput) -> Surface:
        picture, settings = item.picture, item.settings
        size = node_size(picture.width, picture.height, settings.resolution)

        def infer_depth(attempt: Attempt) -> tuple[Array, str]:
            _check_memory(size, settings.resolution, attempt.device)
            network = self._network_on(attempt.device, item.report)
            depth = network.node_depth(picture.to_uint8(), settings.resolution, lambda share: item.report("network", share))
            return check_finite(depth, attempt), attempt.device

        (depth, used), notes = self._fallback.run(infer_depth, device, "FLOAT32", settings.device == "AUTO")
        return Surface(fill_non_finite(depth), 1.0, True, item.wrap, (picture.width, picture.height), notes, device=used)

    def _normalised_surface(self, device: str, item: EngineInput) -> Surface:
        rgb = item.picture.rgb_float()
        if is_single_colour(rgb):
            source_size = (item.picture.width, item.picture.height)
            return Surface(np.zeros(rgb.shape[:2], np.float32), SLOPE_PER_DEPTH, False, item.wrap, source_size)

        resolution = _resolution(item.picture, item.settings)

        def infer_depth(attempt: Attempt) -> tuple[Array, str]:
            network = self._network_on(attempt.device, item.report)
            pixels = MAX_PASS_PIXELS // 8 if attempt.in_pieces else _affordable_pass(attempt.device)
            run = self._depth_cache.memoize(_checking(network.depth, attempt), attempt.device, attempt.precision)
            return tiled_inference(rgb, item.wrap, resolution, pixels, run, item.report), attempt.device

        (depth, used), notes = self._fallback.run(infer_depth, device, item.settings.precision,
                                                  item.settings.device == "AUTO", can_split=True)
        return _surface_from_depth(depth, used, notes, item)

    def _device_used(self, device: str, precision: str) -> str:
        """Return the device on which the network runs where this one is asked for: another one if it was found unfit."""
        return self._fallback.first_attempt(device, precision)[0].device

    def _max_batch_size(self, device: str) -> int:
        return 1 if device in COMPARED_DEVICES else self._batch or default_batch_size(device)

    def _add_weights_warning(self, surface: Surface) -> Surface:
        """Add a note to a surface where the weights are not the published ones."""
        warning = verify_weights(self._weights / MIDAS_WEIGHTS.name)
        return surface if warning is None else dataclasses.replace(surface, notes=(warning, *surface.notes))

    def _example(self, attempt: Attempt) -> Array:
        return self._network_on(attempt.device, _quiet).depth(example_picture(), lambda done: None, attempt.precision)

    def _release(self, device: str, has_failed: bool) -> None:
        """Release memory between two attempts; on a device that has failed, the network is lost."""
        if has_failed:
            self._forget_network()
        elif self._network is not None:
            self._network.free()


def load_network(weights: Path) -> Network:
    """Load the network from a folder of weights; raise EngineUnavailable or WeightsError."""
    return _network_module().Network(weights)


def _network_module() -> Any:
    """Import the module that needs torch; raise EngineUnavailable when the environment is damaged."""
    with import_errors_as_unavailable():
        from . import network
    return network


def _resolution(picture: Picture, settings: Settings) -> int:
    """Return the shorter side in pixels at which the network gets the picture; the setting is that of its part."""
    return round(settings.resolution * min(picture.width, picture.height) / picture.shorter)


def _surface_from_depth(depth: Array, device: str, notes: tuple[Message, ...], item: EngineInput) -> Surface:
    """Make the NORMALISED surface of a picture's depth, which the device computed."""
    item.report("height", 0.0)
    source_size = (item.picture.width, item.picture.height)
    height, depth_range = normalise_depth(depth)
    height = _limit_size(height, source_size, item.wrap)
    if item.settings.enlargement == "EDGES":
        height = upsample_along_edges(height, item.picture.luma(), item.wrap)
    return Surface(height, SLOPE_PER_DEPTH, False, item.wrap, source_size, notes, range=depth_range, device=device)


def _check_memory(size: tuple[int, int], resolution: int, device: str) -> None:
    """Raise MemoryError, or EngineError on the CPU, when memory is too small for one pass over a picture, as RAW demands."""
    needed, available = size[0] * size[1] * BYTES_PER_PIXEL, available_bytes(device)
    if needed > available and device != "cpu":
        raise MemoryError
    if needed > available:
        raise EngineError("At resolution {resolution} the MiDaS network sees {width} x {height} pixels, which needs about "
                          "{needed} of memory, but {free} are free; choose a lower resolution or depth_scale NORMALISED.",
                          resolution=resolution, width=size[0], height=size[1], needed=format_gigabytes(needed),
                          free=format_gigabytes(available))


def _affordable_pass(device: str) -> int:
    """Pixels that the network may see in one pass."""
    return min(MAX_PASS_PIXELS, max(available_bytes(device) // BYTES_PER_PIXEL, MAX_PASS_PIXELS // 16))


def _checking(run: Callable[..., Array], attempt: Attempt) -> Callable[[Array, Callable[[float], None]], Array]:
    """The network's own function as an attempt wants it, its answers checked."""
    return lambda pixels, done: check_finite(run(pixels, done, attempt.precision), attempt)


def _quiet(stage: str, done: float) -> None:
    """Nobody waits for it."""


def _limit_size(height: Array, source_size: tuple[int, int], wrap: Wrap) -> Array:
    """The heights, made smaller where the network saw more pixels than the picture has."""
    rows, columns = height.shape
    return resize(height, min(columns, source_size[0]), min(rows, source_size[1]), wrap)
