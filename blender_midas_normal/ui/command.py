"""The command line of Blender: make maps of picture files, or of the colour textures of a .blend file, as files.

    blender --command midas_normal IMAGE... --out DIR [settings]
    blender -b FILE.blend --command midas_normal --out DIR [settings]

The exit codes are those of `batch.cli`.
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
from ..batch.options import BatchOptions, parse_path
from ..batch.pictures import BatchItem, digest_of_file, item_of_file, stem_of, with_bases, with_exposure
from ..bridge.addon import blender_python, worker_paths
from ..bridge.image_pixels import View, export_file_pixels, read_pixels, run_to_end
from ..bridge.image_source import check_single_picture
from ..bridge.map_files import file_of
from ..bridge.nodes.materials import alpha_of, colour_textures
from ..bridge.nodes.uv_layout import write_triangles_showing
from ..client.client import Client
from ..client.launch import HostPython, Launch, choose_launch
from ..core.protocol import Pixels

NAME = "midas_normal"

registered_command: Any = None
"""Blender's handle of the command, None while it is not registered."""


def register() -> None:
    """Add the command to Blender's command line."""
    global registered_command
    registered_command = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    """Remove the command."""
    global registered_command
    command, registered_command = registered_command, None
    if command is not None:
        bpy.utils.unregister_cli_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; Blender calls this with the arguments after the command's name."""
    return BlenderCommand().run(list(arguments))


class BlenderCommand(Command):
    """The command inside Blender, which reads the picture files and has the images of the open .blend file."""

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(f"blender --command {NAME}", "%(prog)s [IMAGE...] --out FOLDER [options]",
                                         "Maps of pictures as files of a folder.")
        parser.add_argument("images", nargs="*", type=parse_path, metavar="IMAGE",
                            help="files, folders and patterns; without any, the colour textures of the file that is open")
        return parser

    def items(self, parser: argparse.ArgumentParser, arguments: argparse.Namespace, options: BatchOptions,
              inputs: Inputs) -> list[BatchItem]:
        if arguments.images or arguments.list:
            items = items_of_files(inputs)
        elif options.sets != "OFF":
            parser.error("--sets is about the names of picture files; give some")
        else:
            items = [item_of_image(image) for image in colour_textures(bpy.data.materials)]
            if not items:
                parser.error("no picture is given, and no material of the file has a colour texture")
        if options.mask_image is not None:
            items = [with_mask(item, options.mask_image) for item in items]
        if options.settings.base == "EXISTING":
            items = with_bases(items, options.source_suffixes, read_base)
        exposure = options.exposure
        if exposure is None:
            exposure = View.of(bpy.context.scene).exposure
        return [with_exposure(item, exposure) for item in items]

    def launch(self, arguments: argparse.Namespace, options: BatchOptions, out: TextIO) -> Launch:
        return choose_launch(options.settings, worker_paths(), HostPython(blender_python()), IDLE_SECONDS)


def items_of_files(inputs: Inputs) -> list[BatchItem]:
    """Return items for picture files, which Blender reads, because its Python has no library for image files."""
    def read_with_blender(file: Path) -> Callable[[Client], dict[str, Any]]:
        return lambda client: file_fields(client, file)

    items = [item_of_file(picture.file, picture.folder, read_with_blender(picture.file), picture.line)
             for picture in inputs.pictures]
    return [dataclasses.replace(item, file_fields=file_fields) for item in items]


def file_fields(client: Client, file: Path) -> dict[str, Any]:
    """Return the fields of a request for a picture file, which Blender reads."""
    return {"pixels": dataclasses.asdict(run_to_end(export_file_pixels(file, client.new_file())))}


def read_base(file: Path, client: Client) -> dict[str, Any]:
    """Return the fields of a request about the normal map that is there, which Blender reads."""
    return {"base_pixels": dataclasses.asdict(run_to_end(export_file_pixels(file, client.new_file())))}


def with_mask(item: BatchItem, mask: Path) -> BatchItem:
    """Return the item with a mask image, which Blender reads."""
    def mask_fields(client: Client) -> dict[str, Any]:
        return {"mask_pixels": dataclasses.asdict(run_to_end(export_file_pixels(mask, client.new_file())))}

    return dataclasses.replace(
        item, request_fields=lambda client: {**item.request_fields(client), **mask_fields(client)},
        file_fields=lambda client, picture: {**item.file_fields(client, picture), **mask_fields(client)})


def item_of_image(image: bpy.types.Image) -> BatchItem:
    """Return an item for an image of the open .blend file; no map may replace the image's own file, if any."""
    def read(path: Path, new_file: Callable[[], Path]) -> Pixels:
        pixels = read_pixels(check_single_picture(image), path)
        return dataclasses.replace(pixels, alpha=alpha_of(image), uv_triangles=write_triangles_showing(image, new_file))

    def fields(client: Client) -> dict[str, Any]:
        return {"pixels": dataclasses.asdict(read(client.new_file(), client.new_file))}

    def content() -> str:
        with tempfile.TemporaryDirectory(prefix="midas_normal_") as name:
            folder = Path(name)
            facts = dataclasses.asdict(read(folder / "pixels", lambda: folder / "triangles"))
            triangles = facts.pop("uv_triangles")
            digests = [digest_of_file(folder / file) for file in ("pixels", triangles) if file]
            return f"{' '.join(digests)} {tuple(facts.values())}"

    file = file_of(image) if image.filepath and image.packed_file is None else None
    return BatchItem(image.name, image.name, stem_of(image.name), file, PurePath(), fields, content, file_fields=file_fields)
