"""The README's pictures: parts of those that the steps take."""

from __future__ import annotations

import subprocess
from pathlib import Path

PARTS = {"panel": ("generate", "830x700+490+30"), "compared": ("compared", "1320x870+0+30"),
         "shader_editor": ("shader_editor", "640x400+200+250"), "viewport": ("viewport", "640x420+340+240")}
"""By the name in the documentation: the step's picture, and the part of it as ImageMagick names one."""


def write(pictures: Path, folder: Path) -> None:
    """Cut parts out of a version's pictures and write them as compressed JPEG files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (picture, part) in PARTS.items():
        subprocess.run(["convert", str(pictures / f"{picture}.png"), "-crop", part, "+repage", "-resize", "830x>",
                        "-quality", "88", str(folder / f"{name}.jpg")], check=True)
