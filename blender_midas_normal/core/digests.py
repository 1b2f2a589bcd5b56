"""Digests by which files are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

PIECE = 1 << 20
"""Bytes read at a time."""


def sha256_of(file: Path) -> str:
    """SHA-256 of the file's bytes in hexadecimal; raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
