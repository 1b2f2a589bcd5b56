#!/usr/bin/env python3
"""Normal, height, ambient occlusion and curvature maps without Blender, of pictures, folders and patterns ('a/**/*.png').

Makes its own small environment on the first run, torch only for MiDaS.  The preset node writes the MiDaS node's picture:
8 bits, its own size.
Exit codes: 0 all done, 1 some pictures failed or were given up (the rest are written), 2 wrong usage, 3 engine not
available, or what it needs cannot be installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch import ended
from blender_midas_normal.batch.cli import made_all
from blender_midas_normal.batch.inputs import found
from blender_midas_normal.batch.options import add_options, parse_options, path
from blender_midas_normal.batch.pictures import exposed, item_of_file
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import HostPython, Launch, Paths, launch_for
from blender_midas_normal.core.errors import MidasNormalError
from blender_midas_normal.core.files import resolve_path

IDLE_SECONDS = 600.0


def main() -> int:
    parser = made_parser()
    options = parser.parse_args()
    inputs = found(options.images, options.recursive)
    try:
        asked = parse_options(options)
        asked.out.mkdir(parents=True, exist_ok=True)
    except MidasNormalError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"the folder {options.out} cannot be made: {error.strerror}")
    try:
        launch = wanted_launch(asked.settings.engine, options.weights, asked.out)
    except MidasNormalError as error:
        return ended(error)
    words = {"mask_picture": str(resolve_path(asked.mask_image))} if asked.mask_image is not None else {}
    items = [item_of_file(picture.file, picture.folder, picture_of(picture.file, words)) for picture in inputs.pictures]
    if asked.exposure is not None:
        items = [exposed(item, asked.exposure) for item in items]
    return made_all(items, asked, launch, inputs)


def picture_of(file: Path, words: dict) -> Callable[[Client], dict]:
    """The worker reads the file itself; words: what else a request says."""
    return lambda client: {"picture": str(resolve_path(file)), **words}


def made_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(usage="%(prog)s IMAGE... --out FOLDER [options]", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", type=path, metavar="IMAGE", help="a file, a folder or a pattern")
    add_options(parser)
    parser.add_argument("--weights", type=path, help="folder that has MiDaS's weights")
    return parser


def wanted_launch(engine: str, folder: Path | None, out: Path) -> Launch:
    """How to start the worker; installs what the engine needs.  Raises EngineUnavailable or InstallError.

    The worker's log lies beside the maps where nothing can be written into the data folder.
    """
    weights = resolve_path(folder or environments.WEIGHTS)
    if engine == "MIDAS":
        environments.midas_ready(weights)
    data = environments.DATA
    there = next(folder for folder in (data, *data.parents) if folder.exists())  # before the first environment it is not
    log = data / "worker.log" if os.access(there, os.W_OK) else resolve_path(out) / ".midas_normal.log"
    places = Paths(environments.MIDAS, weights, log)
    launch = launch_for(engine, places, HostPython(""), IDLE_SECONDS)
    if not launch.python:
        launch = launch_for(engine, places, HostPython(str(environments.maps_python())), IDLE_SECONDS)
    return launch


if __name__ == "__main__":
    sys.exit(main())
