"""Islands of a picture in the pipeline: a picture for each of their layers, and the surfaces made of these as one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.colour import inpaint_transparent
from ..core.engines import DATA, ENGINES, shared_range_strengths
from ..core.errors import Message
from ..core.islands import islands_of_mesh, islands_on_ground, mirror_outwards, separate_layers
from ..core.picture import Islands
from .pictures import drop_opaque_alpha

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..core.picture import Picture, Surface
    from ..core.settings import Settings

NO_ISLANDS = Message("No islands were found in the picture, so it was mapped as a whole.")


@dataclass(frozen=True)
class LayeredPicture:
    """A picture in layers of islands.

    Attributes:
        layers: see `core.picture.Islands`.
        pictures: of each layer its islands, continued over the rest of the picture.
        alpha: of the picture, opaque outside of islands, as in `core.picture.Picture`.
        note: message to the user.
    """

    layers: NDArray[np.uint8]
    pictures: tuple[Picture, ...]
    alpha: NDArray | None
    note: Message


def may_have_islands(picture: Picture, settings: Settings, is_render: bool) -> bool:
    """Tell whether islands are looked for: not in renders, nor in what is seen with its surroundings."""
    return settings.islands != "OFF" and settings.depth_scale != "RAW" and not is_render and picture.part is None


def drop_unused_triangles(picture: Picture, settings: Settings, is_render: bool) -> tuple[Picture, NDArray[np.int32] | None]:
    """Look for the islands of the meshes that show a picture.

    Returns:
        (picture, numbers of the islands): with `uv_triangles` only where these islands count; see `core.islands`.
    """
    labels = None
    if picture.uv_triangles is not None and may_have_islands(picture, settings, is_render):
        labels = islands_of_mesh(picture, settings.islands == "ON")
    return (picture if labels is not None else dataclasses.replace(picture, uv_triangles=None)), labels


def split_into_layers(picture: Picture, labels: NDArray[np.int32] | None, engine: str,
                      settings: Settings) -> LayeredPicture | None:
    """Split a picture into layers of its islands; None where it has none.

    Args:
        picture: one that `may_have_islands`.
        labels: numbers of the islands of meshes, if these count.
        engine: name of the one that gets the pictures.
    """
    if labels is None:
        labels = islands_on_ground(picture, settings.islands == "ON")
    if labels is None:
        return None
    # A normal map's islands stay together, because all of them must be read with green pointing the same way.
    is_single = ENGINES[engine].is_pixelwise and picture.content == DATA
    layers = (labels > 0).astype(np.uint8) if is_single else separate_layers(labels)
    pictures = tuple(_continue_outwards(picture, layers == number) for number in range(1, int(layers.max()) + 1))
    note = Message("Islands: {count}, each mapped without what lies around it (runs of the engine: {runs}); outside of them "
                   "the map continues. With Islands Off the picture is mapped as a whole.",
                   count=np.count_nonzero(np.bincount(labels.ravel())[1:]), runs=len(pictures))
    return LayeredPicture(layers, pictures, _alpha_inside(picture.alpha, layers > 0), note)


def _continue_outwards(picture: Picture, inside: NDArray[np.bool_]) -> Picture:
    """Continue some pixels of a picture over all others, near them by their mirror image, in the type of its values."""
    alpha = picture.alpha_float()
    rgb = inpaint_transparent(picture.rgb_float(), inside.astype(np.float32) if alpha is None else inside * alpha)
    mirror_outwards(rgb, inside)
    if picture.rgb.dtype == np.uint8:
        rgb = np.rint(rgb * 255).astype(np.uint8)
    return dataclasses.replace(picture, rgb=rgb, alpha=None, notes=(), uv_triangles=None)


def _alpha_inside(alpha: NDArray | None, inside: NDArray[np.bool_]) -> NDArray | None:
    """Return the alpha, opaque outside of islands, where the map is continued; None where all is opaque."""
    if alpha is None:
        return None
    opaque = alpha.dtype.type(255 if alpha.dtype == np.uint8 else 1)
    return drop_opaque_alpha(np.where(inside, alpha, opaque))


def join_surfaces(surfaces: Sequence[Surface], layers: NDArray[np.uint8]) -> Surface:
    """Join the surfaces of the layers of islands, as steep as one range of depths makes them."""
    strengths = shared_range_strengths({number: surface.range for number, surface in enumerate(surfaces)})
    first, *others = [dataclasses.replace(surface, slope_gain=surface.slope_gain * strengths[number])
                      for number, surface in enumerate(surfaces)]
    widest = max(surface.range for surface in surfaces)
    return dataclasses.replace(first, range=widest, islands=Islands(layers, tuple(others)))
