"""Compression as the writers of EXR and TIFF files need it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray


def deflated(values: NDArray) -> bytes:
    """The bytes of a contiguous array as a zlib stream, with runs only (Z_RLE).

    Maps hardly ever repeat: a search for repetitions takes twice the time and saves no space.
    """
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return packer.compress(values.data) + packer.flush()
