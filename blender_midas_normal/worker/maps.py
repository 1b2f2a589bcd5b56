"""Maps of surfaces, made where there is the most power: on the GPU of the engine that made the surface, else by numpy."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from ..core.maps import Map, made_map
from .devices import device_named

if TYPE_CHECKING:
    from ..core.picture import Surface
    from ..core.settings import Settings

DEVICES = {"cuda"}
"""Of torch, on which maps are made.  A CPU does it as fast by numpy; others may lack the double precision of heights."""


def map_near(engine_device: str, kind: str, surface: Surface, settings: Settings) -> Map:
    """As `core.maps.made_map`, on the engine's device (see `Engine.device`) where that can and has enough memory; where it
    fails, the log says how.
    """
    device = device_named(engine_device)
    if device in DEVICES and not surface.raw:
        from .maps_torch import mathematics

        try:
            return made_map(kind, surface, settings, mathematics(device))
        except (MemoryError, RuntimeError):
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
    return made_map(kind, surface, settings)
