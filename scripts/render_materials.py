#!/usr/bin/env python3
"""Renders the small test set of tests/materials with Cycles: materials whose true normals are known.

    python3 scripts/render_materials.py [--out DIR]

DIR gets <id>_color.png, <id>_normal.png (OpenGL) and index.tsv, as evaluate.py reads them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError

OUT = environments.ROOT / "tests" / "materials"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the set (default: tests/materials)")
    out = parser.parse_args().out
    try:
        environments.writable(out)
        python = environments.bpy_python()
        if Path(sys.executable) != python:
            return environments.run(python, Path(__file__).name, sys.argv[1:])
        from relief import rendering

        rendering.write(out)
    except MidasNormalError as error:
        return report_error(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
