"""Normal map: the picture's vectors are the normals, of which other maps are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.errors import Message, SourceError
from ....core.heights import integrate_slopes
from ....core.normal_maps import MIN_AGREEMENT, green_agreement, read_normal_map
from ....core.picture import Surface
from .. import Engine, EngineInput, EngineOptions

if TYPE_CHECKING:
    from ....core.normal_maps import NormalMapSlopes

MIN_SHARE_NOTED = 0.02
"""Share of pixels that are not as they should be beyond which a note says so."""


class Normals(Engine):
    """The engine; it keeps nothing."""

    def surface(self, item: EngineInput) -> Surface:
        """Make the surface with the picture's normals; raise SourceError where the picture is no normal map."""
        picture = item.picture
        item.report("read", 0.5)
        read = read_normal_map(picture.rgb)
        if not read.is_normal_map:
            raise SourceError("The picture is not a normal map: {share:.0%} of its vectors are not of unit length; choose "
                              "another engine.", share=read.off_length)
        slopes = read.slopes
        is_directx, note = _choose_green(item.settings.source_convention, green_agreement(slopes))
        if is_directx:
            slopes[1] *= -1
        item.report("height", 0.0)
        height = integrate_slopes(slopes[0], slopes[1], item.wrap)
        height /= picture.shorter
        return Surface(height, 1.0, False, item.wrap, (picture.width, picture.height), (note, *_notes_on(read)),
                       measured_slopes=slopes)

    def unload(self) -> None:
        """Do nothing: it keeps nothing."""


def _choose_green(convention: str, agreement: float) -> tuple[bool, Message]:
    """Return whether green points down in the source, and the note that says how it is read.

    Args:
        convention: the setting `source_convention`.
        agreement: see `core.normal_maps.green_agreement`.
    """
    if convention != "AUTO":
        is_directx = convention == "DIRECTX"
        if agreement * (-1 if is_directx else 1) < -MIN_AGREEMENT:
            return is_directx, Message("Read as {other}, the map's slopes fit together better: see Source Convention.",
                                       other="OpenGL" if is_directx else "DirectX")
        return is_directx, Message("The normal map is read as {convention}, as was chosen.",
                                   convention="DirectX" if is_directx else "OpenGL")
    if abs(agreement) < MIN_AGREEMENT:
        return False, Message("Whether green points up or down cannot be told from this map; it is read as OpenGL (up): see "
                              "Source Convention.")
    return agreement < 0, Message("The normal map is read as {convention}: its slopes fit together so by {agreement:.0%}.",
                                  convention="DirectX" if agreement < 0 else "OpenGL", agreement=abs(agreement))


def _notes_on(read: NormalMapSlopes) -> tuple[Message, ...]:
    notes: list[Message] = []
    if read.is_rebuilt:
        notes.append(Message("The map's blue is the same everywhere, so it was computed from red and green."))
    if read.off_length > MIN_SHARE_NOTED:
        notes.append(Message("{share:.0%} of the map's vectors are not of unit length; their directions were used.",
                             share=read.off_length))
    if read.inward > 0:
        notes.append(Message("{share:.2%} of the map's vectors point into the surface; the map is flat there.",
                             share=read.inward))
    if read.blank > 0:
        notes.append(Message("{share:.2%} of the map's pixels are black, no vectors; the map is flat there.",
                             share=read.blank))
    return tuple(notes)


def create(options: EngineOptions) -> Normals:
    """Make the engine."""
    return Normals()
