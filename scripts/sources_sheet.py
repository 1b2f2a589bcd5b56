#!/usr/bin/env python3
"""Writes a contact sheet: what is made of height maps and of normal maps that are there already.

    python3 scripts/sources_sheet.py [--materials DIR] [--name roof_tiles] [--out FILE]

DIR, without it docs/materials, has the colours and the normal map of the named material, as <name>_color.jpg and
<name>_normal.jpg.  Its height map is made of its normal map, and stored with 8 bits, as many height maps are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
from sheets import draw_sheet, fit, light_surface, make

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError, SourceError

if TYPE_CHECKING:
    from PIL.Image import Image

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--materials", type=Path, default=environments.ROOT / "docs/materials", metavar="DIR")
    parser.add_argument("--name", default="roof_tiles", help="of the material")
    parser.add_argument("--out", type=Path, default=environments.ROOT / "docs/pictures/sources.jpg", help="sheet to write")
    options = parser.parse_args()
    try:
        environments.writable(options.out.resolve().parent)
        python = environments.bpy_python()
        if Path(sys.executable) != python:
            return environments.run(python, Path(__file__).name, sys.argv[1:])
        with tempfile.TemporaryDirectory() as folder:
            draw_sheet(rows(options.materials, options.name, Path(folder)), options.out)
    except MidasNormalError as error:
        return report_error(error)
    print(options.out)
    return 0


def rows(materials: Path, name: str, folder: Path) -> list[tuple[list[str], list[Image]]]:
    """Make the maps in a folder; return the names and pictures of each row."""
    import numpy as np
    from PIL import Image

    colour, normal = (materials / f"{name}_{kind}.jpg" for kind in ("color", "normal"))
    for file in (colour, normal):
        if not file.is_file():
            raise SourceError("There is no file {file}; --materials and --name say which material is drawn.", file=file)

    def make_one(source: Path, engine: str, kind: str = "NORMAL", **settings: object) -> Path:
        return make(source, folder, engine=engine, maps=kind, tileable="BOTH", **settings)[kind]

    heights = make_one(normal, "normals", "HEIGHT")
    eight_bits = folder / "heights_8.png"
    shown_heights = np.rint(np.asarray(Image.open(heights), np.float32) / 257).astype(np.uint8)
    Image.fromarray(shown_heights).save(eight_bits)
    of_heights = make_one(eight_bits, "height", height_scale=0.04)
    flipped = make_one(normal, "normals", convention="DIRECTX")
    over = make_one(colour, "auto", mix="RELIEF", base="EXISTING", crossover=8, mix_amount=1.5)
    return [
        (["Height map, 8 bits", "Its normal map", "Lit from the upper left"],
         [fit(eight_bits), fit(of_heights), fit(light_surface(of_heights))]),
        (["Normal map", "Its heights", "Ambient occlusion", "Curvature", "DirectX"],
         [fit(file) for file in (normal, heights, make_one(normal, "normals", "AO"),
                                 make_one(normal, "normals", "CURVATURE"), flipped)]),
        (["Photograph", "Normal map that is there", "With the photo's fine relief", "Lit before", "Lit afterwards"],
         [fit(colour), fit(normal), fit(over), fit(light_surface(normal, colour)), fit(light_surface(over, colour))]),
    ]


if __name__ == "__main__":
    sys.exit(main())
