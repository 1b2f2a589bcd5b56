"""Find the source of a map: the active image, a given one, the Render Result, the Viewer Node's image, an animation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..core.errors import Phrase, SourceError
from ..core.file_numbering import split_number
from ..core.files import is_file
from .addon import find_by_uid
from .image_pixels import image_unreadable_reason, size_of
from .nodes.map_nodes import image_of_node
from .nodes.materials import COLOUR_INPUTS, texture_roles
from .nodes.traversal import normal_shaders_of

VIEWER_IMAGE_TYPES = {"RENDER": "RENDER_RESULT", "VIEWER": "COMPOSITING"}
"""By kind of source: the `type` of the images in Blender that have no pixels of their own."""

PICTURE_SETS = {"TILED": Phrase("a set of UDIM tiles"), "SEQUENCE": Phrase("an image sequence"), "MOVIE": Phrase("a movie")}
"""By the `source` of an image that has several pictures: what messages call it."""


@dataclass(frozen=True)
class Source:
    """The source of a map.

    kind: IMAGE, RENDER or VIEWER.
    frames: the numbers of the frames to map, of a sequence or movie; empty for those that materials show.
    """

    kind: str
    name: str
    session_uid: int
    frames: tuple[int, ...] = ()

    @property
    def is_render(self) -> bool:
        """Whether it is the Render Result, its frames or the Viewer."""
        return self.kind != "IMAGE"

    def image(self) -> bpy.types.Image:
        """Return the image; raises SourceError when it is gone."""
        image = find_by_uid(bpy.data.images, self.session_uid)
        if image is None:
            raise SourceError("The image {image!r} is no longer there.", image=self.name)
        return image


def resolve_source(source: str, image: bpy.types.Image | None = None, context: bpy.types.Context | None = None) -> Source:
    """Find the source for a value of the operators' property `source`.

    Whether a Render Result was rendered in this session shows only when its pixels are read.

    Args:
        source: ACTIVE, IMAGE, RENDER or VIEWER.
        image: the one for IMAGE.

    Raises:
        SourceError: where there is no such picture, or it cannot be mapped.
    """
    if source == "ACTIVE":
        return source_from_image(active_image(context or bpy.context))
    if source == "IMAGE":
        if image is None:
            raise SourceError("Choose an image.")
        return source_from_image(image)
    return source_from_image(_viewer_image(source))


def source_from_image(image: bpy.types.Image) -> Source:
    """Return an image as a source; raises SourceError where it cannot be mapped."""
    kind = next((kind for kind, image_type in VIEWER_IMAGE_TYPES.items() if image.type == image_type), "IMAGE")
    if kind == "VIEWER" and bpy.app.background:
        raise SourceError("The Viewer Node has a picture only in Blender's window, not in background mode.")
    if kind == "IMAGE" and image.source not in PICTURE_SETS:  # pictures of a set are checked one by one
        _check_has_pixels(image)
    return Source(kind, image.name, image.session_uid)


def mask_from_image(image: bpy.types.Image | None) -> Source:
    """Return an image as a mask; raises SourceError where there is none, or it has several pictures."""
    if image is None:
        raise SourceError("No mask image is chosen; choose one, or another mask.")
    if image.source in PICTURE_SETS:
        raise SourceError("The mask image {image!r} is {kind}; choose an image that is one picture.", image=image.name,
                          kind=PICTURE_SETS[image.source])
    return source_from_image(image)


def check_single_picture(image: bpy.types.Image) -> bpy.types.Image:
    """Return the image; raises SourceError where it has several pictures, or cannot be mapped."""
    if image.source in PICTURE_SETS:
        raise SourceError("The image {image!r} is {kind}, of which maps are made in the panel or by "
                          "bpy.ops.midas_normal.generate.", image=image.name, kind=PICTURE_SETS[image.source])
    return source_from_image(image).image()


def _check_has_pixels(image: bpy.types.Image) -> None:
    width, height = size_of(image)  # Loads the file, too.
    if image.type == "MULTILAYER":
        return  # it has no size
    if width * height == 0 or (not image.has_data and not len(image.pixels)):  # type: ignore[arg-type]
        raise SourceError(image_unreadable_reason(image))


def get_image(name: str) -> bpy.types.Image:
    """Return the image of this name, the file's own before a linked one; raises SourceError where there is none."""
    image = bpy.data.images.get(name)
    if image is None:
        raise SourceError("There is no image named {name!r} in this file.", name=name)
    return image


def _viewer_image(kind: str) -> bpy.types.Image:
    """Return Blender's image for RENDER or VIEWER; raises SourceError where there is none yet."""
    for image in bpy.data.images:
        if image.type == VIEWER_IMAGE_TYPES[kind]:
            return image
    if kind == "RENDER":
        raise SourceError("Nothing was rendered yet; render first.")
    raise SourceError("There is no Viewer Node image; add a Viewer node to the compositor and look at it.")


def active_image(context: bpy.types.Context) -> bpy.types.Image:
    """Return the image shown in the Image Editor, else the active material's; raises SourceError where there is none.

    The context's `edit_image` holds it in the Image Editor, and for a menu entry about another image.
    """
    image = getattr(context, "edit_image", None)
    if image is not None:
        return image
    material = _material_with_image(context)
    image = _active_node_image(material, context.space_data) or _base_colour_image(material)
    if image is None:
        raise SourceError("The material {material!r} has no image; select its Image Texture node, or choose an image.",
                          material=material.name)
    return image


def _material_with_image(context: bpy.types.Context) -> bpy.types.Material:
    material, obj = active_material(context), active_object(context)
    if material is None and obj is None:
        raise SourceError("No object is active; select one, or choose an image.")
    if material is None:
        raise SourceError("The object {object!r} has no material; give it one, or choose an image.",
                          object=obj.name)  # type: ignore[union-attr]
    return material


def active_material(context: bpy.types.Context) -> bpy.types.Material | None:
    """Return the material that is pinned in the Shader Editor, else the active object's active one."""
    space = context.space_data
    if isinstance(space, bpy.types.SpaceNodeEditor) and space.pin and isinstance(space.id, bpy.types.Material):
        return space.id
    obj = active_object(context)
    return obj.active_material if obj else None


def active_object(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the active object, also in a timer, where the context has no `object`."""
    layer = context.view_layer
    return layer.objects.active if layer else None


def active_node(context: bpy.types.Context) -> bpy.types.Node | None:
    """Return the active node of the active material, in the group that a Shader Editor shows, else in the material."""
    material = active_material(context)
    return next(_active_nodes(material, context.space_data), None) if material else None


def _active_nodes(material: bpy.types.Material, space: bpy.types.Space | None) -> Iterator[bpy.types.Node]:
    """Yield the active node in the group that a Shader Editor shows, and in the material."""
    shown = space.edit_tree if isinstance(space, bpy.types.SpaceNodeEditor) and space.id == material else None
    for tree in (shown, material.node_tree):
        if tree is not None and tree.nodes.active is not None:
            yield tree.nodes.active


def _active_node_image(material: bpy.types.Material, space: bpy.types.Space | None) -> bpy.types.Image | None:
    """Return the image of the active node, in the group that a Shader Editor shows, else in the material."""
    return next(filter(None, map(image_of_node, _active_nodes(material, space))), None)


def _base_colour_image(material: bpy.types.Material) -> bpy.types.Image | None:
    """Return the image that feeds the colour of the material's first shader, directly or through other nodes."""
    roles = (role for shader in normal_shaders_of(material.node_tree) for role in texture_roles(shader))
    return next((role.image for role in roles if role.input.name in COLOUR_INPUTS), None)


def find_animation(context: bpy.types.Context) -> Source:
    """Find the rendered frames of the scene's range, as an image sequence or movie, which is loaded if need be.

    Raises:
        SourceError: where no frame exists.
    """
    scene = context.scene
    assert scene is not None
    files = {number: Path(bpy.path.abspath(scene.render.frame_path(frame=number)))
             for number in range(scene.frame_start, scene.frame_end + 1, scene.frame_step)}
    number, file = next(((number, file) for number, file in files.items() if is_file(file)), (0, None))
    if file is None:
        raise SourceError("No frame of the animation is there, such as {file}; render it, or set the scene's output and "
                          "range to what was rendered.", file=files[scene.frame_start])
    is_movie = scene.render.is_movie_format
    if not is_movie:
        _check_numbered(file, number)
    image = _find_loaded(files.values()) or bpy.data.images.load(str(file))
    image.source = "MOVIE" if is_movie else "SEQUENCE"
    return Source("RENDER", image.name, image.session_uid, tuple(range(1, len(files) + 1) if is_movie else files))


def _check_numbered(file: Path, number: int) -> None:
    """Raise SourceError where Blender would read another number than the frame's in the file's name."""
    parts = split_number(file.stem)
    if parts is None or int(parts[1]) != number:
        raise SourceError("Blender does not read {number} as the frame of {file}; let the frame's number be the last one "
                          "in the scene's output path.", number=number, file=file)


def _find_loaded(files: Collection[Path]) -> bpy.types.Image | None:
    """Find the image sequence or movie that shows one of the files already."""
    return next((image for image in bpy.data.images if image.source in ("SEQUENCE", "MOVIE")
                 and Path(bpy.path.abspath(image.filepath_raw, library=image.library)) in files), None)
