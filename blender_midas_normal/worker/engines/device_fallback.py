"""Retry a network in other ways when a device fails, the same for all engines.

First as asked for; in float32 where half precision gives wrong values; in smaller pieces where memory runs short, if the
engine can do that; on the CPU where the device gives wrong values, fails or still has too little memory.
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

COMPARED_DEVICES = ("mps",)
"""Devices that are compared with the CPU before they are used: Metal has given wrong values without an error."""

MAX_DIFFERENCE = 0.02
"""Largest mean difference between two devices, as a share of the range of values."""

T = TypeVar("T")


@dataclass(frozen=True)
class Attempt:
    """One way to run a network.

    Attributes:
        device: torch's name.
        precision: AUTO (half precision where the device is faster with it) or FLOAT32.
        in_pieces: in smaller pieces than usual, since memory ran short.
    """

    device: str
    precision: str = "AUTO"
    in_pieces: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether no other attempt would be more exact."""
        return self.device == "cpu" and self.precision == "FLOAT32"


class WrongValues(RuntimeError):
    """A device has computed values that cannot be right."""


def check_finite(values: Array, attempt: Attempt) -> Array:
    """Return a network's values; raise WrongValues for NaN and infinity, unless no other attempt would be more exact."""
    if not attempt.is_exact and not np.isfinite(values).all():
        raise WrongValues(f"The device {attempt.device} gave values that are no numbers ({attempt.precision}).")
    return values


class Fallback:
    """Runs one engine's network, and remembers what a device cannot do.

    Args:
        example: the network's output for `example_picture`, for devices that are compared.
        release: release(device, is_last) is called between two attempts and frees memory; where `is_last`, the device has
            failed or the next attempt is on another one, and the loaded network is discarded, too.
    """

    def __init__(self, example: Callable[[Attempt], Array], release: Callable[[str, bool], None]) -> None:
        self._example = example
        self._release = release
        self._without_halves: set[str] = set()
        self._unfit: dict[str, Message] = {}
        self._agreeing: set[Attempt] = set()

    def first_attempt(self, device: str, precision: str) -> tuple[Attempt, tuple[Message, ...]]:
        """Return the first attempt for a device, given what it is known not to do, and messages to the user."""
        notes: tuple[Message, ...] = ()
        if device in self._unfit:
            device, notes = "cpu", (self._unfit[device],)
        return Attempt(device, "FLOAT32" if device in self._without_halves else precision), notes

    def run(self, forward: Callable[[Attempt], T], device: str, precision: str, may_use_cpu: bool,
            can_split: bool = False) -> tuple[T, tuple[Message, ...]]:
        """Call `forward` with one attempt after the other until one succeeds; raise what the last one raised.

        Args:
            forward: runs the network.
            device, precision: as asked for.
            may_use_cpu: whether the CPU may replace a device that fails; with too little memory or wrong values it always
                may.
            can_split: whether `forward` heeds `Attempt.in_pieces`.

        Returns:
            (what `forward` returned, messages to the user).
        """
        attempt, notes = self.first_attempt(device, precision)
        while True:
            try:
                self._compare(attempt)
                return forward(attempt), notes
            except (MemoryError, RuntimeError, TypeError) as error:  # Metal has no float64, which torch calls a TypeError
                following, note = self._next_attempt(error, attempt, may_use_cpu, can_split)
                if following is None:
                    raise
            # Outside the handler: there the error keeps alive what the attempt had in memory.
            self._release(attempt.device, following.device != attempt.device)
            attempt, notes = following, notes + note

    def _next_attempt(self, error: Exception, attempt: Attempt, may_use_cpu: bool,
                      can_split: bool) -> tuple[Attempt | None, tuple[Message, ...]]:
        """Return the next attempt, None where there is no other, and messages to the user."""
        device = attempt.device
        if isinstance(error, WrongValues):
            if attempt.precision != "FLOAT32":
                self._without_halves.add(device)
                return dataclasses.replace(attempt, precision="FLOAT32"), ()
            note = Message("The device {device} gives wrong values, so the network ran on the CPU.", device=device)
            return self._cpu_attempt(attempt, note, is_lasting=True)
        if is_out_of_memory(error):
            if can_split and not attempt.in_pieces:
                note = Message("Memory ran short, so the network saw the picture in smaller pieces.")
                return dataclasses.replace(attempt, in_pieces=True), (note,)
            if device != "cpu":
                note = Message("The device {device} had too little free memory, so the network ran on the CPU.",
                               device=device)
                return self._cpu_attempt(attempt, note, is_lasting=False)
        elif device != "cpu" and may_use_cpu:
            with suppress(OSError):  # the log's disk is full
                traceback.print_exception(error)
            note = Message("The device {device} failed, so the network ran on the CPU.", device=device)
            return self._cpu_attempt(attempt, note, is_lasting=True)
        return None, ()

    def _cpu_attempt(self, attempt: Attempt, note: Message, is_lasting: bool) -> tuple[Attempt, tuple[Message, ...]]:
        if is_lasting:
            self._unfit[attempt.device] = note
        return Attempt("cpu", attempt.precision), (note,)

    def _compare(self, attempt: Attempt) -> None:
        """Raise WrongValues where a device that has to be compared differs from the CPU."""
        if attempt.device not in COMPARED_DEVICES or attempt in self._agreeing:
            return
        expected = self._example(Attempt("cpu", "FLOAT32"))
        difference = float(np.abs(self._example(attempt) - expected).mean())
        if not difference <= MAX_DIFFERENCE * float(np.ptp(expected)):
            raise WrongValues(f"The device {attempt.device} differs from the CPU by {difference} ({attempt.precision}).")
        self._agreeing.add(attempt)


def example_picture() -> Array:
    """Return 128 x 128 x 3 float32, 0..1: waves of several lengths in several directions."""
    y, x = np.mgrid[:128, :128].astype(np.float32) / 128
    return (np.stack([np.sin(9 * x * y), np.cos(7 * x), np.hypot(x, y)], axis=2) * 0.4 + 0.5).astype(np.float32)
