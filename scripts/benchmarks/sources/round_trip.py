"""Normal maps of real materials to height maps, and these to normals again, through files of 16 bits.

Where a normal map's slopes are those of no surface, no heights can make it again.  Beside ours stand the figures of the
nearest gradient: the part of the slopes that heights can have, by least squares.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from relief.scores import correlation, degrees, normals_of

from benchmarks.answer import Answer, Table
from benchmarks.sources.real_maps import find_maps
from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.image_io import encode_png
from blender_midas_normal.core.maps import make_map
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.height import Height
from blender_midas_normal.worker.engines.normals import Normals
from blender_midas_normal.worker.inputs import picture_from_file

MAX_ROTATION = 0.05
"""Share of the slopes' energy that is no gradient, up to which a map counts as integrable."""

LEAST_R, MOST_DEGREES = 0.98, 1.5
"""What is wanted of normals that have become heights and normals again."""


@dataclass(frozen=True)
class RoundTrip:
    """Of one map.

    r, error: of the normals that came back, the smaller correlation of nx and ny, and the mean error in degrees; best_r,
    best_error: of the nearest gradient; rotation: the share of the slopes' energy that is no gradient.
    """

    name: str
    r: float
    error: float
    best_r: float
    best_error: float
    rotation: float

    @property
    def is_possible(self) -> bool:
        """Whether the nearest gradient gives what is wanted."""
        return self.best_r >= LEAST_R and self.best_error <= MOST_DEGREES


def measure(shared: Path) -> Answer:
    maps = [*find_maps(shared / "cc0", "val"), *find_maps(shared / "materials")]
    if not maps:
        return Answer()
    trips = [make_round_trip(path, wrap) for path, wrap in maps]
    integrable = [trip for trip in trips if trip.rotation <= MAX_ROTATION]
    possible = [trip for trip in integrable if trip.is_possible]
    figures = {"maps": len(trips), "maps integrable": len(integrable), "maps possible": len(possible)}
    for name, group in (("integrable", integrable), ("possible", possible)):
        if group:
            figures[f"round trip r {name}"] = min(trip.r for trip in group)
            figures[f"round trip error {name}"] = max(trip.error for trip in group)
    if integrable:
        figures["round trip above best"] = float(np.mean([trip.error - trip.best_error for trip in integrable]))
    rows = [[trip.name, f"{trip.rotation:.2%}", f"{trip.r:.4f}", f"{trip.error:.2f}", f"{trip.best_r:.4f}",
             f"{trip.best_error:.2f}"] for trip in sorted(integrable, key=lambda trip: trip.rotation)]
    columns = ["Map", "no gradient", "r", "mean error in degrees", "r of the nearest gradient", "its mean error"]
    return Answer(figures, tables=[Table("Normals to heights to normals, the integrable maps", columns, rows)])


def make_round_trip(path: Path, wrap: Wrap) -> RoundTrip:
    """Make heights of a normal map (OpenGL), a file of them, and normals of that file."""
    settings = Settings(engine="NORMALS", source_convention="OPENGL")
    surface = Normals().surface(EngineInput(picture_from_file(path, content=DATA), wrap, settings, _ignore))
    heights = make_map("HEIGHT", surface, settings)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "height.png"
        file.write_bytes(encode_png(heights.encode(bits=16), compress=False))
        stored = picture_from_file(file, content=DATA)
    settings = dataclasses.replace(settings, engine="HEIGHT", height_scale=heights.scale)
    back = normal_map(Height().surface(EngineInput(stored, wrap, settings, _ignore)), settings)
    slopes = surface.measured_slopes
    gradient, rotation = nearest_gradient(slopes, wrap)
    true = normals_of(*slopes)
    r, error = compare(np.moveaxis(back, 0, 2), true)
    return RoundTrip(path.stem, r, error, *compare(normals_of(*gradient), true), rotation)


def compare(normals: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Return (the smaller correlation of nx and ny, the mean error in degrees)."""
    return (min(correlation(normals[..., axis], true[..., axis]) for axis in (0, 1)),
            float(degrees(normals, true).mean()))


def nearest_gradient(slopes: np.ndarray, wrap: Wrap) -> tuple[np.ndarray, float]:
    """Return the gradient field that is nearest to slopes by least squares, and the rest's share of the slopes' energy.

    The part of each wave along its direction (a Helmholtz decomposition in Fourier space); directions that do not repeat are
    continued by their mirror image.  Of 2 x H x W slopes, x right and y down.
    """
    rows, columns = slopes.shape[1:]
    field = slopes.astype(np.float64)
    for axis, repeats in ((1, wrap.y), (2, wrap.x)):
        if not repeats:
            mirrored = np.flip(field, axis).copy()
            mirrored[2 - axis] *= -1
            field = np.concatenate([field, mirrored], axis)
    spectrum = np.fft.fft2(field)
    waves = np.stack(np.broadcast_arrays(np.fft.fftfreq(field.shape[2])[None], np.fft.fftfreq(field.shape[1])[:, None]))
    squares = (waves ** 2).sum(axis=0)
    squares[0, 0] = 1
    along = waves * ((waves * spectrum).sum(axis=0) / squares)
    gradient = np.fft.ifft2(along).real
    rest = float(((field - gradient) ** 2).sum() / max((field ** 2).sum(), 1e-12))
    return gradient[:, :rows, :columns], rest


def _ignore(stage: str, share: float) -> None:
    """Ignore progress."""
