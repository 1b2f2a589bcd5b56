"""Make the maps of a surface, on the GPU where the surface was made there, and write them into the exchange folder."""

from __future__ import annotations

import tempfile
import traceback
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import TargetError, reason_of
from ..core.image_io import encode_float_map, encode_integer_map, to_blender_pixels
from ..core.map_types import FILE_FORMATS, is_float_format
from ..core.maps import Map, make_map
from .devices import device_named

if TYPE_CHECKING:
    from ..core.maps import NodeMap
    from ..core.picture import Surface
    from ..core.protocol import Request
    from ..core.settings import Settings

DEVICES = {"cuda"}
"""Of torch, on which maps are made.  A CPU does it as fast by numpy; others may lack the double precision of heights."""


def make_map_on_device(engine_device: str, kind: str, surface: Surface, settings: Settings) -> Map:
    """As `core.maps.make_map`, on the engine's device (see `Engine.device`) where that can and has enough memory; where it
    fails, the log says how.
    """
    device = device_named(engine_device)
    if device in DEVICES and not surface.raw:
        from .torch_backend import torch_array_backend

        try:
            return make_map(kind, surface, settings, torch_array_backend(device))
        except (MemoryError, RuntimeError):
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
    return make_map(kind, surface, settings)


@dataclass(frozen=True)
class Files:
    """Names of a map's file, and of the file of its pixels, with their checksum, where they are asked for."""

    map: str
    pixels: str = ""
    checksum: int = 0


@contextmanager
def write_map(made: Map | NodeMap, request: Request, folder: Path) -> Iterator[Files]:
    """The map's files in the exchange folder, as the request wants them.

    Where writing them, or the `with` block, fails, they are removed again.  Raises TargetError.
    """
    with ExitStack() as undo:
        yield _Writer(folder, undo).files(made, request)
        undo.pop_all()


class _Writer:
    """Writes into a folder; `undo` takes in what removes the files again."""

    def __init__(self, folder: Path, undo: ExitStack) -> None:
        self._folder = folder
        self._undo = undo

    def files(self, made: Map | NodeMap, request: Request) -> Files:
        """Both files are made side by side, for both take long."""
        suffix = FILE_FORMATS[request.format].suffix
        if isinstance(made, Map) and is_float_format(request.format):
            return Files(self._write([encode_float_map(made, request.format)], suffix))
        with ThreadPoolExecutor() as pool:
            held = pool.submit(self._held, made) if request.with_pixels else None
            file = self._write(encode_integer_map(made, request.format, request.bits, request.compress), suffix)
            return Files(file, *held.result()) if held else Files(file)

    def _held(self, made: Map | NodeMap) -> tuple[str, int]:
        checksum = 0
        with self._new_file("pixels_") as file:
            for rows in to_blender_pixels(made):
                checksum = zlib.crc32(rows.data, checksum)
                file.write(rows.data)
        return Path(file.name).name, checksum

    def _write(self, parts: Iterable[bytes], suffix: str) -> str:
        """Name of a new file of the map with these bytes."""
        with self._new_file("map_", suffix) as file:
            file.writelines(parts)
        return Path(file.name).name

    @contextmanager
    def _new_file(self, prefix: str, suffix: str = "") -> Iterator[Any]:
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=prefix, suffix=suffix, delete=False) as file:
                self._undo.callback(Path(file.name).unlink)
                yield file
        except OSError as error:
            raise TargetError("The map cannot be handed over in {folder}: {reason}.", folder=self._folder,
                              reason=reason_of(error)) from None
