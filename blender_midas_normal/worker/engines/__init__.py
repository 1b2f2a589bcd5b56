"""The engines, each in a folder of its own behind one interface: Picture -> Surface."""

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
"""report(stage, done): progress, `done` 0..1 within the stage; raises Cancelled when the request is cancelled."""


class Engine(Protocol):
    """Turns a picture into a surface."""

    device: str
    """The device it runs on, described for people: "cpu", "cuda (NVIDIA H200)"."""

    def surface(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> Surface:
        """Make the picture's surface; raise EngineError when that is impossible."""
        ...

    def unload(self) -> None:
        """Release memory that can be allocated again."""
        ...


@runtime_checkable
class IncrementalEngine(Protocol):
    """An engine that can update a surface where its picture was painted on."""

    def update_surface(
        self, before: Surface, changed: Region, picture: Picture, settings: Settings, report: Report
    ) -> Surface:
        """Update the surface of a picture that differs in the changed region only and has the same `wrap`."""
        ...


@runtime_checkable
class BatchedEngine(Protocol):
    """An engine that can process several pictures in a batch."""

    def make_item(self, picture: Picture, wrap: Wrap, settings: Settings, report: Report) -> InferenceItem | None:
        """Prepare a picture for a batch; None where it should run alone."""
        ...

    def run_items(self, items: Sequence[InferenceItem]) -> None:
        """Run the items that fit together in batches; the depth of the others stays None."""
        ...

    def surface_of_item(
        self, item: InferenceItem, picture: Picture, wrap: Wrap, settings: Settings, report: Report
    ) -> Surface:
        """Make the picture's surface from an item that has its depth."""
        ...


class EngineRegistry:
    """The engines of this process, each made at its first use.

    batch: pictures in one batch; 0 for the device's default.
    """

    def __init__(self, weights: Path, without_midas: Message, batch: int = 0) -> None:
        self._batch = batch
        self._weights = weights
        self._without_midas = without_midas
        self._made: dict[str, Engine] = {}

    def unavailable(self) -> dict[str, Message]:
        """Return for each engine "" when it can run in this process, else one sentence saying why not."""
        return {"MIDAS": self._without_midas or self._reason_against_midas(), "RELIEF": NO_MESSAGE,
                "LUMINANCE": NO_MESSAGE}

    def get(self, name: str) -> Engine:
        """Return an engine that `unavailable` gives no reason against."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def unload(self) -> None:
        """Release the memory of all engines."""
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
