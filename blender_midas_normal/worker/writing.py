"""Finished maps as files of the exchange folder."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import TargetError
from ..core.files import blender_pixels, float_file, integer_file
from ..core.formats import FORMATS, is_float
from ..core.maps import Map

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..core.protocol import Request


@dataclass(frozen=True)
class Files:
    """Names of a map's file, and of the file of its pixels, with their checksum, where they are asked for."""

    map: str
    pixels: str = ""
    checksum: int = 0


@contextmanager
def written(made: Map | NDArray[np.uint8], request: Request, folder: Path) -> Iterator[Files]:
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

    def files(self, made: Map | NDArray[np.uint8], request: Request) -> Files:
        """Both files are made side by side, for both take long."""
        suffix = FORMATS[request.format].suffix
        if isinstance(made, Map) and is_float(request.format):
            return Files(self._write(float_file(made, request.format), "map_", suffix))
        pixels = made.encoded() if isinstance(made, Map) else made
        with ThreadPoolExecutor() as pool:
            held = pool.submit(self._held, pixels) if request.with_pixels else None
            file = self._write(integer_file(pixels, request.format, request.compress), "map_", suffix)
            return Files(file, *held.result()) if held else Files(file)

    def _held(self, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> tuple[str, int]:
        data = blender_pixels(pixels).data
        return self._write(data, "pixels_"), zlib.crc32(data)

    def _write(self, data: bytes | memoryview, prefix: str, suffix: str = "") -> str:
        """Name of a new file with these bytes."""
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=prefix, suffix=suffix, delete=False) as file:
                self._undo.callback(Path(file.name).unlink)
                file.write(data)
        except OSError as error:
            raise TargetError(f"The map of {memoryview(data).nbytes >> 20} MB cannot be handed over in {self._folder}: "
                              f"{error.strerror}.") from None
        return Path(file.name).name
