"""Records in the output folder: what each map was made from, and the measured depth range of the pictures of sets."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from ..core.engines import values_that_tell_maps_apart
from ..core.errors import NO_MESSAGE, Message, Phrase, TargetError, reason_of
from ..core.files import is_file, resolve_path, sha256_of
from ..core.settings import Settings
from .shared_record import SharedRecord

NAME_CLASH_ADVICE = Phrase("rename one of them, or give --pattern {pattern!r} or --existing number", pattern="{name}_{map}")
"""What the user can do where the maps of two pictures have the same name."""

RECORD_STEM = ".midas_normal"

MAX_ENTRIES_PER_MAP = 4
"""Entries kept for each map: an entry is added before its map is in place, so that each of several processes that were
killed may have left one without a map."""

RECORD_DELAY_S = 120.0
"""Seconds for which a network drive may show a map that another computer made, but not yet its entry in the record."""

FOREIGN_FILE_ADVICE = Phrase("move it, or give --existing overwrite or number")

STAMP_BYTES = 16
"""Bytes by which an entry in memory tells digests apart."""

STATS_STEM = ".midas_normal_ranges"

READ_INTERVAL_S = 1.0
"""Seconds between two reads of what other processes have measured: each lists the folder, which may be large, and a
measurement that is missed is only made once more."""


@dataclass(frozen=True)
class RecordEntry:
    """What a map was made from, as digests (SHA-256 in hexadecimal).

    Attributes:
        picture: path of the picture's file relative to the output folder, "" for a picture without a file.
        content: digest of the picture.
        settings: digest of the settings, see `digest_of_settings`.
        map: digest of the map's file.
    """

    picture: str
    content: str
    settings: str
    map: str


@dataclass(frozen=True)
class MapCost:
    """What it took to make a map.

    Attributes:
        engine: key of ENGINES.
        pixels: of the map.
        seconds: sum over all stages.
    """

    engine: str
    pixels: int
    seconds: float


class OutputRecord:
    """The record of an output folder, which has one entry each time a map is made.

    A map is identified by its path in the folder and its digest, and its picture by its content.  So folders and pictures
    may be moved, and a file that somebody else created or changed is not taken for one of the maps.  Several processes may
    make maps in one folder; each reads the entries of the others when it does not know a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = resolve_path(folder)
        self._record = SharedRecord(self._folder, RECORD_STEM, _file_of, MAX_ENTRIES_PER_MAP)
        self._entries: dict[str, tuple[bytes, ...]] = {}  # packed: a library may have a million maps
        self._costs: dict[str, tuple[int, float]] = {}
        self._read_new_entries()

    def seconds_per_megapixel(self, engine: str) -> float | None:
        """Return the mean time that maps of an engine took, None where there is none of it."""
        pixels, seconds = self._costs.get(engine, (0, 0.0))
        return seconds / pixels * 1e6 if pixels else None

    def is_up_to_date(self, file: Path, content: str, settings: str) -> bool:
        """Tell whether the file is an unchanged map that was made from this content with these settings."""
        made_of = _stamp(content, settings)
        return any(entry.startswith(made_of) for entry in self._entries_of(file))

    def refusal(self, file: Path, picture: Path | None, new_file: Path | None = None) -> Message:
        """Return why a map of the picture may not replace an existing file, or "" where nothing would be lost.

        Args:
            new_file: the new map, if it is made already; a file with the same bytes may always be replaced.
        """
        if not os.path.lexists(file):
            return NO_MESSAGE
        entries = self._entries_of(file) or self._entries_of_reserved(file)
        if entries:
            other = Path(os.path.normpath(self._folder / _unpack_picture(entries[-1])))
            if not is_file(other) or _is_same(other, picture):
                return NO_MESSAGE
            return Message("{file} is the map of {other}; {advice} or overwrite.", file=file, other=other,
                           advice=NAME_CLASH_ADVICE)
        if new_file is not None and _digest(new_file) == _digest(file):
            return NO_MESSAGE
        if self._relative_path(file) in self._entries:
            return Message("{file} was changed after it was made; {advice}.", file=file, advice=FOREIGN_FILE_ADVICE)
        return Message("{file} is there already and was not made by this extension; {advice}.", file=file,
                       advice=FOREIGN_FILE_ADVICE)

    def may_be_on_record_soon(self, file: Path) -> bool:
        """Tell whether the file may be a new map of another computer, whose entry is not visible here yet.

        It may have taken the place of a map whose entry is.  Its age is measured by the clock of the drive, since the clocks
        of the two computers may differ.
        """
        if self._entries_of(file):
            return False
        try:
            with tempfile.TemporaryFile(dir=file.parent) as new:
                return abs(os.fstat(new.fileno()).st_mtime - file.lstat().st_mtime) < RECORD_DELAY_S
        except OSError:
            return False

    def add(self, file: Path, new_file: Path, picture: Path | None, content: str, settings: str,
            cost: MapCost | None = None) -> None:
        """Record that `new_file`, a map of the picture, is about to be moved to `file`.

        This is called before the move, so that a run that is killed between the two leaves no unrecorded map.

        Args:
            content: digest of the picture.
            settings: digest of the settings.
            cost: None for what no engine has made.

        Raises:
            TargetError: the record cannot be written, or the new file is gone.
        """
        try:
            entry = RecordEntry(self._relative_path(picture) if picture is not None else "", content, settings,
                                sha256_of(new_file))
        except OSError as error:
            raise TargetError("{made} is gone already: {reason}.", made=new_file, reason=reason_of(error)) from None
        key = self._relative_path(file)
        if _pack(entry) in self._entries.get(key, ())[-1:]:
            return
        self._record.add({"file": key, **asdict(entry), **(asdict(cost) if cost is not None else {})})
        self._keep(key, _pack(entry))

    def close(self) -> None:
        """Close the record, at the end of a run."""
        self._record.close()

    def files(self) -> set[Path]:
        """Return the paths of all maps in the record, also of those that were removed since."""
        return {self._folder / name for name in self._entries}

    def _read_new_entries(self) -> bool:
        """Read what other processes have added; tell whether there was anything."""
        has_values = False
        for value in self._record.stream():
            has_values = True
            for name, entry in _parse_entry(value):
                self._keep(name, _pack(entry))
                for cost in _parse_cost(value):
                    pixels, seconds = self._costs.get(cost.engine, (0, 0.0))
                    self._costs[cost.engine] = pixels + cost.pixels, seconds + cost.seconds
        return has_values

    def _keep(self, name: str, entry: bytes) -> None:
        """Make a packed entry the last one of its map."""
        self._entries[name] = (*(other for other in self._entries.get(name, ()) if other != entry), entry)

    def _entries_of(self, file: Path) -> list[bytes]:
        """Return the packed entries of the file as it is now; none where it is missing or was changed."""
        key = self._relative_path(file)
        if not os.path.lexists(file) or (key not in self._entries and not self._read_new_entries()):
            return []
        map_ = _stamp(_digest(file) or "")
        entries = [entry for entry in self._entries.get(key, ()) if entry.startswith(map_, STAMP_BYTES)]
        if not entries and self._read_new_entries():
            entries = [entry for entry in self._entries.get(key, ()) if entry.startswith(map_, STAMP_BYTES)]
        return entries

    def _entries_of_reserved(self, file: Path) -> Sequence[bytes]:
        """Return the packed entries of an empty file, whose name a process reserved for a map before it was killed."""
        try:
            is_empty = is_file(file) and file.lstat().st_size == 0
        except OSError:
            return []
        return self._entries.get(self._relative_path(file), ()) if is_empty else ()

    def _relative_path(self, file: Path) -> str:
        """Return the file's path relative to the folder; of a link its own, not that of its target."""
        try:
            return Path(os.path.relpath(resolve_path(file.parent) / file.name, self._folder)).as_posix()
        except ValueError:  # on another drive of Windows
            return file.absolute().as_posix()


def _stamp(*texts: str) -> bytes:
    """Return STAMP_BYTES that tell texts apart."""
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=STAMP_BYTES).digest()


def _pack(entry: RecordEntry) -> bytes:
    """Pack an entry: the stamps of what its map was made of and of the map, and the path of the picture."""
    picture = entry.picture.encode("utf-8", "surrogatepass")
    return _stamp(entry.content, entry.settings) + _stamp(entry.map) + picture


def _unpack_picture(packed: bytes) -> str:
    return packed[2 * STAMP_BYTES:].decode("utf-8", "surrogatepass")


def digest_of_settings(settings: Settings, engine: str, map_type: str, format_: str, **extra: Any) -> str:
    """Return a digest of everything besides the picture that determines a map.

    Args:
        engine: the engine that makes the map, which replaces AUTO in the settings.
        extra: further values that influence the map.

    Returns:
        SHA-256 in hexadecimal.
    """
    fields = {**values_that_tell_maps_apart(settings, engine), "map": map_type, "format": format_, **extra}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str | None:
    """Return the SHA-256 of a file; None where it cannot be read or is no regular file, such as a pipe."""
    try:
        return sha256_of(file) if is_file(file) else None
    except OSError:
        return None


def _is_same(file: Path, picture: Path | None) -> bool:
    return picture is not None and is_file(picture) and file.samefile(picture)


def _file_of(value: Any) -> str | None:
    """Return the map's path in a line of the record; None where the line is damaged."""
    return next((name for name, _ in _parse_entry(value)), None)


def _parse_entry(value: Any) -> list[tuple[str, RecordEntry]]:
    """Return [(path of the map, entry)] of a line of the record; [] where the line is damaged."""
    try:
        name, entry = value["file"], RecordEntry(value["picture"], value["content"], value["settings"], value["map"])
    except (KeyError, TypeError):
        return []
    return [(name, entry)] if all(isinstance(text, str) for text in (name, *vars(entry).values())) else []


def _parse_cost(value: Any) -> list[MapCost]:
    """Return [cost] of a line of the record; [] where it has none, as in those of earlier versions."""
    try:
        cost = MapCost(value["engine"], value["pixels"], value["seconds"])
    except KeyError:
        return []
    is_valid = isinstance(cost.engine, str) and isinstance(cost.pixels, int) and isinstance(cost.seconds, (int, float))
    return [cost] if is_valid and cost.pixels > 0 and cost.seconds >= 0 else []


@dataclass(frozen=True)
class DepthStats:
    """The depth range and the height scale of a picture that is processed by itself, as in `Result`."""

    range: float
    scale: float


class DepthStatsCache:
    """The measured depth ranges in the record of an output folder, by digests of the picture and the settings."""

    def __init__(self, folder: Path) -> None:
        self._record = SharedRecord(resolve_path(folder), STATS_STEM, _key_of, max_values=1)
        self._known: dict[str, DepthStats] = {}
        self._read_new_entries()

    def get(self, content: str, settings: str) -> DepthStats | None:
        """Return a picture's measurement, or None where there is none yet."""
        key = content + settings
        if key not in self._known and time.monotonic() - self._read_at > READ_INTERVAL_S:
            self._read_new_entries()
        return self._known.get(key)

    def add(self, content: str, settings: str, stats: DepthStats) -> None:
        """Record a measurement, so that an interrupted run need not repeat it; raise TargetError where that fails."""
        key = content + settings
        if self._known.get(key) != stats:
            self._record.add([key, *astuple(stats)])
            self._known[key] = stats

    def close(self) -> None:
        """Close the record, at the end of a run."""
        self._record.close()

    def _read_new_entries(self) -> None:
        """Read what other processes have added."""
        self._known |= dict(entry for value in self._record.read() for entry in _parse_stats(value))
        self._read_at = time.monotonic()


def _key_of(value: Any) -> str | None:
    """Return the key in a line of the record; None where the line is damaged."""
    return next((key for key, _ in _parse_stats(value)), None)


def _parse_stats(value: Any) -> list[tuple[str, DepthStats]]:
    """Return [(key, measurement)] of a line of the record; [] where the line is damaged."""
    try:
        key, depth_range, scale = value
    except (ValueError, TypeError):
        return []
    is_valid = isinstance(key, str) and all(isinstance(each, float) and each >= 0 for each in (depth_range, scale))
    return [(key, DepthStats(depth_range, scale))] if is_valid else []
