"""Run by a Python that has bpy: what tests do in a background Blender of its own; what came of it is printed as JSON.

    python blender_program.py storm RESOURCES COUNT SEED
    python blender_program.py soak RESOURCES COUNT SEED
    python blender_program.py endless RESOURCES
    python blender_program.py command RESOURCES ARGUMENT...   (as `blender --command midas_normal ARGUMENT...`)
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import installed_extension  # noqa: E402

midas_normal = installed_extension.install(Path(sys.argv[2]))

import bpy  # noqa: E402
import numpy as np  # noqa: E402
from bl_ext.user_default.midas_normal.bridge import addon  # noqa: E402
from bl_ext.user_default.midas_normal.core.errors import WorkerError  # noqa: E402
from bl_ext.user_default.midas_normal.ui import command  # noqa: E402

from tests.reliability import blender_soak  # noqa: E402
from tests.reliability.storm import storm  # noqa: E402
from tests.reliability.traces import traces  # noqa: E402

ENGINES = ("luminance", "relief")


def request(chance: random.Random) -> str:
    """"map", or what stands in its place; the picture changes each time, so that an engine has to run."""
    picture = picture_of(chance.randint(1, 48), chance.randint(1, 48), chance.getrandbits(32))
    try:
        normal = midas_normal.generate(picture, engine=chance.choice(ENGINES), strength=chance.uniform(0, 10))
    except WorkerError as error:
        return type(error).__name__
    finally:
        bpy.data.images.remove(picture)
    assert normal.packed_file is not None
    bpy.data.images.remove(normal)
    return "map"


def picture_of(width: int, height: int, seed: int) -> bpy.types.Image:
    image = bpy.data.images.new("photo", width, height)
    image.pixels.foreach_set(np.random.default_rng(seed).random(width * height * 4, np.float32))
    return image


def storm_in_blender(count: int, seed: int) -> dict:
    request(random.Random(seed))
    addon.client.close()
    before = traces(Path(tempfile.gettempdir()))
    outcomes = storm(addon.client, request, count, seed)
    addon.client.close()
    after = traces(Path(tempfile.gettempdir()))
    return {"outcomes": outcomes, "before": vars(before), "after": vars(after)}


def endless() -> None:
    for seed in itertools.count():
        worker = addon.client.worker
        print(os.getpid(), worker.pid if worker else 0, flush=True)
        outcome = request(random.Random(seed))
        assert outcome == "map", outcome


def main() -> int:
    verb, arguments = sys.argv[1], sys.argv[3:]
    if verb == "command":
        return command.run(arguments)
    if verb == "storm":
        print(json.dumps(storm_in_blender(*map(int, arguments))))
    elif verb == "soak":
        print(json.dumps(blender_soak.soaked(*map(int, arguments), picture_of)))
    else:
        endless()
    return 0


if __name__ == "__main__":
    code = main()
    installed_extension.uninstall()
    sys.exit(code)
