"""The files of maps: each its own, and none in a picture's place."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..core.errors import TargetError
from ..core.files import resolve_path
from .options import BatchOptions
from .pictures import Picture
from .record import TOLD_APART


class NameTaken(TargetError):
    """Another picture of the run has a map of this name; it may fail, and have none."""


class OutputFiles:
    """Gives maps their files; pictures: the files of all pictures of the run."""

    def __init__(self, wanted: BatchOptions, pictures: Iterable[Path | None]) -> None:
        self._wanted = wanted
        self._pictures = {resolve_path(file) for file in (*pictures, wanted.mask_image) if file is not None}
        self._maps: dict[Path, Picture] = {}
        self._numbers: dict[tuple[int, str], int] = {}

    def take(self, picture: Picture) -> list[tuple[str, Path]]:
        """The kinds of a picture's maps and their files.

        Raises TargetError where a picture, and NameTaken where another map of this run has the name of one.
        """
        targets = [(kind, self._place(picture, kind, self._number(picture.among, kind))) for kind in self._wanted.kinds]
        for _, target in targets:
            self._check_free(target, picture)
        self._maps.update((resolve_path(target), picture) for _, target in targets)
        return targets

    def release(self, target: Path) -> None:
        """Gives a name back that was taken for a map that is not made."""
        self._maps.pop(resolve_path(target), None)

    def another(self, picture: Picture, kind: str) -> Path:
        """Another file for a map, where one that was free when it was taken is so no more; raises TargetError."""
        if len(picture.among) > 1:
            raise TargetError("Another process makes maps of these names, and those of a set have one number; run it again.")
        del self._numbers[id(picture.among), kind]
        target = self._place(picture, kind, self._number(picture.among, kind))
        self._maps[resolve_path(target)] = picture
        return target

    def _check_free(self, target: Path, picture: Picture) -> None:
        if resolve_path(target) in self._pictures:
            raise TargetError("{target} is one of the pictures; {advice}.", target=target, advice=TOLD_APART)
        other = self._maps.get(resolve_path(target))
        if other is not None:
            raise NameTaken("{target} is also the map of {other}; {advice}.", target=target, other=other.item.title,
                            advice=TOLD_APART)

    def _number(self, pictures: Sequence[Picture], kind: str) -> int:
        """Where nothing is to be replaced, the first one that all pictures of a set have free; else 1."""
        if self._wanted.existing != "NUMBER":
            return 1
        key = id(pictures), kind
        if key not in self._numbers:
            self._numbers[key] = next(number for number in itertools.count(1)
                                      if all(self._is_free(self._place(picture, kind, number)) for picture in pictures))
        return self._numbers[key]

    def _is_free(self, target: Path) -> bool:
        place = resolve_path(target)
        return place not in self._pictures and place not in self._maps and not os.path.lexists(target)

    def _place(self, picture: Picture, kind: str, number: int) -> Path:
        return self._wanted.out / self._wanted.naming.path(picture.item, kind, number)
