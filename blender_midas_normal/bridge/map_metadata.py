"""Which images are maps, of what, and what they know of how they were made: running again finds them by that."""

from __future__ import annotations

import json
import re
from typing import Any

import bpy

from ..core.errors import SourceError
from ..core.files import PICTURE_SUFFIXES
from ..core.map_types import MAP_TYPES
from ..core.settings import Settings

SOURCE_PROPERTY = "midas_normal_source"
"""Property of a map: its source, a pointer that Blender keeps right when either is renamed, saved or appended."""

MASK_PROPERTY = "midas_normal_mask"
"""Property of a map: the mask image that its surface has, a pointer like the source's."""

METADATA_PROPERTY = "midas_normal"
"""Property of a map: its settings and facts as JSON."""

MAX_NAME_BYTES = 63
"""Bytes that a name has at most in Blender 4.2."""

SINGLE_PICTURE = ""
"""The number of a picture that is the only one of its source."""

NUMBERED_SOURCES = ("TILED", "SEQUENCE")
"""Blender's names for the source of an image that has a file with a number for each of its pictures; a movie is one file."""

NUMBER_SUFFIX = re.compile(r"[._-]*(<UDIM>|<UVTILE>|\d+)$")
"""The number of a tile or frame at the end of a name, or what stands for it, with what parts it from the rest."""

FILM_SUFFIXES = (".dpx", ".cin", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv")
"""Of the film files that Blender reads beside pictures."""

FILE_SUFFIX = re.compile(rf"({'|'.join(map(re.escape, sorted({*PICTURE_SUFFIXES, *FILM_SUFFIXES})))})(?=(\.\d{{3}})?$)",
                         re.IGNORECASE)
"""The ending of a picture or film file in an image's name, which Blender may have numbered."""


def find_map(source: bpy.types.Image, map_type: str) -> bpy.types.Image | None:
    """The map of a kind made from this source before, whatever it is called now, as long as it can be changed.

    Of a map and its copies it is one that a material shows: a user who keeps another keeps it as it is.
    """
    maps = [image for image in bpy.data.images
            if source_of(image) == source and image.library is None and map_type_of(image) == map_type]
    if len(maps) > 1:
        shown = bpy.data.user_map(subset=maps, value_types={"MATERIAL", "NODETREE"})
        maps.sort(key=lambda image: (not shown[image], image.name != map_name(base_name(source), map_type)))
    return maps[0] if maps else None


def find_maps(source: bpy.types.Image) -> list[bpy.types.Image]:
    """The maps of all kinds made from this source before, as `find_map` finds them; the normal map is the first."""
    return [image for map_type in MAP_TYPES if (image := find_map(source, map_type)) is not None]


def source_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """The image from which this map was made; None for any other image, and when the source is gone."""
    source = image.get(SOURCE_PROPERTY)
    return source if isinstance(source, bpy.types.Image) else None


def mask_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """The mask image that the map's surface has, if any."""
    mask = image.get(MASK_PROPERTY)
    return mask if isinstance(mask, bpy.types.Image) else None


def set_mask(image: bpy.types.Image, mask: bpy.types.Image | None) -> None:
    """Remembers which mask image the map's surface has."""
    if mask is not None:
        image[MASK_PROPERTY] = mask
    elif mask_of(image) is not None:
        del image[MASK_PROPERTY]


def map_type_of(image: bpy.types.Image) -> str:
    """Return the type of a map, a name of `core.map_types.MAP_TYPES`; maps of the first versions are normal maps.

    Those did not store their type.
    """
    words = stored_metadata(image)
    map_type = words["facts"].get("map") if words else None
    return map_type if map_type in tuple(MAP_TYPES) else "NORMAL"


def stored_metadata(image: bpy.types.Image) -> dict[str, Any] | None:
    """{"settings": ..., "facts": ...} of a map; None for any other image, and for words that another hand has written."""
    words = image.get(METADATA_PROPERTY)
    try:
        found = json.loads(words) if isinstance(words, str) else None
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(found, dict) and all(isinstance(found.get(part), dict) for part in ("settings", "facts"))
    return found if is_ours else None


def map_name(source_name: str, map_type: str) -> str:
    """`brick.png` -> `brick_normal`; a number that Blender added stays a part of the name."""
    ending = f"_{MAP_TYPES[map_type].file_tag}"
    stem = FILE_SUFFIX.sub("", source_name).encode()[:MAX_NAME_BYTES - len(ending)].decode(errors="ignore")
    return stem + ending


def base_name(source: bpy.types.Image) -> str:
    """The source's name; of several pictures, which Blender calls like the first one's file, without ending and number."""
    return NUMBER_SUFFIX.sub("", FILE_SUFFIX.sub("", source.name)) if source.source in NUMBERED_SOURCES else source.name


def stored_settings(image: bpy.types.Image) -> Settings:
    """The settings that a map was made with; raises SourceError for an image that is no map."""
    return Settings().replace_fields(_require_metadata(image)["settings"])


def stored_facts(image: bpy.types.Image) -> dict:
    """What is remembered of a map beside its settings, with its engine, its surface's key and the scale of its heights.

    Raises SourceError for an image that is no map, or one whose facts another hand has written.
    """
    facts = {"scale": 0.0, **_require_metadata(image)["facts"]}
    if not (all(isinstance(facts.get(name), str) for name in ("engine", "surface"))
            and isinstance(facts["scale"], (int, float))):
        raise SourceError("What is stored with the map {map!r} cannot be read; generate it again.", map=image.name)
    return facts


def _require_metadata(image: bpy.types.Image) -> dict:
    words = stored_metadata(image)
    if words is None:
        raise SourceError("The image {image!r} is no map of this extension; generate one.", image=image.name)
    return words
