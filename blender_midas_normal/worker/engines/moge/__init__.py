"""MoGe-2: normals by the network of that name, with its normal head."""

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

NAME = "MOGE"


class Moge(NormalsEngine):
    """The engine."""

    name = NAME
    size_multiple = 14

    def load_network(self, folder: Path) -> NormalsNetwork:
        with import_errors_as_unavailable():
            from .network import MogeNetwork
        return MogeNetwork(folder)


def unavailable_reason(options: EngineOptions, settings: Settings) -> Message:
    """Return "" when the engine can run in this process with the weights of the settings, else a sentence why not."""
    return network_unavailable_reason(NAME, ("torch", "moge"), options, settings)


def create(options: EngineOptions) -> Moge:
    """Make the engine; the network is loaded later."""
    return Moge(options.weights)
