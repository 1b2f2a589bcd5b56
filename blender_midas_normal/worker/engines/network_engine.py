"""Engines that run a network on a device: find its weights, load it once, and try other ways where one fails."""

from __future__ import annotations

import dataclasses
import importlib.util
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from ...core.engines import find_engine_weights, needed_weights, own_weights_stamp
from ...core.errors import NO_MESSAGE, EngineUnavailable, Message
from ...core.picture import Surface
from ...core.weights import verify_weights
from . import Engine, EngineOptions
from .device_fallback import Attempt, Fallback

if TYPE_CHECKING:
    from ...core.arrays import Array
    from ...core.settings import Settings
    from . import Report

TOO_LITTLE_FOR_NETWORK = Message(
    "There is not enough memory for the network; choose a lower resolution, or close other programs.")


class LoadedNetwork(Protocol):
    """A network, on one device at a time."""

    def move(self, device: str) -> None:
        """Choose the device of the next passes."""

    def free(self) -> None:
        """Release memory that the last pass left in torch's cache."""

    def close(self) -> None:
        """Release all memory; the network cannot be used again."""


N = TypeVar("N", bound=LoadedNetwork)


class NetworkEngine(Engine, Generic[N]):
    """An engine whose network is loaded for the first picture and kept until `unload`, or until other weights are wanted.

    name: its name in the settings.
    """

    name: ClassVar[str]

    def __init__(self, weights: Path) -> None:
        """weights: the folder of weights."""
        self._weights = weights
        self._folder: Path | None = None
        self._stamp = ""
        self._network: N | None = None
        self._fallback = Fallback(self._example, self._release)

    @abstractmethod
    def load_network(self, folder: Path) -> N:
        """Load the network whose weights are in a folder; raise EngineUnavailable or WeightsError."""

    @abstractmethod
    def example(self, network: N, attempt: Attempt) -> Array:
        """Return the network's output for `example_picture`, by which devices are compared."""

    def unload(self) -> None:
        self.forget_network()

    def load(self, settings: Settings, report: Report) -> N:
        """Return the network with the weights of the settings, on whichever device it is.

        Raises:
            EngineUnavailable: the environment is damaged.
            WeightsError: the weights are missing or damaged.
        """
        report("load", 0.0)
        folder = find_engine_weights(self.name, settings, self._weights)
        stamp = own_weights_stamp(self.name, settings)
        if (folder, stamp) != (self._folder, self._stamp):
            self.forget_network()
            self._folder, self._stamp = folder, stamp
            # What a device cannot do with one network, it may do with another.
            self._fallback = Fallback(self._example, self._release)
        network = self._loaded()
        report("load", 1.0)
        return network

    def network_on(self, device: str) -> N:
        """Return the network of the last `load`, moved to a device."""
        network = self._loaded()
        network.move(device)
        return network

    def forget_network(self) -> None:
        """Release the network's memory."""
        if self._network is not None:
            self._network.close()
            self._network = None

    def add_weights_warning(self, surface: Surface, settings: Settings) -> Surface:
        """Add a note to a surface where the weights of the settings are not the published ones."""
        weights = needed_weights(self.name, settings.model)
        folder = find_engine_weights(self.name, settings, self._weights)
        warning = verify_weights(folder / weights.files[0].name, weights)
        return surface if warning is None else dataclasses.replace(surface, notes=(warning, *surface.notes))

    def _loaded(self) -> N:
        if self._network is None:
            assert self._folder is not None
            self._network = self.load_network(self._folder)
        return self._network

    def _example(self, attempt: Attempt) -> Array:
        return self.example(self.network_on(attempt.device), attempt)

    def _release(self, device: str, is_last: bool) -> None:
        """Release memory between two attempts, that of the network too where the device is not used again."""
        if is_last:
            self.forget_network()
        elif self._network is not None:
            self._network.free()


def network_unavailable_reason(engine: str, packages: tuple[str, ...], options: EngineOptions,
                               settings: Settings) -> Message:
    """Return "" when an engine can run in this process with the weights of the settings, else one sentence saying why not.

    packages: names of modules that it imports.
    """
    if options.without_midas:
        return options.without_midas
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        return Message("This Python has no {packages}; install the MiDaS environment in the preferences.",
                       packages=", ".join(missing))
    try:
        find_engine_weights(engine, settings, options.weights)
    except EngineUnavailable as error:
        return error.message
    return NO_MESSAGE
