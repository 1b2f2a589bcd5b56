#!/usr/bin/env python3
"""Checks what a graphics card computes and how fast: MiDaS, relief, maps, memory and workers, in one table.

    python3 scripts/gpu_check.py [--device cuda] [--quick] [--json FILE]

Needs torch, numpy and OpenImageIO (where this Python has no torch, the MiDaS environment runs it), but no network and no
weights: it makes weights for tests itself, whose maps are worthless and whose arithmetic is MiDaS's.  On a CPU, rows that
need a card say "not measured".  It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

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
    from blender_midas_normal.checks.device_checks import CHECKS, describe_computer
    from blender_midas_normal.checks.measurement import Plan
    from blender_midas_normal.checks.random_weights import write_weights
    from blender_midas_normal.client.computer_check import format_table

    with tempfile.TemporaryDirectory(prefix="midas_normal_") as name:
        weights, _, _ = write_weights(Path(name))
        plan = Plan.quick(weights, arguments.device) if arguments.quick else Plan.full(weights, arguments.device)
        title = describe_computer(plan.device)
        rows = [row for check in CHECKS for row in check.rows(plan)]
    print(f"\n{title}\n{format_table(rows)}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"computer": title, "rows": [asdict(row) for row in rows]}, indent=1), "utf-8")
    return 1 if any(row.passed is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
