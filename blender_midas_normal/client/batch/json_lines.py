"""A file to which JSON values are added, one a line, without writing again what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...core.errors import TargetError
from ...core.paths import is_file
from .placing import replacing


class JsonLines:
    """The values of a file; one that is not there, or may not be read, has none, and a damaged line is none."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[Any]:
        """The values in the order in which they were added."""
        try:
            lines = self._file.read_bytes().splitlines() if is_file(self._file) else []
        except OSError:
            return []
        return [value for line in lines for value in _read(line)]

    def add(self, value: Any) -> None:
        """Adds a value; raises TargetError."""
        try:
            with self._file.open("ab") as stream:
                stream.write(_line(value))
        except OSError as error:
            raise TargetError(f"{self._file} cannot be written: {error.strerror}.") from None

    def replace(self, values: Iterable[Any]) -> None:
        """Has the file hold these values and no others; raises TargetError, and changes nothing."""
        with replacing(self._file) as partial:
            partial.write_bytes(b"".join(map(_line, values)))


def _line(value: Any) -> bytes:
    """The break comes first, so that a line that was cut off by a full disk does not damage the next one."""
    return b"\n" + json.dumps(value).encode()


def _read(line: bytes) -> list[Any]:
    try:
        return [json.loads(line)]
    except (ValueError, RecursionError):
        return []
