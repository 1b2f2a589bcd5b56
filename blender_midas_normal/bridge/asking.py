"""What a user asks for: settings, where the picture comes from and where the map goes."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.kinds import KINDS
from ..core.settings import Settings

SOURCES = (
    ("ACTIVE", "Active image", "The image in the Image Editor, else the active Image Texture node, else the one on Base "
                               "Color of the active material"),
    ("IMAGE", "Image", "An image chosen by name"),
    ("RENDER", "Render result", "The last render, as it is shown; honest only for a plane seen head-on"),
    ("VIEWER", "Viewer", "The compositor's Viewer image; only in a window"),
)
TARGETS = (
    ("AUTO", "Automatic", "The materials that use the picture, else the active object's active material"),
    ("ACTIVE_MATERIAL", "Active material", "The active object's active material"),
    ("NONE", "Image only", "The map is made and wired nowhere"),
)
SAVES = (
    ("PACK", "In the file", "Packed into the .blend file"),
    ("BESIDE", "Beside the picture", "A PNG file beside the picture's file"),
)
SCOPES = (
    ("SELECTED", "Selected objects", "The colour textures of the selected objects' materials"),
    ("FILE", "File", "The colour textures of all materials of this file"),
)
EXISTING = (
    ("OVERWRITE", "Overwrite", "Maps that are there are made again"),
    ("SKIP", "Skip", "Maps that were made from the same pixels with the same settings stay as they are"),
)
MAPS = tuple((name, kind.label, kind.description) for name, kind in KINDS.items())


@dataclass(frozen=True)
class Ask:
    """One request as the user makes it; the values are names from SOURCES, TARGETS and SAVES.

    image_uid: session_uid of the image for the source IMAGE; mask_uid: of the other image for the mask IMAGE.
    replace: whether a map of the user's own may be taken off an input, and a map be made again that somebody has changed.
    maps: the kinds of map to make, names of `core.kinds.KINDS`, at least one; the first follows the settings.
    smoothing: over how many frames on either side the maps of sequences and movies are averaged.
    animation: whether the source RENDER means the files of the scene's frame range, and not the last render.
    across: whether relief goes on from one UDIM tile to the next.
    """

    settings: Settings
    source: str = "ACTIVE"
    image_uid: int | None = None
    target: str = "AUTO"
    replace: bool = False
    save: str = "PACK"
    maps: tuple[str, ...] = ("NORMAL",)
    mask_uid: int | None = None
    smoothing: int = 0
    animation: bool = False
    across: bool = False
