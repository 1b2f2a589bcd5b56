"""The package as pip and uv install it, from a clone and from what is built of it, into empty environments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import PIL.Image
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from blender_midas_normal import __version__
from blender_midas_normal.client.setup.environment import PARTS, requirements_of
from blender_midas_normal.core.engines import ENGINES
from tests.conftest import ROOT, changed

pytestmark = pytest.mark.slow

PACKAGE = "blender_midas_normal"
PICTURE = ROOT / "tests" / "materials" / "tiles_color.png"
UV = (sys.executable, "-m", "uv")
BIN = "Scripts" if sys.platform == "win32" else "bin"


def run(*command, **variables):
    """Runs a program where nothing of this clone is in the way; what it printed."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("PYTHON", "MIDAS_NORMAL", "VIRTUAL"))}
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False,
                           env={**environment, **variables})
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the wheel and the source distribution, the wheel built from the latter."""
    folder = tmp_path_factory.mktemp("built")
    run(*UV, "build", "--quiet", "--python", sys.executable, "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(built):
    return next(built.glob("*.tar.gz"))


def files_below(folder):
    """Names of the files of the clone below a folder, without those that running it makes."""
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_with_all_its_files_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_below(PACKAGE)
    assert wheel.name == f"{PACKAGE}-{__version__}-py3-none-any.whl"


def test_the_source_distribution_holds_what_the_tests_need(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in (PACKAGE, "scripts", "tests", "docs"):
        assert files_below(folder) <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "blender_manifest.toml"} <= names


def pins(lines, extra, python_version):
    """The versions that requirements pin, by package; of those that depend on an extra, with this one."""
    requirements = (Requirement(line) for line in lines)
    return {canonicalize_name(one.name): str(one.specifier) for one in requirements
            if one.marker is None or one.marker.evaluate({"extra": extra, "python_version": python_version})}


@pytest.mark.parametrize("python_version", ["3.10", "3.13"])
def test_an_engines_extra_has_the_packages_that_its_button_installs(wheel, python_version):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode()
    lines = [line.removeprefix("Requires-Dist: ") for line in metadata.splitlines() if "; extra ==" in line or
             " and extra ==" in line]
    for parts in {facts.parts for facts in ENGINES.values() if facts.parts}:
        pinned = [line for path in requirements_of(parts) for line in path.read_text(encoding="utf-8").splitlines()]
        wanted = pins([line for line in pinned if not line.startswith("#")], "", python_version)
        assert "torch" in wanted and pins(lines, parts[-1], python_version) == wanted, parts


@pytest.mark.parametrize("python_version", ["3.10", "3.13"])
def test_all_extras_can_be_installed_together(wheel, tmp_path, python_version):
    """Their packages are looked up, not downloaded."""
    requirement = tmp_path / "all.in"
    requirement.write_text(f"{PACKAGE}[{','.join(PARTS)}] @ {wheel.as_uri()}", encoding="utf-8")
    packages = run(*UV, "pip", "compile", "--quiet", "--python-version", python_version, requirement)
    assert all(f"\n{name}==" in packages for name in ("torch", "controlnet-aux", "transformers", "dlr-moge"))


def check_program(program, folder):
    """The installed command makes a map, with a user's data folder that is new, and tells its version."""
    folder.mkdir()
    assert run(program, "--version") == f"midas-normal {__version__}\n"
    report = json.loads(run(program, PICTURE, "--out", folder / "maps", "--json", "-", HOME=str(folder), XDG_DATA_HOME=""))
    assert [entry["engine"] for entry in report] == ["RELIEF"]
    with PIL.Image.open(folder / "maps" / "tiles_color_normal.png") as made, PIL.Image.open(PICTURE) as picture:
        assert made.size == picture.size
    if sys.platform == "linux":
        assert {path.name for path in (folder / ".local/share/midas-normal").iterdir()} == {"worker.log"}


def test_a_wheel_makes_a_map_on_a_disk_that_cannot_be_written(wheel, disk, tmp_path):
    environment = disk("size=600m")
    run(*UV, "venv", "--quiet", "--python", sys.executable, environment / "env")
    run(*UV, "pip", "install", "--quiet", "--python", environment / "env", wheel, UV_LINK_MODE="copy")
    changed(environment, "ro")
    check_program(environment / "env" / BIN / "midas-normal", tmp_path / "user")


def test_a_source_distribution_that_pip_installs_makes_a_map(sdist, tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "env")
    python = tmp_path / "env" / BIN / "python"
    run(python, "-m", "pip", "install", "--quiet", sdist)
    check_program(python.with_name("midas-normal"), tmp_path / "user")
    code = f"""
from {PACKAGE}.batch import make_maps
for record in make_maps([{str(PICTURE)!r}], {str(tmp_path / "maps")!r}, engine="luminance"):
    print(record.outcome, record.output)
"""
    assert run(python, "-c", code, HOME=str(tmp_path)).split() == ["made", str(tmp_path / "maps" / "tiles_color_normal.png")]


@pytest.mark.midas
def test_a_python_with_the_packages_of_the_extra_midas_runs_midas_itself(wheel, midas_python, test_weights, tmp_path):
    """These packages are the MiDaS environment's, which takes minutes to install."""
    packages = run(midas_python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    run(*UV, "venv", "--quiet", "--python", midas_python, tmp_path / "env")
    python = tmp_path / "env" / BIN / "python"
    run(*UV, "pip", "install", "--quiet", "--no-deps", "--python", python, wheel)
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(own) / "midas.pth").write_text(packages)
    host = f"from {PACKAGE}.client.launch import this_python; print(*this_python().parts)"
    assert tuple(run(python, "-c", host).split()) == PARTS
    report = json.loads(run(python.with_name("midas-normal"), PICTURE, "--out", tmp_path / "maps", "--engine", "midas",
                            "--weights", test_weights, "--resolution", 64, "--json", "-",
                            MIDAS_NORMAL_DATA=str(tmp_path / "data")))
    assert [entry.get("engine") for entry in report] == ["MIDAS"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["worker.log"]


def test_a_clone_makes_a_map_without_being_installed_first(tmp_path):
    run(*UV, "tool", "run", "--quiet", "--python", sys.executable, "--from", ROOT, "midas-normal", PICTURE, "--out",
        tmp_path / "maps", MIDAS_NORMAL_DATA=str(tmp_path / "data"))
    assert (tmp_path / "maps" / "tiles_color_normal.png").exists()


def test_the_tests_run_where_the_clone_is_installed_with_the_extra_dev(tmp_path):
    run(*UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "env")
    run(*UV, "pip", "install", "--quiet", "--python", tmp_path / "env", "--editable", f"{ROOT}[dev]")
    python = tmp_path / "env" / BIN / "python"
    assert Path(run(python, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)").strip()).parents[1] == ROOT
    tests = ROOT / "tests" / "core" / "test_image_io.py"
    assert " passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
