"""The files of maps: each its own, and none in a picture's place."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...core.errors import TargetError
from ...core.paths import exists
from .options import Wanted
from .pictures import Picture


class Targets:
    """Gives maps their files; pictures: the files of all pictures of the run."""

    def __init__(self, wanted: Wanted, pictures: Iterable[Path | None]) -> None:
        self._wanted = wanted
        self._taken = {file.resolve() for file in (*pictures, wanted.mask_image) if file is not None}
        self._numbers: dict[tuple[int, str], int] = {}

    def take(self, picture: Picture, kind: str) -> Path:
        """The file for a map; raises TargetError where a picture or another map of this run has its name."""
        target = self._place(picture, kind, self._number(picture.among, kind))
        if target.resolve() in self._taken:
            raise TargetError(f"{target} is one of the pictures, or another picture's map; rename one of them.")
        self._taken.add(target.resolve())
        return target

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
        return target.resolve() not in self._taken and not exists(target)

    def _place(self, picture: Picture, kind: str, number: int) -> Path:
        return self._wanted.out / self._wanted.naming.path(picture.item, kind, number)
