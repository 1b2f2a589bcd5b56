#!/usr/bin/env python3
"""Normal maps without Blender: `<stem>_normal.png` for each picture, 16 bits, the picture's size.

Makes its own small environment on the first run, torch only for MiDaS.  The preset node writes the MiDaS node's picture:
8 bits, its own size.
Exit codes: 0 all done, 1 some pictures failed (the rest are written), 2 wrong usage, 3 engine not available.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.client import batch
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import Launch, Places, launch_for
from blender_midas_normal.core.errors import MidasNormalError

IDLE_SECONDS = 600.0


def main() -> int:
    parser = made_parser()
    options = parser.parse_args()
    try:
        settings = batch.wanted_settings(options)
    except MidasNormalError as error:
        parser.error(str(error))
    try:
        launch = wanted_launch(settings.engine, options.weights)
        options.out.mkdir(parents=True, exist_ok=True)
    except MidasNormalError as error:
        return batch.ended(error)
    except OSError as error:
        parser.error(f"the folder {options.out} cannot be made: {error.strerror}")
    items = [batch.Item(str(path), path.stem, path, picture_of(path)) for path in options.images]
    return batch.made_all(items, options, settings, launch)


def picture_of(path: Path) -> Callable[[Client], dict]:
    """The worker reads the file itself."""
    return lambda client: {"picture": str(path.resolve())}


def made_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    batch.add_options(parser)
    parser.add_argument("--weights", type=Path, help="folder that has MiDaS's weights")
    return parser


def wanted_launch(engine: str, folder: Path | None) -> Launch:
    """How to start the worker; installs what the engine needs.  Raises EngineUnavailable or InstallError."""
    weights = (folder or environments.WEIGHTS).resolve()
    if engine == "MIDAS":
        environments.midas_ready(weights)
    places = Places(environments.MIDAS, weights, environments.DATA / "worker.log")
    launch = launch_for(engine, places, "", IDLE_SECONDS)
    return launch if launch.python else launch_for(engine, places, str(environments.maps_python()), IDLE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
