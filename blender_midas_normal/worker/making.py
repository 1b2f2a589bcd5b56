"""One request from its picture to its map."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.alpha import filled
from ..core.choice import chosen_engine
from ..core.difference import Area, differing
from ..core.errors import SettingsError, SurfaceGone, Unchanged
from ..core.filters import resize_share
from ..core.formats import check_format, is_float
from ..core.kinds import check_kind
from ..core.maps import Map, NodeMap, heights_at_scale
from ..core.normals import map_size
from ..core.picture import Picture, Surface, Wrap
from ..core.protocol import MOST_PIXELS, Request
from ..core.settings import Settings
from ..core.tileable import wrap_of
from .averaging import mean_of_files
from .engines import Engines, Following, Report
from .maps import map_near
from .orders import Clock
from .reading import Given
from .surfaces import Kept, Surfaces, masked_key, surface_key

if TYPE_CHECKING:
    from ..core.picture import Array


@dataclass(frozen=True)
class Drawn:
    """A map that has no file yet, and what its result says of it; `surface` is the key of its surface."""

    map: Map | NodeMap
    width: int
    height: int
    engine: str
    device: str
    why: str
    surface: str
    notes: tuple[str, ...]
    range: float


@dataclass(frozen=True)
class Change:
    """The surface of a picture, and the area in which the next picture differs from it."""

    before: Surface
    area: Area

    def of_fine(self) -> Change | None:
        """The same of the surface that is mixed in; None where there was none."""
        return None if self.before.fine is None else Change(self.before.fine, self.area)


class Maker:
    """Draws maps with the engines of this process; keeps surfaces for re-tuning."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._surfaces = Surfaces()

    def drawn(self, request: Request, given: Given, report: Report, clock: Clock) -> Drawn:
        """The map of the picture, or of the surface that the request names; raises one of the project's exceptions."""
        settings = Settings().with_words(request.settings)
        check_kind(request.map, settings)
        check_format(request.format)
        if request.frames:
            return _mean(request, settings, report, clock)
        picture = given.picture
        if picture is None:
            key, why = request.surface or "", "The surface was there already."
            found = self._surfaces.get(key)
            if found is None:
                raise SurfaceGone("The surface of this map is no longer in memory; generate it again.")
            engine, surface = found.engine, found.surface
        else:
            engine, why = chosen_engine(settings, self._engines.unavailable())
            key = surface_key(picture, engine, settings, request.is_render)
            if request.unless == (key if given.mask is None else masked_key(key, given.mask)):
                raise Unchanged("The map is there already, made from the same picture with the same settings.")
            surface = self._surface(key, engine, picture, settings, request, report, clock)
        if given.mask is not None:
            key, surface = self._masked(key, surface, given.mask)
        if settings.mask == "IMAGE" and surface.mask is None:
            raise SettingsError("The map has no mask image; choose one, or another mask.")
        width, height = _checked_size(surface, settings)
        report("maps", 0.0)
        with clock.stage("maps"):
            made = self._made(request, engine, surface, settings)
        return Drawn(made, width, height, engine, self._engines.get(engine).device, why, key, surface.notes,
                     surface.range)

    def forget(self) -> None:
        """Drops the surfaces and unloads the engines."""
        self._surfaces.clear()
        self._engines.unload()

    def _surface(self, key: str, engine: str, picture: Picture, settings: Settings, request: Request, report: Report,
                 clock: Clock) -> Surface:
        found = self._surfaces.get(key)
        if found is not None:
            return found.surface
        with clock.stage("prepare"):
            prepared, notes = (picture, ()) if settings.depth_scale == "RAW" else prepared_picture(picture)
            wrap = _without_margins(wrap_of(settings.tileable, prepared.luma(), request.is_render), picture)
            change = self._change(request.preceding, engine, prepared, wrap)
        with clock.stage("engine"):
            surface = self._by_engine(engine, prepared, wrap, settings, report, change)
            fine = None
            if settings.mix not in ("OFF", engine):
                fine = self._by_engine(settings.mix, prepared, wrap, settings, report, change and change.of_fine())
                fine = dataclasses.replace(fine, part=picture.part)
        if float(surface.height.min()) == float(surface.height.max()):
            notes += ("The surface has no relief at all, so the map is flat.",)
        alpha = None if surface.raw else picture.alpha
        surface = dataclasses.replace(surface, notes=notes + surface.notes, alpha=alpha, fine=fine, part=picture.part)
        kept = Kept(engine, surface, prepared)
        self._surfaces.keep(key, kept.alone() if request.pixels is None else kept)  # nobody paints on a picture file here
        return surface

    def _masked(self, key: str, surface: Surface, mask: Array) -> tuple[str, Surface]:
        """The surface with the mask image, and its own key: the heights may get another one the next time."""
        kept = self._surfaces.get(key)
        assert kept is not None
        masked = dataclasses.replace(surface, mask=_fitted(mask, surface))
        self._surfaces.keep(masked_key(key, mask), dataclasses.replace(kept, surface=masked))
        return masked_key(key, mask), masked

    def _change(self, preceding: str | None, engine: str, picture: Picture, wrap: Wrap) -> Change | None:
        """What was painted since the preceding surface was made; None where that cannot be told."""
        before = self._surfaces.get(preceding) if preceding is not None else None
        if before is None or before.picture is None or (before.engine, before.surface.wrap) != (engine, wrap):
            return None
        pixels = before.picture.rgb
        if (pixels.shape, pixels.dtype) != (picture.rgb.shape, picture.rgb.dtype):
            return None
        area = differing(pixels, picture.rgb, wrap)
        return Change(before.surface, area) if area is not None else None

    def _by_engine(self, name: str, picture: Picture, wrap: Wrap, settings: Settings, report: Report,
                   change: Change | None) -> Surface:
        engine = self._engines.get(name)
        if change is not None and isinstance(engine, Following):
            return engine.surface_again(change.before, change.area, picture, settings, report)
        return engine.surface(picture, wrap, settings, report)

    def _made(self, request: Request, engine: str, surface: Surface, settings: Settings) -> Map | NodeMap:
        """The map asked for, or the MiDaS node's own picture."""
        if request.map == "NORMAL" and engine == "MIDAS" and settings.is_node_picture and not is_float(request.format):
            from .engines.midas import node_picture

            return NodeMap(node_picture(surface, settings))
        made = map_near(self._engines.get(engine).device, request.map, surface, settings)
        return heights_at_scale(made, request.scale) if request.map == "HEIGHT" and request.scale else made


def _mean(request: Request, settings: Settings, report: Report, clock: Clock) -> Drawn:
    """The mean of the request's frames, for which no engine runs; raises SourceError."""
    report("maps", 0.0)
    with clock.stage("maps"):
        made = mean_of_files(request, settings.convention)
    return Drawn(made, made.width, made.height, "", "", "", "", (), 0.0)


def _checked_size(surface: Surface, settings: Settings) -> tuple[int, int]:
    """(width, height) of the map; raises SettingsError where they are more pixels than any may have: the node's size of a
    strip has no other limit.
    """
    width, height = map_size(surface, settings)
    if width * height > MOST_PIXELS:
        raise SettingsError(f"The map would have {width} x {height} pixels, which are too many; choose a lower resolution.")
    if surface.part is None:
        return width, height
    if surface.raw or settings.size != "SOURCE":
        raise SettingsError("A part of a picture has maps of the picture's size only, and none with depth_scale RAW.")
    return surface.part.size


def _fitted(mask: Array, surface: Surface) -> Array:
    """A mask image at the size of a surface's source.  It masks the part that is wanted, and so each part beside it."""
    part, (width, height) = surface.part, surface.source_size
    if part is None:
        return resize_share(mask, width, height, surface.wrap)
    margins = [(part.top, height - part.bottom), (part.left, width - part.right)]
    return np.pad(resize_share(mask, *part.size, surface.wrap), margins, mode="wrap")


def prepared_picture(picture: Picture) -> tuple[Picture, tuple[str, ...]]:
    """The picture as an engine may see it, with every pixel opaque, and what the user should know about it."""
    alpha = picture.alpha_float()
    if alpha is None:
        return picture, ()
    notes = () if alpha.any() else ("The picture is fully transparent, so the map is flat.",)
    return Picture(filled(picture.rgb_float(), alpha), part=picture.part), notes


def _without_margins(wrap: Wrap, picture: Picture) -> Wrap:
    """What repeats of a picture, whose part cannot repeat where it goes on."""
    part = picture.part
    if part is None:
        return wrap
    width, height = part.size
    return Wrap(wrap.x and width == picture.width, wrap.y and height == picture.height)
