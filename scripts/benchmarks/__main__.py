"""Runs one part: `python scripts/benchmarks PART OUT PLAN [WORD...]`, with the plan as JSON; its Answer goes into OUT."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the worker sets it
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import installed_extension

from benchmarks import answer
from benchmarks.plan import Plan

IN_BLENDER = ("stages", "first_map", "retune", "transports", "bare", "bump")


def main() -> None:
    part, out, plan, *arguments = sys.argv[1:]
    run = measure_in_blender if part in IN_BLENDER else measure
    answer.write(run(part, Plan(**json.loads(plan)), arguments), Path(out))


def measure(part: str, plan: Plan, arguments: list) -> answer.Answer:
    return importlib.import_module(f"benchmarks.{part}").measure(plan, *arguments)


def measure_in_blender(part: str, plan: Plan, arguments: list) -> answer.Answer:
    """Run a part that imports bpy and the extension, which is installed into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        installed_extension.install(Path(folder))
        try:
            return measure(part, plan, arguments)
        finally:
            installed_extension.uninstall()


if __name__ == "__main__":
    main()
