"""Formats of picture files, told by a file's first bytes: its name may say something else."""

from __future__ import annotations

import re
from pathlib import Path

from .messages import Phrase

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".exr", ".hdr", ".webp", ".avif", ".bmp",
                     ".tga", ".dds", ".psd", ".jp2", ".gif"))
"""Of files that count as pictures in folders and patterns; a file that is named itself is always tried."""

HEAD_SIZE = 64
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


def format_of(beginning: bytes) -> str:
    """Name the format of a file with these first bytes; "" where it is none of those that are known."""
    return next((name for name, sign in _SIGNATURES.items() if re.match(sign, beginning, re.DOTALL)), "")


def format_of_file(path: Path) -> str:
    """Name the format of a file as `format_of` does; raises OSError."""
    with path.open("rb") as file:
        return format_of(file.read(HEAD_SIZE))


def with_article(name: str) -> Phrase:
    """Put "a" or "an" before the name of a format, and "file" behind it."""
    if name.startswith(("AVIF", "OpenEXR", "SGI", "SVG", "icon")):
        return Phrase("an {format} file", format=name)
    return Phrase("a {format} file", format=name)
