"""Decode picture files to the values that Blender reads, with OpenImageIO, which Blender itself uses, and Pillow."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InvalidData, reason_of
from ..core.files import detect_file_format, with_article
from ..core.image_headers import MAX_SIDE, check_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLOUR_CHANNELS = ("RGB", "XYZ", "V", "Y")
"""Names of colour channels in capitals, one letter each, the preferred ones first."""

CHANNEL_ALIASES = {"RED": "R", "GREEN": "G", "BLUE": "B", "ALPHA": "A"}

OPENIMAGEIO_FORMATS = {
    "PNG": ("png", (".png",)), "JPEG": ("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif")), "TIFF": ("tiff", (".tif", ".tiff")),
    "OpenEXR": ("openexr", (".exr",)), "Radiance HDR": ("hdr", (".hdr",)), "BMP": ("bmp", (".bmp",)),
    "DDS": ("dds", (".dds",)), "Photoshop": ("psd", (".psd",)), "GIF": ("gif", (".gif",)),
    "JPEG 2000": ("jpeg2000", (".jp2",)), "SGI": ("sgi", (".sgi", ".rgb")), "Netpbm": ("pnm", (".ppm", ".pgm", ".pnm")),
    "icon": ("ico", (".ico",)), "Targa": ("targa", (".tga",)),
}
"""OpenImageIO's decoders, and the suffixes by which it chooses them, by the formats of `core.files.detect_file_format`."""

PILLOW_FORMATS = {"WebP": "WEBP", "AVIF": "AVIF", "QOI": "QOI", "PCX": "PCX"}
"""Pillow's decoders of formats that OpenImageIO lacks, or whose orientation it does not read.  Decoders that start programs
(EPS: Ghostscript) are never used."""

PILLOW_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")
"""Pillow's modes that it converts to 8 bits correctly; of others it clips values to 0 and 255."""

PREMULTIPLIED_DECODERS = ("tiff", "targa", "openexr")
"""OpenImageIO's decoders of files whose colours may be multiplied by alpha; those of other formats never are."""

LINEAR_DECODERS = ("openexr", "hdr")
"""OpenImageIO's decoders of scene-linear values.  Blender takes floats of TIFF files as display-referred."""

ORIENTATION_TRANSFORMS: dict[int, Callable[[NDArray], NDArray]] = {
    2: np.fliplr, 3: lambda values: np.rot90(values, 2), 4: np.flipud, 5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1), 7: lambda values: np.rot90(values, 2).swapaxes(0, 1), 8: np.rot90,
}
"""Functions that make a picture upright, by the orientation stored in its file (Exif 2.32, section 4.6.4)."""


@dataclass(frozen=True)
class ChosenChannels:
    """The channels of a file that are the picture, as indices among those of one part.

    Attributes:
        part: the index of the part.
        colours: one for a grey picture, else red, green and blue, with None for one that the file lacks.
        alpha: None without one.
        is_premultiplied: whether the colours are multiplied by alpha, as other values, such as depths, are not.
    """

    part: int
    colours: tuple[int | None, ...]
    alpha: int | None
    is_premultiplied: bool


def choose_channels(parts: Iterable[tuple[str, Sequence[str]]]) -> ChosenChannels:
    """Choose the channels of an OpenEXR file that are the picture.

    The layer is the one named Combined or without a name, else the first one with colours, else the first one.  Of a layer
    without colours it is the first channel, and alpha only where there is no other.

    Args:
        parts: for each part of the file its name and the names of its channels.

    Raises:
        InvalidData: the file has no channels.
    """
    layers = _group_layers(parts)
    if not layers:
        raise InvalidData("it has no channels")
    named = {key: layer for key, layer in layers.items() if key[1].rpartition(".")[2].upper() in ("", "COMBINED")}
    coloured = [key for key, layer in layers.items() if set("RGB") <= layer.keys()]
    with_values = [key for key, layer in layers.items() if layer.keys() != {"A"}]
    best = ([key for key in named if _find_colours(named[key])] or coloured or with_values or list(layers))[0]
    part, layer = best[0], layers[best]
    colours, alpha = _find_colours(layer), layer.get("A")
    if colours:
        return ChosenChannels(part, colours, alpha, is_premultiplied=alpha is not None)
    others = [index for component, index in layer.items() if component != "A"]
    if others:
        return ChosenChannels(part, (others[0],), alpha, is_premultiplied=False)
    return ChosenChannels(part, (layer["A"],), None, is_premultiplied=False)


def _group_layers(parts: Iterable[tuple[str, Sequence[str]]]) -> dict[tuple[int, str], dict[str, int]]:
    """Group channels into layers, by part and name; a layer has the indices of its components, by names in capitals."""
    layers: dict[tuple[int, str], dict[str, int]] = {}
    for part, (part_name, names) in enumerate(parts):
        for name in sorted(names):
            full_name = name if not part_name or name.startswith(f"{part_name}.") else f"{part_name}.{name}"
            layer, _, component = full_name.rpartition(".")
            component = CHANNEL_ALIASES.get(component.upper(), component.upper())
            layers.setdefault((part, layer), {}).setdefault(component, names.index(name))
    return layers


def _find_colours(layer: Mapping[str, int]) -> tuple[int | None, ...]:
    """Return the indices of the first of COLOUR_CHANNELS of which a layer has any; one alone is grey."""
    for names in COLOUR_CHANNELS:
        indices = tuple(layer.get(name) for name in names)
        existing = [index for index in indices if index is not None]
        if existing and (names != "XYZ" or len(existing) == 3):
            return indices if len(existing) > 1 else (existing[0],)
    return ()


@dataclass(frozen=True)
class DecodedFile:
    """The values of a picture file, upright.

    Attributes:
        colours: H x W x 1 (grey) or x 3, uint8 (0..255), or float32 where the file has more than 8 bits.
        alpha: H x W of the same type; None without one.
        is_linear: whether floats are scene-linear, else display-referred.
        is_premultiplied: whether the colours are multiplied by alpha.
    """

    colours: NDArray
    alpha: NDArray | None
    is_linear: bool = False
    is_premultiplied: bool = False


def decode(path: Path) -> DecodedFile:
    """Decode the picture of a file; where it has several, the first one.

    Raises:
        InvalidData, ValueError, OSError: it cannot be read; the message says why, without the file's name.
        SourceError: it is larger than a picture may be.
    """
    name = detect_file_format(path)
    if name not in OPENIMAGEIO_FORMATS and name not in PILLOW_FORMATS:
        raise InvalidData("it is {what}", what=with_article(name)) if name else InvalidData(
            "it is none of the formats that are known")
    with silent_libraries():
        return _decode_as(path, name)


def _decode_as(path: Path, name: str) -> DecodedFile:
    if name in PILLOW_FORMATS:
        return _decode_with_pillow(path, PILLOW_FORMATS[name])
    try:
        decoder, suffixes = OPENIMAGEIO_FORMATS[name]
        with _path_with_suffix(path, suffixes) as readable_path:
            try:
                return _decode_with_openimageio(readable_path, decoder)
            except ValueError as error:
                raise InvalidData(_remove_name(reason_of(error), readable_path)) from None
    except InvalidData:
        if name != "TIFF":
            raise
        with suppress(InvalidData):  # Pillow supports more compressions, such as Zstandard
            return _decode_with_pillow(path, "TIFF")
        raise


_descriptors_lock = threading.Lock()


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Discard what libraries in C print in the `with` block: it may contain the picture's data or name."""
    with _descriptors_lock, ExitStack() as undo, open(os.devnull, "wb") as devnull:
        for descriptor in (1, 2):
            copy = os.dup(descriptor)
            undo.callback(os.close, copy)
            undo.callback(os.dup2, copy, descriptor)
            os.dup2(devnull.fileno(), descriptor)
        yield


@contextmanager
def _path_with_suffix(path: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Yield a path of the file that is valid UTF-8 and has one of the suffixes: its own, else that of a link or a copy."""
    is_utf8 = str(path).encode(errors="replace").decode() == str(path)
    if is_utf8 and path.suffix.lower() in suffixes:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="midas_normal_") as folder:
        renamed = Path(folder) / f"picture{suffixes[0]}"
        try:
            renamed.symlink_to(path.absolute())
        except OSError:  # Windows lets few users make links
            shutil.copyfile(path, renamed)
        yield str(renamed)


def _decode_with_openimageio(name: str, decoder: str) -> DecodedFile:
    import OpenImageIO

    OpenImageIO.attribute("dds:bc5normal", 1)  # as Blender sets it
    OpenImageIO.attribute("try_all_readers", 0)  # a malicious file must not choose its decoder
    straight_alpha = OpenImageIO.ImageSpec()
    straight_alpha.attribute("oiio:UnassociatedAlpha", 1)
    file = OpenImageIO.ImageInput.open(name, straight_alpha)
    if file is None:
        raise InvalidData(_first_line(OpenImageIO.geterror()))
    try:
        if file.format_name() != decoder:
            raise InvalidData("it is damaged")
        return _decode_exr(file) if decoder == "openexr" else _decode_simple(file, decoder)
    finally:
        file.close()


def _decode_simple(file: Any, decoder: str) -> DecodedFile:
    """Read a file of any format but OpenEXR; channels after the fourth are ignored."""
    spec = file.spec()
    count = min(spec.nchannels, 4)
    values = _read_pixels(file, spec, 0, 0, count)
    has_alpha = count in (2, 4)
    is_premultiplied = (has_alpha and decoder in PREMULTIPLIED_DECODERS and spec.alpha_channel == count - 1
                        and not spec.getattribute("oiio:UnassociatedAlpha"))
    values = ORIENTATION_TRANSFORMS.get(spec.get_int_attribute("Orientation", 1), np.asarray)(values)
    colours = values[..., :count - 1] if has_alpha else values
    return DecodedFile(colours, values[..., -1] if has_alpha else None, decoder in LINEAR_DECODERS, is_premultiplied)


def _decode_exr(file: Any) -> DecodedFile:
    """Read an OpenEXR file, which may have many channels and parts."""
    parts: list[tuple[str, list[str]]] = []
    while file.seek_subimage(len(parts), 0):
        spec = file.spec()
        parts.append((spec.get_string_attribute("oiio:subimagename"), list(spec.channelnames)))
    chosen = choose_channels(parts)
    file.seek_subimage(chosen.part, 0)
    planes = _read_channels(file, chosen)
    colours = np.stack([planes[index] if index is not None else np.zeros_like(next(iter(planes.values())))
                        for index in chosen.colours], axis=2)
    alpha = planes[chosen.alpha] if chosen.alpha is not None else None
    return DecodedFile(colours, alpha, is_linear=True, is_premultiplied=chosen.is_premultiplied)


def _read_channels(file: Any, chosen: ChosenChannels) -> dict[int, NDArray]:
    """Read the chosen channels, H x W float32 by their indices, and of the others only those between them."""
    spec = file.spec()
    if spec.deep:
        raise InvalidData("it has several values for each pixel (deep data)")
    indices = [index for index in (*chosen.colours, chosen.alpha) if index is not None]
    first = min(indices)
    values = _read_pixels(file, spec, chosen.part, first, max(indices) + 1)
    return {index: values[..., index - first] for index in indices}


def _read_pixels(file: Any, spec: Any, part: int, begin: int, end: int) -> NDArray:
    """Read channels begin..end as H x W x C: bytes as uint8, all else as float32, integers as shares of their range."""
    check_size(spec.width, spec.height)
    if spec.depth > 1:
        raise InvalidData("it is a volume")
    values = file.read_image(part, 0, begin, end, "uint8" if spec.format.basesize() == 1 else "float")
    error = _first_line(file.geterror())
    # OpenImageIO reports warnings of libjpeg as errors; but of a truncated file, libjpeg invents the rest.
    is_warning = file.format_name() == "jpeg" and "premature end" not in error.lower()
    if values is None or (error and not is_warning):
        raise InvalidData(error or "it is damaged")
    return values.reshape(spec.height, spec.width, end - begin)


def _decode_with_pillow(path: Path, decoder: str) -> DecodedFile:
    import PIL.Image
    import PIL.ImageOps

    PIL.Image.MAX_IMAGE_PIXELS = MAX_SIDE * MAX_SIDE
    try:
        with PIL.Image.open(path, formats=[decoder]) as image:
            check_size(*image.size)
            upright = PIL.ImageOps.exif_transpose(image)
            if upright.mode == "F":
                return DecodedFile(np.asarray(upright)[..., None], None)
            if upright.mode.startswith("I;16"):
                return DecodedFile(np.asarray(upright, np.float32)[..., None] / np.float32(65535), None)
            if upright.mode not in PILLOW_MODES:
                raise InvalidData("its pixels are of a kind that is not known")
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            values = np.asarray(upright.convert("RGBA" if has_alpha else "RGB"))
    except (OSError, SyntaxError, RuntimeError, PIL.Image.DecompressionBombError) as error:
        raise InvalidData(_remove_name(_first_line(str(error)), str(path))) from None
    return DecodedFile(values[..., :3], values[..., 3] if has_alpha else None)


def _first_line(text: str) -> str:
    """Return the first line of a library's message, without its full stop."""
    return (text.strip().splitlines() or [""])[0].rstrip(".")


def _remove_name(text: str, name: str) -> str:
    """Remove a file's name, which may be a temporary one, from a library's message, if it is in it."""
    if name not in text:
        return text
    name = f"[\"']?{re.escape(name)}[\"']?"
    return re.sub(name, "it", re.sub(rf":? {name}| \({name}\)", "", text))
