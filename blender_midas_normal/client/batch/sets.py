"""Pictures that their files' names make parts of one: the tiles of UDIM sets, and the frames of sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ...core.frame_names import holes, listed, parted, runs
from ...core.paths import resolved
from ...core.udim_numbers import missing_between, tile_in
from .items import Item

SETS = ("OFF", "UDIM", "SEQUENCE")
"""What numbers in the names of files mean: nothing, the tile of a UDIM set, or the frame of a sequence."""

MOST_HOLES = 20
"""That are named."""

PARTING = "._- "
"""Between a name and its number."""


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
    def lack(self) -> str:
        """A sentence about what lies between others and has no file, "" where nothing does."""
        numbers = [number for number, _ in self.members]
        lacking = holes(numbers) if self.kind == "SEQUENCE" else runs(missing_between(numbers))
        return f"{self.title}: there are no files of these {self._word}s: {_first(lacking)}" if lacking else ""

    @property
    def _word(self) -> str:
        return "frame" if self.kind == "SEQUENCE" else "tile"


def sets_of(items: Iterable[Item], kind: str) -> list[PictureSet]:
    """The sets, each where its first picture was, and the pictures that are none's."""
    every = list(items)
    name_in = _names(kind, [item.file for item in every if item.file is not None])
    found: dict[object, list[tuple[int, Item]]] = {}
    for item in every:
        name = name_in(item.file) if item.file is not None else None
        if name is None:
            found[object()] = [(0, item)]
        else:
            found.setdefault(_title(item, name), []).append((name.number, _renamed(item, name)))
    return [PictureSet(key if isinstance(key, str) else "", kind, tuple(sorted(members, key=lambda member: member[0])))
            for key, members in found.items()]


def _names(kind: str, files: Sequence[Path]) -> Callable[[Path], Named | None]:
    """What parts a file's name, beside these others; None for one that has no number."""
    if kind == "UDIM":
        return _tile
    if kind == "SEQUENCE":
        return partial(_frame, _zeros(files))
    return lambda file: None


def _tile(file: Path) -> Named | None:
    found = tile_in(file.stem)
    if found is None:
        return None
    before, token, after, number = found
    return Named(before, token, after, file.stem[len(before):len(file.stem) - len(after)], number)


Place = tuple[Path, str, str, str]
"""Of a sequence: its folder, what its files' names have before and after the number, and their ending."""


def _zeros(files: Iterable[Path]) -> dict[Place, set[int]]:
    """How many digits the numbers have that begin with zeros."""
    zeros: dict[Place, set[int]] = {}
    for file in files:
        if (found := parted(file.stem)) and found[1].startswith("0"):
            zeros.setdefault((file.parent, found[0], found[2], file.suffix), set()).add(len(found[1]))
    return zeros


def _frame(zeros: Mapping[Place, set[int]], file: Path) -> Named | None:
    """Numbers of a sequence have at least as many digits as those of its frames that begin with zeros."""
    found = parted(file.stem)
    if found is None:
        return None
    before, digits, after = found
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
    stem = stem + name.after or resolved(item.file).parent.name
    return replace(item, name=stem + item.file.suffix, stem=stem, number=parting + name.text)


def _first(lacking: list[tuple[int, int]]) -> str:
    more = len(lacking) - MOST_HOLES
    return listed(lacking[:MOST_HOLES]) + (f", and {more} more gaps" if more > 0 else "")
