"""What someone who is asked for help needs to know."""

from __future__ import annotations

import platform
from pathlib import Path

import bpy
import numpy as np
import tomllib

from ..client.environment import status
from ..client.log import tail
from ..core.home import masked
from .places import log_file, places


def bug_report(last: str) -> str:
    """Versions, system, MiDaS environment, the last outcome and the worker's last messages; the home folder is masked."""
    environment = places().environment
    log = log_file()
    lines = [
        f"MiDaS Normal Map {extension_version()} in Blender {bpy.app.version_string}, Python {platform.python_version()}, "
        f"numpy {np.__version__}",
        f"{platform.system()} {platform.release()}, {platform.machine()}",
        f"MiDaS environment in {environment.folder}: {status(environment).sentence}",
        f"Last outcome: {last}",
        "Worker's last messages:",
        tail(log, 0, 30) if log.exists() else "none",
    ]
    return masked("\n".join(lines))


def extension_version() -> str:
    """As the manifest beside the package says."""
    manifest = Path(__file__).resolve().parent.parent / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]
