"""The frames of image sequences and movies."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import SourceError
from .pictures import Pictures
from .source import Source


def frames_of(source: Source, save: str, folder: Path) -> Pictures:
    """Raises SourceError."""
    raise SourceError(f"The image {source.name!r} is an image sequence or a movie, which is not supported yet.")
