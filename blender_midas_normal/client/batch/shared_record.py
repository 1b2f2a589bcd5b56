"""A record of a folder that several processes add to at once, also on several computers."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ...core.errors import TargetError
from ...core.paths import exists
from ..locks import UNFOOLED, try_lock
from .placing import COMPUTER, replacing

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
        self.open()
        try:
            rest = memoryview(_line(value))
            while rest:
                rest = rest[os.write(self._descriptor, rest):]
        except OSError as error:
            raise self._not_written(error) from None

    def close(self, compact: Compact | None = None) -> bool:
        """End adding, and tell whether no other process has begun to.

        If so, all files become one, of which `compact` may leave values out; what cannot be made one stays as it is, for
        another time.
        """
        with ExitStack() as locks:
            is_alone, files = self._locked(locks)
            if self._own is not None:
                locks.callback(os.close, self._descriptor)
                self._own = None
            try:
                if files:
                    self._merge(files, compact)
            except (OSError, TargetError):
                return is_alone
        for file in files:
            with suppress(OSError):  # Windows removes none that is read just now; values that are there twice do no harm
                file.unlink()
        return is_alone

    def open(self) -> None:
        """Begin to add: other processes see from now on that this one is at work.  Raises TargetError."""
        if self._own is not None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._open()
        except OSError as error:
            raise self._not_written(error) from None

    def _open(self) -> None:
        own = self._folder / f"{self._stem}.{COMPUTER}.{os.getpid()}.{secrets.token_hex(4)}.jsonl"
        # Nobody may take it for unused before it is locked.  Windows renames no open file, and removes none.
        unnamed = own if os.name == "nt" else own.with_suffix(".new")
        self._descriptor = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | UNFOOLED, 0o666)
        with suppress(OSError):  # where files cannot be locked, none is ever taken for unused
            try_lock(self._descriptor)
        self._own = unnamed.rename(own) if unnamed != own else own

    def _not_written(self, error: OSError) -> TargetError:
        return TargetError(f"The record {self._merged} cannot be written: {error.strerror}.")

    def _locked(self, locks: ExitStack) -> tuple[bool, list[Path]]:
        """Lock all files but the merged one; whether none is in use, or of another computer, whose lock may not show."""
        files = [file for file, _, _ in self._files() if file != self._merged]
        for file in files:
            if file == self._own:
                continue
            if not file.name.startswith(f"{self._stem}.{COMPUTER}."):
                return False, []
            try:
                descriptor = os.open(file, os.O_RDWR | UNFOOLED)
                locks.callback(os.close, descriptor)
                is_unused = try_lock(descriptor)
            except OSError:
                return False, []
            if not is_unused:
                return False, []
        return True, files

    def _merge(self, files: Sequence[Path], compact: Compact | None) -> None:
        """Has the merged file hold what the others do, too; raises OSError or TargetError, and loses nothing."""
        if compact is not None:
            files = [self._merged, *files] if exists(self._merged) else files
            values = compact([value for file in files for value in _values(file)])
            with replacing(self._merged) as partial:
                partial.write_bytes(b"".join(map(_line, values)))
            return
        added = [lines for file in files if (lines := file.read_bytes().strip(b"\n"))]
        if not added:
            return
        descriptor = os.open(self._merged, os.O_CREAT | os.O_WRONLY | os.O_APPEND | UNFOOLED, 0o666)
        with os.fdopen(descriptor, "ab") as merged:
            for lines in added:
                merged.write(b"\n" + lines)

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
