"""A record of a folder that several processes add to at once, also on several computers."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client.locks import create_locked, open_regular, try_lock
from ..core.errors import TargetError, reason_of
from .atomic_files import COMPUTER, atomic_write

HEAD = 64
"""The first bytes of a file, by which one that was compacted shows: these are others then."""


@dataclass(frozen=True)
class _Progress:
    """How far a file was read.

    status: size, time of change and inode, then; head: its first bytes; end: bytes from the beginning that are done with.
    """

    status: tuple[int, int, int]
    head: bytes
    end: int


class SharedRecord:
    """JSON values, one a line, in `<stem>.jsonl` and in files such as `<stem>.<computer>.<process>.<number>.jsonl`.

    Each process adds to a file of its own, which it keeps locked, and readers take all files: processes that append to one
    file may overwrite each other's lines on a network drive (open(2)), and one that rewrites a file loses what another has
    added meanwhile.  `close` makes the files of this computer one.  A file that may not be read has no values, nor has
    anything but a regular file, and a damaged line is none.

    key_of: what a value is about, None where it is of no use; kept: how many values about the same, the last ones, are still
    needed.
    """

    def __init__(self, folder: Path, stem: str, key_of: Callable[[Any], str | None], kept: int) -> None:
        self._folder = folder
        self._stem = stem
        self._key_of = key_of
        self._kept = kept
        self._merged = folder / f"{stem}.jsonl"
        self._own: Path | None = None
        self._descriptor = -1
        self._progress: dict[Path, _Progress] = {}

    def read(self) -> list[Any]:
        """The values that have come in since the last call, but those that this process has added.

        Those of a file are in the order in which they were added, and files that were written to later come later.  Values
        that were read before may come again where files were made one.
        """
        values: list[Any] = []
        while True:
            try:
                for file, status in self._files():
                    if file != self._own:
                        values += self._read_on(file, status)
            except FileNotFoundError:  # it was made part of another one just now: once more
                continue
            except OSError:  # the folder is closed
                return values
            return values

    def add(self, value: Any) -> None:
        """Adds a value; raises TargetError."""
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
        """End adding; if no other process of this computer adds, all files of this computer become one.

        That is `<stem>.jsonl`, or `<stem>.<computer>.jsonl` where there are files of other computers: these may write to the
        first at the same time, and their locks may not show here.  What cannot be made one stays as it is, for another time.
        """
        with ExitStack() as locks:
            own, self._own = self._own, None
            if own is not None:
                locks.callback(os.close, self._descriptor)
            try:
                target, files = self._locked(own, locks)
                if files:
                    self._merge(files, target)
            except (OSError, TargetError):
                return
        for file in files:
            with suppress(OSError):  # Windows removes none that is read just now; values that are there twice do no harm
                file.unlink()

    def _open(self) -> None:
        descriptor = None
        while descriptor is None:
            own = self._folder / f"{self._stem}.{COMPUTER}.{os.getpid()}.{secrets.token_hex(4)}.jsonl"
            descriptor = create_locked(own)
        self._own, self._descriptor = own, descriptor

    def _locked(self, own: Path | None, locks: ExitStack) -> tuple[Path, list[Path]]:
        """Lock the files of this computer; the file that they are to become, and the others of them.

        Raises OSError where one is in use, or cannot be locked.
        """
        files = [file for file, _ in self._files()]
        of_computer = [file for file in files if file.name.startswith(f"{self._stem}.{COMPUTER}.")]
        is_shared = not set(files) <= {self._merged, *of_computer}
        target = self._folder / f"{self._stem}.{COMPUTER}.jsonl" if is_shared else self._merged
        others = [file for file in of_computer if file != target]
        for file in others:
            if file != own:
                descriptor = open_regular(file, os.O_RDWR)
                locks.callback(os.close, descriptor)
                if not try_lock(descriptor):
                    raise BlockingIOError
        return target, others

    def _merge(self, files: Sequence[Path], target: Path) -> None:
        """Has the target hold what the files do, too; raises OSError or TargetError, and loses nothing."""
        added = [_content(file) for file in files]
        try:
            before = _content(target)
        except FileNotFoundError:
            before = b""
        lines: dict[str, list[bytes]] = {}
        for value in (value for content in (before, *added) for value in _values(content)):
            key = self._key_of(value)
            if key is not None:
                lines.setdefault(key, []).append(_line(value))
        needed = [line for about in lines.values() for line in _last(about, self._kept)]
        if 3 * len(needed) <= 2 * sum(map(len, lines.values())):
            with atomic_write(target) as partial:
                partial.write_bytes(b"\n# " + secrets.token_hex(8).encode() + b"".join(needed))
        elif any(added):
            with os.fdopen(open_regular(target, os.O_CREAT | os.O_WRONLY | os.O_APPEND), "ab") as merged:
                merged.writelines(b"\n" + content.strip(b"\n") for content in added)

    def _files(self) -> list[tuple[Path, tuple[int, int, int]]]:
        """The files with their status: first the merged one, then those that were changed earlier.  Raises OSError."""
        names = re.compile(rf"{re.escape(self._stem)}(\..+)?\.jsonl")
        found = []
        try:
            with os.scandir(self._folder) as entries:
                files = [self._folder / entry.name for entry in entries
                         if names.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        for file in files:
            with suppress(OSError):
                status = file.lstat()  # not the entry's own: Windows lets that of a file that is written to grow old
                found.append((file, (status.st_size, status.st_mtime_ns, status.st_ino)))
        return sorted(found, key=lambda each: (each[0] != self._merged, each[1][1], each[0]))

    def _read_on(self, file: Path, status: tuple[int, int, int]) -> list[Any]:
        """The values in a file that are new since it was last read; raises FileNotFoundError."""
        before = self._progress.get(file, _Progress((-1, 0, 0), b"", 0))
        if status == before.status:
            return []
        try:
            with os.fdopen(open_regular(file, os.O_RDONLY), "rb") as stream:
                head = stream.read(HEAD)
                start = before.end if head.startswith(before.head) and before.end <= status[0] else 0
                stream.seek(start)
                content = stream.read()
        except FileNotFoundError:
            raise
        except OSError:
            return []
        last = content.rpartition(b"\n")[2]
        is_whole = not last or bool(_values(last))  # a line that is being written is read once it is complete
        self._progress[file] = _Progress(status, head, start + len(content) - (0 if is_whole else len(last)))
        return _values(content)


def _last(lines: Sequence[bytes], count: int) -> list[bytes]:
    """The last of the lines that differ, in their order."""
    return list(dict.fromkeys(reversed(lines)))[:count][::-1]


def _content(file: Path) -> bytes:
    """All bytes of a file; raises OSError."""
    with os.fdopen(open_regular(file, os.O_RDONLY), "rb") as stream:
        return stream.read()


def _line(value: Any) -> bytes:
    """The break comes first, so that a line that was cut off by a full disk does not damage the next one."""
    return b"\n" + json.dumps(value).encode()


def _values(content: bytes) -> list[Any]:
    return [value for line in content.split(b"\n") for value in _read(line)]


def _read(line: bytes) -> list[Any]:
    try:
        return [json.loads(line)]
    except (ValueError, RecursionError):
        return []
