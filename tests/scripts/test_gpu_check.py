"""The check of a graphics card, small and on the CPU: its rows are measured, or say that they are not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "scripts" / "gpu_check.py"


@pytest.mark.slow
@pytest.mark.midas
def test_it_runs_on_a_cpu_too(midas_python, tmp_path):
    file = tmp_path / "rows.json"
    command = [midas_python, PROGRAM, "--device", "cpu", "--quick", "--json", file]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert {row["passed"] for row in rows} == {True, None}
    not_measured = [row["name"] for row in rows if row["value"] == "not measured"]
    assert len(not_measured) == 4 and len(rows) == 20
    assert all(f"{row['name']} " in ended.stdout for row in rows)
