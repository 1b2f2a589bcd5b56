"""The share of a run's pictures that one of many processes makes: by a hash of their names, or by lines of a list."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..core.errors import SettingsError, SourceError, reason_of
from .pictures import ItemSet

MAX_SHARDS = 1_000_000


@dataclass(frozen=True)
class Share:
    """Which sets of pictures a process makes; the default is all.

    Attributes:
        shard: (K, N): a set is made by the shard K of N, from 0, that the hash of its name gives, so that a picture's shard
            stays the same when others are added.
        items: (first, last) lines of the list of pictures, from 1; a set belongs to the line of its first picture.  None for
            all lines.
    """

    shard: tuple[int, int] = (0, 1)
    items: tuple[tuple[int, int], ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the pictures."""
        return self.shard[1] == 1 and self.items is None

    def includes(self, picture_set: ItemSet) -> bool:
        """Tell whether this process makes a set, or a picture that belongs to none."""
        first = min((item for _, item in picture_set.members), key=lambda item: item.line)
        if self.items is not None and not any(low <= first.line <= high for low, high in self.items):
            return False
        index, count = self.shard
        name = PurePath(picture_set.title).name if picture_set.title else first.name
        folder = first.folder.as_posix()
        path = f"{folder}/{name}" if folder != "." else name
        digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % count == index


def parse_share(shard: str, items: str) -> Share:
    """Return the share that `K/N` and lines such as `1-4,7` mean, "" for all; raise SettingsError for anything else.

    >>> parse_share("0/4", ""), parse_share("", "1-4,7")
    (Share(shard=(0, 4), items=None), Share(shard=(0, 1), items=((1, 4), (7, 7))))
    """
    part = re.fullmatch(r"(\d{1,7})/(\d{1,7})", shard or "0/1")
    if part is None or not int(part[1]) < int(part[2]) <= MAX_SHARDS:
        raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name="shard", value=repr(shard),
                            choices="0/N, 1/N, ... of N processes")
    ranges = [re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip()) for part in items.split(",")] if items else []
    lines = [(int(match[1]), int(match[2] or match[1])) if match else (0, 0) for match in ranges]
    if not all(1 <= first <= last for first, last in lines):
        raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name="items", value=repr(items),
                            choices="A-B, the first and the last line, from 1, or several such with commas between")
    return Share((int(part[1]), int(part[2])), tuple(lines) if lines else None)


def read_list(file: Path) -> list[str]:
    """Return the lines of a list of pictures, without empty ones at its end; raise SourceError where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").rstrip().splitlines()
    except OSError as error:
        raise SourceError("The list {file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None
