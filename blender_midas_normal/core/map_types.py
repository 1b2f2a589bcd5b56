"""Map types (normal, height, occlusion, curvature) and the file formats they are written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SettingsError

if TYPE_CHECKING:
    from .settings import Settings


@dataclass(frozen=True)
class MapType:
    """A map type's texts in the interface, and its tag in the names of files and images."""

    label: str
    description: str
    file_tag: str


MAP_TYPES: dict[str, MapType] = {
    "NORMAL": MapType("Normal", "Directions of the surface, for the Normal input of shaders", "normal"),
    "HEIGHT": MapType("Height", "Heights around a middle of 0.5, for displacement", "height"),
    "AO": MapType("Ambient Occlusion", "Fraction of the light from the sky that arrives, dark in grooves", "ao"),
    "CURVATURE": MapType("Curvature", "Bright where the surface bulges like an edge, dark where it is hollow", "curvature"),
}
"""By the name that requests use."""


def check_map_type(map_type: str, settings: Settings) -> None:
    """Raise SettingsError for an unknown map type, and for one that the settings do not allow."""
    if map_type not in MAP_TYPES:
        raise SettingsError("There is no map {kind!r}; it is one of {choices}.", kind=map_type, choices=", ".join(MAP_TYPES))
    if map_type != "NORMAL" and settings.depth_scale == "RAW":
        raise SettingsError("depth_scale RAW gives the normal map only; choose NORMALISED for other maps.")


@dataclass(frozen=True)
class FileFormat:
    """A file format's texts in the interface, and its file extension."""

    label: str
    description: str
    suffix: str


FILE_FORMATS: dict[str, FileFormat] = {
    "PNG": FileFormat("PNG", "8 or 16 bits, lossless", ".png"),
    "EXR_HALF": FileFormat("OpenEXR half", "Floats of 16 bits; heights in shorter sides of the picture", ".exr"),
    "EXR": FileFormat("OpenEXR float", "Floats of 32 bits; heights in shorter sides of the picture", ".exr"),
    "TIFF": FileFormat("TIFF", "8 or 16 bits, lossless", ".tif"),
}
"""By the name that requests use."""


def check_format(name: str) -> None:
    """Raise SettingsError for an unknown file format."""
    if name not in FILE_FORMATS:
        raise SettingsError("There is no format {name!r}; it is one of {choices}.", name=name,
                            choices=", ".join(FILE_FORMATS))


def is_float_format(name: str) -> bool:
    """Tell whether files of a format hold floats."""
    return name.startswith("EXR")
