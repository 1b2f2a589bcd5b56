"""Compression as the writers of PNG, EXR and TIFF files need it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray


def packer_of(compress: bool) -> zlib._Compress:
    """What makes a zlib stream, with runs only (Z_RLE), or of bytes stored as they are.

    Maps hardly ever repeat: a search for repetitions takes twice the time and saves no space.
    """
    return zlib.compressobj(1 if compress else 0, strategy=zlib.Z_RLE)


def deflated(values: NDArray) -> bytes:
    """The bytes of a contiguous array as a zlib stream."""
    packer = packer_of(compress=True)
    return packer.compress(values.data) + packer.flush()
