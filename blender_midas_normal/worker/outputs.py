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

if TYPE_CHECKING:
    from ..core.maps import MidasNodePicture
    from ..core.picture import Surface
    from ..core.protocol import Request
    from ..core.settings import Settings

MAP_DEVICES = {"cuda"}
"""Devices of torch on which maps are made.  A CPU is as fast with numpy; others may lack the double precision of heights."""


def make_map_on_device(map_type: str, surface: Surface, settings: Settings) -> Map:
    """Make a map as `core.maps.make_map` does, on the device of its surface where that can and has enough memory.

    Where that fails, the log says why, and numpy makes the map.
    """
    if surface.device in MAP_DEVICES and not surface.raw:
        from .torch_backend import torch_array_backend

        try:
            return make_map(map_type, surface, settings, torch_array_backend(surface.device))
        except (MemoryError, RuntimeError):
            with suppress(OSError):  # the log's disk is full
                traceback.print_exc()
    return make_map(map_type, surface, settings)


@dataclass(frozen=True)
class WrittenFiles:
    """Names of a map's file, and of the file of its pixels with their checksum, where they are requested."""

    map: str
    pixels: str = ""
    checksum: int = 0


@contextmanager
def write_map(rendered: Map | MidasNodePicture, request: Request, folder: Path) -> Iterator[WrittenFiles]:
    """Write the files of a map that a request asks for into the exchange folder; raise TargetError when that fails.

    When it or the `with` block fails, the files are removed.
    """
    with ExitStack() as undo:
        yield _Writer(folder, undo).write_files(rendered, request)
        undo.pop_all()


@contextmanager
def write_new_file(data: bytes, folder: Path, prefix: str, suffix: str) -> Iterator[str]:
    """Write bytes into a new file for the `with` block, yield its name, and remove it when the block fails.

    Raises:
        TargetError: it cannot be written.
    """
    with ExitStack() as undo:
        yield _Writer(folder, undo).write_encoded([data], prefix, suffix)
        undo.pop_all()


class _Writer:
    """Writes into a folder; `undo` gets a callback for each file that removes it."""

    def __init__(self, folder: Path, undo: ExitStack) -> None:
        self._folder = folder
        self._undo = undo

    def write_files(self, rendered: Map | MidasNodePicture, request: Request) -> WrittenFiles:
        """Write the map's file and that of its pixels in parallel, since both take long."""
        suffix = FILE_FORMATS[request.format].suffix
        if isinstance(rendered, Map) and is_float_format(request.format):
            return WrittenFiles(self.write_encoded([encode_float_map(rendered, request.format)], "rendered", suffix))
        with ThreadPoolExecutor() as pool:
            pixels = pool.submit(self._write_pixels, rendered) if request.with_pixels else None
            parts = encode_integer_map(rendered, request.format, request.bits, request.compress)
            file = self.write_encoded(parts, "rendered", suffix)
            return WrittenFiles(file, *pixels.result()) if pixels else WrittenFiles(file)

    def _write_pixels(self, rendered: Map | MidasNodePicture) -> tuple[str, int]:
        checksum = 0
        with self._new_file("pixels_") as file:
            for rows in to_blender_pixels(rendered):
                checksum = zlib.crc32(rows.data, checksum)
                file.write(rows.data)
        return Path(file.name).name, checksum

    def write_encoded(self, parts: Iterable[bytes], prefix: str, suffix: str) -> str:
        """Write an encoded picture to a new file and return its name."""
        with self._new_file(prefix, suffix) as file:
            file.writelines(parts)
        return Path(file.name).name

    @contextmanager
    def _new_file(self, prefix: str, suffix: str = "") -> Iterator[Any]:
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=prefix, suffix=suffix, delete=False) as file:
                self._undo.callback(Path(file.name).unlink)
                yield file
        except OSError as error:
            raise TargetError("The result cannot be handed over in {folder}: {reason}.", folder=self._folder,
                              reason=reason_of(error)) from None
