#!/usr/bin/env python3
"""What things cost: the exchange with the worker beside one through PNG files, the relief engine on numpy and on torch, and
many pictures in a run.

    python3 scripts/benchmark.py [--size 2048] [--runs 5] [--json FILE] [--at-most RATIO] [--torch-at-least RATIO]
    python3 scripts/benchmark.py --batch [--pictures 12] [--runs 3] [--json FILE] [--at-most RATIO]

What is compared is measured in turn in one run.  Torch is measured where the MiDaS environment is.
Exit codes: 0 done, 1 a ratio is above --at-most or below --torch-at-least.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048, help="pixels of a side (default: 2048)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, in turn (default: 5)")
    parser.add_argument("--json", type=Path, help="write the figures of the exchange or of --batch here too")
    parser.add_argument("--at-most", type=float, help="fail when ours / PNG, or a ratio of --batch, is above this")
    parser.add_argument("--batch", action="store_true", help="measure many pictures in a run, and nothing else")
    parser.add_argument("--pictures", type=int, default=12, help="how many (default: 12)")
    parser.add_argument("--torch-at-least", type=float, help="fail when relief's time on numpy / on torch is below this")
    options = parser.parse_args()
    if options.batch:
        batch = ["--pictures", str(options.pictures), "--runs", str(options.runs)]
        return environments.run(environments.maps_python(), "benchmark_batch.py", batch + shared(options))
    python = environments.blender_python()
    if python is None:
        print("The benchmark needs Python 3.11 or 3.13; install one of them from python.org.", file=sys.stderr)
        return 1
    exchange = ["--size", str(options.size), "--runs", str(options.runs), *shared(options)]
    relief = ["--runs", str(options.runs)]
    codes = [environments.run(python, "benchmark_exchange.py", exchange),
             environments.run(environments.maps_python(), "benchmark_relief.py", relief)]
    if environments.status(environments.MIDAS).state is environments.State.READY:
        relief += ["--at-least", str(options.torch_at_least)] if options.torch_at_least else []
        codes.append(environments.run(environments.MIDAS.python, "benchmark_relief.py", relief))
    else:
        print("Relief on torch: not measured, for there is no MiDaS environment.")
    return max(codes)


def shared(options: argparse.Namespace) -> list:
    """What two of the parts take alike."""
    words = ["--json", str(options.json.resolve())] if options.json else []
    return words + (["--at-most", str(options.at_most)] if options.at_most else [])


if __name__ == "__main__":
    sys.exit(main())
