"""What is known of engines without running one: what AUTO means, whether depths have a range, and MiDaS's weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from .errors import EngineUnavailable, Message, Phrase, WeightsError, reason_of
from .files import sha256_of
from .settings import Settings


def select_engine(settings: Settings, unavailable: Mapping[str, Message]) -> tuple[str, Message]:
    """(engine, why) for the settings, given each engine's reason why it cannot run ("" when it can).

    Raises EngineUnavailable when the engine asked for cannot run.
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
    """Whether the surfaces of an engine have a range (see `core.picture.Surface`)."""
    return engine == "MIDAS" and settings.depth_scale == "NORMALISED"


def shared_range_strengths(ranges: Mapping[Key, float]) -> dict[Key, float]:
    """The factor on the strength of each picture's map, which makes all as steep as one range of depths does: 0 to 1."""
    widest = max(ranges.values(), default=0.0)
    return {key: own / widest if own < widest else 1.0 for key, own in ranges.items()}


WEIGHTS_NAME = "dpt_hybrid-midas-501f0c75.pt"
"""DPT-Hybrid of MiDaS 3.0, the MiDaS node's network; the name under which controlnet_aux looks for it."""

WEIGHTS_BYTES = 492757791
"""Bytes."""

WEIGHTS_SHA256 = "501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853"

WEIGHTS_FOLDER_HINT = Phrase("in Blender in the preferences, on the command line with --weights")
"""Where a user names the folder: the first in Blender, the second on the command line."""

_checksums: dict[tuple[str, int, int], str] = {}


def weights_checksum(path: Path) -> str:
    """The file's SHA-256 in hexadecimal; raises WeightsError when it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error


def verify_weights(path: Path, sha256: str = WEIGHTS_SHA256) -> Message | None:
    """None when the file is the known one, else a warning; hashed once for each size and time of change."""
    try:
        found = path.stat()
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error
    key = (str(path.resolve()), found.st_size, found.st_mtime_ns)
    if key not in _checksums:
        _checksums[key] = weights_checksum(path)
    if _checksums[key] == sha256:
        return None
    return Message("{path} is not the file that MiDaS was tested with: its SHA-256 is {found}, not {wanted}.", path=path,
                   found=_checksums[key], wanted=sha256)
