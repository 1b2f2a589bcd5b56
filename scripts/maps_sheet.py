#!/usr/bin/env python3
"""Draws the sheets of the documents: all maps of a few photographs, the engines side by side, and what the sliders do.

    python3 scripts/maps_sheet.py [--out FILE] [IMAGE...]
    python3 scripts/maps_sheet.py --engines relief,luminance,midas [--weights DIR] [--out FILE] [IMAGE...]
    python3 scripts/maps_sheet.py --sliders [--out FILE] [IMAGE]

Without pictures, those of docs/materials; the sheets are docs/pictures/maps.jpg, engines.jpg and sliders.jpg.  An engine
whose packages or weights are not there is left out, and its name is printed; DIR has the weights.
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
from blender_midas_normal.core.engines import ENGINES
from blender_midas_normal.core.errors import EngineUnavailable, MidasNormalError
from blender_midas_normal.core.map_types import MAP_TYPES

if TYPE_CHECKING:
    from PIL.Image import Image

Rows = list[tuple[list[str], list["Image"]]]

MATERIALS, PICTURES = environments.ROOT / "docs/materials", environments.ROOT / "docs/pictures"

SHOWN = {
    "maps": ("stone_wall", "roof_tiles", "cracked_mud"),
    "engines": ("bricks", "stone_wall", "paving_stones", "roof_tiles", "floor_tiles", "cracked_mud", "rock", "hessian"),
    "sliders": ("stone_wall",),
}
"""The materials that each sheet shows."""

SLIDERS: tuple[tuple[str, tuple[dict[str, object], ...]], ...] = (
    ("Strength", ({"strength": 0.5}, {"strength": 1.0}, {"strength": 2.0}, {"strength": 4.0})),
    ("Detail", ({"detail": 0.0}, {"detail": 1.0}, {"detail": 2.0}, {"detail": 4.0})),
    ("Blur", ({"blur": 0.0}, {"blur": 1.0}, {"blur": 3.0}, {"blur": 8.0})),
    ("High-Pass", ({"high_pass": 0.0}, {"high_pass": 64.0}, {"high_pass": 16.0}, {"high_pass": 4.0})),
    ("Fine Detail From Luminance",
     ({"mix": "OFF"}, *({"mix": "LUMINANCE", "mix_amount": amount} for amount in (0.5, 1.0, 2.0)))),
)
"""Labels of the sliders, and the settings of the surfaces that are shown of each, at strength 2 where none is given."""


def main() -> int:
    options = parse_arguments()
    try:
        python = environments.bpy_python()
        if Path(sys.executable) != python:
            return environments.run(python, Path(__file__).name, sys.argv[1:])
        name = "engines" if options.engines else "sliders" if options.sliders else "maps"
        files = options.images or [MATERIALS / f"{material}_color.jpg" for material in SHOWN[name]]
        out = options.out or PICTURES / f"{name}.jpg"
        environments.writable(out.resolve().parent)
        with tempfile.TemporaryDirectory() as folder:
            draw_sheet(ROWS[name](files, options, Path(folder)), out)
    except MidasNormalError as error:
        return report_error(error)
    print(out)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    parser.add_argument("--engines", type=lambda text: text.upper().split(","), help="draw what these make")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder with the engines' weights")
    parser.add_argument("--sliders", action="store_true", help="draw one picture at different settings")
    parser.add_argument("--out", type=Path, help="sheet to write")
    options = parser.parse_args()
    if unknown := [name for name in options.engines or () if name not in ENGINES]:
        parser.error(f"there is no engine {unknown[0].lower()}; choose among {', '.join(ENGINES).lower()}")
    return options


def map_rows(files: list[Path], options: argparse.Namespace, folder: Path) -> Rows:
    """Return the pictures with all their maps by relief."""
    names = ["Photograph", *(kind.label for kind in MAP_TYPES.values()), "Lit from the upper left"]
    rows = []
    for file in files:
        maps = make(file, folder, maps=tuple(MAP_TYPES), engine="relief")
        rows.append((names, [fit(file), *(fit(maps[kind]) for kind in MAP_TYPES), fit(light_surface(maps["NORMAL"], file))]))
    return rows


def engine_rows(files: list[Path], options: argparse.Namespace, folder: Path) -> Rows:
    """Return the pictures with the normal map and the lit surface of each engine that can run here."""
    names, columns = ["Photograph"], [[fit(file) for file in files]]
    for engine in options.engines:
        try:
            maps = [make(file, folder, options.weights, engine=engine, strength=2.0)["NORMAL"] for file in files]
        except EngineUnavailable as error:
            print(f"{ENGINES[engine].label} was not run: {error}")
            continue
        names += [ENGINES[engine].label, "lit"]
        columns += [[fit(normals) for normals in maps],
                    [fit(light_surface(normals, file)) for normals, file in zip(maps, files)]]
    return [(names, list(pictures)) for pictures in zip(*columns)]


def slider_rows(files: list[Path], options: argparse.Namespace, folder: Path) -> Rows:
    """Return the lit surface of the first picture at several values of each slider."""
    file, rows = files[0], []
    for label, choices in SLIDERS:
        names, pictures = [], []
        for settings in choices:
            normals = make(file, folder, engine="relief", **{"strength": 2.0, **settings})["NORMAL"]
            value = list(settings.values())[-1]
            names.append(f"{label}: {value if isinstance(value, str) else format(value, 'g')}")
            pictures.append(fit(light_surface(normals, file)))
        rows.append((names, pictures))
    return rows


ROWS = {"maps": map_rows, "engines": engine_rows, "sliders": slider_rows}
"""The functions that make the rows of each sheet: (files, options, folder for the maps)."""


if __name__ == "__main__":
    sys.exit(main())
