"""One request from the picture to the finished PNG file."""

from __future__ import annotations

import dataclasses
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.alpha import filled
from ..core.choice import chosen_engine
from ..core.colour import luma
from ..core.errors import ProtocolError, SettingsError, SurfaceGone, TargetError
from ..core.files import FORMATS, blender_pixels, check_format, float_file, integer_file, is_float
from ..core.maps import Map, check_kind, made_map
from ..core.normals import map_size
from ..core.picture import Picture, Surface
from ..core.protocol import MOST_PIXELS, Pixels, Request, Result
from ..core.settings import Settings
from ..core.tileable import wrap_of
from .engines import Engines, Report
from .pictures import picture_from_file, picture_from_pixels
from .surfaces import Surfaces, surface_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class Maker:
    """Makes maps with the engines of this process; keeps surfaces for re-tuning."""

    def __init__(self, engines: Engines, folder: Path) -> None:
        self._engines = engines
        self._folder = folder
        self._surfaces = Surfaces()

    def make(self, request: Request, report: Report) -> Result:
        """The result, its map written to a file of the exchange folder; raises one of the project's exceptions."""
        clock = Clock()
        settings = Settings().with_words(request.settings)
        check_kind(request.map, settings)
        check_format(request.format)
        if request.surface is not None:
            key, why = request.surface, "The surface was there already."
            found = self._surfaces.get(key)
            if found is None:
                raise SurfaceGone("The surface of this map is no longer in memory; generate it again.")
            engine, surface = found
        else:
            with clock.stage("read"):
                picture = self._picture(request, report)
            engine, why = chosen_engine(settings, self._engines.unavailable())
            key = surface_key(picture, engine, settings, request.is_render)
            surface = self._surface(key, engine, picture, settings, request.is_render, report, clock)
        _check_map_size(surface, settings)
        report("maps", 0.0)
        with clock.stage("maps"):
            made = self._made(request, engine, surface, settings)
        report("write", 0.0)
        with clock.stage("encode"), ExitStack() as undo:
            file, held = self._written(made, request, undo)
            undo.pop_all()
        width, height = map_size(surface, settings)
        return Result(request.id, file, width, height, engine, self._engines.get(engine).device, why,
                      key, clock.seconds, list(surface.notes), *held, scale=made.scale if isinstance(made, Map) else 0.0)

    def forget(self) -> None:
        """Drops the surfaces and unloads the engines."""
        self._surfaces.clear()
        self._engines.unload()

    def _picture(self, request: Request, report: Report) -> Picture:
        """The request's picture; a file of its pixels is gone afterwards, also when nobody wants it any more."""
        if request.pixels is not None:
            pixels = _checked_pixels(request.pixels)
            try:
                report("read", 0.0)
                return picture_from_pixels(self._folder, pixels)
            finally:
                (self._folder / pixels.file).unlink(missing_ok=True)
        report("read", 0.0)
        if request.picture is not None:
            return picture_from_file(Path(request.picture))
        raise ProtocolError("The request names no picture.")

    def _surface(self, key: str, engine: str, picture: Picture, settings: Settings, is_render: bool, report: Report,
                 clock: Clock) -> Surface:
        found = self._surfaces.get(key)
        if found is not None:
            return found[1]
        with clock.stage("prepare"):
            prepared, notes = (picture, ()) if settings.depth_scale == "RAW" else prepared_picture(picture)
            wrap = wrap_of(settings.tileable, luma(prepared.rgb_float()), is_render)
        with clock.stage("engine"):
            surface = self._engines.get(engine).surface(prepared, wrap, settings, report)
        if float(surface.height.min()) == float(surface.height.max()):
            notes += ("The surface has no relief at all, so the map is flat.",)
        surface = dataclasses.replace(surface, notes=notes + surface.notes)
        self._surfaces.keep(key, engine, surface)
        return surface

    def _made(self, request: Request, engine: str, surface: Surface, settings: Settings) -> Map | NDArray[np.uint8]:
        """The map asked for, or the MiDaS node's own picture of 8 bits."""
        if request.map == "NORMAL" and engine == "MIDAS" and settings.is_node_picture and not is_float(request.format):
            from .engines.midas import node_picture

            return node_picture(surface, settings)
        return made_map(request.map, surface, settings)

    def _written(self, made: Map | NDArray[np.uint8], request: Request, undo: ExitStack) -> tuple[str, tuple[str, int]]:
        """Names of the map's file and of the file of its pixels and its checksum; made side by side, for both take long.

        undo: takes in what removes them again.
        """
        suffix = FORMATS[request.format].suffix
        if isinstance(made, Map) and is_float(request.format):
            return self._write(float_file(made, request.format), undo, "map_", suffix), ("", 0)
        pixels = made.encoded() if isinstance(made, Map) else made
        with ThreadPoolExecutor() as pool:
            held = pool.submit(self._held, pixels, undo) if request.with_pixels else None
            file = self._write(integer_file(pixels, request.format, request.compress), undo, "map_", suffix)
            return file, held.result() if held else ("", 0)

    def _held(self, pixels: NDArray[np.uint8] | NDArray[np.uint16], undo: ExitStack) -> tuple[str, int]:
        data = blender_pixels(pixels).data
        return self._write(data, undo, "pixels_"), zlib.crc32(data)

    def _write(self, data: bytes | memoryview, undo: ExitStack, prefix: str, suffix: str = "") -> str:
        """Name of a new file of the exchange folder with these bytes."""
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=prefix, suffix=suffix, delete=False) as file:
                undo.callback(Path(file.name).unlink)
                file.write(data)
        except OSError as error:
            raise TargetError(f"The map of {memoryview(data).nbytes >> 20} MB cannot be handed over in {self._folder}: "
                              f"{error.strerror}.") from None
        return Path(file.name).name


def _checked_pixels(words: dict) -> Pixels:
    try:
        return Pixels(**words)
    except TypeError:
        raise ProtocolError("The request's pixels lack fields.") from None


def _check_map_size(surface: Surface, settings: Settings) -> None:
    """Raises SettingsError for a map of more pixels than any may have: the node's size of a strip has no other limit."""
    width, height = map_size(surface, settings)
    if width * height > MOST_PIXELS:
        raise SettingsError(f"The map would have {width} x {height} pixels, which are too many; choose a lower resolution.")


def prepared_picture(picture: Picture) -> tuple[Picture, tuple[str, ...]]:
    """The picture as an engine may see it, with every pixel opaque, and what the user should know about it."""
    alpha = picture.alpha_float()
    if alpha is None:
        return picture, ()
    notes = () if alpha.any() else ("The picture is fully transparent, so the map is flat.",)
    return Picture(filled(picture.rgb_float(), alpha)), notes
