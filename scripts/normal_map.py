#!/usr/bin/env python3
"""The command `midas-normal` on a Python that has nothing installed: makes a small environment on the first run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch.cli import main
from blender_midas_normal.client.launch import HostPython


def host(out: TextIO) -> HostPython:
    """Return the Python of the small environment for the built-in engines."""
    return HostPython(str(environments.maps_python(out)))


if __name__ == "__main__":
    sys.exit(main(host=host))
