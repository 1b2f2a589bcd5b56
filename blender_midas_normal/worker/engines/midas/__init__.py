"""MiDaS: depth from the network of the MiDaS node, as the node sees it (RAW) or independent of its units (NORMALISED)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ....core.errors import EngineError, Message
from ....core.heights import fill_non_finite
from ....core.normals import apply_convention, normal_map
from ....core.picture import Surface
from ....core.settings import node_size
from ...devices import import_errors_as_unavailable
from ...memory import available_bytes, format_gigabytes
from .. import EngineInput, EngineOptions
from ..depth_engine import BYTES_PER_PIXEL, DepthEngine
from ..device_fallback import Attempt, check_finite
from ..network_engine import network_unavailable_reason

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ....core.arrays import Array
    from ....core.settings import Settings
    from .network import Network

SIZE_MULTIPLE = 32
"""Both sides of the network's input are multiples of this."""


def unavailable_reason(options: EngineOptions, settings: Settings) -> Message:
    """Return "" when MiDaS can run in this process with the file in the folder of weights, else a sentence why not."""
    return network_unavailable_reason("MIDAS", ("torch",), options, settings)


def create(options: EngineOptions) -> Midas:
    """Make the engine; the network is loaded later."""
    return Midas(options.weights, options.batch)


class Midas(DepthEngine):
    """The engine."""

    name = "MIDAS"

    def load_network(self, folder: Path) -> Network:
        return load_network(folder)

    def size_multiple(self, settings: Settings) -> int:
        return SIZE_MULTIPLE

    def runs_alone(self, settings: Settings) -> bool:
        """Whether the depths are the node's own, bit for bit."""
        return settings.depth_scale == "RAW"

    def surface_on(self, device: str, item: EngineInput) -> Surface:
        return self._raw_surface(device, item) if item.settings.depth_scale == "RAW" else super().surface_on(device, item)

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

    def _raw_surface(self, device: str, item: EngineInput) -> Surface:
        picture, settings = item.picture, item.settings
        size = node_size(picture.width, picture.height, settings.resolution)

        def infer_depth(attempt: Attempt) -> tuple[Array, str]:
            _check_memory(size, settings.resolution, attempt.device)
            network = cast("Network", self.network_on(attempt.device))
            depth = network.node_depth(picture.to_uint8(), settings.resolution, lambda share: item.report("network", share))
            return check_finite(depth, attempt), attempt.device

        (depth, used), notes = self._fallback.run(infer_depth, device, "FLOAT32", settings.device == "AUTO")
        return Surface(fill_non_finite(depth), 1.0, True, item.wrap, (picture.width, picture.height), notes, device=used)

def load_network(weights: Path) -> Network:
    """Load the network from a folder of weights; raise EngineUnavailable or WeightsError."""
    return _network_module().Network(weights)


def _network_module() -> Any:
    """Import the module that needs torch; raise EngineUnavailable when the environment is damaged."""
    with import_errors_as_unavailable():
        from . import network
    return network


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
