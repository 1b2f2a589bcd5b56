"""A map lies on the surface as its source does."""

from __future__ import annotations

import bpy

from .changes import Changes
from .graph import Spot, direct

SAME = ("projection", "projection_blend", "extension")
SAME_MAPPING = ("vector_type", "translation", "rotation", "scale", "min", "max", "use_min", "use_max", "mapping_x",
                "mapping_y", "mapping_z", "mapping")
SAME_FRAMES = ("frame_start", "frame_offset", "frame_duration", "use_cyclic", "use_auto_refresh")
"""Settings in which the map's Image Texture follows the source's, those of its texture mapping, and those of its frames."""


def lie_alike(texture: Spot, image: bpy.types.Node, changes: Changes) -> None:
    """An Image Texture lies on the surface as another one in the same tree does."""
    for name in SAME:
        changes.set(image, name, getattr(texture.node, name))
    closest = texture.node.interpolation == "Closest"  # type: ignore[attr-defined]
    changes.set(image, "interpolation", "Closest" if closest else "Linear")
    for part, names in (("texture_mapping", SAME_MAPPING), ("image_user", SAME_FRAMES)):
        for name in names:
            changes.set(getattr(image, part), name, getattr(getattr(texture.node, part), name))
    vector = direct(texture.node.inputs["Vector"])
    if vector:
        changes.link(vector, image.inputs["Vector"])
    else:
        changes.unlink(image.inputs["Vector"])


def lies_alike(texture: bpy.types.Node, image: bpy.types.Node) -> bool:
    """Whether an Image Texture lies as another one in the same tree does."""
    own = all(getattr(texture.texture_mapping, name) == getattr(image.texture_mapping, name)  # type: ignore[attr-defined]
              for name in SAME_MAPPING)
    return (own and all(getattr(texture, name) == getattr(image, name) for name in SAME)
            and direct(texture.inputs["Vector"]) == direct(image.inputs["Vector"]))
