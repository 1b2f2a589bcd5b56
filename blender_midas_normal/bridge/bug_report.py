"""What someone who is asked for help needs to know."""

from __future__ import annotations

import platform

import bpy
import numpy as np

from .. import __version__
from ..client.environment import status
from ..client.log import tail
from ..core.home import masked
from .places import log_file, places


def bug_report(last: str) -> str:
    """Versions, system, MiDaS environment, the last outcome and the worker's last messages; the home folder is masked."""
    environment = places().environment
    log = log_file()
    lines = [
        f"MiDaS Normal Map {__version__} in Blender {bpy.app.version_string}, Python {platform.python_version()}, "
        f"numpy {np.__version__}",
        f"{platform.system()} {platform.release()}, {platform.machine()}",
        f"MiDaS environment in {environment.folder}: {status(environment).sentence}",
        f"Last outcome: {last}",
        "Worker's last messages:",
        tail(log, 0, 30) if log.exists() else "none",
    ]
    return masked("\n".join(lines))
