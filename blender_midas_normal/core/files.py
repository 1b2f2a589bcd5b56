"""Files on disk: digests, formats told by first bytes, atomic replacement, and the user's home folder kept out of texts."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from .errors import Phrase, SourceError
from .protocol import MAX_FILE_BYTES

CHUNK_BYTES = 1 << 20
"""Bytes read at a time."""


def sha256_of(file: Path) -> str:
    """SHA-256 of the file's bytes in hexadecimal; raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


LOCK_ERRORS = (5, 32)
"""Windows' errors for a file that another program has open: a virus scanner looks at each new one for a moment."""

LOCK_TIMEOUT_S = 1.0
"""Seconds for which a locked file is tried again."""


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as this process can see; raises nothing, unlike `Path.is_file`."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Whether there is anything, as far as this process can see; raises nothing, unlike `Path.exists`."""
    return os.path.exists(path)  # noqa: PTH110


def check_picture_file(path: Path) -> None:
    """Raises SourceError where there is no such file, or one larger than any picture; OSError where that cannot be told."""
    if is_file(path):
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceError("{path} is larger than any picture may be.", path=path)
        return
    if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a folder is closed
        raise SourceError("{path} is a link to a file that is not there.", path=path)
    raise SourceError("There is no picture {path}.", path=path)


def resolve_path(path: Path) -> Path:
    """The absolute path without links; raises nothing, unlike `Path.resolve`, where a link leads to itself."""
    return Path(os.path.realpath(path))


def atomic_replace(file: Path, target: Path) -> None:
    """Moves a file into the target's place, whole or not at all, once neither is locked; raises OSError."""
    end = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            file.replace(target)
            return
        except OSError as error:
            if getattr(error, "winerror", None) not in LOCK_ERRORS or time.monotonic() > end:
                raise
        time.sleep(0.05)


def home_folder() -> Path | None:
    """The user's home folder; None where the system knows none."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def redact_home(text: str) -> str:
    """The text with ~ for the user's home folder, also where paths are written with doubled backslashes."""
    home = home_folder()
    if home is None or home == Path(home.anchor):  # as of users that run services
        return text
    names = "|".join(re.escape(name) for name in (str(home), str(home).replace("\\", "\\\\")))
    return re.sub(rf"(?<![\w./\\-])({names})(?![\w-]|\.\w)", "~", text)


PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".exr", ".hdr", ".webp", ".avif",
                              ".bmp", ".tga", ".dds", ".psd", ".jp2", ".gif"))
"""Of files that count as pictures in folders and patterns; a file that is named itself is always tried."""

HEADER_BYTES = 64
"""Bytes by which a file is told."""

_SIGNATURES = {
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "OpenEXR": rb"v/1\x01",
    "Radiance HDR": rb"#\?R(ADIANCE|GBE)",
    "WebP": rb"RIFF.{4}WEBP",
    "AVIF": rb".{4}ftyp(avi[fs]|(mif1|msf1).{4}.*avi[fs])",
    "BMP": rb"BM",
    "DDS": rb"DDS ",
    "Photoshop": rb"8BPS",
    "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "GIF": rb"GIF8[79]a",
    "SGI": rb"\x01\xda",
    "Netpbm": rb"P[1-6Ff]\s",
    "icon": rb"\0\0\x01\0",
    "QOI": rb"qoif",
    "PCX": rb"\x0a[\x02\x03\x05]\x01[\x01\x02\x04\x08]",
    "HEIC": rb".{4}ftyp(hei|hev|mif1|msf1)",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "DPX": rb"SDPX|XPDS",
    "Cineon": rb"\x80\x2a\x5f\xd7|\xd7\x5f\x2a\x80",
    "movie": rb".{4}ftyp|RIFF.{4}AVI |\x1aE\xdf\xa3",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "PDF": rb"%PDF",
    "SVG": rb"\s*<(svg|\?xml)",
    "Targa": rb".[\0\x01][\x01-\x03\x09-\x0b]",
}
"""What the files of each format begin with, the surer signs first: Targa has none but numbers that are no others."""


def detect_format(beginning: bytes) -> str:
    """Name the format of a file with these first bytes; "" where it is none of those that are known."""
    return next((name for name, sign in _SIGNATURES.items() if re.match(sign, beginning, re.DOTALL)), "")


def detect_file_format(path: Path) -> str:
    """Name the format of a file as `detect_format` does; raises OSError."""
    with path.open("rb") as file:
        return detect_format(file.read(HEADER_BYTES))


def with_article(name: str) -> Phrase:
    """Put "a" or "an" before the name of a format, and "file" behind it."""
    if name.startswith(("AVIF", "OpenEXR", "SGI", "SVG", "icon")):
        return Phrase("an {format} file", format=name)
    return Phrase("a {format} file", format=name)
