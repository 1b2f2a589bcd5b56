#!/usr/bin/env python3
"""Writes a contact sheet: what is made of height maps and of normal maps that are there already.

    python3 scripts/sources_sheet.py --materials DIR [--name acg_tiles26] [--out docs/pictures/sources.jpg]

DIR has the colours and the normal map of the named material, as <name>_color.jpg and <name>_normal.jpg.  Its height map is
made of its normal map, and stored with 8 bits, as many height maps are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
from maps_sheet import SIDE, draw_sheet

from blender_midas_normal.batch import make_maps
from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError, SourceError

if TYPE_CHECKING:
    from PIL.Image import Image

LIGHT = (-0.55, 0.55, 0.63)
"""Direction to the light of the lit pictures: from the upper left."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--materials", type=Path, default=environments.ROOT.parent / "shared" / "cc0", metavar="DIR")
    parser.add_argument("--name", default="acg_tiles26", help="of the material")
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

    def make(source: Path, engine: str, kind: str = "normal", **settings: object) -> Path:
        record = make_maps(source, folder, engine=engine, maps=kind, existing="NUMBER", tileable="BOTH", **settings)[0]
        if record.error or record.output is None:
            raise SourceError("{file} gives no map: {reason}", file=source, reason=record.error)
        return Path(record.output)

    def lit(file: Path, colours: Path | None = None) -> Image:
        """Return a surface with the normals of a file under the light, grey or in the colours of a picture."""
        vectors = np.asarray(Image.open(file).convert("RGB"), np.float32) / 127.5 - 1
        shade = np.clip(vectors @ np.array(LIGHT, np.float32), 0, 1)[..., None]
        base = np.full((1, 1, 3), 0.6, np.float32)
        if colours is not None:
            base = (np.asarray(Image.open(colours).convert("RGB"), np.float32) / 255) ** 2.2
        return Image.fromarray((np.clip(base * (0.15 + 1.2 * shade), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))

    def shown(picture: Image | Path) -> Image:
        image = Image.open(picture) if isinstance(picture, Path) else picture
        if image.mode.startswith("I"):  # 16 bits of grey
            image = Image.fromarray((np.asarray(image, np.float32) / 257).astype(np.uint8))
        side = min(image.size)
        return image.convert("RGB").crop((0, 0, side, side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)

    heights = make(normal, "normals", "height")
    eight_bits = folder / "heights_8.png"
    shown_heights = np.rint(np.asarray(Image.open(heights), np.float32) / 257).astype(np.uint8)
    Image.fromarray(shown_heights).save(eight_bits)
    of_heights = make(eight_bits, "height", height_scale=0.04)
    flipped = make(normal, "normals", convention="DIRECTX")
    over = make(colour, "auto", mix="RELIEF", base="EXISTING", crossover=8, mix_amount=1.5)
    return [
        (["Height map, 8 bits", "Its normal map", "Lit from the upper left"],
         [shown(eight_bits), shown(of_heights), shown(lit(of_heights))]),
        (["Normal map", "Its heights", "Ambient occlusion", "Curvature", "DirectX"],
         [shown(file) for file in (normal, heights, make(normal, "normals", "ao"), make(normal, "normals", "curvature"),
                                   flipped)]),
        (["Photograph", "Normal map that is there", "With the photo's fine relief", "Lit before", "Lit afterwards"],
         [shown(colour), shown(normal), shown(over), shown(lit(normal, colour)), shown(lit(over, colour))]),
    ]


if __name__ == "__main__":
    sys.exit(main())
