"""What is done with all pictures of a run, one thing after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import cache, partial
from pathlib import Path

from ...core.paths import resolved
from .making import Making, Way
from .pictures import Picture, bring_to_one_range
from .placing import temporary_folder

WINDOW = 16
"""Frames whose maps are made before these are averaged; an interrupted run loses no more of them."""

Through = Callable[[Way, Sequence[Picture]], None]
"""Does something with all of the pictures, and returns when that is done, or given up."""


def go_through(making: Making, through: Through) -> None:
    """Makes all maps: first those of pictures that need no others, then set by set."""
    through(making.make, [picture for pictures in making.sets if not _is_linked(making, pictures) for picture in pictures])
    for pictures in making.sets:
        if not _is_linked(making, pictures):
            continue
        if making.is_measured(pictures):
            through(making.measure, pictures)
            bring_to_one_range(pictures)
        if pictures[0].near:
            _smooth(making, pictures, through)
        else:
            through(making.make, pictures)


def _is_linked(making: Making, pictures: Sequence[Picture]) -> bool:
    """Whether the maps of a set's pictures shape each other."""
    return making.is_measured(pictures) or len(pictures[0].near) > 0


def _smooth(making: Making, frames: Sequence[Picture], through: Through) -> None:
    """Makes the frames' maps as means over their neighbours', which lie in a folder for as long as they are needed."""
    with ExitStack() as stack:
        @cache
        def folder() -> Path:
            return stack.enter_context(temporary_folder(resolved(making.out)))

        for start in range(0, len(frames), WINDOW):
            window = frames[start:start + WINDOW]
            around = sorted({other for frame in window for other in frame.near}, key=lambda frame: frame.number)
            through(making.begin, around)
            through(making.skip, window)
            through(partial(making.stage, folder, set(window)), around)
            through(making.average, window)
            for frame in around:
                if frame.near[-1].number <= window[-1].number:
                    _forget(frame)


def _forget(frame: Picture) -> None:
    for staged in frame.staged.values():
        with suppress(OSError):  # the folder goes in the end
            staged.file.unlink()
    frame.staged.clear()
