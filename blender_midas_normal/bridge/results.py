"""The map as an image of Blender's: made once for each source, updated ever after, packed or beside the source's file."""

from __future__ import annotations

import json
import os
import re
import struct
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..client.client import Taken
from ..core.errors import TargetError
from ..core.kinds import KINDS
from ..core.png import png_bytes
from .pixels import set_is_data, size_of

SOURCE = "midas_normal_source"
"""Property of a map: its source, a pointer that Blender keeps right when either is renamed, saved or appended."""

STORED = "midas_normal"
"""Property of a map: its settings and facts as JSON."""

LONGEST_NAME = 63
"""Bytes that a name has at most in Blender 4.2."""

EXTENSION = re.compile(r"\.(png|jpe?g|jp2|tiff?|tga|bmp|webp|exr|hdr|dpx|cin|psd|avif)(?=(\.\d{3})?$)", re.IGNORECASE)

HEADER = 33
"""Bytes of a PNG file before its second chunk: signature and IHDR."""


def store(source: bpy.types.Image, files: Taken, settings: Mapping[str, Any], facts: Mapping[str, Any],
          save: str = "PACK") -> bpy.types.Image:
    """The source's map, new or updated, showing the PNG file's pixels as data.

    settings, facts: what `stored` gives back, also after saving and loading; facts["map"] is the map's kind.
    save: PACK, or BESIDE for a file beside the source's.  Raises TargetError, and changes nothing, where that cannot be.
    """
    kind = facts["map"]
    beside = _write_beside(source, kind, files.png) if save == "BESIDE" else None
    image = map_of(source, kind)
    if image is None:
        return _filled_or_removed(_new_map(source, kind), files, beside, settings, facts)
    return _filled(image, files, beside, settings, facts)


def store_again(image: bpy.types.Image, files: Taken, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """The map with other pixels, packed or in its file as before.  Raises TargetError, and changes nothing, as `store`."""
    if image.packed_file is not None:
        _filled(image, files, None, settings, facts)
    else:
        file = Path(bpy.path.abspath(image.filepath_raw))
        _write(file, files.png)
        _filled(image, files, file, settings, facts)


def map_of(source: bpy.types.Image, kind: str) -> bpy.types.Image | None:
    """The map of a kind made from this source before, whatever it is called now, as long as it can be changed."""
    maps = [image for image in bpy.data.images
            if source_of(image) == source and image.library is None and kind_of(image) == kind]
    maps.sort(key=lambda image: image.name != map_name(source.name, kind))
    return maps[0] if maps else None


def source_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """The image from which this map was made; None for any other image, and when the source is gone."""
    source = image.get(SOURCE)
    return source if isinstance(source, bpy.types.Image) else None


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


def _new_map(source: bpy.types.Image, kind: str) -> bpy.types.Image:
    image = bpy.data.images.new(map_name(source.name, kind), 8, 8, float_buffer=True, is_data=True)
    image[SOURCE] = source
    return image


def _filled_or_removed(image: bpy.types.Image, *contents: Any) -> bpy.types.Image:
    try:
        return _filled(image, *contents)
    except Exception:
        bpy.data.images.remove(image)
        raise


def _filled(image: bpy.types.Image, files: Taken, beside: Path | None, settings: Mapping[str, Any],
            facts: Mapping[str, Any]) -> bpy.types.Image:
    set_is_data(image)
    if beside is not None:
        _show_file(image, beside)
        _check(image, files.png)
    else:
        _show_packed(image, files)
    image.update()  # else the Image Editor of 4.3 goes on showing the old pixels
    image[STORED] = json.dumps({"settings": dict(settings), "facts": dict(facts)})
    return image


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
    image.filepath_raw = bpy.path.relpath(str(file)) if bpy.data.filepath and _same_drive(file) else str(file)
    image.source = "FILE"
    image.reload()
    image.update_tag()


def _same_drive(file: Path) -> bool:
    return file.drive == Path(bpy.data.filepath).drive


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
    """Path of the map's file, complete; a file of that name that this extension has not made is left alone."""
    folder, stem = _place_beside(source)
    file = folder / f"{stem}_{KINDS[kind].word}.png"
    _write(file, png)
    return file


def _write(file: Path, png: bytes) -> None:
    try:
        if file.exists() and not _is_ours(file):
            raise TargetError(f"{file} is there already and was not made by this extension; rename it, or pack the map.")
        _replace(file, _marked(png))
    except OSError as error:
        raise TargetError(f"The map cannot be saved as {file}: {error.strerror}.") from None


def _place_beside(source: bpy.types.Image) -> tuple[Path, str]:
    path = Path(bpy.path.abspath(source.filepath_raw, library=source.library)) if source.filepath_raw else None
    if path is None or not path.is_absolute():
        raise TargetError(f"The image {source.name!r} has no file to save the map beside; save it first, or pack the map.")
    return path.parent, path.stem


def _replace(file: Path, data: bytes) -> None:
    """Writes the file whole or not at all."""
    handle, partial = tempfile.mkstemp(prefix=f".{file.stem}", suffix=".part", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(partial).chmod(0o666 & ~_umask())
        Path(partial).replace(file)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The rights that new files lack; mkstemp gives its own none but the owner's."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


MARK = b"Software\0MiDaS Normal Map"


def _marked(png: bytes) -> bytes:
    """The PNG file with a text chunk that names its maker (PNG specification, section 11.3.4)."""
    chunk = struct.pack(">I", len(MARK)) + b"tEXt" + MARK + struct.pack(">I", zlib.crc32(b"tEXt" + MARK))
    return png[:HEADER] + chunk + png[HEADER:]


def _is_ours(file: Path) -> bool:
    with file.open("rb") as stream:
        return MARK in stream.read(HEADER + 12 + len(MARK))
