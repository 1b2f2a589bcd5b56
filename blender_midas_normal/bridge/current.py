"""Which maps are there already as they are asked for, as far as Blender can tell: the worker compares the pictures."""

from __future__ import annotations

import re

import bpy

from ..core.errors import MidasNormalError
from .beside import file_beside, file_of
from .order import SINGLE, Order
from .results import NUMBERED, kind_of, map_of
from .retuning import facts_on, settings_on

KEY = re.compile("[0-9a-f]{32}(-[0-9a-f]{32})?")
"""Of a surface; a file from a stranger may hold anything in its place."""


def known_surfaces(order: Order) -> dict[str, str]:
    """The keys of the surfaces from which the order's maps were made, by the picture's number, "" for a single picture.

    Empty where a map is missing, is kept elsewhere or was made with other settings.  Raises TargetError as storing would.
    """
    source = order.source.image()
    maps = [map_of(source, kind) for kind in order.ask.maps]
    found = [_surfaces(image, order) if image is not None and _is_kept(image, order) else {} for image in maps]
    return found[0] if all(surfaces == found[0] for surfaces in found) else {}


def _surfaces(image: bpy.types.Image, order: Order) -> dict[str, str]:
    """Of one map; a record that is damaged is none, and only makes work."""
    wanted = order.ask.settings
    try:
        is_as_asked = wanted.tuned_as(settings_on(image)).is_like(wanted)
        facts = facts_on(image)
    except MidasNormalError:
        return {}
    surfaces = facts.get("surfaces", {SINGLE: facts["surface"]})
    is_readable = isinstance(surfaces, dict) and all(KEY.fullmatch(str(key)) for key in surfaces.values())
    is_as_smooth = facts.get("smoothing", order.ask.smoothing) == order.ask.smoothing
    return surfaces if is_as_asked and is_as_smooth and is_readable else {}


def _is_kept(image: bpy.types.Image, order: Order) -> bool:
    """Whether a map lies where it is asked to; the files of several pictures are looked at where they are named."""
    source = order.source.image()
    if order.ask.save == "PACK" and source.source not in ("SEQUENCE", "MOVIE"):  # those cannot be packed
        return bool(image.packed_files)
    if image.packed_files or image.source in NUMBERED:
        return not image.packed_files
    file = file_beside(source, kind_of(image))
    return file_of(image) == file and file.exists()
