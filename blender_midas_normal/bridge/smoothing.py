"""The maps of frames, averaged over neighbouring frames where they lie as files before they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.over_time import mean_map
from ..core.png import png_bytes
from ..core.reach import shares
from .map_files import stage
from .pixels import values_of_file
from .task import BREATH

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smooth(files: Mapping[int, Path], reach: int, out: int | None) -> Iterator[None]:
    """Replaces the files of a map's frames by their means over `reach` frames on either side, with a breath after each.

    files: by frame; those of another size than the middle one's do not count.  out: see `core.over_time.mean_map`.
    """
    values: dict[int, NDArray[np.uint16]] = {}
    for number, file in files.items():
        near = shares(files, number, reach)
        values = {other: values[other] if other in values else _read(files[other], out) for other in near}
        alike = {other: share for other, share in near.items() if values[other].shape == values[number].shape}
        whole = sum(alike.values())
        stage(file, png_bytes(mean_map([(share / whole, values[other]) for other, share in alike.items()], out), True))
        yield BREATH


def _read(file: Path, out: int | None) -> NDArray[np.uint16]:
    """H x W x 3 of a normal map, H x W of another."""
    values = values_of_file(file)
    return np.rint((values[..., 0] if out is None else values[..., :3]) * 65535).astype(np.uint16)
