"""What the maps of a folder were made from, in a small file beside them: what is there need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...core.digests import sha256_of
from ...core.errors import TargetError
from ...core.paths import exists, is_file, resolved
from ...core.settings import Settings
from .json_lines import JsonLines
from .naming import TOLD_APART

NAME = ".midas_normal.jsonl"

KEPT = 2
"""Lines of each map that count: a run that was killed may have left the last one without its map."""

WAYS_OUT = "move it, or give --existing overwrite or number"


@dataclass(frozen=True)
class Origin:
    """What a map was made from and with, and what its file was then.

    picture: the picture's file, as seen from the folder, "" for one without; content, settings: digests of what the picture
    and the settings were; map: of the bytes of the map's file.
    """

    picture: str
    content: str
    settings: str
    map: str


class Ledger:
    """The record of an output folder: a line each time a map is made.

    It knows a map by its place in the folder and its bytes, and what it was made from by content, so that folders and
    pictures may move, and a file that somebody else put there or changed is none of its maps.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = resolved(folder)
        self._record = JsonLines(self._folder / NAME)
        self._origins: dict[str, list[Origin]] = {}
        self._lines = 0
        for words in self._record.read():
            for name, origin in _read(words):
                self._keep(name, origin)

    def is_current(self, file: Path, content: str, settings: str) -> bool:
        """Whether the file is a map made from this content with these settings, as it was left."""
        origin = self._origin(file)
        return origin is not None and (origin.content, origin.settings) == (content, settings)

    def refusal(self, file: Path, picture: Path | None) -> str:
        """Why a map of the picture may not take the file's place, for all that is not to be lost; "" where it may."""
        if not exists(file):
            return ""
        origin = self._origin(file)
        if origin is not None:
            other = Path(os.path.normpath(self._folder / origin.picture))
            is_free = not is_file(other) or _is_same(other, picture)
            return "" if is_free else f"{file} is the map of {other}; {TOLD_APART} or overwrite."
        if self._seen(file) in self._origins:
            return f"{file} was changed after it was made; {WAYS_OUT}."
        return f"{file} is there already and was not made by this extension; {WAYS_OUT}."

    def note(self, file: Path, made: Path, picture: Path | None, content: str, settings: str) -> None:
        """Records that `made` is to be moved to `file`, as a map of the picture; raises TargetError.

        The line comes before the map: a run that is killed between the two leaves no map that nobody knows.
        """
        try:
            origin = Origin(self._seen(picture) if picture is not None else "", content, settings, sha256_of(made))
        except OSError as error:
            raise TargetError(f"{made} is gone already: {error.strerror}.") from None
        key = self._seen(file)
        if origin in self._origins.get(key, ())[-1:]:
            return
        self._keep(key, origin)
        if self._lines > (KEPT + 1) * len(self._origins):
            self._record.replace(_words(name, each) for name, origins in self._origins.items() for each in origins)
            self._lines = sum(map(len, self._origins.values()))
        else:
            self._record.add(_words(key, origin))

    def files(self) -> set[Path]:
        """The maps that were made, wherever they are now."""
        return {self._folder / name for name in self._origins}

    def _keep(self, name: str, origin: Origin) -> None:
        self._origins[name] = [*self._origins.get(name, ()), origin][-KEPT:]
        self._lines += 1

    def _origin(self, file: Path) -> Origin | None:
        """That of the file as it is now; None where it is not there, or none of the maps that were made."""
        origins = self._origins.get(self._seen(file), [])
        try:
            digest = sha256_of(file) if origins else ""
        except OSError:
            return None
        return next((origin for origin in reversed(origins) if origin.map == digest), None)

    def _seen(self, file: Path) -> str:
        """A file as seen from the folder: itself, not what it shows where it is a link."""
        try:
            return Path(os.path.relpath(resolved(file.parent) / file.name, self._folder)).as_posix()
        except ValueError:  # on another drive of Windows
            return file.absolute().as_posix()


def digest_of_settings(settings: Settings, engine: str, kind: str, format_: str, **others: float) -> str:
    """The same for the same map of the same picture; `engine` is the one that made it, whatever was asked for.

    others: what else shapes the map.
    """
    words = {**settings.words(), "engine": engine, "map": kind, "format": format_, **others}
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def _is_same(file: Path, picture: Path | None) -> bool:
    return picture is not None and is_file(picture) and file.samefile(picture)


def _words(name: str, origin: Origin) -> dict[str, str]:
    return {"file": name, **asdict(origin)}


def _read(words: Any) -> list[tuple[str, Origin]]:
    """The origin of a line by its file's name, or nothing where it is no such line."""
    try:
        name, origin = words["file"], Origin(words["picture"], words["content"], words["settings"], words["map"])
    except (KeyError, TypeError):
        return []
    return [(name, origin)] if all(isinstance(text, str) for text in (name, *vars(origin).values())) else []
