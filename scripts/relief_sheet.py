#!/usr/bin/env python3
"""Writes a contact sheet of training samples: colour, normal map, and the true slopes under a plain light.

    python3 scripts/relief_sheet.py --out FILE [--count 24] [--seed 0] [--size 256]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError


def main() -> int:
    options = parse_arguments()
    try:
        environments.writable(options.out.resolve().parent)
        python = environments.ready_environment(environments.ROOT / ".venv-samples", ("samples.txt",), "import cv2",
                                                (13, 12, 11, 10))
        if Path(sys.executable) != python:
            return environments.run(python, Path(__file__).name, sys.argv[1:])
        from relief import sheet

        sheet.write(options.out, range(options.seed, options.seed + options.count), options.size)
    except MidasNormalError as error:
        return report_error(error)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first sample")
    parser.add_argument("--size", type=int, default=256, help="pixels per side of each sample")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
