#!/usr/bin/env python3
"""Prints how near the engines' normals come to the true ones of real materials, and draws a sheet to look at.

    python3 scripts/evaluate.py [--materials DIR] [--out DIR] [--relief FILE.npz]

DIR holds index.tsv with a column id and perhaps lumfit, and for each id <id>_color.png and <id>_normal.png (OpenGL); without
--materials it is shared/materials beside the checkout.  Engines: a flat map, luminance, and relief with its own weights or
those named, all at strength 1, tileable.  --out gets evaluation.json and evaluation.jpg.  Needs requirements/maps.txt.

mean, median   angular error in degrees
<11.25         share of pixels within 11.25 degrees
r_x, r_y       correlation of predicted and true nx, ny: negative where bumps became dents
best           mean angular error after the one slope factor k >= 0 that makes it least; never above the flat map's
lumfit         share of the true slope that a linear filter of luminance explains; from 0.6 on the truth may have been made
               from the photo, so the rows below 0.6 count; where index.tsv has no such column, all of them
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the relief network keeps the cores busy itself

try:
    import numpy as np
except ModuleNotFoundError:
    sys.exit("error: this Python has no numpy; run its pip install -r scripts/requirements/maps.txt.")

from blender_midas_normal.core.errors import MidasNormalError
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.engines.relief import WEIGHTS, Relief
from blender_midas_normal.worker.picture_files import picture_from_file

MATERIALS = Path(__file__).resolve().parents[2] / "shared" / "materials"
TILEABLE = Wrap(True, True)
SETTINGS = Settings(tileable="BOTH")

MOST_LUMFIT = 0.6
WELL_BELOW_ZERO = -0.2
"""A correlation below this means that bumps became dents."""

FACTORS = np.concatenate([[0.0], np.geomspace(0.01, 10, 61)])
SMALLEST_Z = 0.05
"""Slopes are read from normals with z at least this."""

THUMB, LABEL = 160, 14
LIGHT = np.array([-0.6, 0.6, 0.53], np.float32)
"""From the upper left and low, x right, y up, z out of the picture."""

Maps = Callable[[Picture], np.ndarray]
"""maps(picture): H x W x 3 unit normals, OpenGL."""


@dataclass(frozen=True)
class Material:
    name: str
    lumfit: float
    picture: Picture
    truth: np.ndarray


@dataclass(frozen=True)
class Score:
    """See the columns above; `near` is <11.25, in percent."""

    mean: float
    median: float
    near: float
    r_x: float
    r_y: float
    best: float
    k: float


def main(words: list | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--materials", type=Path, default=MATERIALS)
    parser.add_argument("--relief", type=Path, default=WEIGHTS, help="file of weights of the relief network")
    parser.add_argument("--out", type=Path, help="folder for evaluation.json and evaluation.jpg")
    wanted = parser.parse_args(words)
    try:
        evaluate(wanted.materials, wanted.relief, wanted.out)
    except MidasNormalError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be used: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def evaluate(folder: Path, weights: Path, out: Path | None) -> None:
    materials = read_materials(folder)
    engines = {"flat": flat, "luminance": normals_by(Luminance()), "relief": normals_by(Relief(weights))}
    maps = {engine: {m.name: made(m.picture) for m in materials} for engine, made in engines.items()}
    scores = {engine: {m.name: scored(maps[engine][m.name], m.truth) for m in materials} for engine in engines}
    for engine in engines:
        print_table(engine, materials, scores[engine])
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        kept = {engine: {name: asdict(score) for name, score in rows.items()} for engine, rows in scores.items()}
        (out / "evaluation.json").write_text(json.dumps(kept, indent=1))
        draw_sheet(materials, maps, out / "evaluation.jpg")


def read_materials(folder: Path) -> list:
    """The folder's materials, by name; raises SourceError or OSError, naming the file."""
    with (folder / "index.tsv").open(newline="", encoding="utf-8") as file:
        rows = sorted((row["id"], float(row.get("lumfit", 0))) for row in csv.DictReader(file, delimiter="\t"))
    return [Material(name, lumfit, picture_from_file(folder / f"{name}_color.png"),
                     unit(picture_from_file(folder / f"{name}_normal.png").rgb_float() * 2 - 1)) for name, lumfit in rows]


def flat(picture: Picture) -> np.ndarray:
    return from_slopes(*np.zeros((2, picture.height, picture.width), np.float32))


def normals_by(engine: Luminance | Relief) -> Maps:
    def made(picture: Picture) -> np.ndarray:
        surface = engine.surface(picture, TILEABLE, SETTINGS, lambda *_: None)
        return np.moveaxis(normal_map(surface, SETTINGS), 0, 2)

    return made


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), 1e-6)


def from_slopes(gx: np.ndarray, gy: np.ndarray) -> np.ndarray:
    """Slopes, y downwards, to OpenGL unit normals."""
    return unit(np.stack([-gx, gy, np.ones_like(gx)], axis=2))


def scored(found: np.ndarray, truth: np.ndarray) -> Score:
    error = degrees(found, truth)
    k, best = best_factor(found, truth)
    return Score(float(error.mean()), float(np.median(error)), 100 * float((error < 11.25).mean()),
                 correlation(found[..., 0], truth[..., 0]), correlation(found[..., 1], truth[..., 1]), best, k)


def degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between unit vectors, exact for small ones too."""
    return np.degrees(2 * np.arctan2(np.linalg.norm(a - b, axis=2), np.linalg.norm(a + b, axis=2)))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's; not a number where one of both is constant."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    power = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / power) if power > 1e-9 else float("nan")


def best_factor(found: np.ndarray, truth: np.ndarray) -> tuple:
    """(k, error): the factor on the slopes that makes the mean error least, sought on every fourth pixel."""
    z = np.maximum(found[..., 2], SMALLEST_Z)
    gx, gy = -found[..., 0] / z, found[..., 1] / z

    def error(k: float, step: int) -> float:
        part = slice(None, None, step), slice(None, None, step)
        return float(degrees(from_slopes(k * gx[part], k * gy[part]), truth[part]).mean())

    k = float(FACTORS[int(np.argmin([error(k, 4) for k in FACTORS]))])
    least, of_flat = error(k, 1), error(0.0, 1)
    return (k, least) if least < of_flat else (0.0, of_flat)


def print_table(engine: str, materials: list, scores: dict) -> None:
    columns = {"mean": "mean", "median": "median", "near": "<11.25", "r_x": "r_x", "r_y": "r_y", "best": "best", "k": "k"}
    print(f"\n{engine:24s} lumfit " + " ".join(f"{title:>8s}" for title in columns.values()))
    for m in materials:
        print(f"{m.name:24s} {m.lumfit:6.2f} " + " ".join(f"{getattr(scores[m.name], c):8.3f}" for c in columns))
    for title, chosen in ((f"lumfit < {MOST_LUMFIT}", [m for m in materials if m.lumfit < MOST_LUMFIT]), ("all", materials)):
        means = [np.mean([getattr(scores[m.name], c) for m in chosen]) if chosen else float("nan") for c in columns]
        print(f"{f'{title} ({len(chosen)})':24s}        " + " ".join(f"{mean:8.3f}" for mean in means))
    turned = [m.name for m in materials if min(scores[m.name].r_x, scores[m.name].r_y) < WELL_BELOW_ZERO]
    print(f"a correlation below {WELL_BELOW_ZERO}: {', '.join(turned) or 'none'}")


def draw_sheet(materials: list, maps: dict, path: Path) -> None:
    """For each material: colour, truth, the truth lit, and for each engine but flat its map and that lit; two in a row."""
    import PIL.Image
    import PIL.ImageDraw

    engines = [engine for engine in maps if engine != "flat"]
    titles = ["", "truth", "truth lit", *(f"{engine}{part}" for engine in engines for part in ("", " lit"))]
    step = THUMB + LABEL
    sheet = PIL.Image.new("RGB", (2 * len(titles) * THUMB, -(-len(materials) // 2) * step), "black")
    pen = PIL.ImageDraw.Draw(sheet)
    for number, m in enumerate(materials):
        pictures = [m.picture.rgb_float()]
        for normals in (m.truth, *(maps[engine][m.name] for engine in engines)):
            pictures += [normals * 0.5 + 0.5, lit(normals)]
        left, top = number % 2 * len(titles) * THUMB, number // 2 * step
        for column, values in enumerate(pictures):
            thumb = PIL.Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)).resize((THUMB, THUMB))
            sheet.paste(thumb, (left + column * THUMB, top + LABEL))
            pen.text((left + column * THUMB + 2, top + 1), titles[column] or m.name, fill="white")
    sheet.save(path, quality=90)


def lit(normals: np.ndarray) -> np.ndarray:
    """A grey surface with these normals, lit from the upper left: H x W x 3."""
    shade = np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1) ** (1 / 2.2)
    return shade[..., None].repeat(3, axis=2)


if __name__ == "__main__":
    sys.exit(main())
