"""The pictures of a run, on their way to their maps, and the sets (UDIM tiles, frames) that their names form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from ..client.client import Client
from ..core.engines import shared_range_strengths
from ..core.errors import SourceError, reason_of
from ..core.file_numbering import format_ranges, missing_ranges, missing_tiles, number_ranges, parse_udim_name, split_number
from ..core.files import PICTURE_SUFFIXES, check_picture_file, resolve_path, sha256_of
from ..core.protocol import Result
from .record import DepthStats
from .report import Record

SETS = ("OFF", "UDIM", "SEQUENCE")
"""What numbers in the names of files mean: nothing, the tile of a UDIM set, or the frame of a sequence."""

MAX_LISTED_GAPS = 20
"""That are named."""

PARTING = "._- "
"""Between a name and its number."""


@dataclass(frozen=True)
class Item:
    """A picture.

    title: how messages call it; name, stem: what its maps are called after, with and without an ending; file: its own, if
    any, which no map may replace; folder: where in the output folder its maps go; number: of a tile or frame, what its
    maps' names end with.
    fields: what a request says of it; content: the same digest for the same picture.  Both raise SourceError.
    """

    title: str
    name: str
    stem: str
    file: Path | None
    folder: PurePath
    fields: Callable[[Client], dict[str, Any]]
    content: Callable[[], str]
    number: str = ""


def item_of_file(file: Path, folder: PurePath, fields: Callable[[Client], dict[str, Any]]) -> Item:
    """The item of a picture file."""
    return Item(str(file), file.name, file.stem, file, folder, fields, lambda: digest_of_file(file))


def exposed(item: Item, stops: float) -> Item:
    """The item with scene-linear values that many stops brighter."""
    return replace(item, fields=lambda client: {**item.fields(client), "exposure": stops},
                   content=lambda: f"{item.content()} {stops!r}")


def stem_of(name: str) -> str:
    """A name without the ending of a picture file; other endings, such as .001, tell pictures apart."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and dot + ending.lower() in PICTURE_SUFFIXES else name


def digest_of_file(file: Path) -> str:
    """SHA-256 of the file's bytes; raises SourceError where it cannot be read."""
    try:
        check_picture_file(file)
        return sha256_of(file)
    except OSError as error:
        raise SourceError("{file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None


@dataclass(frozen=True)
class Named:
    """A file's name, parted: what precedes the number, what stands for it in the set's name, and what follows.

    text: the number as it is written.
    """

    before: str
    token: str
    after: str
    text: str
    number: int


@dataclass(frozen=True)
class PictureSet:
    """The pictures of a set, in the order of their numbers; or a single picture, and no title.

    title: how messages call it, such as wall.<UDIM>.png; kind: a name of SETS.
    """

    title: str
    kind: str
    members: tuple[tuple[int, Item], ...]

    @property
    def sentence(self) -> str:
        """What it is."""
        return f"{self.title}: {len(self.members)} {self._word}s, made as one set"

    @property
    def missing_message(self) -> str:
        """A sentence about what lies between others and has no file, "" where nothing does."""
        numbers = [number for number, _ in self.members]
        lacking = missing_ranges(numbers) if self.kind == "SEQUENCE" else number_ranges(missing_tiles(numbers))
        return f"{self.title}: there are no files of these {self._word}s: {_first(lacking)}" if lacking else ""

    @property
    def _word(self) -> str:
        return "frame" if self.kind == "SEQUENCE" else "tile"


def sets_of(items: Iterable[Item], kind: str) -> list[PictureSet]:
    """The sets, each where its first picture was, and the pictures that are none's."""
    every = list(items)
    name_in = _names(kind, [item.file for item in every if item.file is not None])
    members_by_set: dict[object, list[tuple[int, Item]]] = {}
    for item in every:
        name = name_in(item.file) if item.file is not None else None
        if name is None:
            members_by_set[object()] = [(0, item)]
        else:
            members_by_set.setdefault(_title(item, name), []).append((name.number, _renamed(item, name)))
    return [PictureSet(key if isinstance(key, str) else "", kind, tuple(sorted(members, key=lambda member: member[0])))
            for key, members in members_by_set.items()]


def _names(kind: str, files: Sequence[Path]) -> Callable[[Path], Named | None]:
    """What parts a file's name, beside these others; None for one that has no number."""
    if kind == "UDIM":
        return _tile
    if kind == "SEQUENCE":
        return partial(_frame, _zeros(files))
    return lambda file: None


def _tile(file: Path) -> Named | None:
    parsed = parse_udim_name(file.stem)
    if parsed is None:
        return None
    before, token, after, number = parsed
    return Named(before, token, after, file.stem[len(before):len(file.stem) - len(after)], number)


Place = tuple[Path, str, str, str]
"""Of a sequence: its folder, what its files' names have before and after the number, and their ending."""


def _zeros(files: Iterable[Path]) -> dict[Place, set[int]]:
    """How many digits the numbers have that begin with zeros."""
    zeros: dict[Place, set[int]] = {}
    for file in files:
        if (parts := split_number(file.stem)) and parts[1].startswith("0"):
            zeros.setdefault((file.parent, parts[0], parts[2], file.suffix), set()).add(len(parts[1]))
    return zeros


def _frame(zeros: Mapping[Place, set[int]], file: Path) -> Named | None:
    """Numbers of a sequence have at least as many digits as those of its frames that begin with zeros."""
    parts = split_number(file.stem)
    if parts is None:
        return None
    before, digits, after = parts
    fitting = [width for width in zeros.get((file.parent, before, after, file.suffix), ()) if width <= len(digits)]
    width = len(digits) if digits.startswith("0") else max(fitting, default=1)
    return Named(before, "#" * width, after, digits, int(digits))


def _title(item: Item, name: Named) -> str:
    assert item.file is not None
    return str(item.file.with_name(f"{name.before}{name.token}{name.after}{item.file.suffix}"))


def _renamed(item: Item, name: Named) -> Item:
    """The item with its set's name, after which its maps are called, and its number at their end."""
    assert item.file is not None
    stem = name.before.rstrip(PARTING)
    parting = name.before[len(stem):] or "_"
    stem = stem + name.after or resolve_path(item.file).parent.name
    return replace(item, name=stem + item.file.suffix, stem=stem, number=parting + name.text)


def _first(lacking: list[tuple[int, int]]) -> str:
    more = len(lacking) - MAX_LISTED_GAPS
    return format_ranges(lacking[:MAX_LISTED_GAPS]) + (f", and {more} more gaps" if more > 0 else "")


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
    measure: DepthStats | None = None
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


def pictures_of(picture_set: PictureSet, reach: int) -> list[Picture]:
    """The pictures of a set; reach: over how many frames on either side their maps are to be averaged."""
    pictures = [Picture(item, number) for number, item in picture_set.members]
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
    factors = shared_range_strengths({picture: measure.range for picture, measure in measured.items()})
    scale = max((measure.scale * factors[picture] for picture, measure in measured.items()), default=0.0)
    for picture, factor in factors.items():
        picture.strength, picture.scale = factor, scale
