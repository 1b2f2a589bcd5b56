"""Surfaces and settings for which torch must make the same maps as numpy.

As a program, in an environment with torch, it prints by how many steps of 16 bits the maps of both differ at most, as JSON
by kind and case: python maps_example.py ROOT [DEVICE]
"""

from __future__ import annotations

import json
import sys

import numpy as np

WRAPS = {"nothing repeats": (False, False), "x repeats": (True, False), "y repeats": (False, True),
         "both repeat": (True, True)}

SURFACES = {"plain": {}, "of fewer heights": {"heights": (40, 52)}, "mixed": {"fine": True},
            "masked": {"alpha": True, "mask": True}, "of a part": {"part": (8, 16, 104, 72)}, "flat": {"flat": True},
            "of one pixel": {"size": (1, 1)}, "of one row": {"size": (37, 1)}, "of odd sides": {"size": (61, 43)}}
"""What is not as in `surface`."""

SETTINGS = {"plain": {}, "blurred": {"blur": 1.5}, "blurred widely": {"blur": 30.0}, "with detail": {"detail": 2.5},
            "high-pass": {"high_pass": 24.0}, "masked": {"mask": "IMAGE"}, "of the foreground": {"bg_threshold": 0.4},
            "with a step": {"bg_threshold": 0.4, "bg_softness": 0.0}, "inverted": {"invert": True, "strength": 3.0},
            "of the node's size": {"size": "NODE", "resolution": 128}, "smaller": {"size": "NODE", "resolution": 64},
            "DirectX": {"convention": "DIRECTX"}, "ControlNet": {"convention": "CONTROLNET"}}

KINDS = ("NORMAL", "HEIGHT", "AO", "CURVATURE")

CASES = ([f"plain, {wrap}, plain" for wrap in WRAPS]
         + [f"{name}, {wrap}, plain" for name in SURFACES for wrap in ("nothing repeats", "both repeat") if name != "plain"]
         + [f"masked, x repeats, {name}" for name in SETTINGS if name != "plain"]
         + [f"of fewer heights, y repeats, {name}" for name in ("blurred", "blurred widely", "smaller")])
"""Surface, what repeats of it, and settings."""


def surface(wrap, size=(112, 80), heights=None, fine=False, alpha=False, mask=False, part=None, flat=False):
    """Hills with a step and grain, at a source's (width, height); heights: (rows, columns) where they are fewer."""
    from blender_midas_normal.core.picture import Surface, Wrap
    from blender_midas_normal.core.regions import Tile

    random = np.random.default_rng(0)
    rows, columns = heights or size[::-1]
    y, x = np.mgrid[:rows, :columns].astype(np.float32) / max(rows, columns)
    height = np.sin(9 * x + 2) * np.cos(7 * y) + 0.5 * (x > 0.6) + 0.05 * random.standard_normal((rows, columns))
    height = np.zeros_like(x) if flat else height.astype(np.float32)
    return Surface(height, 0.3, False, Wrap(*wrap), size,
                   alpha=random.integers(0, 256, size[::-1]).astype(np.uint8) if alpha else None,
                   mask=random.random(size[::-1], np.float32) if mask else None,
                   fine=Surface(random.random((rows, columns), np.float32), 0.1, False, Wrap(*wrap), size) if fine else None,
                   part=Tile(*part) if part else None)


def maps_of(case, kind, by):
    from blender_midas_normal.core.maps import make_map
    from blender_midas_normal.core.settings import Settings

    name, wrap, words = case.split(", ")
    return make_map(kind, surface(WRAPS[wrap], **SURFACES[name]), Settings(**SETTINGS[words]), by)


def differences(device):
    from blender_midas_normal.core.maps import NUMPY_BACKEND
    from blender_midas_normal.worker.torch_backend import torch_array_backend

    return {f"{kind}: {case}": difference(*(maps_of(case, kind, by) for by in (NUMPY_BACKEND, torch_array_backend(device))))
            for kind in KINDS for case in CASES}


def difference(one, other):
    """In steps of 16 bits, of two maps whose scales may differ by rounding only."""
    assert np.isclose(one.scale, other.scale, rtol=1e-5)
    step = (1 - one.low) / 65535
    for plane, same in zip(one.planes, other.planes, strict=True):
        assert plane.shape == same.shape and plane.dtype == same.dtype == np.float32
    return max(float(np.abs(plane - same).max()) for plane, same in zip(one.planes, other.planes, strict=True)) / step


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    print(json.dumps(differences(sys.argv[2] if len(sys.argv) > 2 else "cpu")))
