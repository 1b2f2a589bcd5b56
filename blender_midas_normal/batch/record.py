"""Records beside the maps: what each was made from, so that it is not made again, and how deep the pictures of sets are."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import NO_MESSAGE, Message, Phrase, TargetError, reason_of
from ..core.files import is_file, resolve_path, sha256_of
from ..core.settings import Settings
from .shared_record import SharedRecord

TOLD_APART = Phrase("rename one of them, or give --pattern {pattern!r} or --existing number", pattern="{name}_{map}")
"""What helps where two pictures' maps have one name."""

STEM = ".midas_normal"

KEPT = 4
"""Lines of each map that are kept: a process that was killed may have left the last one without its map, and so may each of
several processes."""

HIDDEN_FOR = 120.0
"""Seconds for which a network drive may show a map that another computer made, but not yet its line in the record."""

WAYS_OUT = Phrase("move it, or give --existing overwrite or number")

STATS_STEM = ".midas_normal_ranges"

LOOK_UP_EVERY = 1.0
"""Seconds between two looks at what other processes have measured meanwhile: each lists the folder, which may be large, and
what is overlooked is only measured once more."""


@dataclass(frozen=True)
class RecordEntry:
    """What a map was made from and with, and what its file was then.

    picture: the picture's file, as seen from the folder, "" for one without; content, settings: digests of what the picture
    and the settings were; map: of the bytes of the map's file.
    """

    picture: str
    content: str
    settings: str
    map: str


class OutputRecord:
    """The record of an output folder: a line each time a map is made.

    It knows a map by its place in the folder and its bytes, and what it was made from by content, so that folders and
    pictures may move, and a file that somebody else put there or changed is none of its maps.  Several processes may make
    maps in one folder: what one of them does not know it looks up again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = resolve_path(folder)
        self._record = SharedRecord(self._folder, STEM, _file_of, KEPT)
        self._origins: dict[str, list[RecordEntry]] = {}
        self._look_up()

    def is_current(self, file: Path, content: str, settings: str) -> bool:
        """Whether the file is a map made from this content with these settings, as it was left."""
        return any((origin.content, origin.settings) == (content, settings) for origin in self._origins_of(file))

    def refusal(self, file: Path, picture: Path | None, made: Path | None = None) -> Message:
        """Why a map of the picture may not take the file's place, for all that is not to be lost; "" where it may.

        made: the map; of a file that is on no record, but has the same bytes, nothing could be lost.
        """
        if not os.path.lexists(file):
            return NO_MESSAGE
        origins = self._origins_of(file) or self._origins_of_reserved(file)
        if origins:
            other = Path(os.path.normpath(self._folder / origins[-1].picture))
            if not is_file(other) or _is_same(other, picture):
                return NO_MESSAGE
            return Message("{file} is the map of {other}; {advice} or overwrite.", file=file, other=other, advice=TOLD_APART)
        if made is not None and _digest(made) == _digest(file):
            return NO_MESSAGE
        if self._seen(file) in self._origins:
            return Message("{file} was changed after it was made; {advice}.", file=file, advice=WAYS_OUT)
        return Message("{file} is there already and was not made by this extension; {advice}.", file=file, advice=WAYS_OUT)

    def may_be_on_record_soon(self, file: Path) -> bool:
        """Tell whether the file may be a map of another computer, whose record does not show here yet.

        By the drive's own clock: that of this computer may be another.
        """
        if self._seen(file) in self._origins:
            return False
        try:
            with tempfile.TemporaryFile(dir=file.parent) as new:
                return abs(os.fstat(new.fileno()).st_mtime - file.lstat().st_mtime) < HIDDEN_FOR
        except OSError:
            return False

    def note(self, file: Path, made: Path, picture: Path | None, content: str, settings: str) -> None:
        """Records that `made` is to be moved to `file`, as a map of the picture; raises TargetError.

        The line comes before the map: a run that is killed between the two leaves no map that nobody knows.
        """
        try:
            origin = RecordEntry(self._seen(picture) if picture is not None else "", content, settings, sha256_of(made))
        except OSError as error:
            raise TargetError("{made} is gone already: {reason}.", made=made, reason=reason_of(error)) from None
        key = self._seen(file)
        if origin in self._origins.get(key, ())[-1:]:
            return
        self._record.add({"file": key, **asdict(origin)})
        self._keep(key, origin)

    def close(self) -> None:
        """End this process's part of the record; call this at the end of a run."""
        self._record.close()

    def files(self) -> set[Path]:
        """The maps that were made, wherever they are now."""
        return {self._folder / name for name in self._origins}

    def _look_up(self) -> bool:
        """Takes in what has come into the record; whether there was anything."""
        values = self._record.read()
        for words in values:
            for name, origin in _read(words):
                self._keep(name, origin)
        return bool(values)

    def _keep(self, name: str, origin: RecordEntry) -> None:
        """The origin is the last one of its map now."""
        origins = self._origins.setdefault(name, [])
        if origin in origins:
            origins.remove(origin)
        origins.append(origin)

    def _origins_of(self, file: Path) -> list[RecordEntry]:
        """Those of the file as it is now; none where it is not there, or none of the maps that were made."""
        key = self._seen(file)
        if not os.path.lexists(file) or (key not in self._origins and not self._look_up()):
            return []
        digest = _digest(file)
        origins = [origin for origin in self._origins.get(key, ()) if origin.map == digest]
        if not origins and self._look_up():
            origins = [origin for origin in self._origins.get(key, ()) if origin.map == digest]
        return origins

    def _origins_of_reserved(self, file: Path) -> list[RecordEntry]:
        """Those of a file without content: a map's name that a process took before it was killed; nothing is lost."""
        try:
            is_empty = is_file(file) and file.lstat().st_size == 0
        except OSError:
            return []
        return self._origins.get(self._seen(file), []) if is_empty else []

    def _seen(self, file: Path) -> str:
        """A file as seen from the folder: itself, not what it shows where it is a link."""
        try:
            return Path(os.path.relpath(resolve_path(file.parent) / file.name, self._folder)).as_posix()
        except ValueError:  # on another drive of Windows
            return file.absolute().as_posix()


def digest_of_settings(settings: Settings, engine: str, kind: str, format_: str, **others: float) -> str:
    """The same for the same map of the same picture; `engine` is the one that made it, whatever was asked for.

    others: what else shapes the map.
    """
    words = {**settings.to_dict(), "engine": engine, "map": kind, "format": format_, **others}
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str | None:
    """None for what cannot be read, or has no end, such as a pipe."""
    try:
        return sha256_of(file) if is_file(file) else None
    except OSError:
        return None


def _is_same(file: Path, picture: Path | None) -> bool:
    return picture is not None and is_file(picture) and file.samefile(picture)


def _file_of(words: Any) -> str | None:
    """The name in a line of the record; None where it is no such line."""
    return next((name for name, _ in _read(words)), None)


def _read(words: Any) -> list[tuple[str, RecordEntry]]:
    """The origin of a line by its file's name, or nothing where it is no such line."""
    try:
        name, origin = words["file"], RecordEntry(words["picture"], words["content"], words["settings"], words["map"])
    except (KeyError, TypeError):
        return []
    return [(name, origin)] if all(isinstance(text, str) for text in (name, *vars(origin).values())) else []


@dataclass(frozen=True)
class DepthStats:
    """Of a picture that is made for itself: the range of its depths and the scale of its heights, as in a Result."""

    range: float
    scale: float


class DepthStatsCache:
    """The measures of an output folder, by content and settings; the last one of a picture counts."""

    def __init__(self, folder: Path) -> None:
        self._record = SharedRecord(resolve_path(folder), STATS_STEM, _key_of, kept=1)
        self._known: dict[str, DepthStats] = {}
        self._look_up()

    def get(self, content: str, settings: str) -> DepthStats | None:
        """None for what was not measured yet."""
        key = content + settings
        if key not in self._known and time.monotonic() - self._looked_up > LOOK_UP_EVERY:
            self._look_up()
        return self._known.get(key)

    def note(self, content: str, settings: str, measure: DepthStats) -> None:
        """Adds a measure, so that a run that is interrupted need not begin again; raises TargetError."""
        key = content + settings
        if self._known.get(key) != measure:
            self._record.add([key, *astuple(measure)])
            self._known[key] = measure

    def close(self) -> None:
        """Ends the record's part of this process; call this at the end of a run."""
        self._record.close()

    def _look_up(self) -> None:
        """Takes in what has come into the record."""
        self._known |= dict(measure for words in self._record.read() for measure in _stats_of(words))
        self._looked_up = time.monotonic()


def _key_of(words: Any) -> str | None:
    """The key of a line of the record; None where it is no such line."""
    return next((key for key, _ in _stats_of(words)), None)


def _stats_of(words: Any) -> list[tuple[str, DepthStats]]:
    """The measure of a line by its key, or nothing where it is no such line."""
    try:
        key, depth_range, scale = words
    except (ValueError, TypeError):
        return []
    is_measure = isinstance(key, str) and all(isinstance(value, float) and value >= 0 for value in (depth_range, scale))
    return [(key, DepthStats(depth_range, scale))] if is_measure else []
