"""What is stored with maps: their source, mask, base, settings and facts; a map that exists already is found by them."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import SourceError
from ..core.files import PICTURE_SUFFIXES
from ..core.map_types import MAP_TYPES
from ..core.settings import Settings

SOURCE_PROPERTY = "midas_normal_source"
"""Custom property of a map: its source, a pointer that Blender keeps valid when either is renamed, saved or appended."""

MASK_PROPERTY = "midas_normal_mask"
"""Custom property of a map: the mask image of its surface, a pointer too."""

BASE_PROPERTY = "midas_normal_base"
"""Custom property of a map: the normal map over which its fine relief was laid, a pointer too."""

HEIGHTS_PROPERTY = "midas_normal_heights"
"""Custom property of a map made of the heights that a node sees: a HeightReading as JSON."""

METADATA_PROPERTY = "midas_normal"
"""Custom property of a map: its settings and facts as JSON."""

MAX_NAME_BYTES = 63
"""Bytes that a data-block's name can have in Blender 4.2."""

SINGLE_PICTURE = ""
"""What stands for the number of a picture that is the only one of its source."""

NUMBERED_SOURCES = ("TILED", "SEQUENCE")
"""Values of `Image.source` where each picture has a numbered file of its own; a movie is one file."""

NUMBER_SUFFIX = re.compile(r"[._-]*(<UDIM>|<UVTILE>|\d+)$")
"""The number of a tile or frame at the end of a name, or its token, with the separators before it."""

FILM_SUFFIXES = (".dpx", ".cin", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv")
"""Of the film files that Blender reads beside pictures."""

FILE_SUFFIX = re.compile(rf"({'|'.join(map(re.escape, sorted({*PICTURE_SUFFIXES, *FILM_SUFFIXES})))})(?=(\.\d{{3}})?$)",
                         re.IGNORECASE)
"""The ending of a picture or film file in an image's name, which Blender may have numbered."""


def find_map(source: bpy.types.Image, map_type: str) -> bpy.types.Image | None:
    """Find the map of a type that was made from a source before, whatever its name, and that can be changed.

    Of a map and its copies, one that a material shows is returned; the other copies stay as they are.
    """
    maps = [image for image in bpy.data.images
            if source_of(image) == source and image.library is None and map_type_of(image) == map_type]
    if len(maps) > 1:
        shown = bpy.data.user_map(subset=maps, value_types={"MATERIAL", "NODETREE"})
        maps.sort(key=lambda image: (not shown[image], image.name != map_name(base_name(source), map_type)))
    return maps[0] if maps else None


def find_maps(source: bpy.types.Image) -> list[bpy.types.Image]:
    """Find the maps of all types that were made from a source before, the normal map first."""
    return [image for map_type in MAP_TYPES if (image := find_map(source, map_type)) is not None]


def source_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """Return the image from which a map was made, None for any other image and when the source is gone."""
    return _pointer(image, SOURCE_PROPERTY)


def mask_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """Return the mask image of the map's surface, if any."""
    return _pointer(image, MASK_PROPERTY)


def set_mask(image: bpy.types.Image, mask: bpy.types.Image | None) -> None:
    """Store which mask image the map's surface has."""
    _set_pointer(image, MASK_PROPERTY, mask)


def base_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """Return the normal map over which a map's fine relief was laid, if any."""
    return _pointer(image, BASE_PROPERTY)


def set_base(image: bpy.types.Image, base: bpy.types.Image | None) -> None:
    """Store over which normal map the map's fine relief was laid."""
    _set_pointer(image, BASE_PROPERTY, base)


def _pointer(image: bpy.types.Image, name: str) -> bpy.types.Image | None:
    pointer = image.get(name)
    return pointer if isinstance(pointer, bpy.types.Image) else None


def _set_pointer(image: bpy.types.Image, name: str, value: bpy.types.Image | None) -> None:
    if value is not None:
        image[name] = value
    elif image.get(name) is not None:
        del image[name]


@dataclass(frozen=True)
class HeightReading:
    """How the nodes of a material see the heights of a picture; the fields are those of `core.protocol.Pixels`."""

    height_weights: tuple[float, float, float]
    is_srgb: bool = False
    pixel_aspect: float = 1.0


def heights_of(image: bpy.types.Image) -> HeightReading | None:
    """Return how the heights of which a map was made were read; None where they are the picture's values as stored.

    Raises:
        SourceError: where what is stored is damaged.
    """
    text = image.get(HEIGHTS_PROPERTY)
    if text is None:
        return None
    try:
        fields = json.loads(text)
        red, green, blue = map(float, fields.pop("height_weights"))
        return HeightReading((red, green, blue), **fields)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise SourceError("What is stored with the map {map!r} cannot be read; generate it again.", map=image.name) from None


def set_heights(image: bpy.types.Image, heights: HeightReading | None) -> None:
    """Store how the heights of which a map was made were read."""
    if heights is not None:
        image[HEIGHTS_PROPERTY] = json.dumps(dataclasses.asdict(heights))
    elif image.get(HEIGHTS_PROPERTY) is not None:
        del image[HEIGHTS_PROPERTY]


def map_type_of(image: bpy.types.Image) -> str:
    """Return the type of a map, a name of `core.map_types.MAP_TYPES`; maps of the first versions are normal maps.

    Those did not store their type.
    """
    metadata = stored_metadata(image)
    map_type = metadata["facts"].get("map") if metadata else None
    return map_type if map_type in tuple(MAP_TYPES) else "NORMAL"


def stored_metadata(image: bpy.types.Image) -> dict[str, Any] | None:
    """Return {"settings": ..., "facts": ...} of a map, None for any other image and where the stored text is damaged."""
    text = image.get(METADATA_PROPERTY)
    try:
        metadata = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    is_valid = isinstance(metadata, dict) and all(isinstance(metadata.get(part), dict) for part in ("settings", "facts"))
    return metadata if is_valid else None


def map_name(source_name: str, map_type: str) -> str:
    """Return the name of a map: `brick.png` -> `brick_normal`; a number that Blender added stays part of it."""
    ending = f"_{MAP_TYPES[map_type].file_tag}"
    stem = FILE_SUFFIX.sub("", source_name).encode()[:MAX_NAME_BYTES - len(ending)].decode(errors="ignore")
    return stem + ending


def base_name(source: bpy.types.Image) -> str:
    """Return the source's name; for numbered files, which Blender names after the first, without suffix and number."""
    return NUMBER_SUFFIX.sub("", FILE_SUFFIX.sub("", source.name)) if source.source in NUMBERED_SOURCES else source.name


def stored_settings(image: bpy.types.Image) -> Settings:
    """Return the settings with which a map was made; raises SourceError for an image that is no map."""
    return Settings().replace_fields(_require_metadata(image)["settings"])


def stored_facts(image: bpy.types.Image) -> dict:
    """Return what is stored with a map besides its settings: engine, key of the surface, scale of its heights and others.

    Raises:
        SourceError: for an image that is no map, or whose facts are damaged.
    """
    facts = {"scale": 0.0, **_require_metadata(image)["facts"]}
    if not (all(isinstance(facts.get(name), str) for name in ("engine", "surface"))
            and isinstance(facts["scale"], (int, float))):
        raise SourceError("What is stored with the map {map!r} cannot be read; generate it again.", map=image.name)
    return facts


def _require_metadata(image: bpy.types.Image) -> dict:
    metadata = stored_metadata(image)
    if metadata is None:
        raise SourceError("The image {image!r} is no map of this extension; generate one.", image=image.name)
    return metadata
