"""Install and remove the MiDaS environment and its weights, in a process of its own that reports each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.errors import Phrase


@dataclass(frozen=True)
class ProgressEvent:
    """A report of the step that is being carried out.

    Attributes:
        number: of the step, from 1.
        of: number of all steps.
        title: what the step does.
        detail: the latest news, a message or a line of some program's output.
        share: how much of the step is done, 0..1; None where that is unknown.
    """

    number: int
    of: int
    title: Phrase
    detail: str = ""
    share: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of one line on the pipe."""
        return {"step": self.number, "of": self.of, "title": self.title, "detail": self.detail, "share": self.share}
