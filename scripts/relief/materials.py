"""Materials to train and to measure on: colour pictures beside their normal maps, read from a folder or a zip file of one.

The folder holds `index.tsv` with a row for each material and, named by its id, `<id>_color` and `<id>_normal` (OpenGL, green
up) as .jpg or .png.  Columns: id; perhaps category or kind, split, lumfit, tiles_x and tiles_y, or tileable.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from blender_midas_normal.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array

SMALLEST_Z = 0.12
"""Slopes are read from normals whose z is at least this (83 degrees)."""

STRUCTURED = ("brick", "tiles", "cobble", "stone wall", "roof", "wood", "fabric")
"""Categories whose relief a picture shows: the factor on the slopes is chosen on them."""

HELD_OUT_SHARE = 0.2
"""Share of the structured materials of split=train that is left out of the training, to choose the factor on."""

PACKED_SIDE = 384


@dataclass(frozen=True)
class Material:
    """A material.

    lumfit: share of the slopes that a linear filter of luminance explains; from 0.6 on the normals were probably made
    from the photo.  tiles: whether it repeats in x and in y.  rgb: H x W x 3 uint8, sRGB.  normals: H x W x 3 float32
    unit vectors.
    """

    name: str
    category: str
    lumfit: float
    tiles: tuple[bool, bool]
    rgb: NDArray[np.uint8]
    normals: Array

    @property
    def slopes(self) -> Array:
        """H x W x 2 float32: dh/dx and dh/dy, rows downwards.

        Without their mean, since a picture does not tell whether a material as a whole leans.
        """
        z = np.maximum(self.normals[..., 2], SMALLEST_Z)
        slopes = np.stack([-self.normals[..., 0] / z, self.normals[..., 1] / z], axis=2)
        return slopes - slopes.mean((0, 1))

    @property
    def held_out(self) -> bool:
        """Whether it is left out of the training, decided by a hash of its name."""
        drawn = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big") / 2 ** 32
        return self.category in STRUCTURED and drawn < HELD_OUT_SHARE


def read_materials(source: Path, split: str | None = None) -> list[Material]:
    """Read the materials of one split, or all, in the order of their names.

    Args:
        source: a folder, or a zip file that `pack` wrote.
        split: the value of the column `split` that is asked for.

    Raises:
        SourceError: when the index or a picture is missing or cannot be read.
    """
    read = _reader(source)
    return [_material(row, read) for row in _rows(read) if split is None or row.get("split") == split]


def read_material(source: Path, name: str) -> Material:
    """Read one material; raise SourceError."""
    read = _reader(source)
    return next(_material(row, read) for row in _rows(read) if row["id"] == name)


def weights_of(materials: list[Material]) -> NDArray[np.float64]:
    """Return how often each material is drawn; the sum is 1.

    A material counts by how many of its category there are, to the power -0.4, so that the many kinds of soil do not
    drown the few of leather; half where its normals were probably made from the photo (lumfit above 0.6).
    """
    counts = {category: sum(m.category == category for m in materials) for category in {m.category for m in materials}}
    weights = np.array([counts[m.category] ** -0.4 * (0.5 if m.lumfit > 0.6 else 1.0) for m in materials])
    return weights / weights.sum()


def pack(source: Path, file: Path, side: int = PACKED_SIDE) -> None:
    """Write the folder's split=train into one zip file, pictures reduced to `side` pixels on the longer side."""
    read = _reader(source)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("index.tsv", read("index.tsv"))
        for name in (row["id"] for row in _rows(read) if row["split"] == "train"):
            for part, quality in (("color", 92), ("normal", 95)):
                small = _reduce(_decode(f"{name}_{part}", read), side)
                stored = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality,
                                                      cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                                                      cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])[1]
                archive.writestr(f"{name}_{part}.jpg", stored.tobytes())


def _reader(source: Path) -> Callable[[str], bytes]:
    """Return what reads a file of the folder, or of the zip file, by its name; raise SourceError."""
    try:
        if source.is_dir():
            return lambda name: (source / name).read_bytes()
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(f"{source} is neither a folder of materials nor a zip file of one ({error}).") from None
    return archive.read


def _rows(read: Callable[[str], bytes]) -> list[dict[str, str]]:
    try:
        text = read("index.tsv").decode("utf-8")
    except (OSError, KeyError):
        raise SourceError("The folder of materials has no index.tsv.") from None
    return sorted(csv.DictReader(io.StringIO(text), delimiter="\t"), key=lambda row: row["id"])


def _material(row: dict[str, str], read: Callable[[str], bytes]) -> Material:
    rgb = _decode(f"{row['id']}_color", read)
    normals = _decode(f"{row['id']}_normal", read).astype(np.float32) / 127.5 - 1
    if rgb.shape != normals.shape:
        raise SourceError(f"{row['id']}: colour and normal map differ in size.")
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-6)
    tiles = tuple(row.get(f"tiles_{axis}", row.get("tileable", "yes")) == "yes" for axis in "xy")
    category = row.get("category") or row.get("kind") or ""
    return Material(row["id"], category, float(row.get("lumfit") or 0), tiles, rgb, normals)


def _decode(stem: str, read: Callable[[str], bytes]) -> NDArray[np.uint8]:
    """Decode a picture to RGB, H x W x 3; raise SourceError."""
    for ending in (".jpg", ".png"):
        try:
            data = read(stem + ending)
        except (OSError, KeyError):  # not of that kind
            continue
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            return np.ascontiguousarray(picture[..., ::-1])
    raise SourceError(f"{stem}.jpg or {stem}.png is missing or cannot be read.")


def _reduce(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Reduce a picture to at most `side` pixels on its longer side, as BGR."""
    share = side / max(rgb.shape[:2])
    if share < 1:
        size = round(rgb.shape[1] * share), round(rgb.shape[0] * share)
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(rgb[..., ::-1])
