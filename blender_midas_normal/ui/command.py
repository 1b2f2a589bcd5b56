"""`blender --command midas_normal`: maps of pictures, or of the colour textures of a .blend file, as files of a folder.

    blender --command midas_normal IMAGE... --out DIR [settings]
    blender -b FILE.blend --command midas_normal --out DIR [settings]

Exit codes as in `batch.cli`.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any, TextIO

import bpy

from ..batch.api import IDLE_SECONDS
from ..batch.cli import Command
from ..batch.inputs import Inputs
from ..batch.options import BatchOptions, path
from ..batch.pictures import Item, digest_of_file, exposed, item_of_file, stem_of
from ..bridge.addon import blender_python, worker_paths
from ..bridge.image_pixels import View, export_file_pixels, read_pixels, run_to_end
from ..bridge.image_source import check_single_picture
from ..bridge.map_files import file_of
from ..bridge.nodes.materials import alpha_of, colour_textures
from ..client.client import Client
from ..client.launch import HostPython, Launch, choose_launch
from ..core.protocol import Pixels

NAME = "midas_normal"

_registered: Any = None


def register() -> None:
    """Let Blender know the command."""
    global _registered
    _registered = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    global _registered
    registered, _registered = _registered, None
    if registered is not None:
        bpy.utils.unregister_cli_command(registered)


def run(arguments: Sequence[str]) -> int:
    """What Blender calls with the words that follow the command's name; the exit code."""
    return BlenderCommand().run(list(arguments))


class BlenderCommand(Command):
    """The command line with Blender, which reads the pictures and has some of its own."""

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(f"blender --command {NAME}", "%(prog)s [IMAGE...] --out FOLDER [options]",
                                         "Maps of pictures as files of a folder.")
        parser.add_argument("images", nargs="*", type=path, metavar="IMAGE",
                            help="files, folders and patterns; without any, the colour textures of the file that is open")
        return parser

    def items(self, parser: argparse.ArgumentParser, options: argparse.Namespace, asked: BatchOptions,
              inputs: Inputs) -> list[Item]:
        if options.images:
            items = items_of_files(inputs)
        elif asked.sets != "OFF":
            parser.error("--sets is about the names of picture files; give some")
        else:
            items = [item_of_image(image) for image in colour_textures(bpy.data.materials)]
            if not items:
                parser.error("no picture is given, and no material of the file has a colour texture")
        if asked.mask_image is not None:
            items = [with_mask(item, asked.mask_image) for item in items]
        exposure = View.of(bpy.context.scene).exposure if asked.exposure is None else asked.exposure
        return [exposed(item, exposure) for item in items]

    def launch(self, options: argparse.Namespace, asked: BatchOptions, out: TextIO) -> Launch:
        return choose_launch(asked.settings.engine, worker_paths(), HostPython(blender_python()), IDLE_SECONDS)


def items_of_files(inputs: Inputs) -> list[Item]:
    """Pictures beside the open file; Blender reads them, for its own Python can read no image files."""
    def reading(file: Path) -> Callable[[Client], dict[str, Any]]:
        return lambda client: {"pixels": dataclasses.asdict(run_to_end(export_file_pixels(file, client.new_file())))}

    return [item_of_file(picture.file, picture.folder, reading(picture.file)) for picture in inputs.pictures]


def with_mask(item: Item, mask: Path) -> Item:
    """The item with a mask image, which Blender reads, too."""
    def fields(client: Client) -> dict[str, Any]:
        picture = item.fields(client)
        return {**picture, "mask_pixels": dataclasses.asdict(run_to_end(export_file_pixels(mask, client.new_file())))}

    return dataclasses.replace(item, fields=fields)


def item_of_image(image: bpy.types.Image) -> Item:
    """An image of the open file; its own file, if any, is none that a map may replace."""
    def read(path: Path) -> Pixels:
        return dataclasses.replace(read_pixels(check_single_picture(image), path), alpha=alpha_of(image))

    def fields(client: Client) -> dict[str, Any]:
        return {"pixels": dataclasses.asdict(read(client.new_file()))}

    def content() -> str:
        with tempfile.TemporaryDirectory(prefix="midas_normal_") as folder:
            pixels = read(Path(folder) / "pixels")
            return f"{digest_of_file(Path(folder) / pixels.file)} {dataclasses.astuple(pixels)}"

    file = file_of(image) if image.filepath and image.packed_file is None else None
    return Item(image.name, image.name, stem_of(image.name), file, PurePath(), fields, content)
