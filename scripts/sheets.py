"""Contact sheets: maps of pictures, pictures side by side under their names, and surfaces lit by one sun."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from blender_midas_normal.batch import make_maps
from blender_midas_normal.core.errors import SourceError

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, GAP, LETTERS = 300, 6, 26
"""Pixels of a picture, between two, and of the line with their names."""

LIGHT = (-0.55, 0.55, 0.63)
"""Direction to the light of the lit pictures: from the upper left."""


def make(file: Path, folder: Path, weights: Optional[Path] = None, **settings: object) -> dict[str, Path]:
    """Make maps of a picture in a folder of their own; return their files by the map's type."""
    made = make_maps(file, tempfile.mkdtemp(dir=folder), weights=weights, **settings)
    if failed := [record.error for record in made if record.error or record.output is None]:
        raise SourceError("{file} gives no map: {reason}", file=file, reason=failed[0])
    return {record.map: Path(record.output) for record in made}


def draw_sheet(rows: list[tuple[list[str], list[Image]]], out: Path) -> None:
    """Draw rows of pictures, SIDE pixels wide and high; a row's names stand above it unless those above are the same.

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
    whole.save(out, quality=85)


def fit(picture: Union[Image, Path]) -> Image:
    """Return the upper left square of a picture or a file, with SIDE pixels and 8 bits."""
    import numpy as np
    from PIL import Image

    image = Image.open(picture) if isinstance(picture, Path) else picture
    if image.mode.startswith("I"):  # 16 bits of grey
        image = Image.fromarray((np.asarray(image, np.float32) / 257).astype(np.uint8))
    side = min(image.size)
    return image.convert("RGB").crop((0, 0, side, side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def light_surface(normals: Path, colours: Optional[Path] = None) -> Image:
    """Return the surface that a file of normals (OpenGL) describes under the light, grey or in a picture's colours."""
    import numpy as np
    from PIL import Image

    vectors = np.asarray(Image.open(normals).convert("RGB"), np.float32) / 127.5 - 1
    shade = np.clip(vectors @ np.array(LIGHT, np.float32), 0, 1)[..., None]
    base = np.full((1, 1, 3), 0.6, np.float32)
    if colours is not None:
        base = (np.asarray(Image.open(colours).convert("RGB"), np.float32) / 255) ** 2.2
    return Image.fromarray((np.clip(base * (0.15 + 1.2 * shade), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
