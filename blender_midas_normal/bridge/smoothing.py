"""The maps of frames averaged over neighbouring frames, by the worker, before they are stored."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.protocol import Result
from ..core.reach import shares
from .map_files import stage
from .order import Order
from .session import client
from .task import Step


@dataclass(frozen=True)
class Frame:
    """A map of one frame: the file of its own, the file that its mean becomes, and its width and height."""

    own: Path
    mean: Path
    size: tuple[int, int]


def smooth(order: Order, kind: str, frames: Mapping[int, Frame]) -> Generator[Step, Result, None]:
    """Makes the means of a map's frames, by number, over as many frames on either side as the order wants.

    Frames of another size than the middle one's do not count.
    """
    for at, (number, frame) in enumerate(frames.items(), 1):
        alike = [other for other in frames if frames[other].size == frame.size]
        counted = shares(alike, number, order.ask.smoothing)
        files = [[share, str(frames[other].own)] for other, share in counted.items()]
        result = yield Step(order.submit(kind, frames=files, compress=True), at, len(frames))
        with client.taken(result) as made:
            stage(frame.mean, made.png)
