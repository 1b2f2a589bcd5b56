"""Files on disk: digests, detection of formats, atomic replacement, and the user's home folder redacted in texts."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from .errors import Phrase, SourceError
from .protocol import MAX_FILE_BYTES

FILE_CHUNK_BYTES = 1 << 20
"""Bytes read at a time."""

LOCK_ERRORS = (5, 32)
"""Windows' error codes for a file that another program has open: virus scanners open each new file for a moment."""

LOCK_TIMEOUT_S = 1.0
"""Seconds for which replacing a locked file is retried."""

PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".exr", ".hdr", ".webp", ".avif",
                              ".bmp", ".tga", ".dds", ".psd", ".jp2", ".gif"))
"""Extensions of files that count as pictures in folders and patterns; a file that is named itself is always tried."""

HEADER_BYTES = 64
"""Bytes of a file by which its format is detected."""

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
"""Regular expressions for the first bytes of each format, the most reliable ones first: Targa has no magic number."""


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; raise OSError where it cannot be read."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(FILE_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def is_file(path: Path) -> bool:
    """Tell whether a path is a file that this process may see; raise nothing, unlike `Path.is_file`."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Tell whether a path is anything that this process may see; raise nothing, unlike `Path.exists`."""
    return os.path.exists(path)  # noqa: PTH110


def check_picture_file(path: Path) -> None:
    """Raise SourceError for a missing file, or one too large for a picture; OSError where that cannot be found out."""
    if is_file(path):
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceError("{path} is larger than any picture may be.", path=path)
        return
    if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a folder is closed
        raise SourceError("{path} is a link to a file that is not there.", path=path)
    raise SourceError("There is no picture {path}.", path=path)


def resolve_path(path: Path) -> Path:
    """Return the absolute path with links resolved; raises nothing, unlike `Path.resolve`, for a link to itself."""
    return Path(os.path.realpath(path))


def atomic_replace(file: Path, target: Path) -> None:
    """Rename a file to the target, atomically; retry while one of them is locked, then raise OSError."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            file.replace(target)
            return
        except OSError as error:
            if getattr(error, "winerror", None) not in LOCK_ERRORS or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def home_folder() -> Path | None:
    """Return the user's home folder; None where the system has none for the user."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def redact_home(text: str) -> str:
    """Replace the user's home folder in a text by ~, also in paths with doubled backslashes."""
    home = home_folder()
    if home is None or home == Path(home.anchor):  # such as that of users which run services
        return text
    names = "|".join(re.escape(name) for name in (str(home), str(home).replace("\\", "\\\\")))
    return re.sub(rf"(?<![\w./\\-])({names})(?![\w-]|\.\w)", "~", text)


def detect_format(beginning: bytes) -> str:
    """Return the name of the format of a file with these first bytes; "" for an unknown one.

    >>> detect_format(b"GIF89a")
    'GIF'
    """
    return next((name for name, signature in _SIGNATURES.items() if re.match(signature, beginning, re.DOTALL)), "")


def detect_file_format(path: Path) -> str:
    """Return the name of a file's format, as `detect_format` does; raise OSError where it cannot be read."""
    with path.open("rb") as file:
        return detect_format(file.read(HEADER_BYTES))


def with_article(name: str) -> Phrase:
    """Put "a" or "an" before the name of a format, and "file" behind it."""
    if name.startswith(("AVIF", "OpenEXR", "SGI", "SVG", "icon")):
        return Phrase("an {format} file", format=name)
    return Phrase("a {format} file", format=name)
