"""The engines, each in a file of its own behind one small interface: Picture -> Surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ...core.errors import NO_MESSAGE, Message

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.picture import Picture, Surface, Wrap
    from ...core.regions import Region
    from ...core.settings import Settings
    from .midas import InferenceItem

Report = Callable[[str, float], None]
"""report(stage, done): how far the engine is, `done` 0..1 within the stage; raises Cancelled when nobody wants it."""


class Engine(Protocol):
    """What turns a picture into a surface."""

    device: str
    """The processor it runs on, as people name it: "cpu", "cuda (NVIDIA H200)"."""

    def surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> Surface:
        """The picture's surface; raises EngineError when it cannot be made."""
        ...

    def unload(self) -> None:
        """Gives back memory that can be had again."""
        ...


@runtime_checkable
class IncrementalEngine(Protocol):
    """What an engine is, too, that need not make all of a surface again when its picture was painted on."""

    def update_surface(
        self, before: Surface, changed: Region, picture: Picture, settings: Settings, report: Report
    ) -> Surface:
        """The picture's surface, given that of a picture that differs in the changed area only and repeats alike."""
        ...


@runtime_checkable
class BatchedEngine(Protocol):
    """What an engine is, too, that can see several pictures at once."""

    def look(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> InferenceItem | None:
        """What it would see of a picture; None where it is better seen alone."""
        ...

    def see(self, looks: Sequence[InferenceItem]) -> None:
        """Sees those at once that can be; the others' depths stay None."""
        ...

    def surface_of_item(
        self, look: InferenceItem, picture: Picture, wrap: Wrap, settings: Settings, report: Report
    ) -> Surface:
        """The picture's surface, given a look at it that has its depth."""
        ...


class EngineRegistry:
    """The engines of this process; each is made when it is first asked for.

    batch: pictures that may be seen at once; 0 for as many as are worth it on the device.
    """

    def __init__(self, weights: Path, without_midas: Message, batch: int = 0) -> None:
        self._batch = batch
        self._weights = weights
        self._without_midas = without_midas
        self._made: dict[str, Engine] = {}

    def unavailable(self) -> dict[str, Message]:
        """For each engine "" when it can run in this process, else one sentence saying why not."""
        return {"MIDAS": self._without_midas or self._reason_against_midas(), "RELIEF": NO_MESSAGE,
                "LUMINANCE": NO_MESSAGE}

    def get(self, name: str) -> Engine:
        """The engine of that name, which `unavailable` has no reason against."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def unload(self) -> None:
        """Gives back the memory of all engines."""
        for engine in self._made.values():
            engine.unload()

    def _reason_against_midas(self) -> Message:
        from .midas import unavailable_reason

        return unavailable_reason(self._weights)

    def _make(self, name: str) -> Engine:
        if name == "MIDAS":
            from .midas import Midas

            return Midas(self._weights, self._batch)
        if name == "RELIEF":
            from .relief import Relief

            return Relief()
        from .luminance import Luminance

        return Luminance()
