"""Maps of many pictures as files of a folder: what the command lines with and without Blender have in common.

Exit codes of both: 0 all done, 1 some pictures failed or were given up (the rest are written), 2 wrong usage, 3 engine not
available, or what it needs cannot be installed.
"""

from __future__ import annotations

import sys

from ..core.errors import EngineUnavailable, InstallError, MidasNormalError, Phrase

NOT_AVAILABLE = 3

TOLD_APART = Phrase("rename one of them, or give --pattern {pattern!r} or --existing number", pattern="{name}_{map}")
"""What helps where two pictures' maps have one name."""


def ended(error: MidasNormalError) -> int:
    """Prints the error's sentence; the exit code for it."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    return NOT_AVAILABLE if isinstance(error, (EngineUnavailable, InstallError)) else 1
