"""The maps of frames, averaged over neighbouring frames where they lie as files before they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.over_time import mean_map
from ..core.png import png_bytes
from ..core.reach import shares
from .map_files import pixels_of_map, stage
from .task import BREATH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def smooth(files: Mapping[int, Path], reach: int, out: int | None) -> Iterator[None]:
    """Replaces the files of a map's frames by their means over `reach` frames on either side, with a breath after each.

    files: by frame; those of another size than the middle one's do not count.  out: see `core.over_time.mean_map`.
    """
    values: dict[int, NDArray[np.uint16]] = {}
    for number, file in files.items():
        near = shares(files, number, reach)
        values = {other: values[other] if other in values else pixels_of_map(files[other]) for other in near}
        alike = [other for other in near if values[other].shape == values[number].shape]
        counted = shares(alike, number, reach).items()
        stage(file, png_bytes(mean_map(((share, values[other]) for other, share in counted), out), True))
        yield BREATH
