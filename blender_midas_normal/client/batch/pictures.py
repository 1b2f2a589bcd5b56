"""A picture on its way to its maps, and the one range for pictures of a set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import SourceError
from ...core.one_range import strengths
from ...core.protocol import Result
from .items import Item
from .measures import Measure
from .records import Record
from .sets import PictureSet


@dataclass(frozen=True)
class Staged:
    """A frame's own map, which waits as a file until it is averaged with its neighbours', and what its result said."""

    file: Path
    result: Result


@dataclass(eq=False)
class Picture:
    """An item, its maps that are still to be made (kind and file), and what became of others.

    number: of the tile or frame; among: the pictures of its set, itself among them.
    content: a digest, "" until it was looked at; before, its maps have no names.
    measure: None until it is measured; strength: a factor on that of the settings; scale: of heights, 0 for their own.
    near: the frames that count for its maps, itself among them; empty where nothing is averaged.
    staged: its own maps by kind.  failure: why it has no maps.
    """

    item: Item
    number: int = 0
    among: Sequence[Picture] = ()
    content: str = ""
    left: list[tuple[str, Path]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    measure: Measure | None = None
    strength: float = 1.0
    scale: float = 0.0
    near: Sequence[Picture] = ()
    staged: dict[str, Staged] = field(default_factory=dict)
    failure: Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether it needs nothing more."""
        return self.failure is not None or (self.content != "" and not self.left)

    def content_of_maps(self) -> str:
        """A digest of all pictures that shape its maps.

        One that cannot be read leaves its neighbours' maps as they are until its content changes; one that failed for
        another reason may be there the next time.
        """
        if not self.near:
            return self.content
        counted = [other for other in self.near if other.failure is None or isinstance(other.failure, SourceError)]
        words = [(other.number - self.number, other.content, other.strength) for other in counted]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def pictures_of(found: PictureSet, reach: int) -> list[Picture]:
    """The pictures of a set; reach: over how many frames on either side their maps are to be averaged."""
    pictures = [Picture(item, number) for number, item in found.members]
    by_number = {picture.number: picture for picture in pictures}
    for picture in pictures:
        picture.among = pictures
        if reach and len(pictures) > 1:
            around = range(picture.number - reach, picture.number + reach + 1)
            picture.near = [by_number[number] for number in around if number in by_number]
    return pictures


def bring_to_one_range(pictures: Sequence[Picture]) -> None:
    """Sets strength and scale of the pictures of a set, as the widest range of those that were measured makes them."""
    measured = {picture: picture.measure for picture in pictures if picture.measure is not None}
    factors = strengths({picture: measure.range for picture, measure in measured.items()})
    scale = max((measure.scale * factors[picture] for picture, measure in measured.items()), default=0.0)
    for picture, factor in factors.items():
        picture.strength, picture.scale = factor, scale
