"""Facts about engines that need no engine: what AUTO selects, which surfaces have a depth range, and MiDaS's weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from .errors import EngineUnavailable, Message, Phrase, WeightsError, reason_of
from .files import sha256_of
from .settings import Settings

WEIGHTS_NAME = "dpt_hybrid-midas-501f0c75.pt"
"""File of DPT-Hybrid of MiDaS 3.0, the MiDaS node's network; controlnet_aux looks for it under this name."""

WEIGHTS_BYTES = 492757791
"""Size of the file in bytes."""

WEIGHTS_SHA256 = "501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853"

WEIGHTS_FOLDER_HINT = Phrase("in Blender in the preferences, on the command line with --weights")
"""Where a user names the folder: the first in Blender, the second on the command line."""


def select_engine(settings: Settings, unavailable: Mapping[str, Message]) -> tuple[str, Message]:
    """Choose the engine for the settings.

    Args:
        settings: with the engine asked for, or AUTO.
        unavailable: for each engine the reason why it cannot run, "" when it can.

    Returns:
        (name of the engine, why it was chosen).

    Raises:
        EngineUnavailable: the engine asked for cannot run.
    """
    asked = settings.engine
    if asked == "AUTO":
        if not unavailable["MIDAS"]:
            return "MIDAS", Message("AUTO chose MiDaS: its environment and weights are there.")
        if settings.depth_scale == "RAW":
            raise EngineUnavailable("depth_scale RAW needs MiDaS, which cannot run here: {reason}",
                                    reason=unavailable["MIDAS"])
        return "RELIEF", Message("AUTO chose relief, because MiDaS cannot run here: {reason}",
                                 reason=unavailable["MIDAS"])
    if unavailable[asked]:
        raise EngineUnavailable(unavailable[asked])
    return asked, Message("{engine} was asked for.", engine=asked)


Key = TypeVar("Key")


def has_depth_range(engine: str, settings: Settings) -> bool:
    """Tell whether the surfaces of an engine have a depth range (see `core.picture.Surface`)."""
    return engine == "MIDAS" and settings.depth_scale == "NORMALISED"


def shared_range_strengths(ranges: Mapping[Key, float]) -> dict[Key, float]:
    """Return factors on the strength, 0..1, that give several pictures one common depth range.

    Each picture's depth is scaled to heights of 0..1; the factor restores its range relative to the widest one.

    >>> shared_range_strengths({"near": 100.0, "far": 50.0})
    {'near': 1.0, 'far': 0.5}
    """
    widest = max(ranges.values(), default=0.0)
    return {key: value / widest if value < widest else 1.0 for key, value in ranges.items()}


_checksums: dict[tuple[str, int, int], str] = {}


def weights_checksum(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal; raise WeightsError when it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error


def verify_weights(path: Path, sha256: str = WEIGHTS_SHA256) -> Message | None:
    """Return None when the file has the given SHA-256, else a warning; raise WeightsError when it cannot be read.

    A file is hashed again only after its size or time of modification has changed.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    if key not in _checksums:
        _checksums[key] = weights_checksum(path)
    if _checksums[key] == sha256:
        return None
    return Message("{path} is not the file that MiDaS was tested with: its SHA-256 is {found}, not {wanted}.", path=path,
                   found=_checksums[key], wanted=sha256)
