"""A record of a folder that several processes add to at once, also on several computers."""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ...core.errors import TargetError
from ...core.paths import exists
from ..locks import UNFOOLED, try_lock
from .placing import replacing

COMPUTER = re.sub(r"[^A-Za-z0-9]+", "-", platform.node())[:40] or "computer"

Compact = Callable[[Sequence[Any]], Iterable[Any]]
"""Of all values of a record, those that are still needed."""


class SharedRecord:
    """JSON values, one a line, in `<stem>.jsonl` and in files such as `<stem>.<computer>.<process>.<number>.jsonl`.

    Each process adds to a file of its own, which it keeps locked, and readers take all files: processes that append to one
    file may overwrite each other's lines on a network drive (open(2)), and one that rewrites a file loses what another has
    added meanwhile.  `close` makes all files one where none is in use.  A file that may not be read has no values, and a
    damaged line is none.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder = folder
        self._stem = stem
        self._merged = folder / f"{stem}.jsonl"
        self._own: Path | None = None
        self._descriptor = -1
        self._last_read: Sequence[tuple[Path, int, int]] | None = None

    def read(self) -> list[Any] | None:
        """The values but those that this process has added; None where nothing has changed since the last call.

        Those of a file are in the order in which they were added, and files that were written to later come later.
        """
        while True:
            files = [each for each in self._files() if each[0] != self._own]
            if files == self._last_read:
                return None
            with suppress(FileNotFoundError):  # it was made part of another one just now: once more
                values = [value for file, _, _ in files for value in _values(file)]
                self._last_read = files
                return values

    def add(self, value: Any) -> None:
        """Adds a value; raises TargetError."""
        try:
            if self._own is None:
                self._open()
            rest = memoryview(_line(value))
            while rest:
                rest = rest[os.write(self._descriptor, rest):]
        except OSError as error:
            raise TargetError(f"The record {self._merged} cannot be written: {error.strerror}.") from None

    def close(self, compact: Compact | None = None) -> None:
        """Ends adding.  Where no other process adds, all files become one, of which `compact` may leave values out.

        What cannot be made one stays as it is, for another time.
        """
        with ExitStack() as locks:
            files = self._locked(locks)
            if self._own is not None:
                locks.callback(os.close, self._descriptor)
                self._own = None
            try:
                if files:
                    self._merge(files, compact)
            except (OSError, TargetError):
                return
        for file in files:
            with suppress(OSError):  # Windows removes none that is read just now; values that are there twice do no harm
                file.unlink()

    def _open(self) -> None:
        """Makes the file of this process."""
        own = self._folder / f"{self._stem}.{COMPUTER}.{os.getpid()}.{secrets.token_hex(4)}.jsonl"
        # Nobody may take it for unused before it is locked.  Windows renames no open file, and removes none.
        unnamed = own if os.name == "nt" else own.with_suffix(".new")
        self._descriptor = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | UNFOOLED, 0o666)
        with suppress(OSError):  # where files cannot be locked, none is ever taken for unused
            try_lock(self._descriptor)
        self._own = unnamed.rename(own) if unnamed != own else own

    def _locked(self, locks: ExitStack) -> list[Path]:
        """All files but the merged one, locked; none where one is in use, or another computer's, whose lock may not show."""
        files = [file for file, _, _ in self._files() if file != self._merged]
        for file in files:
            if file == self._own:
                continue
            if not file.name.startswith(f"{self._stem}.{COMPUTER}."):
                return []
            try:
                descriptor = os.open(file, os.O_RDWR | UNFOOLED)
                locks.callback(os.close, descriptor)
                is_unused = try_lock(descriptor)
            except OSError:
                return []
            if not is_unused:
                return []
        return files

    def _merge(self, files: Sequence[Path], compact: Compact | None) -> None:
        """Has the merged file hold what the others do, too; raises OSError or TargetError, and loses nothing."""
        if compact is not None:
            files = [self._merged, *files] if exists(self._merged) else files
            values = compact([value for file in files for value in _values(file)])
            with replacing(self._merged) as partial:
                partial.write_bytes(b"".join(map(_line, values)))
            return
        descriptor = os.open(self._merged, os.O_CREAT | os.O_WRONLY | os.O_APPEND | UNFOOLED, 0o666)
        with os.fdopen(descriptor, "ab") as merged:
            for file in files:
                merged.write(b"\n" + file.read_bytes().strip(b"\n"))

    def _files(self) -> list[tuple[Path, int, int]]:
        """The files with their size and time of change: first the merged one, then those that were changed earlier."""
        names = rf"{re.escape(self._stem)}(\..+)?\.jsonl"
        found = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if re.fullmatch(names, entry.name):
                    with suppress(FileNotFoundError):
                        status = entry.stat()
                        found.append((self._folder / entry.name, status.st_size, status.st_mtime_ns))
        return sorted(found, key=lambda each: (each[0] != self._merged, each[2], each[0]))


def _line(value: Any) -> bytes:
    """The break comes first, so that a line that was cut off by a full disk does not damage the next one."""
    return b"\n" + json.dumps(value).encode()


def _values(file: Path) -> list[Any]:
    """Raises FileNotFoundError."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        raise
    except OSError:
        return []
    return [value for line in lines for value in _read(line)]


def _read(line: bytes) -> list[Any]:
    try:
        return [json.loads(line)]
    except (ValueError, RecursionError):
        return []
