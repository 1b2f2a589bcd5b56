"""Pictures that the network sees at once, each with a report of its own.

Nothing here knows the network: it is a function from pixels to depths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import Cancelled

if TYPE_CHECKING:
    from ...core.arrays import Array
    from ...core.messages import Message
    from . import Report


@dataclass(eq=False)
class Look:
    """One pass over a picture; `depth` is None until it has been made together with others.

    pixels: H x W x 3 float32, 0..1, as `seen_picture` gives them with their margin; device, precision: as for the network.
    seen_on, notes: the device as people name it, and what the user should know about it.
    """

    pixels: Array
    margin: tuple[int, int]
    device: str
    precision: str
    report: Report
    depth: Array | None = None
    seen_on: str = ""
    notes: tuple[Message, ...] = ()


def alike(looks: Sequence[Look], most: Callable[[Look], int]) -> list[list[Look]]:
    """The looks in groups that can be taken at once, each of `most` looks like it at most; those alone are left out."""
    groups: list[list[Look]] = []
    for _, like in groupby(sorted(looks, key=_kind), _kind):
        rest = list(like)
        count = max(1, most(rest[0]))
        groups += [rest[start:start + count] for start in range(0, len(rest), count)]
    return [group for group in groups if len(group) > 1]


def _kind(look: Look) -> tuple[str, str, tuple[int, ...]]:
    """What is alike in looks that can be taken at once."""
    return look.device, look.precision, look.pixels.shape


def take(looks: Sequence[Look], run: Callable[[Array, Callable[[float], None]], Array]) -> None:
    """Gives each look its depth; run(N x H x W x 3 pixels, done) -> N x H x W.

    Raises Cancelled when nobody wants any of them any more.
    """
    def done(share: float) -> None:
        tell(looks, "network", share)

    for look, depth in zip(looks, run(np.stack([look.pixels for look in looks]), done), strict=True):
        look.depth = depth


def tell(looks: Sequence[Look], stage: str, share: float) -> None:
    """Reports to all; where one is not wanted any more, others may be.  Raises Cancelled when none is."""
    wanted = 0
    for look in looks:
        with suppress(Cancelled):
            look.report(stage, share)
            wanted += 1
    if not wanted:
        raise Cancelled("The requests were cancelled.")
