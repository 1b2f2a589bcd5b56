"""Which way the green of real normal maps points, as AUTO decides it: each as it is (OpenGL) and turned over."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from benchmarks.answer import Answer
from benchmarks.sources.real_maps import normal_map_of, read_rows
from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.normal_maps import MIN_AGREEMENT, green_agreement, read_normal_map
from blender_midas_normal.worker.inputs import picture_from_file

NAME_PROVES = re.compile(r"nor(?:mal)?[_-]?(gl|dx)(?![a-z])", re.IGNORECASE)
"""A file name that says which way green points, as "_nor_gl_" and "NormalDX"."""


def measure(folder: Path) -> Answer:
    figures = {}
    outcomes = [(green_is_proved(row), decide(normal_map_of(folder, row))) for row in read_rows(folder)]
    for name, chosen in (("all", [each for _, each in outcomes]), ("proved", [each for proved, each in outcomes if proved])):
        if chosen:
            wrong, undecided = 100 * np.mean(chosen, axis=(0, 1))
            figures |= {f"green maps {name}": 2 * len(chosen), f"green wrong {name}": float(wrong),
                        f"green undecided {name}": float(undecided)}
    return Answer(figures)


def green_is_proved(row: dict[str, str]) -> bool:
    """Tell whether the name of the file that was found says what the index says, by which it was turned to OpenGL."""
    named = NAME_PROVES.search(Path(row["normal_path"]).name)
    return named is not None and row["green_as_found"].startswith(named[1].lower())


def decide(path: Path) -> list[tuple[bool, bool]]:
    """Return (decided and wrong, undecided) of an OpenGL map, and of the same map turned over."""
    pixels = picture_from_file(path, content=DATA).rgb
    flipped = pixels.copy()
    flipped[..., 1] = 255 - pixels[..., 1]
    agreements = [sign * green_agreement(read_normal_map(rgb).slopes) for sign, rgb in ((1, pixels), (-1, flipped))]
    return [(agreement <= -MIN_AGREEMENT, abs(agreement) < MIN_AGREEMENT) for agreement in agreements]
