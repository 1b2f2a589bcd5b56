"""The messages between Blender and the worker: one JSON object a line, in a small closed set of types.

Pixels do not travel here: they lie in files of a private folder, and messages name them.  Each request is ended by exactly
one terminal message, a Result or an Error.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Union

from .errors import NO_MESSAGE, Message, ProtocolError, from_json, to_json

VERSION = 3
MAX_LINE_BYTES = 1 << 20
"""Longest message in bytes; a longer one is refused on both sides."""

MAX_MAP_PIXELS = 1 << 28
"""Most pixels of a map: 16384 x 16384."""

MAX_FILE_BYTES = MAX_MAP_PIXELS * 16 + (1 << 20)
"""Largest file of a picture in bytes: four floats a pixel, and a header."""

MAX_EXPOSURE = 32.0
"""Largest exposure in stops, up or down: that of Blender's views."""

MAX_GPUS = 64
"""Most graphics cards of a computer: each may get a worker."""

MAX_BATCH = 64
"""Most pictures in one batch of a worker."""

FILE_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
"""Allowed names of files in the exchange folder: none that leads out of it on any system."""

_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (float, int), "str": (str,), "dict": (dict,), "list": (list,), "bool": (bool,),
    "dict | None": (dict, type(None)), "str | None": (str, type(None)),
    "Message": (str, dict), "dict[str, Message]": (dict,), "list[Message]": (list,),
}

_READERS: dict[str, Callable[[Any], Any]] = {
    "Message": from_json,
    "dict[str, Message]": lambda values: {name: from_json(value) for name, value in values.items()},
    "list[Message]": lambda values: [from_json(value) for value in values],
}
"""By the type of a field: functions that make its messages to users from JSON.  They raise ValueError."""

NEARLY_FLAT = Message("The map is nearly flat: its mean slope is below 1 degree.")
LOOKS_INVERTED = Message("The map may be inverted: what is bright in the picture lies deep in the map.")
"""Notes of results of `Request.review`, by which maps are sorted."""

ALPHA_MEANINGS = ("TRANSPARENCY", "OTHER", "UNKNOWN")
"""What alpha may be: transparency; something else, such as gloss, which is ignored; or unknown, treated as transparency."""


@dataclass(frozen=True)
class Hello:
    """Worker, first message: it runs and speaks this version of the protocol; `python` is its Python's version."""

    protocol: int
    pid: int
    python: str


@dataclass(frozen=True)
class Ready:
    """Worker, once: what it can do.

    Attributes:
        engines: for each engine "" when it can run, else the reason why not.
        device: the one that AUTO selects, described for people.
        torch: the version of torch, "" without torch.
        free_memory: bytes that the device has free.
        gpus: numbers of the graphics cards that torch can use, first that of the one that this worker uses.
        batch: how many pictures it may process in one batch.
        problem: "" or why a device that exists cannot be used.
    """

    engines: dict[str, Message]
    device: str = ""
    torch: str = ""
    free_memory: int = 0
    gpus: list = field(default_factory=list)
    batch: int = 1
    problem: Message = NO_MESSAGE

    def __post_init__(self) -> None:
        if not all(type(gpu) is int and 0 <= gpu < MAX_GPUS for gpu in self.gpus) or len(set(self.gpus)) < len(self.gpus):
            raise ProtocolError("A computer cannot have the graphics cards {gpus}.", gpus=self.gpus)
        if not 1 <= self.batch <= MAX_BATCH:
            raise ProtocolError("A worker cannot see {batch} pictures at once.", batch=self.batch)


@dataclass(frozen=True)
class Request:
    """Client: make a map.

    Exactly one of `pixels`, `picture`, `surface` and `frames` is the source.

    Attributes:
        settings: values by name, see `core.settings.Settings`.
        pixels: the fields of `Pixels`, for a file in the exchange folder.
        picture: path of a picture file.
        surface: key of a cached surface, from which the map is made without an engine.
        mask_pixels, mask_picture: the mask image likewise; a surface keeps the last one.
        base_pixels, base_picture: the normal map that is there likewise, for the base EXISTING.
        exposure: stops by which a scene-linear picture is brightened before it is converted to display-referred values.
        is_render: the picture is a render, which is not tileable.
        map: the map's type, one of `core.map_types.MAP_TYPES`.
        format: of the map's file, one of `core.map_types.FILE_FORMATS`.
        bits: 8 or 16, of PNG and TIFF files.
        compress: make a PNG file small instead of writing it fast.
        with_pixels: also return the pixels as Blender holds them, so that it need not decode the file.
        unless: key of the surface of an existing map; if the picture would give the same, the answer is Unchanged.
        preceding: with `pixels` only, key of the surface of the picture before it was painted on: an engine that can updates
            that surface where the picture has changed.
        frames: [weight, path] of each map to average: PNG files of 16 bits of one map type, size, scale and convention.
        scale: of height maps, the scale to write them with; 0 for each picture's own.
        rectify: the fields of `Rectification`: with `pixels` or `picture` only, make no map, but that picture rectified.
        review: make no map, but small pictures of `pixels` or `picture` and of its finished map, which is the base.
        id: identifies the request in all messages about it; the client sets it.
    """

    settings: dict
    pixels: dict | None = None
    picture: str | None = None
    surface: str | None = None
    mask_pixels: dict | None = None
    mask_picture: str | None = None
    base_pixels: dict | None = None
    base_picture: str | None = None
    exposure: float = 0.0
    is_render: bool = False
    map: str = "NORMAL"
    format: str = "PNG"
    bits: int = 16
    compress: bool = False
    with_pixels: bool = False
    unless: str | None = None
    preceding: str | None = None
    frames: list = field(default_factory=list)
    scale: float = 0.0
    rectify: dict | None = None
    review: bool = False
    id: int = 0

    def __post_init__(self) -> None:
        if not -MAX_EXPOSURE <= self.exposure <= MAX_EXPOSURE:
            raise ProtocolError("No picture is exposed by {exposure!r} stops.", exposure=self.exposure)
        if self.bits not in (8, 16):
            raise ProtocolError("A file of a map has no {bits!r} bits.", bits=self.bits)
        if self.preceding is not None and self.pixels is None:
            raise ProtocolError("A request that names a preceding surface must have pixels.")
        if self.scale < 0:
            raise ProtocolError("Heights cannot have a scale of {scale}.", scale=self.scale)
        if not all(_is_weighted_file(frame) for frame in self.frames):
            raise ProtocolError("The frames of a request must be shares and files.")
        if self.rectify is not None and self.pixels is None and self.picture is None:
            raise ProtocolError("A request that rectifies must have a picture.")
        if self.review and (self.pixels or self.picture) is None:
            raise ProtocolError("A request for a review must have a picture.")


@dataclass(frozen=True)
class Progress:
    """Worker: how far a request is; `share` is the finished part of the stage, 0..1."""

    id: int
    stage: str
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ProtocolError("A share of {share!r} cannot be done.", share=self.share)


@dataclass(frozen=True)
class Result:
    """Worker, terminal: the map is a file in the exchange folder, which belongs to the client from now on.

    Attributes:
        file: name of the map's file.
        width, height: pixels of the map.
        engine, device: what made the surface; the device described for people.
        why: why this engine was chosen.
        surface: key of the cached surface, see `Request.surface`.
        seconds: by stage.
        notes: messages to the user.
        pixels: a second file, "" unless asked for, of height * width * 4 float32: RGBA, 0..1, rows from the bottom up.
        checksum: CRC-32 of the second file.
        scale: of height maps, see `core.maps.Map`.
        range: of the depths, see `core.picture.Surface`.
    """

    id: int
    file: str
    width: int
    height: int
    engine: str
    device: str
    why: Message
    surface: str
    seconds: dict = field(default_factory=dict)
    notes: list[Message] = field(default_factory=list)
    pixels: str = ""
    checksum: int = 0
    scale: float = 0.0
    range: float = 0.0

    def __post_init__(self) -> None:
        _check_file_name(self.file)
        if self.pixels:
            _check_file_name(self.pixels)
        if min(self.width, self.height) < 1 or self.width * self.height > MAX_MAP_PIXELS:
            raise ProtocolError("A map cannot have {width} x {height} pixels.", width=self.width, height=self.height)
        if not all(isinstance(seconds, (int, float)) and 0 <= seconds < 1e9 for seconds in self.seconds.values()):
            raise ProtocolError("The times of a result must be seconds.")
        if min(self.range, self.scale) < 0:
            raise ProtocolError("Depths cannot have a range of {range}, heights no scale of {scale}.", range=self.range,
                                scale=self.scale)


@dataclass(frozen=True)
class Error:
    """Worker, terminal: no map.  `kind` is the name of one of the project's exceptions, `text` its message."""

    id: int
    kind: str
    text: Message


@dataclass(frozen=True)
class Cancel:
    """Client: cancel a request, which is still ended by a terminal message."""

    id: int


@dataclass(frozen=True)
class Shutdown:
    """Client: end the process."""


PipeMessage = Union[Hello, Ready, Request, Progress, Result, Error, Cancel, Shutdown]  # noqa: UP007 - scripts use Python 3.9

_TYPES: dict[str, type] = {kind.__name__.lower(): kind
                           for kind in (Hello, Ready, Request, Progress, Result, Error, Cancel, Shutdown)}


@dataclass(frozen=True)
class Pixels:
    """Pixels as Blender holds them: a file of height * width * 4 values, rows from the bottom up, RGBA.

    Attributes:
        file: name in the exchange folder.
        width, height: pixels.
        encoding: BYTE (uint8, display-referred), or of float32 DISPLAY (display-referred), LINEAR (scene-linear) or DECODED
            (a display-referred picture that Blender has made linear, such as a PNG file of 16 bits).
        premultiplied: the colours are multiplied by alpha.
        to_rec709: of LINEAR and DECODED pixels, the 3 x 3 matrix, row by row, from their primaries to those of Rec. 709;
            empty where they are the same.
        part: left, top, right and bottom, ends not included, of the part of the picture of which a map is made; empty for
            the whole.
        alpha: what alpha is, one of ALPHA_MEANINGS.
        height_weights: for engines that take DATA, the weights of red, green and blue whose sum is the height, as the nodes
            of a material see the picture; empty for the values as they are stored.
        is_srgb: of BYTE pixels with `height_weights`: the nodes see them decoded from sRGB, multiplied by alpha.
        pixel_aspect: with `height_weights`, a pixel's width divided by its height on the surface that shows the picture.
        uv_triangles: name of a second file, "" for none: N * 9 float32, see `core.islands.rasterise_islands`.
    """

    file: str
    width: int
    height: int
    encoding: str
    premultiplied: bool = False
    to_rec709: list = field(default_factory=list)
    part: list = field(default_factory=list)
    alpha: str = "UNKNOWN"
    height_weights: list = field(default_factory=list)
    is_srgb: bool = False
    pixel_aspect: float = 1.0
    uv_triangles: str = ""

    def __post_init__(self) -> None:
        if self.alpha not in ALPHA_MEANINGS:
            raise ProtocolError("Pixels have no alpha {alpha!r}.", alpha=self.alpha)
        if self.encoding not in ("BYTE", "DISPLAY", "LINEAR", "DECODED"):
            raise ProtocolError("Pixels have no encoding {encoding!r}.", encoding=self.encoding)
        _check_file_name(self.file)
        if self.uv_triangles:
            _check_file_name(self.uv_triangles)
        if self.to_rec709 and not (len(self.to_rec709) == 9 and all(type(value) is float for value in self.to_rec709)):
            raise ProtocolError("A matrix of colours has nine numbers, not {matrix:.80}.", matrix=repr(self.to_rec709))
        if self.height_weights and not (len(self.height_weights) == 3
                                        and all(_is_finite(weight) for weight in self.height_weights)):
            raise ProtocolError("Heights are weighted by three numbers, not {weights:.80}.",
                                weights=repr(self.height_weights))
        if not (_is_finite(self.pixel_aspect) and self.pixel_aspect > 0):
            raise ProtocolError("No pixel has the aspect {aspect:.80}.", aspect=repr(self.pixel_aspect))
        if self.part:
            _check_part(self.part, self.width, self.height)

    @property
    def nbytes(self) -> int:
        """Size of the file in bytes."""
        return self.height * self.width * 4 * (1 if self.encoding == "BYTE" else 4)


@dataclass(frozen=True)
class Rectification:
    """How a photo is rectified.

    Attributes:
        corners: x and y of the four corners of a rectangle on the surface, as `core.perspective.check_corners` takes them;
            empty to find out from the photo's lines.
        focal_length: of the lens in mm, as on 35 mm film; 0 where it is unknown.
    """

    corners: list[float] = field(default_factory=list)
    focal_length: float = 0.0

    def __post_init__(self) -> None:
        if self.corners and not (len(self.corners) == 8 and all(type(value) is float for value in self.corners)):
            raise ProtocolError("A photo has four corners, which are eight numbers, not {corners:.80}.",
                                corners=repr(self.corners))
        if type(self.focal_length) is not float or self.focal_length < 0:
            raise ProtocolError("A lens has no focal length {length:.80}.", length=repr(self.focal_length))


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _is_weighted_file(frame: Any) -> bool:
    return isinstance(frame, list) and [type(part) for part in frame] == [float, str] and 0 < frame[0] <= 1


def _check_file_name(name: str) -> None:
    """Raise ProtocolError for a name that could lead out of the exchange folder."""
    if not FILE_NAME.fullmatch(name):
        raise ProtocolError("{name!r} is not the name of a file in the exchange folder.", name=name)


def _check_part(part: list, width: int, height: int) -> None:
    """Raise ProtocolError for a part that does not lie within a picture of this size."""
    if len(part) != 4 or not all(type(border) is int for border in part):
        raise ProtocolError("The part of a picture has four borders, not {part:.80}.", part=repr(part))
    left, top, right, bottom = part
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ProtocolError("A picture of {width} x {height} pixels has no part {part:.80}.", width=width, height=height,
                            part=repr(part))


def encode(message: PipeMessage) -> bytes:
    """Encode a message as one line of JSON; raise ProtocolError when it is too long, or has NaN or infinity in it."""
    fields = {"type": type(message).__name__.lower(), **dataclasses.asdict(message)}
    try:
        line = json.dumps(_with_messages_as_json(fields), ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
    except ValueError as error:
        raise ProtocolError("A message cannot be sent: {reason}.", reason=error) from None
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError("A message of {count} bytes is longer than the protocol allows.", count=len(line))
    return line


def _with_messages_as_json(value: Any) -> Any:
    if isinstance(value, Message):
        return to_json(value)
    if isinstance(value, dict):
        return {name: _with_messages_as_json(part) for name, part in value.items()}
    return [_with_messages_as_json(part) for part in value] if isinstance(value, list) else value


def decode(line: bytes) -> PipeMessage:
    """Decode a line; raise ProtocolError when it is no message, or has missing, unknown or wrongly typed fields."""
    try:
        data = json.loads(line, parse_float=_parse_finite, parse_constant=_parse_finite)
    except (ValueError, RecursionError):
        raise ProtocolError("The other process sent something that is no message: {line}.", line=repr(line[:80])) from None
    kind = _TYPES.get(data.pop("type", "")) if isinstance(data, dict) and isinstance(data.get("type"), str) else None
    if kind is None:
        raise ProtocolError("The other process sent a message of unknown type: {line}.", line=repr(line[:80]))
    fields = {f.name: f for f in dataclasses.fields(kind)}
    values = {name: _read_field(kind, fields.get(name), name, value) for name, value in data.items()}
    try:
        return kind(**values)
    except TypeError:
        raise ProtocolError("A {kind} message lacks fields: {line}.", kind=kind.__name__, line=repr(line[:80])) from None


def _parse_finite(number: str) -> float:
    """Parse a number; raise ValueError for NaN and Infinity, which are not JSON but which Python would accept."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def _read_field(kind: type, known: dataclasses.Field | None, name: str, value: Any) -> Any:
    """Check and convert the value of a field; raise ProtocolError where it does not fit."""
    if known is None:
        raise ProtocolError("A {kind} message has no field {field!r}.", kind=kind.__name__, field=name)
    allowed = _FIELD_TYPES[str(known.type)]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ProtocolError("The field {field!r} of a {kind} message cannot be {value:.80}.", field=name,
                            kind=kind.__name__, value=repr(value))
    if known.type == "str" and not _is_text(str(value)):
        raise ProtocolError("The field {field!r} of a {kind} message is no text.", field=name, kind=kind.__name__)
    if str(known.type) in _READERS:
        try:
            return _READERS[str(known.type)](value)
        except ValueError as error:
            raise ProtocolError("The field {field!r} of a {kind} message has no message for users: {reason}.", field=name,
                                kind=kind.__name__, reason=error) from None
    return _read_float(kind, name, value) if known.type == "float" else value


def _read_float(kind: type, name: str, value: Any) -> float:
    """Convert to float; raise ProtocolError for an integer that is too large for one."""
    try:
        return float(value)
    except OverflowError:
        raise ProtocolError("The field {field!r} of a {kind} message is too large.", field=name,
                            kind=kind.__name__) from None


def _is_text(value: str) -> bool:
    """Tell whether text can be encoded; a lone surrogate, which JSON can hold, cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class Decoder:
    """Decodes messages from a stream of bytes that arrives in pieces of any size."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[PipeMessage]:
        """Yield the messages that these bytes complete; raise ProtocolError at the first line that is none."""
        self._rest += data
        while (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end])
            del self._rest[:end + 1]
            if len(line) >= MAX_LINE_BYTES:
                raise ProtocolError("The other process sent a message of {count} bytes, longer than allowed.",
                                    count=len(line))
            yield decode(line)
        if len(self._rest) > MAX_LINE_BYTES:
            raise ProtocolError("The other process sent a message without an end.")


def check_version(hello: Hello) -> None:
    """Raise ProtocolError when the worker speaks another version."""
    if hello.protocol != VERSION:
        raise ProtocolError("The worker speaks version {worker} of the protocol, this extension version {own}; reinstall "
                            "the extension.", worker=hello.protocol, own=VERSION)
