#!/usr/bin/env python3
"""Prints how near the engines' normals come to the true ones of real materials, and draws a sheet to look at.

    python3 scripts/evaluate.py [--materials DIR] [--split val] [--size 768|2048] [--quality fast|best] [--out DIR]
                                [--engines luminance,relief,midas,moge] [--weights DIR] [--model small|base|large]

DIR holds materials as scripts/relief/materials.py reads them; without --materials it is shared/materials beside the
checkout.  --size is the longer side at which an engine is given the picture: one that is smaller is enlarged (Lanczos),
and the answer's slopes are averaged down again; without it each picture is given as it is.  Engines: a flat map, and those
of --engines, all at strength 1; relief with its own weights or those of --relief FILE, others with those in the folder
--weights, as the extension finds them.  --out gets evaluation.json, evaluation.jpg, and evaluation.md: a row for each engine
with the versions that made it and the checksum of its weights, to add to the documentation.  Needs
requirements/training.txt, or the MiDaS environment with the parts that the engines need.

--rectify measures something else: photos of the materials are taken at 0, 20, 40 and 60 degrees (two of each), rectified by
their lines, and the recovered surface's normal compared with the true one; and by the four true corners, the colours.  Rows
at 0 degrees count every photo that was rectified as wrong.  The thresholds were chosen on split=train of shared/cc0 alone.

mean, median   angular error in degrees
<11.25         share of pixels within 11.25 degrees
r_x, r_y       correlation of predicted and true nx, ny: negative where bumps became dents
best           mean angular error after the one slope factor k >= 0 that makes it least; never above the flat map's
amount         mean tilt over the true one; the median of the materials in the rows of means
lumfit         share of the true slope that a linear filter of luminance explains; from 0.6 on the truth may have been made
               from the photo, so the rows below 0.6 count
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the relief network keeps the cores busy itself

try:
    import cv2
    import numpy as np
except ModuleNotFoundError:
    sys.exit("error: this Python has no numpy or OpenCV; run its pip install -r scripts/requirements/training.txt.")

from relief import rectification
from relief.materials import Material, read_materials
from relief.scores import Score, normals_of, score, slopes_of

from blender_midas_normal.core.engines import ENGINES, needed_weights, select_engine
from blender_midas_normal.core.errors import MidasNormalError
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import MODEL, Settings
from blender_midas_normal.core.weights import find_weights, weights_checksum
from blender_midas_normal.worker.engines import Engine, EngineInput, EngineOptions, EngineRegistry
from blender_midas_normal.worker.engines.relief import WEIGHTS, Relief

MATERIALS = Path(__file__).resolve().parents[2] / "shared" / "materials"

MAX_LUMFIT = 0.6
WELL_BELOW_ZERO = -0.2
"""A correlation below this means that bumps became dents."""

COLUMNS = {"mean": "mean", "median": "median", "near": "<11.25", "r_x": "r_x", "r_y": "r_y", "best": "best", "k": "k",
           "amount": "amount"}
HEADER = ("| engine | mean error in degrees | r | best over flat | amount | materials | weights' SHA-256 | versions |",
          "|---|---|---|---|---|---|---|---|")
LIBRARIES = {"DEPTH_ANYTHING": "transformers", "NORMAL_BAE": "controlnet_aux", "MOGE": "dlr-moge"}
"""The package that has an engine's network, where that is not our own."""

THUMB, LABEL = 160, 14
LIGHT = np.array([-0.6, 0.6, 0.53], np.float32)
"""From the upper left and low, x right, y up, z out of the picture."""

Maps = Callable[[Picture, Wrap], np.ndarray]
"""maps(picture, wrap): H x W x 3 unit normals, OpenGL."""


def main(arguments: list | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--materials", type=Path, default=MATERIALS)
    parser.add_argument("--split", help="value of the index's column split; without it, all materials")
    parser.add_argument("--size", type=int, help="pixels of the longer side")
    parser.add_argument("--quality", choices=("fast", "best"), default="fast")
    parser.add_argument("--engines", type=str.upper, default="LUMINANCE,RELIEF", help="names with commas")
    parser.add_argument("--weights", type=Path, default=Path("weights"), help="folder of weights")
    parser.add_argument("--model", type=str.upper, choices=MODEL.names[:-1], default="SMALL")
    parser.add_argument("--resolution", type=int, default=Settings().resolution, help="of engines that have the setting")
    parser.add_argument("--relief", type=Path, default=WEIGHTS, help="file of weights of the relief network")
    parser.add_argument("--rectify", action="store_true", help="measure how photos at an angle are rectified, instead")
    parser.add_argument("--out", type=Path, help="folder for evaluation.json and evaluation.jpg")
    options = parser.parse_args(arguments)
    try:
        if options.rectify:
            rectification.measure(read_materials(options.materials, options.split))
        else:
            evaluate(options)
    except MidasNormalError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be used: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def evaluate(options: argparse.Namespace) -> None:
    materials = read_materials(options.materials, options.split)
    registry = EngineRegistry(EngineOptions(options.weights))
    chosen = {name: engine_settings(name, options) for name in options.engines.split(",")}
    engines = {"flat": flat} | {name.lower(): maps_by(find_engine(registry, settings, options), settings)
                                for name, settings in chosen.items()}
    maps = {engine: {m.name: make_map(maker, m, options.size) for m in materials} for engine, maker in engines.items()}
    scores = {engine: {m.name: score(maps[engine][m.name], m.normals) for m in materials} for engine in engines}
    for engine in engines:
        print_table(engine, materials, scores[engine])
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        results = {engine: {name: asdict(one) for name, one in rows.items()} for engine, rows in scores.items()}
        (options.out / "evaluation.json").write_text(json.dumps(results, indent=1))
        draw_sheet(materials, maps, options.out / "evaluation.jpg")
        rows = [row_of_engine(settings, options, scores[name.lower()].values()) for name, settings in chosen.items()]
        (options.out / "evaluation.md").write_text("\n".join([*HEADER, *rows]) + "\n", encoding="utf-8")


def engine_settings(name: str, options: argparse.Namespace) -> Settings:
    """Return the settings for an engine; raise SettingsError for a name that no engine has."""
    return Settings(engine=name, quality=options.quality, model=options.model, resolution=options.resolution)


def find_engine(registry: EngineRegistry, settings: Settings, options: argparse.Namespace) -> Engine:
    """Return an engine; raise EngineUnavailable where its packages or weights are not there."""
    select_engine(settings, registry.unavailable(settings))
    return Relief(options.relief) if settings.engine == "RELIEF" else registry.get(settings.engine)


def row_of_engine(settings: Settings, options: argparse.Namespace, scores: Iterable[Score]) -> str:
    """Return an engine's row of the table: means over all materials, versions, and the weights' SHA-256."""
    facts, file = ENGINES[settings.engine], options.relief if settings.engine == "RELIEF" else None
    name = facts.label
    if facts.weights:
        weights = needed_weights(settings.engine, settings.model)
        name = weights.label
        file = find_weights(options.weights, weights) / weights.files[0].name
    checksum = weights_checksum(file)[:12] if file is not None else "none"
    packages = ["torch"] if facts.uses_torch and "torch" in sys.modules else ["numpy"]
    packages += [LIBRARIES[settings.engine]] if settings.engine in LIBRARIES else []
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    rows = list(scores)
    flat_error = np.mean([one.flat for one in rows])
    values = (np.mean([one.mean for one in rows]), np.mean([one.r for one in rows]),
              np.mean([one.best for one in rows]) / flat_error, np.median([one.amount for one in rows]))
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} | {len(rows)} | {checksum} | {versions} |"


def flat(picture: Picture, _: Wrap) -> np.ndarray:
    return normals_of(*np.zeros((2, picture.height, picture.width), np.float32))


def maps_by(engine: Engine, settings: Settings) -> Maps:
    """Return the function that makes an engine's normal maps."""
    def normals(picture: Picture, wrap: Wrap) -> np.ndarray:
        surface = engine.surface(EngineInput(picture, wrap, settings, lambda *_: None))
        return np.moveaxis(normal_map(surface, settings), 0, 2)

    return normals


def make_map(maker: Maps, material: Material, size: int | None = None) -> np.ndarray:
    """Make the map of a material, given to the engine at `size` pixels on its longer side, at the truth's size."""
    rgb, wrap = material.rgb, Wrap(*material.tiles)
    rows, columns = rgb.shape[:2]
    if size is None or size <= max(rows, columns):
        return maker(Picture(rgb), wrap)
    share = size / max(rows, columns)
    large = cv2.resize(rgb, (round(columns * share), round(rows * share)), interpolation=cv2.INTER_LANCZOS4)
    slopes = cv2.resize(slopes_of(maker(Picture(large), wrap)), (columns, rows), interpolation=cv2.INTER_AREA)
    return normals_of(slopes[..., 0], slopes[..., 1])


def print_table(engine: str, materials: list[Material], scores: dict[str, Score]) -> None:
    """Print a row for each material, then means: of those that count, of each category, of all."""
    print(f"\n{engine:32s} lumfit " + " ".join(f"{title:>8s}" for title in COLUMNS.values()))
    for m in materials:
        print(f"{m.name:32s} {m.lumfit:6.2f} " + " ".join(f"{getattr(scores[m.name], c):8.3f}" for c in COLUMNS))
    categories = sorted({m.category for m in materials})
    groups = {category: [m for m in materials if m.category == category] for category in categories}
    rows = {title: chosen for title, chosen in groups.items() if title and len(groups) > 1}
    rows |= {f"lumfit < {MAX_LUMFIT}": [m for m in materials if m.lumfit < MAX_LUMFIT], "all": materials}
    for title, chosen in rows.items():
        columns = [[getattr(scores[m.name], c) for m in chosen] or [float("nan")] for c in COLUMNS]
        means = [np.median(values) if c == "amount" else np.mean(values) for c, values in zip(COLUMNS, columns)]
        print(f"{f'{title} ({len(chosen)})':32s}        " + " ".join(f"{mean:8.3f}" for mean in means))
    everything = list(scores.values())
    print(f"all: r {np.mean([one.r for one in everything]):.3f}, best over the flat map's mean "
          f"{np.mean([one.best for one in everything]) / np.mean([one.flat for one in everything]):.3f}")
    turned = [m.name for m in materials if min(scores[m.name].r_x, scores[m.name].r_y) < WELL_BELOW_ZERO]
    print(f"a correlation below {WELL_BELOW_ZERO}: {', '.join(turned) or 'none'}")


def draw_sheet(materials: list[Material], maps: dict, path: Path) -> None:
    """Draw for each material colour, truth, the truth lit, and for each engine but flat its map and that lit."""
    import PIL.Image
    import PIL.ImageDraw

    engines = [engine for engine in maps if engine != "flat"]
    titles = ["", "truth", "truth lit", *(f"{engine}{part}" for engine in engines for part in ("", " lit"))]
    step = THUMB + LABEL
    sheet = PIL.Image.new("RGB", (2 * len(titles) * THUMB, -(-len(materials) // 2) * step), "black")
    pen = PIL.ImageDraw.Draw(sheet)
    for number, m in enumerate(materials):
        pictures = [m.rgb / np.float32(255)]
        for normals in (m.normals, *(maps[engine][m.name] for engine in engines)):
            pictures += [normals * 0.5 + 0.5, lit(normals)]
        left, top = number % 2 * len(titles) * THUMB, number // 2 * step
        for column, values in enumerate(pictures):
            thumb = PIL.Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)).resize((THUMB, THUMB))
            sheet.paste(thumb, (left + column * THUMB, top + LABEL))
            pen.text((left + column * THUMB + 2, top + 1), titles[column] or m.name, fill="white")
    sheet.save(path, quality=90)


def lit(normals: np.ndarray) -> np.ndarray:
    """Light a grey surface with these normals from the upper left: H x W x 3."""
    shade = np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1) ** (1 / 2.2)
    return shade[..., None].repeat(3, axis=2)


if __name__ == "__main__":
    sys.exit(main())
