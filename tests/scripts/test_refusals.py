"""The programs that README and docs name, on a bare Python, and where they are to write what cannot be written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAMS = ("benchmark.py", "build_extension.py", "demo.py", "make_test_weights.py", "maps_sheet.py", "relief_sheet.py",
            "sources_sheet.py", "render_materials.py", "release.py", "train_relief.py")


def run(program, *arguments):
    """Runs a program without any package."""
    command = [sys.executable, "-S", str(ROOT / "scripts" / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_bare_python_gets_help(program):
    ended = run(program, "--help")
    assert ended.returncode == 0 and "--out" in ended.stdout and not ended.stderr


@pytest.mark.parametrize("program", PROGRAMS[:-1])
def test_a_folder_that_cannot_be_written_is_one_sentence(program, tmp_path):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "maps"
    ended = run(program, "--out", out / "sheet.png" if "sheet" in program else out)
    assert ended.returncode == 1
    assert ended.stderr.removeprefix("error: ") == f"Nothing can be written into the folder {out}: Not a directory.\n"


def test_evaluation_names_what_it_needs():
    ended = run("evaluate.py")
    assert ended.returncode == 1 and "scripts/requirements/training.txt" in ended.stderr and "Traceback" not in ended.stderr


def test_training_names_what_it_needs(tmp_path):
    ended = run("train_relief.py", "--out", tmp_path / "training")
    assert ended.returncode == 3 and "scripts/requirements/training.txt" in ended.stderr
    assert "Traceback" not in ended.stderr and not (tmp_path / "training").exists()


@pytest.mark.slow
def test_a_sheet_of_samples_is_drawn_by_an_environment_of_its_own(tmp_path):
    ended = run("relief_sheet.py", "--out", tmp_path / "new" / "sheet.png", "--count", "1", "--size", "32")
    assert ended.returncode == 0 and (tmp_path / "new" / "sheet.png").stat().st_size, ended.stderr
