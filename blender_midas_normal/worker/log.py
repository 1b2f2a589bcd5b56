"""What this process says to its log: standard error, with the user's home folder masked."""

from __future__ import annotations

import io
import sys

from ..core.home import masked


class MaskedLog(io.TextIOWrapper):
    """A stream of text that writes at once."""

    def write(self, text: str) -> int:
        super().write(masked(text))
        return len(text)


def mask_standard_error() -> None:
    """From now on; what libraries print without Python goes its own way."""
    sys.stderr = MaskedLog(sys.stderr.buffer, "utf-8", "backslashreplace", write_through=True)
