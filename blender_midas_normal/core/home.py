"""The user's home folder, whose name is nobody's business."""

from __future__ import annotations

import re
from pathlib import Path


def home_folder() -> Path | None:
    """The user's home folder; None where the system knows none."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def masked(text: str) -> str:
    """The text with ~ for the user's home folder, also where paths are written with doubled backslashes."""
    home = home_folder()
    if home is None or home == Path(home.anchor):  # as of users that run services
        return text
    names = "|".join(re.escape(name) for name in (str(home), str(home).replace("\\", "\\\\")))
    return re.sub(rf"(?<![\w./\\-])({names})(?![\w-]|\.\w)", "~", text)
