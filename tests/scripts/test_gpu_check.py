"""The program that checks a graphics card, on the CPU, with one of its checks and weights that were made before.

tests/ui/test_computer_check.py makes the weights and runs all checks.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from blender_midas_normal.core.engines import MIDAS_WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "scripts" / "gpu_check.py"

VARIANTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from blender_midas_normal.checks import device_checks, measurement, network_variants

def no_compiler(ours):
    raise RuntimeError("Cannot find a working triton installation.\\nMore on this")

network_variants.VARIANTS = (network_variants.Variant("torch.compile", no_compiler, needs_cuda=False),
                             *network_variants.VARIANTS[:2])
plan = measurement.Plan(Path(sys.argv[2]) / "dpt_hybrid-midas-501f0c75.pt", "cpu", (64,), 64, 0.05)
on_metal = measurement.Plan(plan.weights, "mps", (64,), 64, 0.05)
print(json.dumps([row.to_dict() for row in (*network_variants.variants(plan), *device_checks.maps(on_metal))]))
"""

ONE_CHECK = f"""
import pathlib, runpy, sys
sys.path.insert(0, {str(ROOT)!r})
from blender_midas_normal.checks import device_checks, random_weights
made = pathlib.Path(sys.argv.pop(1))
random_weights.write_weights = lambda folder: (made, 0.0, 1.0)
device_checks.CHECKS = [check for check in device_checks.CHECKS if check.measure.__name__ == "relief"]
runpy.run_path({str(PROGRAM)!r}, run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.midas
def test_it_runs_on_a_cpu_too(midas_python, test_weights, tmp_path):
    file = tmp_path / "rows.json"
    weights = test_weights / MIDAS_WEIGHTS.name
    command = [midas_python, "-c", ONE_CHECK, weights, "--device", "cpu", "--quick", "--json", file]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    answer = json.loads(file.read_text(encoding="utf-8"))
    rows = answer["rows"]
    results = [(row["passed"], row["value"] == "not measured") for row in rows]
    assert results == [(True, False), (None, False)]
    assert answer["computer"].startswith("cpu, torch 2.") and answer["computer"] in ended.stdout
    assert all(f"{row['name']} " in ended.stdout for row in rows)


@pytest.mark.midas
def test_a_variant_that_fails_says_why_and_the_others_are_measured(midas_python, test_weights):
    """As `torch.compile` without a compiler; and maps are not measured where they are never made."""
    ended = subprocess.run([midas_python, "-c", VARIANTS, ROOT, test_weights], capture_output=True, text=True, check=True)
    failed, first, last, on_metal = json.loads(ended.stdout.splitlines()[-1])
    assert failed["value"] == "not measured: Cannot find a working triton installation." and failed["passed"] is None
    assert first["number"] > 0 and last["number"] > 0 and "channels last" in last["name"]
    assert (on_metal["value"], on_metal["passed"]) == ("not measured", None)
