"""Where tests find the MiDaS environment and weights for it, and what holds for all that try examples."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("any computer", deadline=None)  # a busy one takes its time over an example
hypothesis.settings.load_profile("any computer")

STATUS = pytest.StashKey[int]()
"""The exit code of the run."""

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def midas_python() -> Path:
    """The Python of the MiDaS environment; without MIDAS_NORMAL_ENVIRONMENT the test is skipped."""
    folder = os.environ.get("MIDAS_NORMAL_ENVIRONMENT")
    if not folder:
        pytest.skip("MIDAS_NORMAL_ENVIRONMENT names no folder with the MiDaS environment")
    return Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="session")
def test_weights(midas_python, tmp_path_factory) -> Path:
    """The folder with the test weights: MIDAS_NORMAL_TEST_WEIGHTS, or made once for all tests."""
    folder = os.environ.get("MIDAS_NORMAL_TEST_WEIGHTS")
    if folder:
        return Path(folder)
    made = tmp_path_factory.mktemp("weights")
    subprocess.run([str(midas_python), str(ROOT / "scripts" / "make_test_weights.py"), "--out", str(made)], check=True,
                   stderr=subprocess.DEVNULL)
    return made


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Ends a process in which Blender runs as a module, when all has been told: its own end, which comes when Python frees
    the module, crashes (4.2) or waits for ever (4.5) where Python frees it late.  Whole Blenders end as they should
    (scripts/gui_test.py).
    """
    if "bpy" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash.get(STATUS, 1))
