"""Files that are there whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...core.errors import TargetError
from ...core.paths import put_in_place


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write; what is there at the end of the `with` block takes the target's place, else nothing is left of it.

    Makes the folder where there is none.  Raises TargetError for what the system refuses, in the `with` block too.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".midas_normal_") as folder:
            partial = Path(folder) / target.name
            yield partial
            put_in_place(partial, target)
    except OSError as error:
        raise TargetError(f"{target} cannot be written: {error.strerror}.") from None
