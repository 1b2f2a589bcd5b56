"""Decode picture files to the values that Blender has of them, with OpenImageIO, which Blender itself uses, and Pillow."""

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
from .pictures import MAX_SIDE, check_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLOUR_CHANNELS = ("RGB", "XYZ", "V", "Y")
"""Names of colour channels, the preferred ones first."""

CHANNEL_NAMES = {"RED": "R", "GREEN": "G", "BLUE": "B", "ALPHA": "A"}

OPENIMAGEIO = {
    "PNG": ("png", (".png",)), "JPEG": ("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif")), "TIFF": ("tiff", (".tif", ".tiff")),
    "OpenEXR": ("openexr", (".exr",)), "Radiance HDR": ("hdr", (".hdr",)), "BMP": ("bmp", (".bmp",)),
    "DDS": ("dds", (".dds",)), "Photoshop": ("psd", (".psd",)), "GIF": ("gif", (".gif",)),
    "JPEG 2000": ("jpeg2000", (".jp2",)), "SGI": ("sgi", (".sgi", ".rgb")), "Netpbm": ("pnm", (".ppm", ".pgm", ".pnm")),
    "icon": ("ico", (".ico",)), "Targa": ("targa", (".tga",)),
}
"""OpenImageIO's decoders by the formats that are let through to them, with the endings by which it chooses them."""

PILLOW = {"WebP": "WEBP", "AVIF": "AVIF", "QOI": "QOI", "PCX": "PCX"}
"""Pillow's for those that the other lacks, or whose orientation it does not read.  Its decoders that start programs (EPS:
Ghostscript) stay out of reach."""

PILLOW_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")
"""Pillow's names of pixels that it turns into bytes rightly; others it cuts off at 0 and 255."""

MAY_BE_PREMULTIPLIED = ("tiff", "targa", "openexr")
"""Formats in which the file says whether its colours are multiplied by alpha, or always are; in the others none are."""

LINEAR = ("openexr", "hdr")
"""Formats of scene-linear values.  Floats of TIFF files are display-referred, as Blender takes them."""

ORIENTATION_TRANSFORMS: dict[int, Callable[[NDArray], NDArray]] = {
    2: np.fliplr, 3: lambda values: np.rot90(values, 2), 4: np.flipud, 5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1), 7: lambda values: np.rot90(values, 2).swapaxes(0, 1), 8: np.rot90,
}
"""Functions that make a picture upright, by the orientation in its file; Exif 2.32, section 4.6.4."""


@dataclass(frozen=True)
class ChosenChannels:
    """Channels of a part of the file, by their places in it.

    colours: one for a grey picture, else red, green and blue, None for one that the file lacks; alpha: None without one.
    is_premultiplied: the colours are multiplied by alpha, as other values, such as depths, are not.
    """

    part: int
    colours: tuple[int | None, ...]
    alpha: int | None
    is_premultiplied: bool


def choose_channels(parts: Iterable[tuple[str, Sequence[str]]]) -> ChosenChannels:
    """Choose the channels that are the picture of an OpenEXR file.

    Of a file with layers, that is the layer called Combined or without a name, else the first with colours, else the first.
    Of a layer without colours it is the first channel, alpha only where there is no other.

    Args:
        parts: the name of each part of the file, and the names of its channels.

    Raises:
        InvalidData: the file has no channels.
    """
    layers = _layers(parts)
    if not layers:
        raise InvalidData("it has no channels")
    named = {key: layer for key, layer in layers.items() if key[1].rpartition(".")[2].upper() in ("", "COMBINED")}
    coloured = {key: layer for key, layer in layers.items() if set("RGB") <= layer.keys()}
    more = [key for key, layer in layers.items() if layer.keys() != {"A"}]
    best = [key for key in named if _colours(named[key])] or list(coloured) or more or list(layers)
    part, layer = best[0][0], layers[best[0]]
    colours, alpha = _colours(layer), layer.get("A")
    if colours:
        return ChosenChannels(part, colours, alpha, is_premultiplied=alpha is not None)
    others = [place for component, place in layer.items() if component != "A"]
    if others:
        return ChosenChannels(part, (others[0],), alpha, is_premultiplied=False)
    return ChosenChannels(part, (layer["A"],), None, is_premultiplied=False)


def _layers(parts: Iterable[tuple[str, Sequence[str]]]) -> dict[tuple[int, str], dict[str, int]]:
    """Sort the channels into layers, by part and name; each has the places of its components by their names in capitals."""
    layers: dict[tuple[int, str], dict[str, int]] = {}
    for part, (part_name, names) in enumerate(parts):
        for name in sorted(names):
            whole = name if not part_name or name.startswith(f"{part_name}.") else f"{part_name}.{name}"
            layer, _, component = whole.rpartition(".")
            component = CHANNEL_NAMES.get(component.upper(), component.upper())
            layers.setdefault((part, layer), {}).setdefault(component, names.index(name))
    return layers


def _colours(layer: Mapping[str, int]) -> tuple[int | None, ...]:
    """Find the first of COLOURS of which a layer has any; one alone is grey."""
    for names in COLOUR_CHANNELS:
        found = tuple(layer.get(name) for name in names)
        there = [place for place in found if place is not None]
        if there and (names != "XYZ" or len(there) == 3):
            return found if len(there) > 1 else (there[0],)
    return ()


@dataclass(frozen=True)
class DecodedFile:
    """The values in a picture file, upright.

    colours: H x W x 1 (grey) or x 3, uint8 (0..255), or float32 where the file has more than 8 bits; alpha: H x W of the
    same type, None without one.  is_linear: the floats are scene-linear, else display-referred.
    is_premultiplied: the colours are multiplied by alpha.
    """

    colours: NDArray
    alpha: NDArray | None
    is_linear: bool = False
    is_premultiplied: bool = False


def decode(path: Path) -> DecodedFile:
    """Decode the picture in a file; of several, the first one.

    Raises:
        InvalidData, ValueError, OSError: it cannot be read; the text says why, without the file's name.
        SourceError: it is larger than a picture may be.
    """
    name = detect_file_format(path)
    if name not in OPENIMAGEIO and name not in PILLOW:
        raise InvalidData("it is {what}", what=with_article(name)) if name else InvalidData(
            "it is none of the formats that are known")
    with silent_libraries():
        return _decode_as(path, name)


def _decode_as(path: Path, name: str) -> DecodedFile:
    if name in PILLOW:
        return _decode_with_pillow(path, PILLOW[name])
    try:
        decoder, endings = OPENIMAGEIO[name]
        with _path_with_suffix(path, endings) as plain:
            try:
                return _decode_with_openimageio(plain, decoder)
            except ValueError as error:
                raise InvalidData(_remove_name(reason_of(error), plain)) from None
    except InvalidData:
        if name != "TIFF":
            raise
        with suppress(InvalidData):  # this library knows some more ways of compressing, such as Zstandard
            return _decode_with_pillow(path, "TIFF")
        raise


_silence = threading.Lock()


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Discard what libraries print without Python in the `with` block: it may contain the picture's data or name."""
    with _silence, ExitStack() as undo, open(os.devnull, "wb") as devnull:
        for descriptor in (1, 2):
            copy = os.dup(descriptor)
            undo.callback(os.close, copy)
            undo.callback(os.dup2, copy, descriptor)
            os.dup2(devnull.fileno(), descriptor)
        yield


@contextmanager
def _path_with_suffix(path: Path, endings: tuple[str, ...]) -> Iterator[str]:
    """Give the file a name that is text and has one of these endings: its own, or else that of a link or a copy."""
    is_text = str(path).encode(errors="replace").decode() == str(path)
    if is_text and path.suffix.lower() in endings:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="midas_normal_") as folder:
        named = Path(folder) / f"picture{endings[0]}"
        try:
            named.symlink_to(path.absolute())
        except OSError:  # Windows lets few users do so
            shutil.copyfile(path, named)
        yield str(named)


def _decode_with_openimageio(name: str, decoder: str) -> DecodedFile:
    import OpenImageIO

    OpenImageIO.attribute("dds:bc5normal", 1)  # as Blender has it
    OpenImageIO.attribute("try_all_readers", 0)  # the file is for one alone, and may be made to harm another
    straight = OpenImageIO.ImageSpec()
    straight.attribute("oiio:UnassociatedAlpha", 1)
    file = OpenImageIO.ImageInput.open(name, straight)
    if file is None:
        raise InvalidData(_first_line(OpenImageIO.geterror()))
    try:
        if file.format_name() != decoder:
            raise InvalidData("it is damaged")
        return _decode_exr(file) if decoder == "openexr" else _decode_simple(file, decoder)
    finally:
        file.close()


def _decode_simple(file: Any, decoder: str) -> DecodedFile:
    """Read a file of any other format than OpenEXR; channels after the fourth are none of the picture."""
    spec = file.spec()
    count = min(spec.nchannels, 4)
    values = _read_pixels(file, spec, 0, 0, count)
    has_alpha = count in (2, 4)
    is_premultiplied = (has_alpha and decoder in MAY_BE_PREMULTIPLIED and spec.alpha_channel == count - 1
                        and not spec.getattribute("oiio:UnassociatedAlpha"))
    values = ORIENTATION_TRANSFORMS.get(spec.get_int_attribute("Orientation", 1), np.asarray)(values)
    colours = values[..., :count - 1] if has_alpha else values
    return DecodedFile(colours, values[..., -1] if has_alpha else None, decoder in LINEAR, is_premultiplied)


def _decode_exr(file: Any) -> DecodedFile:
    """Read an OpenEXR file, which may have many channels and parts."""
    parts: list[tuple[str, list[str]]] = []
    while file.seek_subimage(len(parts), 0):
        spec = file.spec()
        parts.append((spec.get_string_attribute("oiio:subimagename"), list(spec.channelnames)))
    chosen = choose_channels(parts)
    file.seek_subimage(chosen.part, 0)
    planes = _read_channels(file, chosen)
    colours = np.stack([planes[place] if place is not None else np.zeros_like(next(iter(planes.values())))
                        for place in chosen.colours], axis=2)
    alpha = planes[chosen.alpha] if chosen.alpha is not None else None
    return DecodedFile(colours, alpha, is_linear=True, is_premultiplied=chosen.is_premultiplied)


def _read_channels(file: Any, chosen: ChosenChannels) -> dict[int, NDArray]:
    """Read the chosen channels, H x W float32 by their places; what lies between them is read, too, but no more."""
    spec = file.spec()
    if spec.deep:
        raise InvalidData("it has several values for each pixel (deep data)")
    places = [place for place in (*chosen.colours, chosen.alpha) if place is not None]
    first = min(places)
    values = _read_pixels(file, spec, chosen.part, first, max(places) + 1)
    return {place: values[..., place - first] for place in places}


def _read_pixels(file: Any, spec: Any, part: int, begin: int, end: int) -> NDArray:
    """Read H x W x channels: bytes as uint8, all else as float32, whole numbers as shares of their range."""
    check_size(spec.width, spec.height)
    if spec.depth > 1:
        raise InvalidData("it is a volume")
    values = file.read_image(part, 0, begin, end, "uint8" if spec.format.basesize() == 1 else "float")
    error = _first_line(file.geterror())
    # What libjpeg only warns of is said to be an error; but what is not there, it makes up.
    is_warning = file.format_name() == "jpeg" and "premature end" not in error.lower()
    if values is None or (error and not is_warning):
        raise InvalidData(error or "it is damaged")
    return values.reshape(spec.height, spec.width, end - begin)


def _decode_with_pillow(path: Path, decoder: str) -> DecodedFile:
    import PIL.Image
    import PIL.ImageOps

    PIL.Image.MAX_IMAGE_PIXELS = MAX_SIDE * MAX_SIDE
    try:
        with PIL.Image.open(path, formats=[decoder]) as opened:
            check_size(*opened.size)
            upright = PIL.ImageOps.exif_transpose(opened)
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
    """Cut a library's message to its first line, without its full stop."""
    return (text.strip().splitlines() or [""])[0].rstrip(".")


def _remove_name(text: str, name: str) -> str:
    """Take a file's name, which may be a temporary one, out of a library's text; what has none stays the message it is."""
    if name not in text:
        return text
    name = f"[\"']?{re.escape(name)}[\"']?"
    return re.sub(name, "it", re.sub(rf":? {name}| \({name}\)", "", text))
