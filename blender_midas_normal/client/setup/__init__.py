"""Installing and removing the MiDaS environment and its weights; what each step reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.errors import Phrase


@dataclass(frozen=True)
class ProgressEvent:
    """Where the work is: step `number` (from 1) `of` so many.

    title: what the step does; detail: the latest news of it, a message or a line of some program's output; share: how
    much of the step is done, 0..1, None when nobody knows.
    """

    number: int
    of: int
    title: Phrase
    detail: str = ""
    share: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of one line on the pipe."""
        return {"step": self.number, "of": self.of, "title": self.title, "detail": self.detail, "share": self.share}
