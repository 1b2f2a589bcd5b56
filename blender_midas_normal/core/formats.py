"""The formats of files that maps are written in."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import SettingsError


@dataclass(frozen=True)
class Format:
    """A format of files as people know it, and the ending of their names."""

    label: str
    description: str
    suffix: str


FORMATS: dict[str, Format] = {
    "PNG": Format("PNG", "8 or 16 bits, lossless", ".png"),
    "EXR_HALF": Format("OpenEXR half", "Floats of 16 bits; heights in shorter sides of the picture", ".exr"),
    "EXR": Format("OpenEXR float", "Floats of 32 bits; heights in shorter sides of the picture", ".exr"),
    "TIFF": Format("TIFF", "8 or 16 bits, lossless", ".tif"),
}
"""By the name that requests use."""


def check_format(name: str) -> None:
    """Raises SettingsError for a name that is no format's."""
    if name not in FORMATS:
        raise SettingsError("There is no format {name!r}; it is one of {choices}.", name=name, choices=", ".join(FORMATS))


def is_float(name: str) -> bool:
    """Whether files of a format hold floats."""
    return name.startswith("EXR")
