"""Relief: slopes of photos of materials, by a small network of our own whose weights come with the extension.

Runs on numpy alone; where the worker's Python has torch, there.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....core.colour import is_single_colour, luma
from ....core.errors import Message
from ....core.heights import integrate_slopes
from ....core.picture import Surface, Wrap
from ...devices import describe_device, device_for, empty_cache, has_torch
from ..fallback import Attempt, Fallback, example_picture
from .architecture import read_weights
from .inference import infer, infer_orientations, update
from .numpy_network import ReliefNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....core.arrays import Array
    from ....core.picture import Picture, SlopePyramid
    from ....core.regions import Region
    from ....core.settings import Settings
    from .. import Report
    from .inference import Network

WEIGHTS = Path(__file__).with_name("weights.npz")

MARGIN = 112
"""Pixels from a change, at each size, within which the network runs again: with these weights, farther slopes change by less
than 0.001, to which the tests hold it."""

NEARLY_FLAT = math.tan(math.radians(1.0))
"""Root mean square slope below which a map hardly shows."""

CONTRAST = 0.04
"""Deviation of a picture's luma, 0..1, from which on a user expects some relief of it."""


class Relief:
    """The engine; the network is loaded for the first picture and kept until `unload`."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self.device = "cpu"
        self._weights = weights
        self._networks: dict[Attempt, Network] = {}
        self._fallback = Fallback(self._example, self._release)

    def surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> Surface:
        """The picture's heights in shorter sides; raises EngineUnavailable or WeightsError."""
        def slopes_by(network: Network, rgb: Array) -> tuple[Array, SlopePyramid | None]:
            if settings.quality == "BEST":
                return infer_orientations(network, rgb, wrap, report), None
            slopes = infer(network, rgb, wrap, report)
            return slopes.full, slopes

        return self._surface(picture, wrap, settings, report, slopes_by)

    def update_surface(
        self, before: Surface, changed: Region, picture: Picture, settings: Settings, report: Report
    ) -> Surface:
        """The same from the surface of a picture that differs in an area only."""
        slopes = before.slopes
        if slopes is None:
            return self.surface(picture, before.wrap, settings, report)

        def slopes_by(network: Network, rgb: Array) -> tuple[Array, SlopePyramid | None]:
            updated = update(network, slopes, changed, rgb, before.wrap, report, MARGIN)
            return updated.full, updated

        return self._surface(picture, before.wrap, settings, report, slopes_by)

    def _surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report,
                 slopes_by: Callable[[Network, Array], tuple[Array, SlopePyramid | None]]) -> Surface:
        """The surface of the slopes that `slopes_by` takes from the network and the pixels."""
        rgb = picture.rgb_float()
        source_size = (picture.width, picture.height)
        if is_single_colour(rgb):
            return Surface(np.zeros(rgb.shape[:2], np.float32), 1.0, False, wrap, source_size)
        device = device_for(settings) if has_torch() else "cpu"
        (full, slopes), notes = self._fallback.run(lambda attempt: slopes_by(self._network_on(attempt), rgb), device,
                                                   settings.precision, settings.device == "AUTO")
        report("height", 0.0)
        height = integrate_slopes(full[..., 0], full[..., 1], wrap)
        height /= picture.shorter
        return Surface(height, 1.0, False, wrap, source_size, notes + flat_notes(rgb, full), slopes=slopes)

    def unload(self) -> None:
        devices = {attempt.device for attempt in self._networks}
        self._networks.clear()
        for device in devices:
            empty_cache(device)

    def _network_on(self, attempt: Attempt) -> Network:
        """The network for an attempt."""
        if attempt not in self._networks:
            weights = read_weights(self._weights)
            if has_torch():
                from .torch_network import TorchReliefNetwork

                self._networks[attempt] = TorchReliefNetwork(weights, attempt.device, attempt.precision)
            else:
                self._networks[attempt] = ReliefNetwork(weights)
        self.device = describe_device(attempt.device)
        return self._networks[attempt]

    def _example(self, attempt: Attempt) -> Array:
        return infer(self._network_on(attempt), example_picture(), Wrap(), lambda stage, done: None).full

    def _release(self, device: str, has_failed: bool) -> None:
        """Between two attempts: the network may lie on another device next."""
        self.unload()


def flat_notes(rgb: Array, slopes: Array) -> tuple[Message, ...]:
    """A sentence where the answer is nearly flat though the picture (H x W x 3, 0..1) is not; it says what helps."""
    steepness = float(np.sqrt(np.square(slopes).sum(axis=2).mean()))
    if steepness >= NEARLY_FLAT or float(luma(rgb[::4, ::4]).std()) < CONTRAST:
        return ()
    return (Message("Relief takes this picture for nearly flat ({tilt:.1f} degrees): more Strength or Detail shows what it "
                    "found, and Mix in adds fine relief by Luminance.", tilt=math.degrees(math.atan(steepness))),)
