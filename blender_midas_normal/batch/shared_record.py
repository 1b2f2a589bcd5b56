"""A list of JSON values in a folder that several processes add to at the same time, also on several computers."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..client.locks import create_locked, open_regular, try_lock
from ..core.errors import TargetError, reason_of
from .atomic_files import COMPUTER, atomic_write

Line = TypeVar("Line", bytes, int)
"""A line, or its hash."""

CHUNK_BYTES = 1 << 20
"""Bytes of a file read at a time, since the record of a large library takes hundreds of megabytes."""

HEAD_BYTES = 64
"""Number of first bytes that are compared, to notice a file that was rewritten: they differ then."""


@dataclass(frozen=True)
class _ReadPosition:
    """How far a file has been read.

    Attributes:
        status: its size in bytes, time of modification and inode at that time.
        head: its first bytes.
        offset: where the next read begins.
    """

    status: tuple[int, int, int]
    head: bytes
    offset: int


class SharedRecord:
    """JSON values, one in each line of `<stem>.<computer>.jsonl` and of `<stem>.<computer>.<process>.<number>.jsonl`.

    Each process appends to a file of its own, which it keeps locked, and reads all of them: processes that append to one
    file may overwrite each other's lines on a network drive (open(2)), and one that rewrites a file loses what another adds
    meanwhile.  `close` merges the files of this computer.  Version 1.0.0 wrote `<stem>.jsonl`, which is read first.  Damaged
    lines are ignored, and so are files that cannot be read or are not regular files.
    """

    def __init__(self, folder: Path, stem: str, key_of: Callable[[Any], str | None], max_values: int) -> None:
        """Open the record of a folder, which need not exist.

        Args:
            key_of: returns what a value is about; None for a value that can be dropped.
            max_values: how many values of one key to keep, the last ones, when files are merged.
        """
        self._folder = folder
        self._stem = stem
        self._key_of = key_of
        self._max_values = max_values
        self._oldest = folder / f"{stem}.jsonl"
        self._merged = folder / f"{stem}.{COMPUTER}.jsonl"
        self._own: Path | None = None
        self._descriptor = -1
        self._positions: dict[Path, _ReadPosition] = {}

    def read(self) -> list[Any]:
        """Return the values that other processes have added since the last call; see `stream`."""
        return list(self.stream())

    def stream(self) -> Iterator[Any]:
        """Iterate over the values that other processes have added since the last call, without keeping them in memory.

        The values of a file are in the order in which they were added; files that were modified later come later.  Values
        that were read before may be returned again after files were merged.
        """
        while True:
            try:
                for file, status in self._files():
                    if file != self._own:
                        yield from self._read_new(file, status)
            except FileNotFoundError:  # it has just been merged into another one: read again
                continue
            except OSError:  # the folder may not be read
                return
            return

    def add(self, value: Any) -> None:
        """Append a value; raise TargetError where that fails."""
        try:
            if self._own is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._open()
            rest = memoryview(_line(value))
            while rest:
                rest = rest[os.write(self._descriptor, rest):]
        except OSError as error:
            raise TargetError("The record {file} cannot be written: {reason}.", file=self._merged,
                              reason=reason_of(error)) from None

    def close(self) -> None:
        """Close this process's file and merge all files of this computer, unless another process of it is adding values.

        They become `<stem>.<computer>.jsonl`, of which no other computer's processes write a line: their files and locks may
        not be visible here yet.  Where merging fails the files stay as they are.
        """
        with ExitStack() as locks:
            own, self._own = self._own, None
            if own is not None:
                locks.callback(os.close, self._descriptor)
            try:
                files = self._lock_files(own, locks)
                if files:
                    self._merge(files)
            except (OSError, TargetError):
                return
        for file in files:
            with suppress(OSError):  # Windows keeps a file that is being read; duplicate values do no harm
                file.unlink()

    def _open(self) -> None:
        descriptor = None
        while descriptor is None:
            own = self._folder / f"{self._stem}.{COMPUTER}.{os.getpid()}.{secrets.token_hex(4)}.jsonl"
            descriptor = create_locked(own)
        self._own, self._descriptor = own, descriptor

    def _lock_files(self, own: Path | None, locks: ExitStack) -> list[Path]:
        """Lock and return the files of this computer's processes; raise OSError where one is in use or cannot be locked."""
        files = [file for file, _ in self._files()
                 if file.name.startswith(f"{self._stem}.{COMPUTER}.") and file != self._merged]
        for file in files:
            if file != own:
                descriptor = open_regular(file, os.O_RDWR)
                locks.callback(os.close, descriptor)
                if not try_lock(descriptor):
                    raise BlockingIOError
        return files

    def _merge(self, files: Sequence[Path]) -> None:
        """Add the lines of files to the merged one; where that raises OSError or TargetError, nothing is lost."""
        added = [_content(file) for file in files]
        lines: dict[str, list[int]] = {}
        for key, line in self._keyed_lines(added):
            lines.setdefault(key, []).append(hash(line))
        count = sum(len(_last_different(group, self._max_values)) for group in lines.values())
        if 3 * count <= 2 * sum(map(len, lines.values())):
            self._compact(added)
        elif any(added):
            with os.fdopen(open_regular(self._merged, os.O_CREAT | os.O_WRONLY | os.O_APPEND), "ab") as merged:
                merged.writelines(b"\n" + content.strip(b"\n") for content in added)

    def _compact(self, added: Sequence[bytes]) -> None:
        """Replace the merged file by one that has the needed lines only, of it and of the contents that are to be added."""
        lines: dict[str, list[bytes]] = {}
        for key, line in self._keyed_lines(added):
            lines.setdefault(key, []).append(line)
        with atomic_write(self._merged) as partial, partial.open("wb") as stream:
            stream.write(b"\n# " + secrets.token_hex(8).encode())
            for group in lines.values():
                stream.writelines(_last_different(group, self._max_values))

    def _keyed_lines(self, added: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """Iterate over (key, line) of the merged file and of contents; lines without a key are left out."""
        values = itertools.chain(_values_of_file(self._merged), *map(_values, added))
        for value in values:
            key = self._key_of(value)
            if key is not None:
                yield key, _line(value)

    def _files(self) -> list[tuple[Path, tuple[int, int, int]]]:
        """Return [(file, status), ...], first that of version 1.0.0, then by time of modification; raise OSError."""
        names = re.compile(rf"{re.escape(self._stem)}(\..+)?\.jsonl")
        statuses = []
        try:
            with os.scandir(self._folder) as entries:
                files = [self._folder / entry.name for entry in entries
                         if names.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        for file in files:
            with suppress(OSError):
                status = file.lstat()  # Windows does not update the entry's own status while a file is being written
                statuses.append((file, (status.st_size, status.st_mtime_ns, status.st_ino)))
        return sorted(statuses, key=lambda each: (each[0] != self._oldest, each[1][1], each[0]))

    def _read_new(self, file: Path, status: tuple[int, int, int]) -> Iterator[Any]:
        """Iterate over the values in a file that were added since the last call; raise FileNotFoundError."""
        before = self._positions.get(file, _ReadPosition((-1, 0, 0), b"", 0))
        if status == before.status:
            return
        last = b""
        try:
            with os.fdopen(open_regular(file, os.O_RDONLY), "rb") as stream:
                head = stream.read(HEAD_BYTES)
                stream.seek(before.offset if head.startswith(before.head) and before.offset <= status[0] else 0)
                while chunk := stream.read(CHUNK_BYTES):
                    lines, _, last = (last + chunk).rpartition(b"\n")
                    yield from _values(lines)
                end = stream.tell()
        except FileNotFoundError:
            raise
        except OSError:
            return
        values = _values(last)
        is_complete = not last or bool(values)  # a line that is still being written is read the next time
        self._positions[file] = _ReadPosition(status, head, end - (0 if is_complete else len(last)))
        yield from values


def _last_different(lines: Sequence[Line], count: int) -> list[Line]:
    """Return the last `count` lines without duplicates, in their order."""
    return list(dict.fromkeys(reversed(lines)))[:count][::-1]


def _values_of_file(file: Path) -> Iterator[Any]:
    """Iterate over the values of a file, none where there is no file; raise OSError where it cannot be read."""
    last = b""
    with suppress(FileNotFoundError), os.fdopen(open_regular(file, os.O_RDONLY), "rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            lines, _, last = (last + chunk).rpartition(b"\n")
            yield from _values(lines)
    yield from _values(last)


def _content(file: Path) -> bytes:
    """Read a file; raise OSError."""
    with os.fdopen(open_regular(file, os.O_RDONLY), "rb") as stream:
        return stream.read()


def _line(value: Any) -> bytes:
    """Format a value as a line, line break first, so that a line cut off by a full disk does not damage the next one."""
    return b"\n" + json.dumps(value).encode()


def _values(content: bytes) -> list[Any]:
    return [value for line in content.split(b"\n") for value in _parse(line)]


def _parse(line: bytes) -> list[Any]:
    try:
        return [json.loads(line)]
    except (ValueError, RecursionError):
        return []
