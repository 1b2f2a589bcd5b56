"""NormalBae: normals by ControlNet's network of that name, with weights from a file of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.errors import Message
from ...devices import import_errors_as_unavailable
from .. import EngineOptions
from ..network_engine import network_unavailable_reason
from ..normals_engine import NormalsEngine

if TYPE_CHECKING:
    from pathlib import Path

    from ....core.settings import Settings
    from ..normals_engine import NormalsNetwork

NAME = "NORMAL_BAE"


class NormalBae(NormalsEngine):
    """The engine."""

    name = NAME
    size_multiple = 32

    def load_network(self, folder: Path) -> NormalsNetwork:
        with import_errors_as_unavailable():
            from .network import NormalBaeNetwork
        return NormalBaeNetwork(folder)


def unavailable_reason(options: EngineOptions, settings: Settings) -> Message:
    """Return "" when the engine can run in this process with the file in the folder of weights, else a sentence why not."""
    return network_unavailable_reason(NAME, ("torch", "controlnet_aux"), options, settings)


def create(options: EngineOptions) -> NormalBae:
    """Make the engine; the network is loaded later."""
    return NormalBae(options.weights)
