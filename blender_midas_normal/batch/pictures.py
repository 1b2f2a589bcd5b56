"""The pictures of a run, their state, and the sets (UDIM tiles, frames of a sequence) that the names of files form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path, PurePath
from typing import Any

from ..client.client import Client
from ..core.engines import shared_range_strengths
from ..core.errors import Message, SourceError, reason_of
from ..core.file_numbering import format_ranges, missing_ranges, missing_tiles, number_ranges, parse_udim_name, split_number
from ..core.files import PICTURE_SUFFIXES, check_picture_file, resolve_path, sha256_of
from ..core.protocol import Result
from .name_suffixes import cut_suffix, names_in, normal_map_beside
from .record import DepthStats
from .report import Record

SETS = ("OFF", "UDIM", "SEQUENCE")
"""What numbers in the names of files mean: nothing, the tile of a UDIM set, or the frame of a sequence."""

MAX_LISTED_GAPS = 20
"""Gaps in the numbers of a set that a message lists."""

SEPARATORS = "._- "
"""Characters between a name and its number."""


@dataclass(frozen=True)
class BatchItem:
    """A picture that maps are made of.

    Attributes:
        title: what messages call it.
        name, stem: what the names of its maps are made from, with and without a suffix.
        file: its own file, if any, which no map may replace.
        folder: of its maps, relative to the output folder.
        request_fields: returns the fields of a `Request` that pass the picture to a client's worker; raises SourceError.
        content: returns a digest of the picture; raises SourceError.
        number: of a tile or frame, with a separator, such as `.1001`; the names of its maps end with it.
        line: that of the file in the list of pictures, from 1; 0 without a list.
        base: the file of the normal map that is there, for the base EXISTING, which no map may replace either.
        file_fields: returns the fields of a `Request` that pass a picture file in place of the picture.
    """

    title: str
    name: str
    stem: str
    file: Path | None
    folder: PurePath
    request_fields: Callable[[Client], dict[str, Any]]
    content: Callable[[], str]
    number: str = ""
    line: int = 0
    base: Path | None = None
    file_fields: Callable[[Client, Path], dict[str, Any]] = lambda client, file: picture_fields(file)


def picture_fields(file: Path) -> dict[str, Any]:
    """Return the fields of a `Request` for a picture file that the worker reads."""
    return {"picture": str(resolve_path(file))}


def item_of_file(file: Path, folder: PurePath, request_fields: Callable[[Client], dict[str, Any]],
                 line: int = 0) -> BatchItem:
    """Make the item of a picture file; see `BatchItem` for the arguments."""
    return BatchItem(str(file), file.name, file.stem, file, folder, request_fields, lambda: digest_of_file(file), line=line)


class LazyItems(Collection[BatchItem]):
    """Items that are made anew each time that one iterates over them: those of a million files take gigabytes."""

    def __init__(self, sources: Collection[Any], make: Callable[[Any], BatchItem]) -> None:
        """Make items of sources."""
        self._sources = sources
        self._make = make

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[BatchItem]:
        return map(self._make, self._sources)

    def __contains__(self, item: object) -> bool:
        return any(each == item for each in self)


def with_exposure(item: BatchItem, stops: float) -> BatchItem:
    """Return the item with its scene-linear values made brighter by so many stops."""
    return replace(item, request_fields=lambda client: {**item.request_fields(client), "exposure": stops},
                   content=lambda: f"{item.content()} {stops!r}")


def with_bases(items: Iterable[BatchItem], suffixes: Sequence[str],
               base_fields: Callable[[Path, Client], dict[str, Any]]) -> list[BatchItem]:
    """Return the items, each with the normal map that lies beside its file; see `base_finder` for the arguments."""
    return list(map(base_finder(suffixes, base_fields), items))


def base_finder(suffixes: Sequence[str],
                base_fields: Callable[[Path, Client], dict[str, Any]]) -> Callable[[BatchItem], BatchItem]:
    """Return a function that gives an item the normal map that lies beside its file; one without fails when its turn comes.

    Args:
        suffixes: as of `name_suffixes.normal_map_beside`.
        base_fields: returns the fields of a `Request` that pass a file to a client's worker as the base.
    """
    list_folder = cache(names_in)  # a library may have thousands of pictures in one folder
    return lambda item: _with_base(item, suffixes, list_folder, base_fields)


def _with_base(item: BatchItem, suffixes: Sequence[str], list_folder: Callable[[Path], dict[str, Path]],
               base_fields: Callable[[Path, Client], dict[str, Any]]) -> BatchItem:
    try:
        if item.file is None:
            raise SourceError("{title} has no file, beside which a normal map could lie.", title=item.title)
        base = normal_map_beside(item.file, suffixes, list_folder)
    except SourceError as error:
        return replace(item, content=partial(_fail, error))

    def fields(client: Client) -> dict[str, Any]:
        return {**item.request_fields(client), **base_fields(base, client)}

    return replace(item, request_fields=fields, content=lambda: f"{item.content()} {digest_of_file(base)}", base=base)


def _fail(error: SourceError) -> str:
    raise error


def stem_of(name: str) -> str:
    """Return a name without the suffix of a picture file; other suffixes, such as .001, distinguish images."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and dot + ending.lower() in PICTURE_SUFFIXES else name


def digest_of_file(file: Path) -> str:
    """Return the SHA-256 of a picture file in hexadecimal; raise SourceError where it cannot be read."""
    try:
        check_picture_file(file)
        return sha256_of(file)
    except OSError as error:
        raise SourceError("{file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None


@dataclass(frozen=True)
class NumberedName:
    """The parts of a file's name that has a number.

    Attributes:
        before, after: what precedes and what follows the number.
        token: what stands for the number in the name of the set, such as `<UDIM>` or `####`.
        text: the number as it is written.
    """

    before: str
    token: str
    after: str
    text: str
    number: int


@dataclass(frozen=True)
class ItemSet:
    """The pictures of a set, or a single picture that belongs to none.

    Attributes:
        title: what messages call the set, such as wall.<UDIM>.png; "" for a single picture.
        set_type: one of SETS.
        members: [(number, item), ...], sorted by number.
    """

    title: str
    set_type: str
    members: tuple[tuple[int, BatchItem], ...]

    @property
    def sentence(self) -> str:
        """A sentence that says how many pictures the set has."""
        return f"{self.title}: {len(self.members)} {self._unit}s, made as one set"

    @property
    def missing_message(self) -> str:
        """A sentence about tiles or frames between others that have no file, "" where there are none."""
        numbers = [number for number, _ in self.members]
        missing = missing_ranges(numbers) if self.set_type == "SEQUENCE" else number_ranges(missing_tiles(numbers))
        return f"{self.title}: there are no files of these {self._unit}s: {_format_gaps(missing)}" if missing else ""

    @property
    def _unit(self) -> str:
        return "frame" if self.set_type == "SEQUENCE" else "tile"


def find_sets(items: Iterable[BatchItem], set_type: str, suffixes: Sequence[str] = ()) -> list[ItemSet]:
    """Group pictures into sets by the names of their files.

    Args:
        set_type: one of SETS.
        suffixes: cut from the names that maps get, see `name_suffixes.cut_suffix`.

    Returns:
        The sets, and a set of one for each other picture, in the order of their first pictures.
    """
    items = list(items)
    parse_name = _name_parser(set_type, [item.file for item in items if item.file is not None])
    members_by_set: dict[object, list[tuple[int, BatchItem]]] = {}
    for item in items:
        name = parse_name(item.file) if item.file is not None else None
        if name is None:
            members_by_set[object()] = [(0, _without_suffix(item, suffixes))]
        else:
            renamed = _without_suffix(_rename(item, name), suffixes)
            members_by_set.setdefault(_set_title(item, name), []).append((name.number, renamed))
    return [ItemSet(key if isinstance(key, str) else "", set_type, tuple(sorted(members, key=lambda member: member[0])))
            for key, members in members_by_set.items()]


def share_items(items: Collection[BatchItem], set_type: str, suffixes: Sequence[str],
                includes: Callable[[ItemSet], bool]) -> tuple[list[ItemSet], Collection[BatchItem]]:
    """Group pictures into sets as `find_sets` does, and keep those sets that this process makes.

    Args:
        includes: tells whether it does.

    Returns:
        The sets, and the items of all, as they are in sets; where these are single pictures, they are made as needed.
    """
    if set_type != "OFF":
        all_sets = find_sets(items, set_type, suffixes)
        return list(filter(includes, all_sets)), [item for each in all_sets for _, item in each.members]
    named = LazyItems(items, partial(_without_suffix, suffixes=suffixes)) if suffixes else items
    single_sets = (ItemSet("", set_type, ((0, item),)) for item in named)
    return list(filter(includes, single_sets)), named


def _name_parser(set_type: str, files: Sequence[Path]) -> Callable[[Path], NumberedName | None]:
    """Return the function that parses a file's name, which returns None for a name without a number.

    Args:
        files: all files, since the other frames show how many digits the numbers of a sequence have.
    """
    if set_type == "UDIM":
        return _parse_tile
    if set_type == "SEQUENCE":
        return partial(_parse_frame, _padded_widths(files))
    return lambda file: None


def _parse_tile(file: Path) -> NumberedName | None:
    parsed = parse_udim_name(file.stem)
    if parsed is None:
        return None
    before, token, after, number = parsed
    return NumberedName(before, token, after, file.stem[len(before):len(file.stem) - len(after)], number)


SequenceKey = tuple[Path, str, str, str]
"""Identifies a sequence: its folder, the names of its files before and after the number, and their suffix."""


def _padded_widths(files: Iterable[Path]) -> dict[SequenceKey, set[int]]:
    """Return how many digits the numbers of each sequence have that begin with a zero."""
    widths: dict[SequenceKey, set[int]] = {}
    for file in files:
        if (parts := split_number(file.stem)) and parts[1].startswith("0"):
            widths.setdefault((file.parent, parts[0], parts[2], file.suffix), set()).add(len(parts[1]))
    return widths


def _parse_frame(widths: Mapping[SequenceKey, set[int]], file: Path) -> NumberedName | None:
    """Parse the name of a frame; a number that does not begin with a zero belongs to the widest sequence that it fits."""
    parts = split_number(file.stem)
    if parts is None:
        return None
    before, digits, after = parts
    fitting = [width for width in widths.get((file.parent, before, after, file.suffix), ()) if width <= len(digits)]
    width = len(digits) if digits.startswith("0") else max(fitting, default=1)
    return NumberedName(before, "#" * width, after, digits, int(digits))


def _set_title(item: BatchItem, name: NumberedName) -> str:
    assert item.file is not None
    return str(item.file.with_name(f"{name.before}{name.token}{name.after}{item.file.suffix}"))


def _rename(item: BatchItem, name: NumberedName) -> BatchItem:
    """Return the item with the name of its set, so that the names of its maps end with the number."""
    assert item.file is not None
    stem = name.before.rstrip(SEPARATORS)
    separator = name.before[len(stem):] or "_"
    stem = stem + name.after or resolve_path(item.file).parent.name
    return replace(item, name=stem + item.file.suffix, stem=stem, number=separator + name.text)


def _without_suffix(item: BatchItem, suffixes: Sequence[str]) -> BatchItem:
    """Return the item with the suffix cut from the name that its maps get."""
    stem = cut_suffix(item.stem, suffixes) if suffixes else None
    return item if stem is None else replace(item, name=stem + item.name[len(item.stem):], stem=stem)


def _format_gaps(missing: list[tuple[int, int]]) -> str:
    more = len(missing) - MAX_LISTED_GAPS
    return format_ranges(missing[:MAX_LISTED_GAPS]) + (f", and {more} more gaps" if more > 0 else "")


@dataclass(frozen=True)
class StagedMap:
    """The file of a frame's own map, which is to be averaged with those of its neighbours, and its result."""

    file: Path
    result: Result


@dataclass(eq=False)
class PictureState:
    """The state of a picture during a run.

    Attributes:
        number: of the tile or frame.
        set_members: the pictures of its set, including itself.
        content: digest of the picture, "" until its maps have been given files.
        pending: [(map type, file), ...] of the maps that are still to be made.
        records: one for each map that was made, skipped or refused.
        depth_stats: None until the picture is measured.
        strength: factor on the strength of the settings, which scales the picture to the depth range of its set.
        scale: height that the value 1 of a height map stands for in its set; 0 where each picture has its own.
        neighbours: the frames that its maps are averaged over, including itself; empty where nothing is averaged.
        staged: its own maps, by map type.
        failure: why its maps cannot be made.
        notes: messages to the user about the picture.
        rectified: the file of the rectified photo that its maps are made of, None for the picture itself.
    """

    item: BatchItem
    number: int = 0
    set_members: Sequence[PictureState] = ()
    content: str = ""
    pending: list[tuple[str, Path]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    depth_stats: DepthStats | None = None
    strength: float = 1.0
    scale: float = 0.0
    neighbours: Sequence[PictureState] = ()
    staged: dict[str, StagedMap] = field(default_factory=dict)
    failure: Exception | None = None
    notes: tuple[Message, ...] = ()
    rectified: Path | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be done for it: all maps are made or refused, or it has failed."""
        return self.failure is not None or (self.content != "" and not self.pending)

    def content_of_maps(self) -> str:
        """Return a digest of all pictures that its maps are made from.

        A neighbour that cannot be read counts, so that the map is made again only when that neighbour has changed; one that
        failed for another reason does not, since it may succeed in the next run.
        """
        if not self.neighbours:
            return self.content
        counted = [other for other in self.neighbours if other.failure is None or isinstance(other.failure, SourceError)]
        parts = [(other.number - self.number, other.content, other.strength) for other in counted]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def states_of_set(picture_set: ItemSet, radius: int) -> list[PictureState]:
    """Make the pictures of a set.

    Args:
        radius: frames on either side over which the maps are averaged.
    """
    pictures = [PictureState(item, number) for number, item in picture_set.members]
    by_number = {picture.number: picture for picture in pictures}
    for picture in pictures:
        picture.set_members = pictures
        if radius and len(pictures) > 1:
            window = range(picture.number - radius, picture.number + radius + 1)
            picture.neighbours = [by_number[number] for number in window if number in by_number]
    return pictures


def match_depth_ranges(pictures: Sequence[PictureState]) -> None:
    """Set strength and scale of the pictures of a set to those of the picture with the widest depth range."""
    measured = {picture: picture.depth_stats for picture in pictures if picture.depth_stats is not None}
    factors = shared_range_strengths({picture: stats.range for picture, stats in measured.items()})
    scale = max((stats.scale * factors[picture] for picture, stats in measured.items()), default=0.0)
    for picture, factor in factors.items():
        picture.strength, picture.scale = factor, scale
