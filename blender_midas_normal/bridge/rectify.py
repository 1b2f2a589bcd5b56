"""Rectify a photo that was taken at an angle: export its pixels, let the worker compute, keep the result as a new image."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from pathlib import Path

import bpy

from ..core.errors import Message, NotRectified, SourceError, TargetError, reason_of
from ..core.exif import FOCAL_LENGTH, MAX_HEADER_BYTES, focal_length_of, focal_length_of_file
from ..core.files import is_file
from ..core.protocol import Rectification, Request
from ..core.settings import Settings
from .addon import client, launch_for_settings
from .image_pixels import View, export_image_pixels, is_data, remove_on_failure
from .image_source import Source, check_single_picture, source_from_image
from .map_files import file_of, folder_and_stem, write_map
from .map_images import show_picture
from .map_metadata import FILE_SUFFIX, MAX_NAME_BYTES
from .nodes.materials import alpha_of
from .tasks import Report, Step, Task, TaskSteps

NAME_SUFFIX = " rectified"
"""What the name of a rectified image ends with; that of its file has an underscore in place of the space."""


def start_rectification(image: bpy.types.Image, corners: Sequence[float], focal_length: float, save: str) -> Task:
    """Check a request and return the task that rectifies a photo; the photo itself stays as it is.

    Args:
        corners: as in `core.protocol.Rectification`; empty to find out from the photo's lines.
        focal_length: of the lens in mm, as on 35 mm film; 0 for that of the photo's file.
        save: PACK or BESIDE, see `bridge.request.SAVES`.

    Raises:
        MidasNormalError: the photo cannot be rectified.
    """
    source = source_from_image(check_single_picture(image))
    if source.is_render:
        raise SourceError("A render is no photo to rectify; save it as a picture, and choose that.")
    focal_length = FOCAL_LENGTH.validate("focal_length", focal_length) or _focal_length_of(image)
    if save == "BESIDE":
        folder_and_stem(image)
    return Task(_steps(source, Rectification([float(value) for value in corners], focal_length), save,
                       View.of(bpy.context.scene)))


def _focal_length_of(image: bpy.types.Image) -> float:
    """Return the focal length that an image's file tells, packed or on disk, else 0."""
    if image.packed_file is not None:
        return focal_length_of(image.packed_file.data[:MAX_HEADER_BYTES])
    file = file_of(image)
    if not is_file(file):
        return 0.0
    try:
        return focal_length_of_file(file)
    except OSError as error:
        raise SourceError("The file {path} of the image {image!r} cannot be read: {reason}.", path=file, image=image.name,
                          reason=reason_of(error)) from None


def _steps(source: Source, rectification: Rectification, save: str, view: View) -> TaskSteps:
    client.prepare(launch_for_settings(Settings(engine="LUMINANCE")))  # any worker that runs can rectify
    file = client.new_file()
    with remove_on_failure(file):
        pixels = yield from export_image_pixels(source.image(), file, view)
        pixels = dataclasses.replace(pixels, alpha=alpha_of(source.image()))
        job = client.submit(Request({}, pixels=dataclasses.asdict(pixels), rectify=dataclasses.asdict(rectification)))
    try:
        result = yield Step(job)
    except NotRectified as error:
        return Report((), (error.message,), {})
    with client.open_result_files(result) as files:
        image = yield from _store(source.image(), files.png, save)
    return Report((image.name,), (Message("{image!r} is a new image.", image=image.name), *result.notes), {})


def _store(source: bpy.types.Image, png: bytes, save: str) -> Generator[None, None, bpy.types.Image]:
    """Keep the rectified photo as a new image, which takes the photo's place in Image Editors."""
    yield
    stem = FILE_SUFFIX.sub("", source.name).encode()[:MAX_NAME_BYTES - len(NAME_SUFFIX)].decode(errors="ignore")
    file = _write_beside(source, png) if save == "BESIDE" else None
    image = bpy.data.images.new(stem + NAME_SUFFIX, 8, 8)
    if is_data(source) or not source.is_float:  # others were converted to what is displayed
        image.colorspace_settings.name = source.colorspace_settings.name  # type: ignore[union-attr]
    try:
        show_picture(image, png, file)
    except TargetError:
        bpy.data.images.remove(image)
        raise
    image.use_fake_user = True  # Blender does not save data without users
    _replace_in_editors(source, image)
    return image


def _write_beside(source: bpy.types.Image, png: bytes) -> Path:
    """Write the file beside the photo's, under a name that no file has; return its path."""
    folder, stem = folder_and_stem(source)
    file, number = folder / f"{stem}_rectified.png", 1
    while file.exists():
        number += 1
        file = folder / f"{stem}_rectified_{number}.png"
    write_map(file, png)
    return file


def _replace_in_editors(source: bpy.types.Image, image: bpy.types.Image) -> None:
    """Show an image in the Image Editors that show another one."""
    for window in bpy.context.window_manager.windows:  # type: ignore[union-attr]
        for area in window.screen.areas:
            for space in area.spaces:
                if isinstance(space, bpy.types.SpaceImageEditor) and space.image == source:
                    space.image = image
