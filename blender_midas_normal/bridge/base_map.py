"""Find the normal map that a picture's materials have, over which the base EXISTING lays fine relief."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..core.errors import SourceError
from .image_source import PICTURE_SETS, Source, source_from_image
from .map_metadata import base_of, source_of
from .nodes.map_nodes import find_image_node, image_of_node
from .nodes.materials import materials_using
from .nodes.normal_map import has_same_mapping
from .nodes.traversal import NodeInstance, SocketInstance, node_instances, normal_shaders_of, tree_of, upstream_nodes


def find_base(picture: bpy.types.Image, obj: bpy.types.Object | None) -> Source:
    """Find the normal map of a picture's materials; of a map that was laid over one before, the one below.

    Args:
        obj: the active object, whose materials count first.

    Raises:
        SourceError: there is none, there are several, or it cannot be laid under the picture's relief.
    """
    if picture.source in PICTURE_SETS:
        raise SourceError("The image {image!r} is {kind}; fine relief is laid over an existing normal map for single "
                          "pictures only.", image=picture.name, kind=PICTURE_SETS[picture.source])
    bases: dict[bpy.types.Image, None] = {}
    for material in materials_using(picture, obj):
        for texture in _normal_map_textures(material):
            shown = image_of_node(texture.node)
            assert shown is not None
            base = base_of(shown) or (shown if source_of(shown) is None else None)
            if base is None or base == picture:
                continue
            if shown == base and not _lies_on(picture, texture, material):
                raise SourceError("The normal map {map!r} of the material {material!r} lies on the surface in another way "
                                  "than {image!r}; give both the same mapping.", map=base.name, material=material.name,
                                  image=picture.name)
            bases[base] = None
    if not bases:
        raise SourceError("No material of the image {image!r} has a normal map of its own to lay fine relief over.",
                          image=picture.name)
    if len(bases) > 1:
        raise SourceError("The materials of the image {image!r} have several normal maps ({maps}); fine relief can be laid "
                          "over one.", image=picture.name, maps=", ".join(map_.name for map_ in bases))
    base = next(iter(bases))
    if base.source in PICTURE_SETS:
        raise SourceError("The normal map {map!r} is {kind}; fine relief is laid over single pictures only.", map=base.name,
                          kind=PICTURE_SETS[base.source])
    return source_from_image(base)


def _normal_map_textures(material: bpy.types.Material) -> Iterator[NodeInstance]:
    """Yield the Image Textures with an image that Normal Map nodes read which feed the Normal of a shader."""
    for shader in normal_shaders_of(material.node_tree):
        for node in upstream_nodes(SocketInstance(shader.node.inputs["Normal"], shader.groups)):
            texture = find_image_node(node) if node.node.bl_idname == "ShaderNodeNormalMap" else None
            if texture is not None and image_of_node(texture.node) is not None:
                yield texture


def _lies_on(picture: bpy.types.Image, normal: NodeInstance, material: bpy.types.Material) -> bool:
    """Whether a normal map's texture has the mapping of the picture's; of textures in other groups that is not known."""
    textures = [each for each in node_instances(material.node_tree)
                if image_of_node(each.node) == picture and tree_of(each.node) == tree_of(normal.node)]
    return not textures or any(has_same_mapping(each.node, normal.node) for each in textures)
