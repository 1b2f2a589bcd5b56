"""What the maps of a folder were made from, in a small file beside them: what is there need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...core.errors import TargetError
from ...core.settings import Settings
from .json_lines import JsonLines

NAME = ".midas_normal.jsonl"


@dataclass(frozen=True)
class Origin:
    """What a map was made from and with, digests both, and how large its file was then."""

    content: str
    settings: str
    bytes: int


class Ledger:
    """The record of an output folder: a line each time a map is made, of which the last one counts.

    It knows a map by its place in the folder, and what it was made from by content, so that folders and pictures may move.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._record = JsonLines(self._folder / NAME)
        origins = [origin for words in self._record.read() for origin in _read(words)]
        self._origins = dict(origins)
        self._outdated = len(origins) - len(self._origins)

    def is_current(self, file: Path, content: str, settings: str) -> bool:
        """Whether the file is a map made from this content with these settings, as it was left."""
        try:
            return self._origins.get(self._key(file)) == Origin(content, settings, file.stat().st_size)
        except OSError:
            return False

    def note(self, file: Path, content: str, settings: str) -> None:
        """Records a map that has been made; raises TargetError."""
        try:
            key, origin = self._key(file), Origin(content, settings, file.stat().st_size)
        except OSError as error:
            raise TargetError(f"{file} is gone already: {error.strerror}.") from None
        self._outdated += key in self._origins
        self._origins[key] = origin
        if self._outdated > len(self._origins):
            self._record.replace(map(_words, self._origins, self._origins.values()))
            self._outdated = 0
        else:
            self._record.add(_words(key, origin))

    def files(self) -> set[Path]:
        """The maps that were made, wherever they are now."""
        return {self._folder / name for name in self._origins}

    def _key(self, file: Path) -> str:
        return Path(os.path.relpath(file.resolve(), self._folder)).as_posix()


def digest_of_settings(settings: Settings, engine: str, kind: str, format_: str, **others: float) -> str:
    """The same for the same map of the same picture; `engine` is the one that made it, whatever was asked for.

    others: what else shapes the map.
    """
    words = {**settings.words(), "engine": engine, "map": kind, "format": format_, **others}
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def _words(name: str, origin: Origin) -> dict[str, str | int]:
    return {"file": name, **asdict(origin)}


def _read(words: Any) -> list[tuple[str, Origin]]:
    """The origin of a line by its file's name, or nothing where it is no such line."""
    try:
        name, origin = words["file"], Origin(words["content"], words["settings"], words["bytes"])
    except (KeyError, TypeError):
        return []
    return [(name, origin)] if isinstance(name, str) else []
