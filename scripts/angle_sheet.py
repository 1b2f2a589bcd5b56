#!/usr/bin/env python3
"""Draws a photo of a material taken at an angle, the same rectified by its lines, and the normal map of that.

    python3 scripts/angle_sheet.py [--materials DIR] [--name roof_tiles] [--out FILE]

DIR, without it docs/materials, holds materials as scripts/relief/materials.py reads them.  Needs
requirements/training.txt, or the MiDaS environment.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    import numpy as np
    import PIL.Image
    import PIL.ImageDraw
    from relief.materials import read_material
    from relief.perspective import take_photo
except ModuleNotFoundError as error:
    sys.exit(f"error: this Python has no {error.name}; run its pip install -r scripts/requirements/training.txt.")

from blender_midas_normal.batch import make_maps
from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError, SourceError

ROOT = Path(__file__).resolve().parent.parent
TILT, TOWARD, ROLL, SEED = 50.0, -52.0, 4.0, 3
"""How the photo is taken, see `relief.perspective.take_photo`; SEED draws the lens."""

WIDTH, HEIGHT, LABEL = 420, 315, 18


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--materials", type=Path, default=ROOT / "docs/materials", metavar="DIR")
    parser.add_argument("--name", default="roof_tiles", help="of the material")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures/angle.jpg", help="sheet to write")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            draw_sheet(pictures(options.materials, options.name, Path(folder)), options.out)
    except MidasNormalError as error:
        return report_error(error)
    print(options.out)
    return 0


def pictures(materials: Path, name: str, folder: Path) -> dict[str, PIL.Image.Image]:
    """Take the photo, rectify it and make its map; return the pictures by their titles."""
    view = take_photo(read_material(materials, name), TILT, TOWARD, ROLL, np.random.default_rng(SEED))
    photo = folder / "photo.png"
    PIL.Image.fromarray(view.rgb).save(photo)
    records = make_maps(photo, folder, engine="relief", rectify="AUTO")
    made = {record.map: record.output for record in records}
    if None in made.values() or "RECTIFIED" not in made:
        raise SourceError("The photo was not rectified: {reason}", reason=records[0].error or records[0].notes)
    files = {"Photo": photo, "Rectified by its lines": made["RECTIFIED"], "Normal map": made["NORMAL"]}
    return {title: read(Path(file)) for title, file in files.items()}


def read(file: Path) -> PIL.Image.Image:
    """Read a picture, made small enough for the sheet."""
    with PIL.Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((WIDTH, HEIGHT), PIL.Image.Resampling.LANCZOS)
    return small


def draw_sheet(shown: dict[str, PIL.Image.Image], file: Path) -> None:
    """Draw pictures beside each other, each under its title."""
    sheet = PIL.Image.new("RGB", (len(shown) * WIDTH, HEIGHT + LABEL), "white")
    pen = PIL.ImageDraw.Draw(sheet)
    for column, (title, picture) in enumerate(shown.items()):
        pen.text((column * WIDTH + 4, 3), title, fill="black")
        sheet.paste(picture, (column * WIDTH + (WIDTH - picture.width) // 2, LABEL + (HEIGHT - picture.height) // 2))
    sheet.save(file, quality=88)


if __name__ == "__main__":
    sys.exit(main())
