"""Relief: slopes of photos of materials, by a small network of our own whose weights come with the extension.

Runs on numpy alone; where the worker's Python has torch, there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.colour import is_one_colour
from ...core.integration import height_from_slopes
from ...core.picture import Surface, Wrap
from ..devices import described_device, device_for, give_back_memory, has_torch
from .fallback import Attempt, Fallback, example_picture
from .relief_network import ReliefNetwork, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...core.arrays import Array
    from ...core.difference import Area
    from ...core.picture import Picture
    from ...core.settings import Settings
    from . import Report
    from .relief_torch import TorchReliefNetwork

    Network = ReliefNetwork | TorchReliefNetwork

WEIGHTS = Path(__file__).with_name("relief.npz")

REACH = 144
"""Pixels from a change at which slopes no longer change.  The network could reach 288; with these weights, 64 x 64 pixels
that became black, white, noise or their negative changed a slope by at most 0.01 at 96 pixels, 0.00004 at 128 and nothing
at 144 (44 changes of 11 pictures of scikit-image)."""


class Relief:
    """The engine; the network is loaded for the first picture and kept until `unload`."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self.device = "cpu"
        self._weights = weights
        self._networks: dict[Attempt, Network] = {}
        self._fallback = Fallback(self._example, self._release)

    def surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> Surface:
        """The picture's heights in shorter sides; raises EngineUnavailable or WeightsError."""
        return self._surface(picture, wrap, settings, report,
                             lambda network, rgb: network.slopes(rgb, wrap, report))

    def surface_again(self, before: Surface, changed: Area, picture: Picture, settings: Settings, report: Report) -> Surface:
        """The same from the surface of a picture that differs in an area only; slopes are within 0.001 of what they were."""
        slopes = before.slopes
        if slopes is None:
            return self.surface(picture, before.wrap, settings, report)
        return self._surface(picture, before.wrap, settings, report, lambda network, rgb: network.slopes_again(
            slopes, changed, rgb, before.wrap, report, REACH))

    def _surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report,
                 slopes_by: Callable[[Network, Array], Array]) -> Surface:
        """The surface of the slopes that `slopes_by` takes from the network and the pixels."""
        rgb = picture.rgb_float()
        source_size = (picture.width, picture.height)
        if is_one_colour(rgb):
            return Surface(np.zeros(rgb.shape[:2], np.float32), 1.0, False, wrap, source_size)
        device = device_for(settings) if has_torch() else "cpu"
        slopes, notes = self._fallback.run(lambda attempt: slopes_by(self._on(attempt), rgb), device, settings.precision,
                                           settings.device == "AUTO")
        report("height", 0.0)
        height = height_from_slopes(slopes[..., 0], slopes[..., 1], wrap)
        height /= picture.shorter
        return Surface(height, 1.0, False, wrap, source_size, notes, slopes=slopes)

    def unload(self) -> None:
        devices = {attempt.device for attempt in self._networks}
        self._networks.clear()
        for device in devices:
            give_back_memory(device)

    def _on(self, attempt: Attempt) -> Network:
        """The network for an attempt."""
        if attempt not in self._networks:
            weights = read_weights(self._weights)
            if has_torch():
                from .relief_torch import TorchReliefNetwork

                self._networks[attempt] = TorchReliefNetwork(weights, attempt.device, attempt.precision)
            else:
                self._networks[attempt] = ReliefNetwork(weights)
        self.device = described_device(attempt.device)
        return self._networks[attempt]

    def _example(self, attempt: Attempt) -> Array:
        return self._on(attempt).slopes(example_picture(), Wrap(), lambda stage, done: None)

    def _release(self, device: str, has_failed: bool) -> None:
        """Between two attempts: the network may lie on another device next."""
        self.unload()
