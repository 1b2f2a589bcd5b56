"""Where a network runs when the device that was asked for cannot do it: one way for all engines.

First as it was asked for; in float32 where halves give wrong values; on the CPU where the device does, or fails, or has too
little memory; and there in smaller pieces where memory runs short, if the engine can do that.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ...core.errors import Message
from ..memory import is_out_of_memory

if TYPE_CHECKING:
    from ...core.arrays import Array

COMPARED = ("mps",)
"""Devices that are compared with the CPU before they are trusted: Metal has given wrong values without an error."""

LIKENESS = 0.02
"""Share of the range of values by which two devices may differ on average and still count as agreeing."""

T = TypeVar("T")


@dataclass(frozen=True)
class Attempt:
    """One way to run a network.

    device: torch's name; precision: AUTO, in halves where the device is faster with them, or FLOAT32; in_pieces: in smaller
    pieces than usual, since memory ran short.
    """

    device: str
    precision: str = "AUTO"
    in_pieces: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether there is no better way to do the arithmetic."""
        return self.device == "cpu" and self.precision == "FLOAT32"


class WrongValues(RuntimeError):
    """A device has given values that cannot be right."""


def checked(values: Array, attempt: Attempt) -> Array:
    """A network's values; raises WrongValues where some are no numbers, unless another attempt would give the same."""
    if not attempt.is_exact and not np.isfinite(values).all():
        raise WrongValues(f"The device {attempt.device} gave values that are no numbers ({attempt.precision}).")
    return values


class Fallback:
    """Runs one engine's network; what a device turned out not to be able to do is not tried again.

    example: what the network makes of `example_picture`, for devices that are compared; release: called between two
    attempts, it gives back memory and, when the device has failed, forgets the network that is there.
    """

    def __init__(self, example: Callable[[Attempt], Array], release: Callable[[str, bool], None]) -> None:
        self._example = example
        self._release = release
        self._without_halves: set[str] = set()
        self._unfit: dict[str, Message] = {}
        self._agreeing: set[Attempt] = set()

    def first(self, device: str, precision: str) -> tuple[Attempt, tuple[Message, ...]]:
        """How to run on a device, as far as is known, and notes for the user."""
        notes: tuple[Message, ...] = ()
        if device in self._unfit:
            device, notes = "cpu", (self._unfit[device],)
        return Attempt(device, "FLOAT32" if device in self._without_halves else precision), notes

    def run(self, forward: Callable[[Attempt], T], device: str, precision: str, may_use_cpu: bool,
            can_split: bool = False) -> tuple[T, tuple[Message, ...]]:
        """(what `forward` gives, notes for the user); raises what the last attempt raised.

        device, precision: as asked for; may_use_cpu: whether the CPU may stand in for a device that fails, as it may in any
        case for one that has too little memory or gives wrong values.
        can_split: whether `forward` heeds `Attempt.in_pieces`.
        """
        attempt, notes = self.first(device, precision)
        while True:
            try:
                self._compare(attempt)
                return forward(attempt), notes
            except (MemoryError, RuntimeError) as error:
                following, note = self._after(error, attempt, may_use_cpu, can_split)
                if following is None:
                    raise
                has_failed = not isinstance(error, WrongValues) and not is_out_of_memory(error)
            # Outside the handler: there the error keeps alive what the attempt had in memory.
            self._release(attempt.device, has_failed)
            attempt, notes = following, notes + note

    def _after(self, error: Exception, attempt: Attempt, may_use_cpu: bool,
               can_split: bool) -> tuple[Attempt | None, tuple[Message, ...]]:
        """The next attempt, None where there is no other, and notes for the user."""
        device = attempt.device
        if isinstance(error, WrongValues):
            if attempt.precision != "FLOAT32":
                self._without_halves.add(device)
                return dataclasses.replace(attempt, precision="FLOAT32"), ()
            note = Message("The device {device} gives wrong values, so the network ran on the CPU.", device=device)
            return self._on_the_cpu(attempt, note, is_lasting=True)
        if is_out_of_memory(error):
            if device != "cpu":
                note = Message("The device {device} had too little free memory, so the network ran on the CPU.",
                               device=device)
                return self._on_the_cpu(attempt, note, is_lasting=False)
            if can_split and not attempt.in_pieces:
                note = Message("Memory ran short, so the network saw the picture in smaller pieces.")
                return dataclasses.replace(attempt, in_pieces=True), (note,)
        elif device != "cpu" and may_use_cpu:
            with suppress(OSError):  # the log's disk is full
                traceback.print_exception(error)
            note = Message("The device {device} failed, so the network ran on the CPU.", device=device)
            return self._on_the_cpu(attempt, note, is_lasting=True)
        return None, ()

    def _on_the_cpu(self, attempt: Attempt, note: Message, is_lasting: bool) -> tuple[Attempt, tuple[Message, ...]]:
        if is_lasting:
            self._unfit[attempt.device] = note
        return Attempt("cpu", attempt.precision), (note,)

    def _compare(self, attempt: Attempt) -> None:
        """Raises WrongValues where a device that has to be compared gives another answer than the CPU."""
        if attempt.device not in COMPARED or attempt in self._agreeing:
            return
        expected = self._example(Attempt("cpu", "FLOAT32"))
        difference = float(np.abs(self._example(attempt) - expected).mean())
        if not difference <= LIKENESS * float(np.ptp(expected)):
            raise WrongValues(f"The device {attempt.device} differs from the CPU by {difference} ({attempt.precision}).")
        self._agreeing.add(attempt)


def example_picture() -> Array:
    """128 x 128 x 3 float32, 0..1: waves of several lengths in several directions."""
    y, x = np.mgrid[:128, :128].astype(np.float32) / 128
    return (np.stack([np.sin(9 * x * y), np.cos(7 * x), np.hypot(x, y)], axis=2) * 0.4 + 0.5).astype(np.float32)
