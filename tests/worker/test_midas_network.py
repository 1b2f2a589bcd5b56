"""The optimised MiDaS model: its normals differ from those of the library's network by less than is visible."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.filters import resize
from blender_midas_normal.core.heights import normalise_depth
from blender_midas_normal.core.normals import map_slopes, normal_map
from blender_midas_normal.core.picture import Surface, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines.depth_engine import SLOPE_PER_DEPTH

data = pytest.importorskip("skimage.data")
pytestmark = pytest.mark.midas

ROOT = Path(__file__).resolve().parents[2]
STEEPNESS = math.tan(math.radians(15))
"""Root mean square of the slopes at which normals are compared: the random weights' own are far from any map's."""

SIZES = {"coffee": (192, 256), "gravel": (192, 192)}
ALLOWED = {"float32": (0.01, 0.1), "float16": (0.5, 3.0), "bfloat16": (0.5, 3.0)}
"""Degrees by which normals may differ on average, and all but one in a thousand of them."""


@pytest.fixture(scope="module")
def depths(midas_python, test_weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("depths")
    np.savez(folder / "pictures.npz", **{name: photograph(name, *size) for name, size in SIZES.items()})
    subprocess.run([str(midas_python), str(Path(__file__).with_name("optimized_depths.py")), str(ROOT), str(test_weights),
                    str(folder / "pictures.npz"), str(folder / "depths.npz")], check=True, stderr=subprocess.DEVNULL)
    with np.load(folder / "depths.npz") as file:
        return dict(file)


def photograph(name, rows, columns):
    pixels = getattr(data, name)()
    rgb = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels
    return resize(rgb.astype(np.float32) / 255, columns, rows, Wrap()).clip(0, 1)


def surface(depth):
    return Surface(normalise_depth(depth)[0], SLOPE_PER_DEPTH, False, Wrap(), depth.shape[::-1])


def degrees_between(one, other):
    """Angles between the normals of two depths, which are made as steep as STEEPNESS says for the first."""
    gx, gy = map_slopes(surface(one), Settings())
    settings = Settings(strength=STEEPNESS / math.sqrt(np.mean(gx ** 2 + gy ** 2)))
    a, b = (normal_map(surface(depth), settings).astype(np.float64) for depth in (one, other))
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b, axis=0), axis=0), (a * b).sum(axis=0)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALLOWED)
@pytest.mark.parametrize("name", SIZES)
def test_normals_of_the_optimised_network_differ_invisibly(depths, name, kind):
    angles = degrees_between(depths[f"{name} library"], depths[f"{name} {kind}"])
    mean, most = angles.mean(), np.quantile(angles, 0.999)
    print(f"{name}, {kind}: {mean:.4f} degrees on average, {most:.3f} at the 99.9th percentile")
    assert mean <= ALLOWED[kind][0] and most <= ALLOWED[kind][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_each_precision_gives_other_depths(depths, name):
    """Else the test above would compare something with itself."""
    variants = [depths[f"{name} {kind}"] for kind in ("library", *ALLOWED)]
    assert len({depth.tobytes() for depth in variants}) == len(variants)


def test_winograds_convolution_equals_torchs(midas_python):
    ended = subprocess.run([str(midas_python), str(Path(__file__).with_name("winograd_errors.py")), str(ROOT)],
                           capture_output=True, text=True, check=True)
    lines = [[float(number) for number in line.split()] for line in ended.stdout.splitlines()]
    assert len(lines) > 3
    for mean, greatest in lines:
        assert mean < 5e-6 and greatest < 1e-4


@pytest.mark.slow
def test_values_too_large_for_half_precision_are_computed_in_float32(midas_python, test_weights):
    ended = subprocess.run([str(midas_python), str(Path(__file__).with_name("half_precision.py")), str(ROOT),
                            str(test_weights)], capture_output=True, text=True, check=True)
    engine = {"half": True, "overflow": True, "exact": True, "passes": [2, 1]}
    assert json.loads(ended.stdout) == {"MIDAS": engine, "RELIEF": engine, "tf32": False}
