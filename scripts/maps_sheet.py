#!/usr/bin/env python3
"""Writes a contact sheet: photographs, and each map that the relief engine makes of them, side by side.

    python3 scripts/maps_sheet.py [--out docs/pictures/maps.jpg] [IMAGE...]

Without pictures, the coins, gravel and brick of scikit-image.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError
from blender_midas_normal.core.map_types import MAP_TYPES
from blender_midas_normal.core.settings import Settings

SIDE, GAP, LETTERS = 300, 6, 26
"""Pixels of a picture, between two, and of the line with their names."""

PHOTOGRAPHS = ("coins", "gravel", "brick")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, default=environments.ROOT / "docs/pictures/maps.jpg", help="sheet to write")
    options = parser.parse_args()
    try:
        environments.writable(options.out.resolve().parent)
        python = environments.bpy_python()
        if Path(sys.executable) != python:
            return environments.run(python, Path(__file__).name, sys.argv[1:])
        names = ["Photograph", *(kind.label for kind in MAP_TYPES.values())]
        draw_sheet([(names, pictures(file)) for file in options.images or photographs()], options.out)
    except MidasNormalError as error:
        return report_error(error)
    print(options.out)
    return 0


def photographs() -> list[Path]:
    import skimage

    return [Path(skimage.__file__).parent / "data" / f"{name}.png" for name in PHOTOGRAPHS]


def draw_sheet(rows: list[tuple[list[str], list]], out: Path) -> None:
    """Draw rows of pictures, Pillow's of SIDE pixels; a row's names stand above it unless those above are the same.

    Args:
        rows: the names and the pictures of each.
        out: the file.
    """
    from PIL import Image, ImageDraw

    heads = [LETTERS if index == 0 or rows[index - 1][0] != names else 0 for index, (names, _) in enumerate(rows)]
    columns = max(len(pictures) for _, pictures in rows)
    size = columns * (SIDE + GAP) - GAP, sum(heads) + len(rows) * (SIDE + GAP) - GAP
    whole = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(whole)
    top = 0
    for head, (names, pictures) in zip(heads, rows):
        for column, (name, picture) in enumerate(zip(names, pictures)):
            if head:
                draw.text((column * (SIDE + GAP) + 4, top + 4), name, "black", font_size=16)
            whole.paste(picture, (column * (SIDE + GAP), top + head))
        top += head + SIDE + GAP
    whole.save(out, quality=88)


def pictures(file: Path) -> list:
    """Return the file and its maps as Pillow's pictures, SIDE pixels wide and high."""
    from PIL import Image

    from blender_midas_normal.core.colour import luma
    from blender_midas_normal.core.maps import make_map
    from blender_midas_normal.core.tileable import resolve_wrap
    from blender_midas_normal.worker.engines import EngineInput
    from blender_midas_normal.worker.engines.relief import Relief
    from blender_midas_normal.worker.inputs import picture_from_file

    picture, settings = picture_from_file(file), Settings()
    wrap = resolve_wrap(settings.tileable, luma(picture.rgb_float()), is_render=False)
    surface = Relief().surface(EngineInput(picture, wrap, settings, lambda stage, share: None))
    maps = [(make_map(kind, surface, settings).encode() >> 8).astype("uint8") for kind in MAP_TYPES]
    return [Image.fromarray(values).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            for values in (picture.to_uint8()[..., :3], *maps)]


if __name__ == "__main__":
    sys.exit(main())
