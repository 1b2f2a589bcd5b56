#!/usr/bin/env python3
"""What things cost: the exchange with the worker beside one through PNG files, and the relief engine on numpy and on torch.

    python3 scripts/benchmark.py [--size 2048] [--runs 5] [--json FILE] [--at-most RATIO] [--torch-at-least RATIO]

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
    parser.add_argument("--json", type=Path, help="write the exchange's figures here too")
    parser.add_argument("--at-most", type=float, help="fail when ours / PNG is above this")
    parser.add_argument("--torch-at-least", type=float, help="fail when relief's time on numpy / on torch is below this")
    options = parser.parse_args()
    python = environments.blender_python()
    if python is None:
        print("The benchmark needs Python 3.11 or 3.13; install one of them from python.org.", file=sys.stderr)
        return 1
    exchange = ["--size", str(options.size), "--runs", str(options.runs)]
    exchange += ["--json", str(options.json.resolve())] if options.json else []
    exchange += ["--at-most", str(options.at_most)] if options.at_most else []
    relief = ["--runs", str(options.runs)]
    codes = [environments.run(python, "benchmark_exchange.py", exchange),
             environments.run(environments.maps_python(), "benchmark_relief.py", relief)]
    if environments.status(environments.MIDAS).state is environments.State.READY:
        relief += ["--at-least", str(options.torch_at_least)] if options.torch_at_least else []
        codes.append(environments.run(environments.MIDAS.python, "benchmark_relief.py", relief))
    else:
        print("Relief on torch: not measured, for there is no MiDaS environment.")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
