"""Writes weights for tests: python3 scripts/make_test_weights.py --out DIR makes DIR/dpt_hybrid-midas-501f0c75.pt.

The file is MiDaS's in everything but the training: the architecture, the names and the shapes are the real ones, the numbers
are random from a fixed seed.  Only the last layer is fitted, so that depth is high where the picture is rough and spans
hundreds of units: enough for every test of arithmetic, memory and plumbing, and worthless as a map.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError
from blender_midas_normal.core.weights import weights_checksum


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the file")
    arguments = parser.parse_args()
    try:
        environments.writable(arguments.out)
        if importlib.util.find_spec("torch") is None:
            return environments.run(environments.midas_python(), Path(__file__).name, ["--out", str(arguments.out)])
    except MidasNormalError as error:
        return report_error(error)
    from blender_midas_normal.checks.random_weights import write_weights

    path, low, high = write_weights(arguments.out)
    digest = weights_checksum(path)
    print(f"{path}: {path.stat().st_size} bytes, SHA-256 {digest}; depth {low:.0f} to {high:.0f} on the synthetic pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
