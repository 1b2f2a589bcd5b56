#!/usr/bin/env python3
"""What the exchange with the worker costs beside the exchange through PNG files, measured in turn in one run.

    python3 scripts/benchmark.py [--size 2048] [--runs 5] [--json FILE] [--at-most RATIO]

Exit codes: 0 done, 1 the ratio is above --at-most.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048, help="pixels of a side (default: 2048)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, in turn (default: 5)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--at-most", type=float, help="fail when ours / PNG is above this")
    options = parser.parse_args()
    python = environments.blender_python()
    if python is None:
        print("The benchmark needs Python 3.11 or 3.13; install one of them from python.org.", file=sys.stderr)
        return 1
    arguments = ["--size", str(options.size), "--runs", str(options.runs)]
    arguments += ["--json", str(options.json.resolve())] if options.json else []
    arguments += ["--at-most", str(options.at_most)] if options.at_most else []
    return subprocess.run([str(python), str(Path(__file__).with_name("benchmark_exchange.py")), *arguments],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
