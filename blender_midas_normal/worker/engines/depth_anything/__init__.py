"""Depth Anything V2, and any other depth network in the format of transformers: depth, made to surfaces as MiDaS's is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.engines import find_engine_weights
from ....core.errors import Message
from ...devices import import_errors_as_unavailable
from .. import EngineOptions
from ..depth_engine import DepthEngine
from ..network_engine import network_unavailable_reason
from .input_format import read_input_format

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.settings import Settings
    from ..depth_engine import DepthNetwork

NAME = "DEPTH_ANYTHING"


class DepthAnything(DepthEngine):
    """The engine."""

    name = NAME

    def load_network(self, folder: Path) -> DepthNetwork:
        with import_errors_as_unavailable():
            from .network import TransformersDepth
        return TransformersDepth(folder)

    def size_multiple(self, settings: Settings) -> int:
        return read_input_format(find_engine_weights(NAME, settings, self._weights)).size_multiple


def unavailable_reason(options: EngineOptions, settings: Settings) -> Message:
    """Return "" when the engine can run in this process with the weights of the settings, else a sentence why not."""
    return network_unavailable_reason(NAME, ("torch", "transformers"), options, settings)


def create(options: EngineOptions) -> DepthAnything:
    """Make the engine; the network is loaded later."""
    return DepthAnything(options.weights, options.batch)
