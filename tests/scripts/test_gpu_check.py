"""The program that checks a graphics card, on the CPU, with two of its checks and weights that were made before.

tests/ui/test_computer_check.py makes the weights and runs all checks.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from blender_midas_normal.core.engines import MIDAS_WEIGHTS

PROGRAM = Path(__file__).resolve().parents[2] / "scripts" / "gpu_check.py"

TWO_CHECKS = f"""
import pathlib, runpy, sys
sys.path.insert(0, {str(PROGRAM.parents[1])!r})
from blender_midas_normal.checks import device_checks, random_weights
made = pathlib.Path(sys.argv.pop(1))
random_weights.write_weights = lambda folder: (made, 0.0, 1.0)
device_checks.CHECKS = [check for check in device_checks.CHECKS if check.measure.__name__ in ("variants", "relief")]
runpy.run_path({str(PROGRAM)!r}, run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.midas
def test_it_runs_on_a_cpu_too(midas_python, test_weights, tmp_path):
    file = tmp_path / "rows.json"
    weights = test_weights / MIDAS_WEIGHTS.name
    command = [midas_python, "-c", TWO_CHECKS, weights, "--device", "cpu", "--quick", "--json", file]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    answer = json.loads(file.read_text(encoding="utf-8"))
    rows = answer["rows"]
    results = [(row["passed"], row["value"] == "not measured") for row in rows]
    assert results == [(None, True), (None, True), (True, False), (None, False)]
    assert answer["computer"].startswith("cpu, torch 2.") and answer["computer"] in ended.stdout
    assert all(f"{row['name']} " in ended.stdout for row in rows)
