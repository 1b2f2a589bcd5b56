"""Export the pixels of images into files for the worker, and say why an image has none."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import bpy
import numpy as np
from mathutils import Color

from ..core.errors import Message, Phrase, SourceError, reason_of
from ..core.file_numbering import split_number
from ..core.files import HEADER_BYTES, detect_file_format, detect_format, is_file, with_article
from ..core.protocol import Pixels
from .addon import find_by_uid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.arrays import Array

VIEWER_TYPES = ("RENDER_RESULT", "COMPOSITING")
"""Values of `Image.type` of images without pixels of their own: the Render Result and the Viewer Node's image."""

LINEAR_SPACES = re.compile(r"Linear .*|ACEScg|ACES2065-1|scene_linear")
"""Names of the colour spaces that are scene-linear; pixels in other spaces are decoded by Blender."""

OPAQUE_ALPHA_MODES = ("NONE", "CHANNEL_PACKED")
"""Alpha modes in which the picture is opaque, whatever its fourth channel holds."""

CHUNK_VALUES, MAX_CHUNK_SECONDS = 1 << 18, 0.02
"""Values written at a time, and seconds after which Blender's window is updated: a disk may take 1 ms or 10 for them."""

MATRIX_TOLERANCE = 1e-5
"""Tolerance of the test for the identity: before 5.0, Blender's matrix between equal spaces is not exactly that."""

RENDER_SAVE_SETTINGS = (("media_type", "IMAGE"), ("file_format", "PNG"), ("color_mode", "RGBA"), ("color_depth", "16"),
                        ("compression", 0), ("color_management", "FOLLOW_SCENE"))
"""Image settings with which a render is saved to be read, in the order in which they depend on each other.

media_type exists from 5.0 on. Sixteen bits, because Blender adds dithering noise to eight."""

Outcome = TypeVar("Outcome")

PixelExport = Generator[None, None, Pixels]
"""An export in short steps: yields between them, and returns the description of the pixels."""


@dataclass(frozen=True)
class ImageBuffer:
    """The pixels of an image in memory.

    values: height * width * 4 float32, flat, rows bottom-up.
    pixels: their description once they are written to the file.
    """

    name: str
    values: Array
    pixels: Pixels


@dataclass(frozen=True)
class View:
    """A scene's view: the scene, by session_uid, and its exposure in stops, which acts on scene-linear pictures."""

    scene_uid: int
    exposure: float

    @classmethod
    def of(cls, scene: bpy.types.Scene | None) -> View:
        """Return the view of a scene."""
        assert scene is not None and scene.view_settings is not None
        return cls(scene.session_uid, scene.view_settings.exposure)

    def scene(self) -> bpy.types.Scene:
        """Return the scene; raises SourceError when it is gone."""
        scene = find_by_uid(bpy.data.scenes, self.scene_uid)
        if scene is None:
            raise SourceError("The scene whose render was to be mapped is no longer there.")
        return scene


def read_pixels(image: bpy.types.Image, path: Path) -> Pixels:
    """Export an image's pixels into a file, blocking; when that fails, the file is removed.

    A Render Result is exported as it is displayed, through the scene's view transform.

    Returns:
        The description of the pixels for the worker.

    Raises:
        SourceError: where there are no pixels, or no room for them.
    """
    return run_to_end(export_image_pixels(image, path, View.of(bpy.context.scene)))


def export_image_pixels(image: bpy.types.Image, path: Path, view: View) -> PixelExport:
    """Export an image's pixels in short steps, of which only the first needs the image.

    When it fails or is cancelled, the file is removed.

    Args:
        path: the file to write.
        view: through which a Render Result is displayed.
    """
    with remove_on_failure(path):
        if image.type in VIEWER_TYPES:
            with _load_viewer_image(image, view.scene()) as picture:
                buffer = _load_buffer(picture, path)
        else:
            buffer = _load_buffer(image, path)
        return (yield from write_buffer(buffer, path))


def export_file_pixels(picture: Path, path: Path, like: bpy.types.Image | None = None) -> PixelExport:
    """Export the pixels of an image file that is not in the .blend file, in short steps.

    Args:
        picture: the image file.
        path: the file to write.
        like: an image whose colour space and alpha mode it has.
    """
    with remove_on_failure(path):
        return (yield from write_buffer(load_file_buffer(picture, path, like), path))


def export_frame_pixels(image: bpy.types.Image, number: int, path: Path) -> PixelExport:
    """Export the pixels of a frame of an image sequence or movie, in short steps."""
    with remove_on_failure(path):
        with _frame_copy(image, number) as copy:
            buffer = _load_buffer(copy, path)
        return (yield from write_buffer(buffer, path))


def load_file_buffer(picture: Path, path: Path, like: bpy.types.Image | None = None) -> ImageBuffer:
    """Load what `export_file_pixels` writes into the file `path`."""
    with _load_temporarily(picture) as image:
        if like is not None:
            image.colorspace_settings.name = like.colorspace_settings.name  # type: ignore[union-attr]
            image.alpha_mode = like.alpha_mode
        return _load_buffer(image, path)


def run_to_end(steps: Generator[Any, Any, Outcome]) -> Outcome:
    """Run a generator to its end, and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@contextmanager
def remove_on_failure(path: Path) -> Iterator[None]:
    """Remove a file when the `with` block fails or is cancelled."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _load_temporarily(picture: Path) -> Iterator[bpy.types.Image]:
    """Load an image file as an image for the `with` block."""
    try:
        image = bpy.data.images.load(str(picture.absolute()), check_existing=False)
    except RuntimeError:
        raise SourceError(file_unreadable_reason(picture)) from None
    try:
        yield image
    finally:
        bpy.data.images.remove(image)


@contextmanager
def _frame_copy(image: bpy.types.Image, number: int) -> Iterator[bpy.types.Image]:
    """Copy an image sequence or movie, showing one frame, for the `with` block.

    Blender gives the pixels of the frame that was evaluated last, so a texture evaluates the one to read; on a copy, so
    that the image itself keeps showing its frame.
    """
    texture, copy = bpy.data.textures.new(image.name, "IMAGE"), image.copy()
    assert copy is not None
    try:
        texture.image = copy  # type: ignore[attr-defined]
        texture.image_user.frame_current = number  # type: ignore[attr-defined]
        texture.evaluate((0.0, 0.0, 0.0))
        if size_of(copy) == (0, 0):
            raise SourceError(image_unreadable_reason(image, number))
        yield copy
    finally:
        bpy.data.textures.remove(texture)
        bpy.data.images.remove(copy)


def _load_buffer(image: bpy.types.Image, path: Path) -> ImageBuffer:
    width, height = size_of(image)
    if width * height == 0 and image.type == "MULTILAYER":
        with _first_layer(image) as layer:
            return dataclasses.replace(_load_buffer(layer, path), name=image.name)
    if width * height == 0:
        raise SourceError(image_unreadable_reason(image))
    values = _rgba_values(image, width * height)
    if image.alpha_mode in OPAQUE_ALPHA_MODES:
        values[3::4] = 1.0
    encoding = _encoding(image)
    to_rec709 = _to_rec709() if encoding in ("LINEAR", "DECODED") else []
    return ImageBuffer(image.name, values, Pixels(path.name, width, height, encoding, _is_premultiplied(image), to_rec709))


def _rgba_values(image: bpy.types.Image, count: int) -> Array:
    """Return an image's pixels as count * 4 float32, flat; a layer may have fewer channels, which are expanded."""
    channels = len(image.pixels) // count  # type: ignore[arg-type]
    values = np.empty(count * channels, np.float32)
    image.pixels.foreach_get(values)
    if channels == 4:
        return values
    rgba = np.ones((count, 4), np.float32)
    rgba[:, :3] = values.reshape(count, channels)[:, :3 if channels >= 3 else 1]
    return rgba.ravel()


@contextmanager
def _first_layer(image: bpy.types.Image) -> Iterator[bpy.types.Image]:
    """Load the layer of a multilayer OpenEXR file that textures show, for the `with` block.

    Blender gives pixels of such a file only where it is a frame of a sequence.
    """
    with tempfile.TemporaryDirectory(prefix="midas_normal_") as folder:
        file = Path(folder) / "layers_0001.exr"
        _copy_file(image, file)
        with _load_temporarily(file) as sequence:
            sequence.source, sequence.alpha_mode = "SEQUENCE", image.alpha_mode
            if is_data(image):
                set_is_data(sequence)
            with _frame_copy(sequence, 1) as layer:
                yield layer


def _copy_file(image: bpy.types.Image, file: Path) -> None:
    """Copy or link the file of an image to another path; raises SourceError where that fails."""
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    try:
        if image.packed_file is not None:
            file.write_bytes(image.packed_file.data)
            return
        try:
            file.symlink_to(path)
        except OSError:  # Windows lets few users do so
            shutil.copyfile(path, file)
    except OSError as error:
        raise SourceError("The file {path} of the image {image!r} cannot be read: {reason}.", path=path, image=image.name,
                          reason=reason_of(error)) from None


def write_buffer(buffer: ImageBuffer, path: Path) -> PixelExport:
    """Write pixels into a file in short steps; raises SourceError where there is no room.

    Not through a memory map, where a full disk would end Blender (SIGBUS), and which takes twice the time.
    """
    yield
    values, convert = buffer.values, to_uint8 if buffer.pixels.encoding == "BYTE" else np.asarray
    try:
        with path.open("wb") as file:
            since = time.monotonic()
            for start in range(0, len(values), CHUNK_VALUES):
                file.write(convert(values[start:start + CHUNK_VALUES]).data)
                if time.monotonic() - since > MAX_CHUNK_SECONDS:
                    yield
                    since = time.monotonic()
    except OSError as error:
        raise SourceError("The {size} MB of the image {image!r} cannot be written into {folder}: {reason}.",
                          size=buffer.pixels.nbytes >> 20, image=buffer.name, folder=path.parent,
                          reason=reason_of(error)) from None
    return buffer.pixels


def to_uint8(values: Array) -> NDArray[np.uint8]:
    """Convert floats of 0..1 to bytes of 0..255, rounded; a file of bytes is faster to write and read than one of floats."""
    scaled = values * np.float32(255)
    scaled += np.float32(0.5)
    return scaled.astype(np.uint8)


def _encoding(image: bpy.types.Image) -> str:
    if not image.is_float:
        return "BYTE"
    if is_data(image):
        return "DISPLAY"
    space = image.colorspace_settings
    return "LINEAR" if space is not None and LINEAR_SPACES.fullmatch(space.name) else "DECODED"


def _is_premultiplied(image: bpy.types.Image) -> bool:
    if image.alpha_mode in OPAQUE_ALPHA_MODES:
        return False
    return image.alpha_mode == "PREMUL" if is_data(image) else image.is_float


def _to_rec709() -> list[float]:
    """Return the 3 x 3 matrix from the working space to linear Rec. 709, row by row; empty where they are the same.

    From 5.0 on, a .blend file chooses its working space; before, an OpenColorIO configuration may set another.
    """
    columns = [Color(unit).from_scene_linear_to_rec709_linear() for unit in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    matrix = np.array(columns).T
    return [] if np.allclose(matrix, np.eye(3), atol=MATRIX_TOLERANCE) else matrix.ravel().tolist()


def size_of(image: bpy.types.Image) -> tuple[int, int]:
    """Return (width, height) in pixels, (0, 0) where Blender cannot load the image."""
    size: Any = image.size
    return size[0], size[1]


def refresh_image(image: bpy.types.Image) -> None:
    """Redraw an image, because the Image Editor of 4.3 keeps showing old pixels.

    Not a sequence, which may have no frame loaded yet.
    """
    if image.source != "SEQUENCE":
        image.update()


def checksum_of(image: bpy.types.Image) -> int:
    """Return the CRC-32 of an image's pixels as Blender holds them."""
    width, height = size_of(image)
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    return zlib.crc32(values.data)


def is_data(image: bpy.types.Image) -> bool:
    """Whether the image's colour space is for data rather than colours, whatever its name."""
    return image.colorspace_settings is not None and image.colorspace_settings.is_data


def set_is_data(image: bpy.types.Image) -> None:
    """Set the image's colour space to data; call it before pixels are set, which a generated image loses by it."""
    assert image.colorspace_settings is not None
    image.colorspace_settings.is_data = True


@contextmanager
def _load_viewer_image(viewer: bpy.types.Image, scene: bpy.types.Scene) -> Iterator[bpy.types.Image]:
    """Save and load what a viewer shows, for the `with` block; the values are display-referred."""
    with tempfile.TemporaryDirectory(prefix="midas_normal_") as folder:
        path = Path(folder) / "render.png"
        _save_render(viewer, scene, path)
        with _load_temporarily(path) as picture:
            set_is_data(picture)
            yield picture


def _save_render(viewer: bpy.types.Image, scene: bpy.types.Scene, path: Path) -> None:
    try:
        with _override_settings(scene.render.image_settings, RENDER_SAVE_SETTINGS):
            viewer.save_render(str(path), scene=scene)
    except RuntimeError:  # "Image 'Render Result' does not have any image data": nothing tells that before
        pass
    if not path.exists():
        raise SourceError("The {image} is empty; render first.", image=viewer.name)


@contextmanager
def _override_settings(owner: bpy.types.bpy_struct, values: tuple[tuple[str, object], ...]) -> Iterator[None]:
    """Change some of Blender's settings for the `with` block; those that this version does not have are left out."""
    existing = tuple((name, value) for name, value in values if hasattr(owner, name))
    before = [(name, getattr(owner, name)) for name, _ in existing]
    try:
        for name, value in existing:
            setattr(owner, name, value)
        yield
    finally:
        for name, value in before:
            setattr(owner, name, value)


def image_unreadable_reason(image: bpy.types.Image, frame: int | None = None) -> Message:
    """Say why an image has no pixels.

    Args:
        frame: the frame of an image sequence, if it is one.
    """
    if image.packed_file is not None:
        return Message("The packed file of the image {image!r} {fault}.", image=image.name,
                       fault=_format_fault(detect_format(image.packed_file.data[:HEADER_BYTES])))
    if image.source == "GENERATED" or not image.filepath_raw:
        return Message("The image {image!r} has no pixels.", image=image.name)
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    if frame is not None and image.source == "SEQUENCE":
        path = _file_of_frame(path, frame)
    return Message("The file {path} of the image {image!r} {fault}.", path=path, image=image.name, fault=_file_fault(path))


def file_unreadable_reason(path: Path) -> Message:
    """Say why Blender does not read a file."""
    return Message("{path} {fault}.", path=path, fault=_file_fault(path))


def _file_fault(path: Path) -> Phrase:
    """Say what is wrong with a file, as the predicate of a sentence."""
    try:
        return _format_fault(detect_file_format(path)) if is_file(path) else Phrase("is missing")
    except OSError as error:
        return Phrase("cannot be opened: {reason}", reason=reason_of(error))


def _format_fault(name: str) -> Phrase:
    if not name:
        return Phrase("is no picture or movie of a known kind")
    if name in ("GIF", "movie"):
        return Phrase("is {what}, which this Blender cannot read, or damaged; save its frames as PNG files",
                      what=with_article(name))
    return Phrase("is {what}, which this Blender cannot read, or damaged; save it again, as PNG, TIFF or OpenEXR",
                  what=with_article(name))


def _file_of_frame(path: Path, frame: int) -> Path:
    parts = split_number(path.stem)
    if parts is None:
        return path
    before, digits, after = parts
    return path.with_name(f"{before}{frame:0{len(digits)}d}{after}{path.suffix}")
