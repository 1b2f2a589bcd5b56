"""The engines, each in a folder of its own behind one interface: EngineInput -> Surface.

The package of an engine is named after it in lower case and has the function `create(options)`, and one that needs parts of
the MiDaS environment `unavailable_reason(options, settings)`, too.  What others must know of an engine stands in
`core.engines`.
"""

from __future__ import annotations

import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from ...core.engines import ENGINES
from ...core.errors import NO_MESSAGE, Message

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ...core.picture import Picture, Surface, Wrap
    from ...core.regions import Region
    from ...core.settings import Settings

os.environ["HF_HUB_OFFLINE"] = "1"  # libraries read it when an engine imports them: the worker never goes online

Report = Callable[[str, float], None]
"""report(stage, share): progress, `share` 0..1 of the stage; raises Cancelled when the request is cancelled."""


@dataclass(frozen=True)
class DirtyRegion:
    """The surface of the preceding picture, and the region in which the present picture differs from it."""

    before: Surface
    area: Region

    def of_fine_surface(self) -> DirtyRegion | None:
        """Return the same for the surface that is mixed in; None without one."""
        return None if self.before.fine is None else DirtyRegion(self.before.fine, self.area)


@dataclass(frozen=True)
class EngineInput:
    """What an engine makes a surface of.

    Attributes:
        picture: opaque everywhere, except with depth_scale RAW.
        wrap: the directions that repeat.
        settings: of the request.
        report: takes the request's progress.
        change: what was painted since the surface of a preceding picture with the same `wrap`, if that is known; for engines
            that can update.
        is_render: whether the picture is a render, not a texture.
    """

    picture: Picture
    wrap: Wrap
    settings: Settings
    report: Report
    change: DirtyRegion | None = None
    is_render: bool = False


MakeSurface = Callable[[], "Surface"]
"""Makes the surface of one input; raises EngineError, EngineUnavailable or WeightsError when that is impossible."""


class Engine(ABC):
    """Turns pictures into surfaces."""

    can_update = False
    """Whether `surface` updates the surface of a preceding picture where it can (see `EngineInput.change`)."""

    @abstractmethod
    def surface(self, item: EngineInput) -> Surface:
        """Make the surface of a picture; raise EngineError, EngineUnavailable or WeightsError when that is impossible."""

    def surfaces(self, items: Sequence[EngineInput]) -> list[MakeSurface]:
        """Return a function for each input that makes its surface, in the same order.

        An engine whose network is faster with several pictures at once runs it here for those that fit together.
        """
        return [partial(self.surface, item) for item in items]

    def node_picture(self, surface: Surface, settings: Settings) -> NDArray[np.uint8]:
        """Return the MiDaS node's own picture of a RAW surface, H x W x 3: only of an engine that has depth_scale RAW."""
        raise NotImplementedError

    @abstractmethod
    def unload(self) -> None:
        """Release memory that can be allocated again."""


@dataclass(frozen=True)
class EngineOptions:
    """What a worker's engines are started with.

    Attributes:
        weights: the folder of weights.
        without_midas: "" or the message that says why the engines of the MiDaS environment cannot run in this process.
        batch: pictures in one batch of a network; 0 for the device's default.
    """

    weights: Path
    without_midas: Message = NO_MESSAGE
    batch: int = 0


class EngineRegistry:
    """The engines of this process, each made at its first use."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._engines: dict[str, Engine] = {}

    def unavailable(self, settings: Settings) -> dict[str, Message]:
        """Return for each engine "" when it can run here with these settings, else one sentence saying why not."""
        return {name: _package(name).unavailable_reason(self._options, settings) if facts.parts else NO_MESSAGE
                for name, facts in ENGINES.items()}

    def get(self, name: str) -> Engine:
        """Return an engine that `unavailable` gives no reason against.

        Of engines with weights, which take gigabytes, one keeps its network: the others' are released.
        """
        if ENGINES[name].weights:
            for other, engine in self._engines.items():
                if other != name and ENGINES[other].weights:
                    engine.unload()
        if name not in self._engines:
            self._engines[name] = _package(name).create(self._options)
        return self._engines[name]

    def unload(self) -> None:
        """Release the memory of all engines."""
        for engine in self._engines.values():
            engine.unload()


def _package(name: str) -> ModuleType:
    return importlib.import_module(f".{name.lower()}", __name__)
