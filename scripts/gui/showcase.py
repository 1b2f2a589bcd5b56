"""The documents' pictures: parts of those that the steps take, and a sheet of the panel in all looks."""

from __future__ import annotations

import subprocess
from itertools import chain, product
from pathlib import Path

from .steps.looks import SCALES, THEMES

PARTS = {"panel": ("generate", "830x700+490+30"), "compared": ("compared", "1320x870+0+30"),
         "shader_editor": ("shader_editor", "640x400+200+250"), "viewport": ("viewport", "640x420+340+240")}
"""By the name in the documentation: the step's picture, and the part of it as ImageMagick names one."""


SHEET_WIDTH = 290
"""Pixels of a panel in the sheet."""


def write_looks(folders: list[Path], sheet: Path) -> None:
    """Put the pictures of the panel in both sizes and themes beside each other, a row for each Blender.

    Args:
        folders: of the pictures, named after the versions.
        sheet: a JPEG file.
    """
    looks = list(product(SCALES, THEMES))
    pictures = [[*"(", str(folder / f"panel_{scale}_{theme}.png"), "-resize", f"{SHEET_WIDTH}x", "-gravity", "South",
                 "-splice", "0x24", "-annotate", "+0+4", f"{folder.name}, {theme}, scale {scale}", "-border", "4", *")"]
                for folder in folders for scale, theme in looks]
    rows = [[*"(", *chain(*pictures[start:start + len(looks)]), "-gravity", "North", "+append", *")"]
            for start in range(0, len(pictures), len(looks))]
    colours = ["-background", "#404040", "-bordercolor", "#404040", "-fill", "white", "-pointsize", "15"]
    subprocess.run(["convert", *colours, *chain(*rows), "-append", "-quality", "75", str(sheet)], check=True)


def write(pictures: Path, folder: Path) -> None:
    """Cut parts out of a version's pictures and write them as compressed JPEG files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (picture, part) in PARTS.items():
        subprocess.run(["convert", str(pictures / f"{picture}.png"), "-crop", part, "+repage", "-resize", "830x>",
                        "-quality", "88", str(folder / f"{name}.jpg")], check=True)
