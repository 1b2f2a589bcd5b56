"""The pipeline of a request: prepare, infer a surface with an engine, render a map."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.colour import inpaint_transparent
from ..core.engines import COLOUR, content_taken, select_engine
from ..core.errors import NO_MESSAGE, Message, SettingsError, SourceError, SurfaceGone, Unchanged, reason_of
from ..core.filters import resize_mask
from ..core.image_io import decode_png
from ..core.map_types import check_format, check_map_type, is_float_format
from ..core.maps import Map, MidasNodePicture, rescale_height_map
from ..core.normal_maps import looks_like_normal_map
from ..core.normals import average_maps, map_size, z_channel
from ..core.picture import Picture, Surface, Wrap
from ..core.protocol import MAX_MAP_PIXELS, Request
from ..core.regions import changed_region
from ..core.settings import Settings
from ..core.tileable import resolve_wrap
from .channel import Clock, shared_stage
from .engines import DirtyRegion, EngineInput, EngineRegistry
from .inputs import ALPHA_COUNTS, LoadedInputs
from .island_layers import NO_ISLANDS, drop_unused_triangles, join_surfaces, may_have_islands, split_into_layers
from .outputs import make_map_on_device
from .surface_cache import CacheEntry, SurfaceCache, masked_key, surface_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..core.arrays import Array
    from .engines import MakeSurface, Report


def average_map_files(request: Request, convention: str) -> Map:
    """Average the maps of the request's frames, one at a time in memory; raise SourceError where that cannot be done."""
    is_normal = request.map == "NORMAL"
    maps = ((share, _read_map(Path(file))) for share, file in request.frames)
    try:
        mean = average_maps(maps, z_channel(convention) if is_normal else None)
    except ValueError as error:
        raise SourceError("The maps of neighbouring frames have no mean: {reason}.", reason=reason_of(error)) from None
    low = -1.0 if is_normal else 0.0
    planes = np.moveaxis(mean, 2, 0) if is_normal else [mean]
    return Map(tuple(plane * np.float32((1 - low) / 65535) + np.float32(low) for plane in planes), low, request.scale)


def _read_map(file: Path) -> NDArray[np.uint16]:
    try:
        return decode_png(file.read_bytes())
    except OSError as error:
        raise SourceError("The map {file} of a neighbouring frame cannot be read: {reason}.", file=file,
                          reason=reason_of(error)) from None


@dataclass(frozen=True)
class RenderedMap:
    """A map that has no file yet, and what its result says of it; `surface` is the key of its surface."""

    map: Map | MidasNodePicture
    width: int
    height: int
    engine: str
    device: str
    why: Message
    surface: str
    notes: tuple[Message, ...]
    range: float


@dataclass(frozen=True)
class NewSurface:
    """A surface that has to be made.

    Attributes:
        items: what the engine gets, one for each layer of islands; one for a picture that is mapped as a whole.
        fine_items: what the engine gets whose fine relief is mixed in, likewise: the request's picture.
        notes: messages to the user.
        alpha: of the original picture.
        layers: of its islands, see `core.picture.Islands`; None for a picture that is mapped as a whole.
    """

    items: tuple[EngineInput, ...]
    fine_items: tuple[EngineInput, ...]
    notes: tuple[Message, ...]
    alpha: NDArray | None
    layers: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class PendingMap:
    """A prepared request.

    Attributes:
        request, settings: what is asked for.
        key: of its surface.
        engine, why: the chosen engine, and the reason.
        source: the cached surface, or the one to be made; None for an average of maps.
        mask: H x W float32, 0..1, or None.
        report, clock: the request's own.
        notes: messages to the user about how its picture was read.
        makers: make the surfaces of its items, once `infer` has let the engine begin; empty before.
    """

    request: Request
    settings: Settings
    key: str
    engine: str
    why: Message
    source: CacheEntry | NewSurface | None
    mask: Array | None
    report: Report
    clock: Clock
    notes: tuple[Message, ...] = ()
    makers: tuple[MakeSurface, ...] = ()


class MapPipeline:
    """Makes maps with the engines of this process, and caches surfaces."""

    def __init__(self, engines: EngineRegistry) -> None:
        self._engines = engines
        self._surfaces = SurfaceCache()

    def prepare(self, request: Request, inputs: LoadedInputs, report: Report, clock: Clock) -> PendingMap:
        """Prepare a request: choose the engine, look up the surface, and prepare the picture.

        Args:
            request: what is asked for.
            inputs: its picture and mask.
            report: takes its progress.
            clock: measures its stages.

        Raises:
            MidasNormalError: the request cannot be fulfilled.
        """
        settings = Settings().replace_fields(request.settings)
        check_map_type(request.map, settings)
        check_format(request.format)
        if request.frames:
            return PendingMap(request, settings, "", "", NO_MESSAGE, None, inputs.mask, report, clock)
        picture = inputs.picture
        if picture is None:
            key = request.surface or ""
            cached = self._surfaces.get(key)
            if cached is None:
                raise SurfaceGone("The surface of this map is no longer in memory; generate it again.")
            _check_map_size(cached.surface.source_size, settings)
            engine, why = cached.engine, Message("The surface was there already.")
            return PendingMap(request, settings, key, engine, why, cached, inputs.mask, report, clock)
        _check_map_size((picture.width, picture.height), settings)
        engine, why = select_engine(settings, self._engines.unavailable(settings))
        base = inputs.base if settings.base == "EXISTING" else None
        if settings.base == "EXISTING":
            if base is None:
                raise SettingsError("There is no normal map to lay fine relief over; give one, or choose the base ENGINE.")
            why = Message("The normal map that is there is kept, and gets fine relief by {engine}.",
                          engine=settings.mix.lower())
        if picture.content != content_taken(engine, settings.base):
            raise SourceError("The engine {engine} cannot use this picture, which holds {content}; choose another engine.",
                              engine=engine, content=picture.content)
        picture, labels = drop_unused_triangles(picture, settings, request.is_render)
        key = surface_key(picture, engine, settings, request.is_render, base)
        if request.unless == (key if inputs.mask is None else masked_key(key, inputs.mask)):
            raise Unchanged("The map is there already, made from the same picture with the same settings.")
        source: CacheEntry | NewSurface | None = self._surfaces.get(key)
        if source is None:
            with clock.stage("prepare"):
                source = self._new_surface(picture, labels, base, engine, settings, request, report)
        notes = () if settings.depth_scale == "RAW" else picture.notes
        if picture.content == COLOUR and looks_like_normal_map(picture.rgb):
            notes += (Message("This picture looks like a normal map; the engine NORMALS takes its colours as normals."),)
        return PendingMap(request, settings, key, engine, why, source, inputs.mask, report, clock, notes)

    def infer(self, pending_maps: Sequence[PendingMap]) -> list[PendingMap]:
        """Let engines begin with the pictures of several prepared requests at once; `render` takes what is returned."""
        items: dict[str, list[tuple[int, EngineInput]]] = {}
        for index, pending in enumerate(pending_maps):
            if isinstance(pending.source, NewSurface):
                items.setdefault(pending.engine, []).extend((index, item) for item in pending.source.items)
        makers: dict[int, list[MakeSurface]] = {}
        for engine, group in items.items():
            with shared_stage([pending_maps[index].clock for index in dict.fromkeys(index for index, _ in group)], "engine"):
                group_makers = self._engines.get(engine).surfaces([item for _, item in group])
                for (index, _), maker in zip(group, group_makers, strict=True):
                    makers.setdefault(index, []).append(maker)
        return [dataclasses.replace(pending, makers=tuple(makers.get(index, ())))
                for index, pending in enumerate(pending_maps)]

    def render(self, pending: PendingMap) -> RenderedMap:
        """Make the map; raise MidasNormalError where that cannot be done."""
        settings, engine, key = pending.settings, pending.engine, pending.key
        if pending.source is None:
            return _render_average(pending.request, settings, pending.report, pending.clock)
        entry = pending.source if isinstance(pending.source, CacheEntry) else self._infer(pending, pending.source)
        if pending.mask is not None:
            key, entry = self._with_mask(key, entry, pending.mask)
        surface = entry.surface
        if settings.mask == "IMAGE" and surface.mask is None:
            raise SettingsError("The map has no mask image; choose one, or another mask.")
        width, height = _checked_size(surface, settings)
        pending.report("maps", 0.0)
        with pending.clock.stage("maps"):
            rendered = self._render_map(pending.request, engine, surface, settings)
        has_opaque_islands = surface.islands is not None and surface.alpha is None
        notes = tuple(note for note in pending.notes if not (has_opaque_islands and note == ALPHA_COUNTS))
        return RenderedMap(rendered, width, height, engine, surface.device, pending.why, key, notes + surface.notes,
                           surface.range)

    def unload(self) -> None:
        """Clear the cache and unload the engines."""
        self._surfaces.clear()
        self._engines.unload()

    def _new_surface(self, picture: Picture, labels: NDArray[np.int32] | None, base: Picture | None, engine: str,
                     settings: Settings, request: Request, report: Report) -> NewSurface:
        """Prepare a picture for the engine; `labels` are the numbers of the islands of meshes, if these count."""
        notes: tuple[Message, ...] = ()
        if may_have_islands(picture, settings, request.is_render):
            layered = split_into_layers(picture, labels, engine, settings)
            if layered is not None:
                # Islands repeat as little as renders do.
                wrap = resolve_wrap(settings.tileable, layered.pictures[0].luma(), is_render=True)
                items = tuple(EngineInput(part, wrap, settings, report) for part in layered.pictures)
                return NewSurface(_with_base(items, base), items, (layered.note,), layered.alpha, layered.layers)
            notes = (NO_ISLANDS,) if settings.islands == "ON" else ()
        prepared, more = (picture, ()) if settings.depth_scale == "RAW" else prepare_picture(picture)
        wrap = _wrap_of_part(resolve_wrap(settings.tileable, prepared.luma(), request.is_render), picture)
        can_update = any(self._engines.get(name).can_update for name in (engine, _fine_engine(engine, settings)) if name)
        change = self._dirty_region(request.preceding, engine, prepared, wrap) if can_update else None
        item = EngineInput(prepared, wrap, settings, report, change, request.is_render)
        items = (item,)
        return NewSurface(_with_base(items, base), items, notes + more, picture.alpha)

    def _infer(self, pending: PendingMap, source: NewSurface) -> CacheEntry:
        """Have the engine make the surface, and cache it."""
        engine = self._engines.get(pending.engine)
        makers = pending.makers or tuple(partial(engine.surface, item) for item in source.items)
        surfaces = []
        with pending.clock.stage("engine"):
            for item, make in zip(source.fine_items, makers, strict=True):
                surface, fine = make(), None
                if fine_engine := _fine_engine(pending.engine, pending.settings):
                    change = item.change and item.change.of_fine_surface()
                    fine = self._engines.get(fine_engine).surface(dataclasses.replace(item, change=change))
                    fine = dataclasses.replace(fine, part=item.picture.part)
                surfaces.append(dataclasses.replace(surface, fine=fine, part=item.picture.part,
                                                    source_size=(item.picture.width, item.picture.height)))
        notes = source.notes
        if all(float(part.height.min()) == float(part.height.max())
               for surface in surfaces for part in (surface, surface.fine) if part is not None):
            notes += (Message("The surface has no relief at all, so the map is flat."),)
        surface = surfaces[0] if source.layers is None else join_surfaces(surfaces, source.layers)
        alpha = None if surface.raw else source.alpha
        surface = dataclasses.replace(surface, notes=notes + surface.notes, alpha=alpha)
        entry = CacheEntry(pending.engine, surface, source.fine_items[0].picture)
        if pending.request.pixels is None or source.layers is not None:  # nobody paints on a file; islands have no updates
            entry = entry.without_picture()
        self._surfaces.put(pending.key, entry)
        return entry

    def _with_mask(self, key: str, entry: CacheEntry, mask: Array) -> tuple[str, CacheEntry]:
        """Add a mask image to a surface, and cache it under its own key: the heights may get another mask later."""
        masked = dataclasses.replace(entry, surface=dataclasses.replace(entry.surface, mask=_fit_mask(mask, entry.surface)))
        self._surfaces.put(masked_key(key, mask), masked)
        return masked_key(key, mask), masked

    def _dirty_region(self, preceding: str | None, engine: str, picture: Picture, wrap: Wrap) -> DirtyRegion | None:
        """Find what was painted since the preceding surface was made; None where that is not known."""
        before = self._surfaces.get(preceding) if preceding is not None else None
        if before is None or before.picture is None or (before.engine, before.surface.wrap) != (engine, wrap):
            return None
        pixels = before.picture.rgb
        if (pixels.shape, pixels.dtype) != (picture.rgb.shape, picture.rgb.dtype):
            return None
        area = changed_region(pixels, picture.rgb, wrap)
        return DirtyRegion(before.surface, area) if area is not None else None

    def _render_map(self, request: Request, engine: str, surface: Surface, settings: Settings) -> Map | MidasNodePicture:
        """Make the requested map, or the MiDaS node's own picture."""
        if request.map == "NORMAL" and settings.is_node_picture and not is_float_format(request.format):
            return MidasNodePicture(self._engines.get(engine).node_picture(surface, settings))
        rendered = make_map_on_device(request.map, surface, settings)
        return rescale_height_map(rendered, request.scale) if request.map == "HEIGHT" and request.scale else rendered


def _with_base(items: tuple[EngineInput, ...], base: Picture | None) -> tuple[EngineInput, ...]:
    """Return what the engine gets instead where a normal map is there that is kept."""
    if base is None:
        return items
    prepared, _ = prepare_picture(base)
    return tuple(dataclasses.replace(item, picture=prepared, change=None) for item in items)


def _fine_engine(engine: str, settings: Settings) -> str:
    """Return the engine whose fine relief is mixed in; "" for none."""
    return "" if settings.mix in ("OFF", engine) else settings.mix


def _render_average(request: Request, settings: Settings, report: Report, clock: Clock) -> RenderedMap:
    """Average the maps of the request's frames, without an engine; raise SourceError where that cannot be done."""
    report("maps", 0.0)
    with clock.stage("maps"):
        rendered = average_map_files(request, settings.convention)
    return RenderedMap(rendered, rendered.width, rendered.height, "", "", NO_MESSAGE, "", (), 0.0)


def _check_map_size(source_size: tuple[int, int], settings: Settings) -> None:
    """Raise SettingsError where the map would have too many pixels: only this limits the node's size of a narrow strip."""
    width, height = map_size(source_size, settings)
    if width * height > MAX_MAP_PIXELS:
        raise SettingsError("The map would have {width} x {height} pixels, which are too many; choose a lower resolution.",
                            width=width, height=height)


def _checked_size(surface: Surface, settings: Settings) -> tuple[int, int]:
    """Return (width, height) of the map; raise SettingsError for a part whose map cannot be cut out."""
    if surface.part is None:
        return map_size(surface.source_size, settings)
    if surface.raw or settings.size != "SOURCE":
        raise SettingsError("A part of a picture has maps of the picture's size only, and none with depth_scale RAW.")
    return surface.part.size


def _fit_mask(mask: Array, surface: Surface) -> Array:
    """Resize a mask image to a surface's source; it masks the part that is made, and is repeated around it."""
    part, (width, height) = surface.part, surface.source_size
    if part is None:
        return resize_mask(mask, width, height, surface.wrap)
    margins = [(part.top, height - part.bottom), (part.left, width - part.right)]
    return np.pad(resize_mask(mask, *part.size, surface.wrap), margins, mode="wrap")


def prepare_picture(picture: Picture) -> tuple[Picture, tuple[Message, ...]]:
    """Make every pixel of a picture opaque, and return it with messages to the user."""
    alpha = picture.alpha_float()
    if alpha is None:
        return picture, ()
    notes = () if alpha.any() else (Message("The picture is fully transparent, so the map is flat."),)
    return dataclasses.replace(picture, rgb=inpaint_transparent(picture.rgb_float(), alpha), alpha=None, notes=()), notes


def _wrap_of_part(wrap: Wrap, picture: Picture) -> Wrap:
    """Return the directions that repeat of a picture: none in which it is only a part."""
    part = picture.part
    if part is None:
        return wrap
    width, height = part.size
    return Wrap(wrap.x and width == picture.width, wrap.y and height == picture.height)
