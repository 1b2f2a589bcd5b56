"""What everybody must know of the engines without running one: their facts, what AUTO selects, and MiDaS's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .errors import EngineUnavailable, Message, Phrase, WeightsError, reason_of
from .files import sha256_of

if TYPE_CHECKING:
    from .settings import Settings

COLOUR = "COLOUR"
"""Content of a picture: display-referred sRGB, H x W x 3, uint8 0..255 or float32 0..1."""

DATA = "DATA"
"""Content of a picture: values as stored, H x W or H x W x 3, of any range, without a tone curve."""


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that users bring or download; `size` in bytes, `sha256` in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class EngineFacts:
    """What panel, settings, AUTO and the client must know of an engine.

    Attributes:
        label, description: its texts in the interface.
        licence: of its code and weights.
        takes: the content of the pictures it makes surfaces of, COLOUR or DATA.
        settings: names of the settings that act on this engine, of those that do not act on all.
        fine_description: text of the interface for its fine relief mixed in over another engine; "" where it is not offered.
        uses_torch: whether it runs on torch where the worker's Python has it, and so on a GPU.
        weights: the file that users bring; None where it needs none.
        parts: of the MiDaS environment that it cannot run without, see `client.setup.environment.PARTS`.
        raw_parts: those that depth_scale RAW needs; empty where the engine has none.
        has_depth_range: whether its depths are in units of their own, so that two pictures may differ in range.
    """

    label: str
    description: str
    licence: str
    takes: str = COLOUR
    settings: frozenset[str] = frozenset()
    fine_description: str = ""
    uses_torch: bool = False
    weights: WeightsFile | None = None
    parts: tuple[str, ...] = ()
    raw_parts: tuple[str, ...] = ()
    has_depth_range: bool = False


MIDAS_WEIGHTS = WeightsFile("dpt_hybrid-midas-501f0c75.pt", 492757791,
                            "501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853")
"""DPT-Hybrid of MiDaS 3.0, the MiDaS node's network; controlnet_aux looks for it under this name."""

ENGINES: dict[str, EngineFacts] = {
    "MIDAS": EngineFacts(
        "MiDaS", "Depth estimated by the MiDaS network (DPT-Hybrid), on the GPU where there is one", licence="MIT",
        settings=frozenset({"resolution", "enlargement", "device", "precision"}), uses_torch=True, weights=MIDAS_WEIGHTS,
        parts=("midas",), raw_parts=("midas", "node"), has_depth_range=True),
    "RELIEF": EngineFacts(
        "Relief", "Built-in network for photos of materials: heights from shading, always available",
        licence="GPL 3 or later", settings=frozenset({"quality", "device", "precision"}), uses_torch=True,
        fine_description="Fine relief by the built-in network, over the engine's large shapes"),
    "LUMINANCE": EngineFacts(
        "Luminance", "Brightness as height: instant, always available", licence="GPL 3 or later",
        fine_description="Fine relief by brightness, over the engine's large shapes"),
}
"""By the name that settings use, in the order of the interface."""

AUTO_ENGINES = ("MIDAS", "RELIEF")
"""The engine that AUTO chooses where it can run, and the built-in one that it chooses else."""

WEIGHTS_FOLDER_HINT = Phrase("in Blender in the preferences, on the command line with --weights")
"""Where a user names the folder: the first in Blender, the second on the command line."""

Key = TypeVar("Key")


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
    if settings.engine == "AUTO":
        first, built_in = AUTO_ENGINES
        reason = unavailable[first]
        if not reason:
            return first, Message("AUTO chose MiDaS: its environment and weights are there.")
        if settings.depth_scale == "RAW":
            raise EngineUnavailable("depth_scale RAW needs MiDaS, which cannot run here: {reason}", reason=reason)
        return built_in, Message("AUTO chose relief, because MiDaS cannot run here: {reason}", reason=reason)
    if unavailable[settings.engine]:
        raise EngineUnavailable(unavailable[settings.engine])
    return settings.engine, Message("{engine} was asked for.", engine=settings.engine)


def usable_engines(engine: str, mix: str) -> tuple[str, ...]:
    """Return the engines that a request may use with these values of the settings `engine` and `mix`.

    A name that no engine of this version has counts as none: .blend files may hold one.

    >>> usable_engines("AUTO", "LUMINANCE")
    ('MIDAS', 'RELIEF', 'LUMINANCE')
    """
    names = dict.fromkeys((*(AUTO_ENGINES if engine == "AUTO" else (engine,)), mix))
    return tuple(name for name in names if name in ENGINES)


def needed_parts(engine: str, depth_scale: str) -> tuple[str, ...]:
    """Return the parts of the MiDaS environment without which no request with these values of the settings can run.

    >>> needed_parts("AUTO", "NORMALISED"), needed_parts("MIDAS", "NORMALISED"), needed_parts("AUTO", "RAW")
    ((), ('midas',), ('midas', 'node'))
    """
    usable = [ENGINES[name] for name in usable_engines(engine, "OFF")]
    if depth_scale == "RAW":
        return min((facts.raw_parts for facts in usable if facts.raw_parts), key=len, default=())
    return min((facts.parts for facts in usable), key=len, default=())


def setting_acts(name: str, engine: str, mix: str) -> bool:
    """Tell whether a setting changes anything with these values of the settings `engine` and `mix`.

    >>> setting_acts("quality", "LUMINANCE", "OFF"), setting_acts("strength", "LUMINANCE", "OFF")
    (False, True)
    """
    is_general = not any(name in facts.settings for facts in ENGINES.values())
    return is_general or any(name in ENGINES[usable].settings for usable in usable_engines(engine, mix))


def has_depth_range(engine: str, settings: Settings) -> bool:
    """Tell whether the surfaces of an engine have a depth range (see `core.picture.Surface`)."""
    return ENGINES[engine].has_depth_range and settings.depth_scale == "NORMALISED"


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


def verify_weights(path: Path, sha256: str = MIDAS_WEIGHTS.sha256) -> Message | None:
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
