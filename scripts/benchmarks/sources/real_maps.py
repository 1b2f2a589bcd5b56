"""Normal maps of real materials in the folder beside the checkout, where it is there."""

from __future__ import annotations

import csv
from pathlib import Path

from blender_midas_normal.core.picture import Wrap


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's index; none where there is no such folder."""
    index = folder / "index.tsv"
    if not index.is_file():
        return []
    with index.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def normal_map_of(folder: Path, row: dict[str, str]) -> Path:
    """Return the path of a material's normal map."""
    return next(path for path in (folder / f"{row['id']}_normal{ending}" for ending in (".jpg", ".png")) if path.is_file())


def find_maps(folder: Path, split: str = "") -> list[tuple[Path, Wrap]]:
    """Return the normal maps of a folder, and the directions in which they repeat; split: value of that column."""
    return [(normal_map_of(folder, row), Wrap(*(row.get(f"tiles_{axis}", row.get("tileable")) == "yes" for axis in "xy")))
            for row in read_rows(folder) if not split or row["split"] == split]
