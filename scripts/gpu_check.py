#!/usr/bin/env python3
"""Checks what a graphics card computes and how fast: MiDaS, relief, maps, memory and workers, in one table.

    python3 scripts/gpu_check.py [--device cuda] [--quick] [--json FILE]

Needs torch, numpy and Pillow (where this Python has no torch, the MiDaS environment runs it), no network and no weights: it
makes weights for tests itself, whose maps are worthless and whose arithmetic is MiDaS's.  On a CPU, rows that need a card
say "not measured".  It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
import make_test_weights

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="cuda, mps, xpu or cpu; without it, the first that works")
    parser.add_argument("--quick", action="store_true", help="smaller pictures and fewer rounds")
    parser.add_argument("--json", type=Path, help="write the rows into this file, too")
    arguments = parser.parse_args()
    try:
        if importlib.util.find_spec("torch") is None:
            return environments.run(environments.midas_python(), Path(__file__).name, sys.argv[1:])
    except MidasNormalError as error:
        return report_error(error)
    from benchmarks.device_checks import Plan, check_device, print_table, write_json

    with tempfile.TemporaryDirectory(prefix="midas_normal_") as name:
        weights, _, _ = make_test_weights.write(Path(name))
        plan = Plan.quick(weights, arguments.device) if arguments.quick else Plan.full(weights, arguments.device)
        title, rows = check_device(plan)
    print_table(title, rows)
    if arguments.json is not None:
        write_json(arguments.json, title, rows)
    return 1 if any(row.passed is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
