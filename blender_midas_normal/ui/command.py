"""`blender --command midas_normal`: maps of pictures, or of the colour textures of a .blend file, as files of a folder.

    blender --command midas_normal IMAGE... --out DIR [settings]
    blender -b FILE.blend --command midas_normal --out DIR [settings]

Exit codes as in `batch`.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..bridge.pixels import read_pixels, read_pixels_of_file
from ..bridge.places import own_python, places
from ..bridge.source import source_of_image
from ..bridge.textures import colour_textures
from ..client import batch
from ..client.client import Client
from ..client.launch import launch_for
from ..core.errors import MidasNormalError

NAME = "midas_normal"
IDLE_SECONDS = 600.0

_registered: Any = None


def add() -> None:
    """Lets Blender know the command."""
    global _registered
    _registered = bpy.utils.register_cli_command(NAME, run)


def remove() -> None:
    global _registered
    bpy.utils.unregister_cli_command(_registered)
    _registered = None


def run(arguments: Sequence[str]) -> int:
    """What Blender calls with the words that follow the command's name; the exit code."""
    parser = argparse.ArgumentParser(prog=f"blender --command {NAME}", description="Normal maps as PNG files of 16 bits.")
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE",
                        help="pictures; without any, the colour textures of the file that is open")
    batch.add_options(parser)
    options = parser.parse_args(list(arguments))
    try:
        settings = batch.wanted_settings(options)
        options.out.mkdir(parents=True, exist_ok=True)
    except MidasNormalError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"the folder {options.out} cannot be made: {error.strerror}")
    items = [item_of_file(path) for path in options.images] or [item_of_image(image) for image in colour_textures()]
    if not items:
        parser.error("no picture is given, and no material of the file has a colour texture")
    try:
        launch = launch_for(settings.engine, places(), own_python(), IDLE_SECONDS)
    except MidasNormalError as error:
        return batch.ended(error)
    return batch.made_all(items, options, settings, launch)


def item_of_file(path: Path) -> batch.Item:
    """A picture beside the open file; Blender reads it, for its own Python can read no image files."""
    def fields(client: Client) -> dict[str, Any]:
        return {"pixels": dataclasses.asdict(read_pixels_of_file(path, client.new_file()))}

    return batch.Item(str(path), path.stem, path, fields)


def item_of_image(image: bpy.types.Image) -> batch.Item:
    """An image of the open file; its own file, if any, is none that a map may replace."""
    def fields(client: Client) -> dict[str, Any]:
        source_of_image(image)
        return {"pixels": dataclasses.asdict(read_pixels(image, client.new_file()))}

    file = Path(bpy.path.abspath(image.filepath)) if image.filepath and image.packed_file is None else None
    return batch.Item(image.name, Path(image.name).stem, file, fields)
