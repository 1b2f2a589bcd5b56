"""The map as an image of Blender's: made once for each source, updated ever after, packed or beside the source's file."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np

from ..client.client import Taken
from ..core.errors import TargetError
from ..core.kinds import KINDS
from ..core.png import png_bytes
from .map_files import write_map
from .pixels import set_is_data, size_of

SOURCE = "midas_normal_source"
"""Property of a map: its source, a pointer that Blender keeps right when either is renamed, saved or appended."""

MASK = "midas_normal_mask"
"""Property of a map: the mask image that its surface has, a pointer like the source's."""

STORED = "midas_normal"
"""Property of a map: its settings and facts as JSON."""

LONGEST_NAME = 63
"""Bytes that a name has at most in Blender 4.2."""

SEVERAL = ("TILED", "SEQUENCE")
"""Blender's names for the source of an image that shows several pictures."""

NUMBER = re.compile(r"[._-]*(<UDIM>|<UVTILE>|\d+)$")
"""The number of a tile or frame at the end of a name, or what stands for it, with what parts it from the rest."""

EXTENSION = re.compile(r"\.(png|jpe?g|jp2|tiff?|tga|bmp|webp|exr|hdr|dpx|cin|psd|avif|mp4|m4v|mov|mkv|webm|avi|mpe?g|ogv)"
                       r"(?=(\.\d{3})?$)", re.IGNORECASE)


def store(source: bpy.types.Image, files: Taken, settings: Mapping[str, Any], facts: Mapping[str, Any],
          save: str = "PACK") -> bpy.types.Image:
    """The source's map, new or updated, showing the PNG file's pixels as data.

    settings, facts: what `stored` gives back, also after saving and loading; facts["map"] is the map's kind.
    save: PACK, or BESIDE for a file beside the source's.  Raises TargetError, and changes nothing, where that cannot be.
    """
    beside = _write_beside(source, facts["map"], files.png) if save == "BESIDE" else None
    with filled_map(source, settings, facts) as image:
        _show(image, files, beside)
    return image


@contextmanager
def filled_map(source: bpy.types.Image, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[bpy.types.Image]:
    """The source's map, new or as it is, to be filled in the `with` block; a new one is removed again when that fails."""
    there = map_of(source, facts["map"])
    image = there or _new_map(source, facts["map"])
    try:
        with _refilled(image, settings, facts):
            yield image
    except Exception:
        if there is None:
            bpy.data.images.remove(image)
        raise


@contextmanager
def _refilled(image: bpy.types.Image, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[None]:
    """What holds for a map whatever its pixels are."""
    set_is_data(image)
    yield
    draw_again(image)
    image[STORED] = json.dumps({"settings": dict(settings), "facts": dict(facts)})


def draw_again(image: bpy.types.Image) -> None:
    """Else the Image Editor of 4.3 goes on showing the old pixels.  A sequence whose frames nobody has seen has none."""
    if image.source != "SEQUENCE":
        image.update()


def store_again(image: bpy.types.Image, files: Taken, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """The map with other pixels, packed or in its file as before.  Raises TargetError, and changes nothing, as `store`."""
    file = None
    if image.packed_file is None:
        file = Path(bpy.path.abspath(image.filepath_raw))
        write_map(file, files.png)
    with _refilled(image, settings, facts):
        _show(image, files, file)


def map_of(source: bpy.types.Image, kind: str) -> bpy.types.Image | None:
    """The map of a kind made from this source before, whatever it is called now, as long as it can be changed."""
    maps = [image for image in bpy.data.images
            if source_of(image) == source and image.library is None and kind_of(image) == kind]
    maps.sort(key=lambda image: image.name != map_name(name_of(source), kind))
    return maps[0] if maps else None


def maps_of(source: bpy.types.Image) -> list[bpy.types.Image]:
    """The maps of all kinds made from this source before, as `map_of` finds them; the normal map is the first."""
    return [image for kind in KINDS if (image := map_of(source, kind)) is not None]


def source_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """The image from which this map was made; None for any other image, and when the source is gone."""
    source = image.get(SOURCE)
    return source if isinstance(source, bpy.types.Image) else None


def mask_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """The mask image that the map's surface has, if any."""
    mask = image.get(MASK)
    return mask if isinstance(mask, bpy.types.Image) else None


def note_mask(image: bpy.types.Image, mask: bpy.types.Image | None) -> None:
    """Remembers which mask image the map's surface has."""
    if mask is not None:
        image[MASK] = mask
    elif mask_of(image) is not None:
        del image[MASK]


def kind_of(image: bpy.types.Image) -> str:
    """The kind of a map, a name of `core.kinds.KINDS`; maps of earlier versions are normal maps and do not say so."""
    words = stored(image)
    kind = words["facts"].get("map") if words else None
    return kind if kind in tuple(KINDS) else "NORMAL"


def stored(image: bpy.types.Image) -> dict[str, Any] | None:
    """{"settings": ..., "facts": ...} of a map; None for any other image, and for words that another hand has written."""
    words = image.get(STORED)
    try:
        found = json.loads(words) if isinstance(words, str) else None
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(found, dict) and all(isinstance(found.get(part), dict) for part in ("settings", "facts"))
    return found if is_ours else None


def map_name(source_name: str, kind: str) -> str:
    """`brick.png` -> `brick_normal`; a number that Blender added stays a part of the name."""
    ending = f"_{KINDS[kind].word}"
    stem = EXTENSION.sub("", source_name).encode()[:LONGEST_NAME - len(ending)].decode(errors="ignore")
    return stem + ending


def name_of(source: bpy.types.Image) -> str:
    """The source's name; of several pictures, which Blender calls like the first one's file, without ending and number."""
    return NUMBER.sub("", EXTENSION.sub("", source.name)) if source.source in SEVERAL else source.name


def _new_map(source: bpy.types.Image, kind: str) -> bpy.types.Image:
    image = bpy.data.images.new(map_name(name_of(source), kind), 8, 8, float_buffer=True, is_data=True)
    image[SOURCE] = source
    return image


def _show(image: bpy.types.Image, files: Taken, file: Path | None) -> None:
    """Shows the map from its file, or packed where it has none."""
    if image.source in SEVERAL:
        _without_pictures(image)
    if file is None:
        _show_packed(image, files)
    else:
        _show_file(image, file)
        _check(image, files.png)


def _show_packed(image: bpy.types.Image, files: Taken) -> None:
    """Packs the file as it is, and shows its pixels; without them Blender decodes the file, 0.1 s at 2048 x 2048."""
    if files.pixels is None:
        _pack(image, files.png)
        _check(image, files.png)
    else:
        header = _Header.of(files.png)
        if not header.fits(image):
            _blank(image, header)
        image.pixels.foreach_set(np.memmap(files.pixels, np.float32, "r"))  # type: ignore[arg-type]
        image.pack(data=files.png, data_len=len(files.png))
    image.update_tag()


def _pack(image: bpy.types.Image, png: bytes) -> None:
    """Packs the file; Blender decodes it when asked for pixels, because its old buffers are dropped."""
    image.filepath_raw = ""
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"
    image.buffers_free()


def _blank(image: bpy.types.Image, header: _Header) -> None:
    """Gives the image pixels of the file's size and depth without decoding the file: a single one, enlarged."""
    _pack(image, png_bytes(np.zeros((1, 1, 3), np.uint16 if header.is_float else np.uint8), False))
    image.scale(header.width, header.height)


def _show_file(image: bpy.types.Image, file: Path) -> None:
    if image.packed_file is not None:
        image.unpack(method="REMOVE")
    image.filepath_raw = blender_path(file)
    image.source = "FILE"
    image.reload()
    image.update_tag()


def show_several(image: bpy.types.Image, file: Path, layout: Literal["TILED", "SEQUENCE"], pack: bool) -> None:
    """Shows the files of several pictures.  Raises TargetError when Blender finds none.

    file: the name that stands for all of them; layout: TILED or SEQUENCE; pack: the files are not needed any more.
    """
    _without_pictures(image)
    image.filepath_raw = str(file) if pack else blender_path(file)
    image.source = layout  # Blender looks for the files now
    if pack:
        image.pack()
        image.filepath_raw = f"//{file.name}"
    if layout == "TILED" and size_of(image) == (0, 0):
        raise TargetError(f"Blender cannot read the map it was given as {image.name!r}.")


def _without_pictures(image: bpy.types.Image) -> None:
    """Forgets what the image shows, for it shows something else from now on."""
    if image.packed_file is not None:
        image.unpack(method="REMOVE")
    image.source = "FILE"


def blender_path(file: Path) -> str:
    """The path as an image keeps it: relative to the .blend file where that can be."""
    is_on_same_drive = bool(bpy.data.filepath) and file.drive == Path(bpy.data.filepath).drive
    return bpy.path.relpath(str(file)) if is_on_same_drive else str(file)


@dataclass(frozen=True)
class _Header:
    """What a PNG file's header tells; Blender holds 16 bits as floats."""

    width: int
    height: int
    is_float: bool

    @classmethod
    def of(cls, png: bytes) -> _Header:
        width, height, depth = struct.unpack(">IIB", png[16:25])
        return cls(width, height, depth == 16)

    def fits(self, image: bpy.types.Image) -> bool:
        """Whether a packed image's pixels are loaded, and of this size and depth."""
        return (image.has_data and image.packed_file is not None and image.is_float == self.is_float
                and size_of(image) == (self.width, self.height))


def _check(image: bpy.types.Image, png: bytes) -> None:
    """Raises TargetError when Blender shows another size or depth than the PNG file's header tells."""
    header = _Header.of(png)
    if size_of(image) != (header.width, header.height) or image.is_float != header.is_float:
        raise TargetError(f"Blender cannot read the map it was given as {image.name!r}.")


def _write_beside(source: bpy.types.Image, kind: str, png: bytes) -> Path:
    """Path of the map's file, complete."""
    file = file_beside(source, kind)
    check_place(source, file, "FILE")
    write_map(file, png)
    return file


def file_beside(source: bpy.types.Image, kind: str) -> Path:
    """Path of a map's file beside that of its single picture; raises TargetError as `place_beside`."""
    folder, stem = place_beside(source)
    return folder / f"{stem}_{KINDS[kind].word}.png"


def check_place(source: bpy.types.Image, file: Path, layout: str) -> None:
    """Raises TargetError where the source's map would lie on that of another picture, as those of a.png and a.jpg would.

    file: as an image names it; layout: Blender's name for an image of this map.
    """
    place = _of_one_map(file, layout)
    for image in bpy.data.images:
        other = source_of(image)
        if other in (None, source) or image.packed_files:
            continue
        if _of_one_map(file_of(image), image.source) == place:
            raise TargetError(f"{file} is the map of {other.name!r} already; rename one of the two pictures' files, or pack "
                              "the map.")


def _of_one_map(file: Path, layout: str) -> Path:
    """What no two maps share: the file, or the folder of a sequence, whose numbers differ."""
    return file.parent if layout == "SEQUENCE" else file


def place_beside(source: bpy.types.Image) -> tuple[Path, str]:
    """The folder of the source's file, and the file's name without its ending; raises TargetError where there is none."""
    path = file_of(source)
    if not path.is_absolute():
        raise TargetError(f"The image {source.name!r} has no file to save the map beside; save it first, or pack the map.")
    return path.parent, path.stem


def file_of(image: bpy.types.Image) -> Path:
    """The file that an image names, without detours; "." where it names none."""
    return Path(os.path.normpath(bpy.path.abspath(image.filepath_raw, library=image.library)))
