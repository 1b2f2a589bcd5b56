"""The demonstration, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_the_demonstration_says_what_it_made_and_nothing_of_how_blender_did(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "demo.py", "--engine", "luminance", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    summary, written = done.stdout.splitlines()
    assert summary.startswith("768 x 768 by luminance on cpu.")
    folder, _, names = written.removeprefix("Written to ").partition(": ")
    assert folder == str(tmp_path) and sorted(names.split(", ")) == sorted(path.name for path in tmp_path.iterdir())
