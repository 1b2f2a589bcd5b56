"""One request from its picture to its maps."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.colour import inpaint_transparent
from ..core.engines import select_engine
from ..core.errors import NO_MESSAGE, Message, SettingsError, SourceError, SurfaceGone, Unchanged, reason_of
from ..core.filters import resize_mask
from ..core.image_io import decode_png
from ..core.map_types import check_format, check_map_type, is_float_format
from ..core.maps import Map, NodeMap, rescale_height_map
from ..core.normals import average_maps, map_size, z_channel
from ..core.picture import Picture, Surface, Wrap
from ..core.protocol import MAX_MAP_PIXELS, Request
from ..core.regions import Region, changed_region
from ..core.settings import Settings
from ..core.tileable import resolve_wrap
from .channel import Clock, stage_of_all
from .engines import BatchedEngine, EngineRegistry, IncrementalEngine, Report
from .inputs import LoadedInputs
from .outputs import make_map_on_device
from .surface_cache import CacheEntry, SurfaceCache, masked_key, surface_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..core.arrays import Array
    from .engines.midas import InferenceItem

def mean_of_map_files(request: Request, convention: str) -> Map:
    """The map that is the mean of the request's frames, of which one at a time is in memory; raises SourceError."""
    is_normal = request.map == "NORMAL"
    maps = ((share, _pixels(Path(file))) for share, file in request.frames)
    try:
        mean = average_maps(maps, z_channel(convention) if is_normal else None)
    except ValueError as error:
        raise SourceError("The maps of neighbouring frames have no mean: {reason}.", reason=reason_of(error)) from None
    low = -1.0 if is_normal else 0.0
    planes = np.moveaxis(mean, 2, 0) if is_normal else [mean]
    return Map(tuple(plane * np.float32((1 - low) / 65535) + np.float32(low) for plane in planes), low, request.scale)


def _pixels(file: Path) -> NDArray[np.uint16]:
    try:
        return decode_png(file.read_bytes())
    except OSError as error:
        raise SourceError("The map {file} of a neighbouring frame cannot be read: {reason}.", file=file,
                          reason=reason_of(error)) from None


@dataclass(frozen=True)
class RenderedMap:
    """A map that has no file yet, and what its result says of it; `surface` is the key of its surface."""

    map: Map | NodeMap
    width: int
    height: int
    engine: str
    device: str
    why: Message
    surface: str
    notes: tuple[Message, ...]
    range: float


@dataclass(frozen=True)
class DirtyRegion:
    """The surface of a picture, and the area in which the next picture differs from it."""

    before: Surface
    area: Region

    def of_fine(self) -> DirtyRegion | None:
        """The same of the surface that is mixed in; None where there was none."""
        return None if self.before.fine is None else DirtyRegion(self.before.fine, self.area)


@dataclass(frozen=True)
class EngineInput:
    """A picture as an engine may see it, what repeats of it, and what was painted since its preceding surface, if any.

    notes: what the user should know about it; alpha: of the picture that was given.
    """

    picture: Picture
    wrap: Wrap
    change: DirtyRegion | None
    notes: tuple[Message, ...]
    alpha: NDArray | None


@dataclass(frozen=True)
class PendingMap:
    """A request of which all is known that needs no engine.

    key: of its surface; engine, why: the chosen one's name, and the reason; source: the surface where it is there already,
    else what it is to be made of, None for a mean of maps; look: for an engine that may see it together with others, None
    where it is seen alone; notes: about how its picture was read; report, clock: the request's own.
    """

    request: Request
    settings: Settings
    key: str
    engine: str
    why: Message
    source: CacheEntry | EngineInput | None
    mask: Array | None
    report: Report
    clock: Clock
    look: InferenceItem | None = None
    notes: tuple[Message, ...] = ()


class MapPipeline:
    """Draws maps with the engines of this process; keeps surfaces for re-tuning."""

    def __init__(self, engines: EngineRegistry) -> None:
        self._engines = engines
        self._surfaces = SurfaceCache()

    def begun(
        self, request: Request, given: LoadedInputs, report: Report, clock: Clock, has_company: bool = False
    ) -> PendingMap:
        """What is to be drawn: of the picture, or of the surface that the request names.

        has_company: other requests are begun, too, and `see` comes next.  Raises one of the project's exceptions.
        """
        settings = Settings().replace_fields(request.settings)
        check_map_type(request.map, settings)
        check_format(request.format)
        if request.frames:
            return PendingMap(request, settings, "", "", NO_MESSAGE, None, given.mask, report, clock)
        picture = given.picture
        if picture is None:
            key = request.surface or ""
            found = self._surfaces.get(key)
            if found is None:
                raise SurfaceGone("The surface of this map is no longer in memory; generate it again.")
            _check_map_size(found.surface.source_size, settings)
            engine, why = found.engine, Message("The surface was there already.")
            return PendingMap(request, settings, key, engine, why, found, given.mask, report, clock)
        _check_map_size((picture.width, picture.height), settings)
        engine, why = select_engine(settings, self._engines.unavailable())
        key = surface_key(picture, engine, settings, request.is_render)
        if request.unless == (key if given.mask is None else masked_key(key, given.mask)):
            raise Unchanged("The map is there already, made from the same picture with the same settings.")
        source: CacheEntry | EngineInput | None = self._surfaces.get(key)
        if source is None:
            with clock.stage("prepare"):
                source = self._sight(picture, engine, settings, request)
        look = None
        if has_company and isinstance(source, EngineInput):
            with clock.stage("engine"):
                look = self._look(engine, source, settings, report)
        notes = () if settings.depth_scale == "RAW" else picture.notes
        return PendingMap(request, settings, key, engine, why, source, given.mask, report, clock, look, notes)

    def see(self, drafts: Sequence[PendingMap]) -> None:
        """Has engines see the pictures of several drafts at once, where they can; `drawn` goes on from there."""
        looking = [draft for draft in drafts if draft.look is not None]
        for name in {draft.engine for draft in looking}:
            engine, alike = self._engines.get(name), [draft for draft in looking if draft.engine == name]
            assert isinstance(engine, BatchedEngine)
            with stage_of_all([draft.clock for draft in alike], "engine"):
                engine.see([draft.look for draft in alike if draft.look is not None])

    def drawn(self, draft: PendingMap) -> RenderedMap:
        """The map; raises one of the project's exceptions."""
        settings, engine, key = draft.settings, draft.engine, draft.key
        if draft.source is None:
            return _mean(draft.request, settings, draft.report, draft.clock)
        kept = draft.source if isinstance(draft.source, CacheEntry) else self._surface(draft, draft.source)
        if draft.mask is not None:
            key, kept = self._masked(key, kept, draft.mask)
        surface = kept.surface
        if settings.mask == "IMAGE" and surface.mask is None:
            raise SettingsError("The map has no mask image; choose one, or another mask.")
        width, height = _size(surface, settings)
        draft.report("maps", 0.0)
        with draft.clock.stage("maps"):
            made = self._made(draft.request, engine, surface, settings)
        return RenderedMap(made, width, height, engine, self._engines.get(engine).device, draft.why, key,
                           draft.notes + surface.notes, surface.range)

    def forget(self) -> None:
        """Drops the surfaces and unloads the engines."""
        self._surfaces.clear()
        self._engines.unload()

    def _sight(self, picture: Picture, engine: str, settings: Settings, request: Request) -> EngineInput:
        prepared, notes = (picture, ()) if settings.depth_scale == "RAW" else prepare_picture(picture)
        wrap = _without_margins(resolve_wrap(settings.tileable, prepared.luma(), request.is_render), picture)
        change = self._change(request.preceding, engine, prepared, wrap)
        return EngineInput(prepared, wrap, change, notes, picture.alpha)

    def _look(self, name: str, sight: EngineInput, settings: Settings, report: Report) -> InferenceItem | None:
        engine = self._engines.get(name)
        if sight.change is not None or not isinstance(engine, BatchedEngine):
            return None
        return engine.look(sight.picture, sight.wrap, settings, report)

    def _surface(self, draft: PendingMap, sight: EngineInput) -> CacheEntry:
        """The surface, made by the engine and kept."""
        engine, settings, report, change = draft.engine, draft.settings, draft.report, sight.change
        with draft.clock.stage("engine"):
            surface = self._by_engine(engine, sight, settings, report, change, draft.look)
            fine = None
            if settings.mix not in ("OFF", engine):
                fine = self._by_engine(settings.mix, sight, settings, report, change and change.of_fine())
                fine = dataclasses.replace(fine, part=sight.picture.part)
        notes = sight.notes
        if all(float(part.height.min()) == float(part.height.max()) for part in (surface, fine) if part is not None):
            notes += (Message("The surface has no relief at all, so the map is flat."),)
        alpha = None if surface.raw else sight.alpha
        surface = dataclasses.replace(surface, notes=notes + surface.notes, alpha=alpha, fine=fine, part=sight.picture.part)
        kept = CacheEntry(engine, surface, sight.picture)
        if draft.request.pixels is None:  # nobody paints on a picture file here
            kept = kept.alone()
        self._surfaces.keep(draft.key, kept)
        return kept

    def _masked(self, key: str, kept: CacheEntry, mask: Array) -> tuple[str, CacheEntry]:
        """The surface with the mask image, and its own key: the heights may get another one the next time."""
        masked = dataclasses.replace(kept, surface=dataclasses.replace(kept.surface, mask=_fitted(mask, kept.surface)))
        self._surfaces.keep(masked_key(key, mask), masked)
        return masked_key(key, mask), masked

    def _change(self, preceding: str | None, engine: str, picture: Picture, wrap: Wrap) -> DirtyRegion | None:
        """What was painted since the preceding surface was made; None where that cannot be told."""
        before = self._surfaces.get(preceding) if preceding is not None else None
        if before is None or before.picture is None or (before.engine, before.surface.wrap) != (engine, wrap):
            return None
        pixels = before.picture.rgb
        if (pixels.shape, pixels.dtype) != (picture.rgb.shape, picture.rgb.dtype):
            return None
        area = changed_region(pixels, picture.rgb, wrap)
        return DirtyRegion(before.surface, area) if area is not None else None

    def _by_engine(self, name: str, sight: EngineInput, settings: Settings, report: Report, change: DirtyRegion | None,
                   look: InferenceItem | None = None) -> Surface:
        engine = self._engines.get(name)
        if look is not None and look.depth is not None and isinstance(engine, BatchedEngine):
            return engine.surface_of_item(look, sight.picture, sight.wrap, settings, report)
        if change is not None and isinstance(engine, IncrementalEngine):
            return engine.update_surface(change.before, change.area, sight.picture, settings, report)
        return engine.surface(sight.picture, sight.wrap, settings, report)

    def _made(self, request: Request, engine: str, surface: Surface, settings: Settings) -> Map | NodeMap:
        """The map asked for, or the MiDaS node's own picture."""
        if (request.map == "NORMAL" and engine == "MIDAS" and settings.is_node_picture
                and not is_float_format(request.format)):
            from .engines.midas import node_picture

            return NodeMap(node_picture(surface, settings))
        made = make_map_on_device(self._engines.get(engine).device, request.map, surface, settings)
        return rescale_height_map(made, request.scale) if request.map == "HEIGHT" and request.scale else made


def _mean(request: Request, settings: Settings, report: Report, clock: Clock) -> RenderedMap:
    """The mean of the request's frames, for which no engine runs; raises SourceError."""
    report("maps", 0.0)
    with clock.stage("maps"):
        made = mean_of_map_files(request, settings.convention)
    return RenderedMap(made, made.width, made.height, "", "", NO_MESSAGE, "", (), 0.0)


def _check_map_size(source_size: tuple[int, int], settings: Settings) -> None:
    """Raises SettingsError where the map would have more pixels than any may have: the node's size of a strip has no other
    limit.
    """
    width, height = map_size(source_size, settings)
    if width * height > MAX_MAP_PIXELS:
        raise SettingsError("The map would have {width} x {height} pixels, which are too many; choose a lower resolution.",
                            width=width, height=height)


def _size(surface: Surface, settings: Settings) -> tuple[int, int]:
    """(width, height) of the map; raises SettingsError for a part whose map cannot be cut out."""
    if surface.part is None:
        return map_size(surface.source_size, settings)
    if surface.raw or settings.size != "SOURCE":
        raise SettingsError("A part of a picture has maps of the picture's size only, and none with depth_scale RAW.")
    return surface.part.size


def _fitted(mask: Array, surface: Surface) -> Array:
    """A mask image at the size of a surface's source.  It masks the part that is wanted, and so each part beside it."""
    part, (width, height) = surface.part, surface.source_size
    if part is None:
        return resize_mask(mask, width, height, surface.wrap)
    margins = [(part.top, height - part.bottom), (part.left, width - part.right)]
    return np.pad(resize_mask(mask, *part.size, surface.wrap), margins, mode="wrap")


def prepare_picture(picture: Picture) -> tuple[Picture, tuple[Message, ...]]:
    """The picture as an engine may see it, with every pixel opaque, and what the user should know about it."""
    alpha = picture.alpha_float()
    if alpha is None:
        return picture, ()
    notes = () if alpha.any() else (Message("The picture is fully transparent, so the map is flat."),)
    return Picture(inpaint_transparent(picture.rgb_float(), alpha), part=picture.part), notes


def _without_margins(wrap: Wrap, picture: Picture) -> Wrap:
    """What repeats of a picture, whose part cannot repeat where it goes on."""
    part = picture.part
    if part is None:
        return wrap
    width, height = part.size
    return Wrap(wrap.x and width == picture.width, wrap.y and height == picture.height)
