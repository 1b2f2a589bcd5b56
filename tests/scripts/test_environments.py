"""The environments of the scripts, in clones that can and cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.client.provision import DATA_VARIABLE
from tests.client.weights_server import serving
from tests.conftest import ROOT, changed

sys.path.insert(0, str(ROOT / "scripts"))

import environments

pytestmark = pytest.mark.slow

PICTURE = ROOT / "tests" / "materials" / "tiles_color.png"


def copy_clone(folder):
    for name in ("blender_midas_normal", "scripts", "docs/materials"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def clone(disk):
    """A clone on a disk of its own, and a data folder on it with the environment of this one."""
    folder = disk("size=40m")
    copy_clone(folder)
    (folder / ".midas").mkdir()
    (folder / ".midas" / "maps").symlink_to(environments.maps_python().parents[1])
    return folder


def normal_map(clone, out, *options, **variables):
    command = [sys.executable, "-B", str(clone / "scripts" / "normal_map.py"), str(PICTURE), "--out", str(out), "--engine",
               "luminance", *options]
    environment = {name: value for name, value in os.environ.items() if name != DATA_VARIABLE}
    return subprocess.run(command, capture_output=True, text=True, env={**environment, **variables}, check=False)


def test_a_clone_that_cannot_be_written_makes_maps_when_its_environment_is_ready(clone, tmp_path):
    assert normal_map(clone, tmp_path / "first").returncode == 0
    names = {path.name for path in (tmp_path / "first").iterdir()}
    assert names == {f".midas_normal.{COMPUTER}.jsonl", "tiles_color_normal.png"}
    changed(clone, "ro")
    ended = normal_map(clone, tmp_path / "second")
    assert ended.returncode == 0 and "1 made" in ended.stdout, ended.stderr


def test_a_data_folder_that_cannot_be_written_says_so_when_something_is_to_be_made_in_it(clone, tmp_path):
    (clone / ".midas" / "maps").unlink()
    changed(clone, "ro")
    for options, lock in ((), "maps.lock"), (("--engine", "midas"), "weights.lock"):
        ended = normal_map(clone, tmp_path / "out", *options)
        assert ended.returncode == 3
        assert ended.stderr == (f"error: {clone}/.midas/{lock} cannot be written: Read-only file system; the variable "
                                "MIDAS_NORMAL_DATA names another folder for environments and weights.\n")


def test_a_clone_that_cannot_be_written_needs_only_a_data_folder_elsewhere(clone, tmp_path):
    changed(clone, "ro")
    data = tmp_path / "data"
    data.mkdir()
    (data / "maps").symlink_to((clone / ".midas" / "maps").resolve())
    ended = normal_map(clone, tmp_path / "out", MIDAS_NORMAL_DATA=str(data))
    assert ended.returncode == 0 and "1 made" in ended.stdout, ended.stderr
    assert (data / "worker.log").exists()


def test_a_clone_that_cannot_be_written_says_so_when_an_environment_for_its_tests_is_to_be_made(clone):
    changed(clone, "ro")
    ended = subprocess.run([sys.executable, "-B", str(clone / "scripts" / "test.py")], capture_output=True, text=True,
                           check=False)
    assert ended.returncode == 3 and ended.stderr == (
        f"error: {clone}/.venv.txt cannot be written: Read-only file system; this needs a clone that can be.\n")


@pytest.mark.parametrize("script", [["normal_map.py", str(PICTURE)], ["demo.py"]])
def test_midas_is_not_installed_where_its_weights_cannot_be_had(tmp_path, script):
    """A server that has no such file is the hub, and the way to all others is closed."""
    copy_clone(tmp_path / "clone")
    name, *arguments = script
    with serving() as server:
        server.status = 404
        variables = {**os.environ, "HF_ENDPOINT": server.url.rpartition("/")[0], "HTTPS_PROXY": "http://127.0.0.1:9",
                     "NO_PROXY": "127.0.0.1", DATA_VARIABLE: str(tmp_path / "data")}
        command = [sys.executable, "-B", str(tmp_path / "clone" / "scripts" / name), *arguments, "--engine", "midas",
                   "--out", str(tmp_path / "out")]
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 3 and "Installing" not in ended.stdout
    assert "the server answered 404" in ended.stderr and "github.com: Connection refused" in ended.stderr
    assert not (tmp_path / "data" / "environment").exists()


MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import environments
environments.REQUIREMENTS = Path(sys.argv[2])
environments.ready_environment(Path(sys.argv[2]) / "made", ("none.txt",), "import sys", (sys.version_info[1],))
"""


def test_two_first_runs_at_once_make_one_environment(tmp_path):
    (tmp_path / "none.txt").write_text("# nothing")
    command = [sys.executable, "-c", MAKE, str(ROOT / "scripts"), str(tmp_path)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert sorted("Making made" in each for each in outputs) == [False, True]
