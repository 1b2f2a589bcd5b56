"""Where tests find the MiDaS environment and weights for it, and what holds for all that try examples."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
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


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, of child processes too."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture(scope="session")
def checkpoints(midas_python, tmp_path_factory) -> Path:
    """The folder with small random checkpoints of the other networks, made once for all tests."""
    made = tmp_path_factory.mktemp("checkpoints")
    program = ROOT / "tests" / "worker" / "network_checkpoints.py"
    subprocess.run([str(midas_python), str(program), str(made)], check=True, stderr=subprocess.DEVNULL)
    return made


@pytest.fixture
def disk(tmp_path):
    """disk(options) mounts a small disk of its own, in memory, and gives its folder; for root on Linux."""
    mounted = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir(exist_ok=True)
        if sys.platform != "linux" or os.geteuid() != 0:
            pytest.skip("only root on Linux can mount a disk")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            pytest.skip(f"this computer lets nobody mount a disk: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # Blender holds movies open


def changed(folder: Path, options: str) -> None:
    """Gives a disk other options, such as ro."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "everything"
    with path.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return path


def pytest_configure(config):
    """Stop where the environment is older than the tests: without its decoders the worker reads no picture file."""
    if importlib.util.find_spec("OpenImageIO") is None:
        pytest.exit(f"{sys.executable} lacks OpenImageIO, which scripts/requirements/tests.txt names; python3 "
                    "scripts/test.py completes the tests' environment.", 4)


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
