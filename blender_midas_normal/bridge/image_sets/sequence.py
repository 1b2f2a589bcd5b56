"""The frames of image sequences and movies: those that the materials show, else all that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...core.errors import Message, Phrase, SourceError
from ...core.file_numbering import format_ranges, number_ranges, split_number
from ...core.map_types import MAP_TYPES
from ...core.tile_borders import TilePosition
from ..image_pixels import PixelExport, export_frame_pixels
from ..image_source import Source
from ..map_files import folder_and_stem
from ..nodes.edits import is_marked
from ..nodes.map_nodes import image_of_node
from ..nodes.traversal import editable_nodes, node_instances, tree_of
from ..request import GenerateRequest
from .picture_set import PictureSet


@dataclass(frozen=True)
class Frames(PictureSet):
    """The frames that exist; their maps are files in a folder beside the source's, with the same numbers."""

    layout = "SEQUENCE"

    def describe_count(self) -> Phrase:
        count = len(self.numbers)
        return Phrase("{count} frames", count=count) if count > 1 else Phrase("1 frame")

    def why_missing(self, number: int, reason: Message) -> Message:
        return Message("The frame {number} has no map: {reason}", number=number, reason=reason)

    def read(self, number: int, path: Path) -> PixelExport:
        return export_frame_pixels(self.source.image(), number, path)

    def file(self, map_type: str, number: int) -> Path:
        name = f"{self.stem}_{MAP_TYPES[map_type].file_tag}"
        return Path(name) / f"{name}_{number:04d}.png"

    def display_path(self, map_type: str) -> Path:
        return self.file(map_type, self.numbers[0])

    def tile_positions(self) -> Mapping[int, TilePosition]:
        return {}

    def configure_nodes(self, image: bpy.types.Image) -> None:
        """Let nodes made here show one frame after the other where there is no node of the source whose frames to copy.

        They start at frame 1 of the scene, or where the user has set it.
        """
        source = self.source.image()
        nodes: list[Any] = [instance.node for material in bpy.data.materials for instance in editable_nodes(material)]
        for node in (node for node in nodes if is_marked(node) and image_of_node(node) == image):
            if not any(image_of_node(other) == source for other in tree_of(node).nodes):
                user = node.image_user
                user.frame_offset = self.numbers[0] - 1
                user.frame_duration = self.numbers[-1] - self.numbers[0] + 1
                user.use_auto_refresh = True


def find_frames(source: Source, request: GenerateRequest, folder: Path) -> Frames:
    """Find the frames of a source; their maps are files, whatever `request.save` says.

    Raises:
        SourceError: where no frame exists.
        TargetError: where maps cannot be saved beside them.
    """
    image = source.image()
    beside, stem = folder_and_stem(image)
    is_movie = image.source == "MOVIE"
    if not is_movie:
        stem = _without_number(image, stem) or beside.name
    existing = _frames_of_movie(image) if is_movie else _frames_of_files(image)
    all_frames = set(range(min(existing, default=0), max(existing, default=0) + 1))
    requested = set(source.frames) or _frames_shown(image) or all_frames
    numbers = sorted(requested & existing)
    if not numbers:
        raise SourceError("None of the frames of {image!r} that are wanted can be read: {frames}.", image=image.name,
                          frames=format_ranges(number_ranges(requested)))
    notes = [_missing_frames_message(is_movie, requested - existing)] if requested - existing else []
    if request.save == "PACK":
        notes.append(Message("Blender cannot pack image sequences, so the map's frames are files beside the source, in "
                             "{folder}.", folder=beside))
    return Frames(source, tuple(numbers), tuple(notes), beside, stem)


def _frames_of_movie(image: bpy.types.Image) -> set[int]:
    """Return the numbers of a movie's frames; Blender gives 1 frame for one that it cannot read."""
    return set(range(1, image.frame_duration + 1))


def _frames_of_files(image: bpy.types.Image) -> set[int]:
    """Return the numbers of the files that belong to the sequence by their names."""
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    before, digits, after = _split_stem(image, path.stem)
    pattern = re.compile(rf"{re.escape(before)}(\d+){re.escape(after + path.suffix)}")
    digit_groups = [match.group(1) for file in path.parent.glob("*") if (match := pattern.fullmatch(file.name))]
    return {int(number) for number in digit_groups if number == f"{int(number):0{len(digits)}d}"}


def _split_stem(image: bpy.types.Image, stem: str) -> tuple[str, str, str]:
    parts = split_number(stem)
    if parts is None:
        raise SourceError("The file of the image sequence {image!r} has no number; choose one that has.", image=image.name)
    return parts


def _without_number(image: bpy.types.Image, stem: str) -> str:
    before, _, after = _split_stem(image, stem)
    return before.rstrip("._- ") + after


def _frames_shown(image: bpy.types.Image) -> set[int]:
    """Return the frames that Image Textures of materials show at any time."""
    shown: set[int] = set()
    for node in _nodes_showing(image):
        first = node.image_user.frame_offset + 1
        shown.update(range(first, first + node.image_user.frame_duration))
    return shown


def _nodes_showing(image: bpy.types.Image) -> Iterator[bpy.types.ShaderNodeTexImage]:
    for material in bpy.data.materials:
        for instance in node_instances(material.node_tree):
            if isinstance(instance.node, bpy.types.ShaderNodeTexImage) and image_of_node(instance.node) == image:
                yield instance.node


def _missing_frames_message(is_movie: bool, missing: set[int]) -> Message:
    if is_movie:
        return Message("The movie ends before the frame {frame}, and so does the map.", frame=min(missing))
    return Message("There are no files of these frames, so they have no map: {frames}.",
                   frames=format_ranges(number_ranges(missing)))
