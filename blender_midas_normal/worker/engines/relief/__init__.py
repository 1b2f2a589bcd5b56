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
from ...devices import device_for, empty_cache, has_torch
from .. import Engine, EngineInput, EngineOptions
from ..device_fallback import Attempt, Fallback, example_picture
from .architecture import read_weights
from .inference import infer, infer_orientations, update
from .numpy_network import ReliefNetwork

if TYPE_CHECKING:
    from ....core.arrays import Array
    from ....core.picture import SlopePyramid
    from .inference import SlopeNetwork

WEIGHTS = Path(__file__).with_name("weights.npz")

UPDATE_MARGIN = 112
"""Pixels from a change, at each size, within which the network runs again.  With these weights farther slopes change by less
than 0.002, a quarter of a step of an 8-bit map.  Where the smallest size has hardly more pixels than this, all of it
changes, and a few slopes of a thousand change by up to 0.01, about one step.  The tests hold it to that."""

NEARLY_FLAT = math.tan(math.radians(1.0))
"""Root mean square slope below which a map hardly shows."""

MIN_EXPECTED_CONTRAST = 0.04
"""Deviation of a picture's luma, 0..1, from which on a user expects some relief of it."""


class Relief(Engine):
    """The engine; the network is loaded for the first picture and kept until `unload`."""

    can_update = True

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._weights = weights
        self._networks: dict[Attempt, SlopeNetwork] = {}
        self._fallback = Fallback(self._example, self._release)

    def surface(self, item: EngineInput) -> Surface:
        """Make the picture's surface, with heights in shorter sides; raise EngineUnavailable or WeightsError."""
        picture, wrap, settings = item.picture, item.wrap, item.settings
        rgb = picture.rgb_float()
        source_size = (picture.width, picture.height)
        if is_single_colour(rgb):
            return Surface(np.zeros(rgb.shape[:2], np.float32), 1.0, False, wrap, source_size)

        def infer_slopes(attempt: Attempt) -> tuple[Array, SlopePyramid | None, str]:
            network = self._network_on(attempt)
            if settings.quality == "BEST":
                return infer_orientations(network, rgb, wrap, item.report), None, attempt.device
            change = item.change
            if change is None or change.before.slopes is None:
                slopes = infer(network, rgb, wrap, item.report)
            else:
                slopes = update(network, change.before.slopes, change.area, rgb, wrap, item.report, UPDATE_MARGIN)
            return slopes.full, slopes, attempt.device

        device = device_for(settings) if has_torch() else "cpu"
        (full, slopes, device), notes = self._fallback.run(infer_slopes, device, settings.precision,
                                                           settings.device == "AUTO")
        item.report("height", 0.0)
        height = integrate_slopes(full[..., 0], full[..., 1], wrap)
        height /= picture.shorter
        return Surface(height, 1.0, False, wrap, source_size, notes + flat_notes(rgb, full), slopes=slopes, device=device)

    def unload(self) -> None:
        devices = {attempt.device for attempt in self._networks}
        self._networks.clear()
        for device in devices:
            empty_cache(device)

    def _network_on(self, attempt: Attempt) -> SlopeNetwork:
        """The network for an attempt."""
        if attempt not in self._networks:
            weights = read_weights(self._weights)
            if has_torch():
                from .torch_network import TorchReliefNetwork

                self._networks[attempt] = TorchReliefNetwork(weights, attempt.device, attempt.precision)
            else:
                self._networks[attempt] = ReliefNetwork(weights)
        return self._networks[attempt]

    def _example(self, attempt: Attempt) -> Array:
        return infer(self._network_on(attempt), example_picture(), Wrap(), lambda stage, done: None).full

    def _release(self, device: str, is_last: bool) -> None:
        """Between two attempts: the network may lie on another device next."""
        self.unload()


def flat_notes(rgb: Array, slopes: Array) -> tuple[Message, ...]:
    """A sentence where the answer is nearly flat though the picture (H x W x 3, 0..1) is not; it says what helps."""
    steepness = float(np.sqrt(np.square(slopes).sum(axis=2).mean()))
    if steepness >= NEARLY_FLAT or float(luma(rgb[::4, ::4]).std()) < MIN_EXPECTED_CONTRAST:
        return ()
    return (Message("Relief takes this picture for nearly flat ({tilt:.1f} degrees): more Strength or Detail shows what it "
                    "found, and Fine Detail From Luminance adds more.", tilt=math.degrees(math.atan(steepness))),)


def create(options: EngineOptions) -> Relief:
    """Make the engine with the weights that come with the extension."""
    return Relief()
