"""What the maps of a folder were made from, in a small file beside them: what is there need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ...core.errors import TargetError
from ...core.paths import is_file
from ...core.settings import Settings
from .placing import replacing

NAME = ".midas_normal.json"


class Ledger:
    """The record of an output folder.

    It knows a map by its place in the folder, and what it was made from by content, so that folders and pictures may move.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._lines = _read(folder / NAME)

    def is_current(self, file: Path, content: str, settings: str) -> bool:
        """Whether the file is a map made from this content with these settings, as it was left."""
        try:
            return self._lines.get(self._key(file)) == _line(file, content, settings)
        except OSError:
            return False

    def note(self, file: Path, content: str, settings: str) -> None:
        """Records a map that has been made; raises TargetError."""
        try:
            self._lines[self._key(file)] = _line(file, content, settings)
        except OSError as error:
            raise TargetError(f"{file} is gone already: {error.strerror}.") from None
        with replacing(self._folder / NAME) as partial:
            partial.write_text(json.dumps(self._lines, indent=1), encoding="utf-8")

    def files(self) -> set[Path]:
        """The maps that were made, wherever they are now."""
        return {self._folder / name for name in self._lines}

    def _key(self, file: Path) -> str:
        return Path(os.path.relpath(file.resolve(), self._folder)).as_posix()


def digest_of_settings(settings: Settings, engine: str, kind: str, format_: str, **others: float) -> str:
    """The same for the same map of the same picture; `engine` is the one that made it, whatever was asked for.

    others: what else shapes the map.
    """
    words = {**settings.words(), "engine": engine, "map": kind, "format": format_, **others}
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def _line(file: Path, content: str, settings: str) -> dict[str, object]:
    """Raises OSError where there is no such file."""
    return {"content": content, "settings": settings, "bytes": file.stat().st_size}


def _read(file: Path) -> dict[str, dict[str, object]]:
    """The lines by file; a record that is damaged is none, and only makes work."""
    if not is_file(file):
        return {}
    try:
        lines = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return lines if isinstance(lines, dict) else {}
