"""What this process says to its log: standard error, with the user's home folder masked."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ..core.files import redact_home


class MaskedLog(io.TextIOWrapper):
    """A stream of text that writes at once."""

    def write(self, text: str) -> int:
        super().write(redact_home(text))
        return len(text)


_silence = threading.Lock()


def mask_standard_error() -> None:
    """Have all that this process prints by Python masked from now on, on a descriptor of its own; see `silent_libraries`."""
    sys.stderr = MaskedLog(io.FileIO(os.dup(2), "w"), "utf-8", "backslashreplace", write_through=True)


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Drop what libraries print without Python in the `with` block: it may hold what lies in a picture, or its name."""
    with _silence, ExitStack() as undo, open(os.devnull, "wb") as nowhere:
        for descriptor in (1, 2):
            kept = os.dup(descriptor)
            undo.callback(os.close, kept)
            undo.callback(os.dup2, kept, descriptor)
            os.dup2(nowhere.fileno(), descriptor)
        yield
