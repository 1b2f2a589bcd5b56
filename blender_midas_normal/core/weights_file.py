"""The file with the MiDaS network's weights: what it is called and how it is recognised."""

from __future__ import annotations

from pathlib import Path

from .digests import sha256_of
from .errors import WeightsError, reason_of
from .messages import Message, Phrase

FILE = "dpt_hybrid-midas-501f0c75.pt"
"""DPT-Hybrid of MiDaS 3.0, the MiDaS node's network; the name under which controlnet_aux looks for it."""

SIZE = 492757791
"""Bytes."""

SHA256 = "501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853"

CHOSEN = Phrase("in Blender in the preferences, on the command line with --weights")
"""Where a user names the folder: the first in Blender, the second on the command line."""

_checked: dict[tuple[str, int, int], str] = {}


def checksum(path: Path) -> str:
    """The file's SHA-256 in hexadecimal; raises WeightsError when it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error


def verified(path: Path, sha256: str = SHA256) -> Message | None:
    """None when the file is the known one, else a warning; hashed once for each size and time of change."""
    try:
        found = path.stat()
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error
    key = (str(path.resolve()), found.st_size, found.st_mtime_ns)
    if key not in _checked:
        _checked[key] = checksum(path)
    if _checked[key] == sha256:
        return None
    return Message("{path} is not the file that MiDaS was tested with: its SHA-256 is {found}, not {wanted}.", path=path,
                   found=_checked[key], wanted=sha256)
