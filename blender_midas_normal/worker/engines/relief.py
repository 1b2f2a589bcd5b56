"""Relief: slopes of photos of materials, by a small network of our own whose weights come with the extension.

Runs on numpy alone; where the worker's Python has torch, there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.colour import is_one_colour
from ...core.integration import height_from_slopes
from ...core.picture import Surface
from ..devices import described_device, device_for, has_torch
from .relief_network import ReliefNetwork, read_weights

if TYPE_CHECKING:
    from ...core.picture import Picture, Wrap
    from ...core.settings import Settings
    from . import Report
    from .relief_torch import TorchReliefNetwork

WEIGHTS = Path(__file__).with_name("relief.npz")


class Relief:
    """The engine; the network is loaded for the first picture and kept until `unload`."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self.device = "cpu"
        self._weights = weights
        self._networks: dict[str, ReliefNetwork | TorchReliefNetwork] = {}

    def surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> Surface:
        """The picture's heights in shorter sides; raises EngineUnavailable or WeightsError."""
        rgb = picture.rgb_float()
        source_size = (picture.width, picture.height)
        if is_one_colour(rgb):
            return Surface(np.zeros(rgb.shape[:2], np.float32), 1.0, False, wrap, source_size)
        device = device_for(settings) if has_torch() else "cpu"
        network = self._loaded(device)
        self.device = described_device(device)
        slopes = network.slopes(rgb, wrap, report)
        report("height", 0.0)
        height = height_from_slopes(slopes, wrap)
        height /= min(height.shape)
        return Surface(height, 1.0, False, wrap, source_size)

    def unload(self) -> None:
        self._networks.clear()

    def _loaded(self, device: str) -> ReliefNetwork | TorchReliefNetwork:
        if device not in self._networks:
            weights = read_weights(self._weights)
            if has_torch():
                from .relief_torch import TorchReliefNetwork

                self._networks[device] = TorchReliefNetwork(weights, device)
            else:
                self._networks[device] = ReliefNetwork(weights)
        return self._networks[device]
