"""The shell commands and Python examples that README and docs print: they run, or a test named here runs them."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch.options import add_options
from blender_midas_normal.core.image_io import encode_exr
from tests.brick_photos import take_photo
from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAIN = "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"


def farm_commands():
    """The commands of the page on render farms, but for those of one process alone."""
    text = (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [line for line in lines if "--shard" not in line and not line.startswith("pip ")]


ELSEWHERE = {
    "pip install .": "tests/test_package.py",
    "pip install '.[farm]'": "tests/batch/test_dask_cluster.py",
    "python3 scripts/demo.py": "tests/scripts/test_demo.py",
    "python3 scripts/demo.py --engine midas": "scripts/test.py",
    "python3 scripts/demo.py --engine midas --weights weights": "scripts/test.py",
    "python3 scripts/make_test_weights.py --out weights": "scripts/test.py",
    "python3 scripts/test.py": "scripts/test.py",
    "python3 scripts/test.py -m reliability": "scripts/test.py",
    "python3 scripts/test.py tests/core": "scripts/test.py",
    "python3 scripts/test.py tests/bridge/test_udim.py -x": "scripts/test.py",
    "python3 scripts/test.py tests/bridge/test_udim.py::test_each_tile_is_mapped_as_it_is_alone": "scripts/test.py",
    "python3 scripts/test.py tests/ui -k slider": "scripts/test.py",
    ".venv-checks/bin/python -m ruff check .": "scripts/test.py",
    ".venv-checks/bin/python -m mypy": "scripts/test.py",
    "pip install -e '.[dev]'": "tests/test_package.py",
    "pytest tests/core": "tests/test_package.py",
    "python3 scripts/release.py": "tests/scripts/test_release.py",
    "python3 scripts/benchmark.py --document --pictures 200": "tests/scripts/test_benchmark.py",
    "blender --command midas_normal photo.jpg wall.png --out maps": "tests/ui/test_command.py",
    "blender -b scene.blend --command midas_normal --out maps --strength 1.5": "tests/ui/test_command.py",
    "pip-audit --disable-pip --no-deps -r blender_midas_normal/client/setup/requirements/midas.txt":
        "docs/reference/reliability.md",  # it asks a server, so no test runs it
    **dict.fromkeys(farm_commands(), "tests/batch/test_farm_commands.py"),
}
"""Commands, and the file that runs them."""

NETWORKS = ("midas", "moge", "depth_anything", "normal_bae")
"""Engines whose packages and weights the tests of their own have; here their commands are only understood."""


def shell_commands():
    """All commands of the documents, each once."""
    blocks = [block for document in DOCUMENTS
              for block in re.findall(r"```sh\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)]
    return sorted({line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()})


COMMANDS = shell_commands()
OURS = [command for command in COMMANDS if command.startswith("midas-normal ") and command not in ELSEWHERE]


@pytest.fixture
def pictures(tmp_path):
    """A folder with the pictures and folders that the documents name."""
    photo = PIL.Image.open(ROOT / "docs/materials/roof_tiles_color.jpg").resize((96, 96))
    normals = PIL.Image.open(ROOT / "docs/materials/roof_tiles_normal.jpg").resize((96, 96))
    for file in ("photo.jpg", "textures/roof_color.jpg", "textures/stone/wall_color.jpg", "library/roof.jpg"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        photo.save(tmp_path / file)
    for name, picture in (("wall.png", photo), ("wall_color.png", photo), ("wall_normal.png", normals),
                          ("library/wall_height.png", photo.convert("L"))):
        picture.save(tmp_path / name)
    PIL.Image.fromarray(take_photo(40, 50, 4, 32)).resize((3000, 2400)).save(tmp_path / "wall.jpg")
    PIL.Image.fromarray(take_photo(40, 50, 4, 32)).save(tmp_path / "floor.jpg")
    heights = np.asarray(photo.convert("L"), np.float32) / 255
    (tmp_path / "wall_height.exr").write_bytes(encode_exr({"Y": heights}, half=False))
    return tmp_path


def run(folder, code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "MIDAS_NORMAL_DATA": str(folder / "data")})


def test_every_command_runs_here_or_elsewhere():
    assert len(OURS) > 10
    unknown = [command for command in COMMANDS if command not in OURS and command not in ELSEWHERE]
    assert not unknown and all((ROOT / file).is_file() for file in ELSEWHERE.values())


@pytest.mark.slow
@pytest.mark.parametrize("command", OURS)
def test_the_command_does_what_the_document_says(command, pictures):
    arguments = [argument.lstrip("/") if argument.startswith("/") else argument for argument in shlex.split(command)[1:]]
    if any(network in arguments for network in NETWORKS):
        parser = argparse.ArgumentParser()
        add_options(parser)
        assert parser.parse_args(arguments[1:]).out  # all but the picture
        return
    fast = [] if "--engine" in arguments else ["--engine", "luminance"]
    ended = run(pictures, MAIN, *arguments, *fast)
    assert ended.returncode == 0, ended.stderr
    job = "--write-job" in arguments
    assert any((pictures / ("job" if job else "maps")).rglob("*.txt" if job else "*.*")) or "--shard" in arguments


@pytest.mark.slow
def test_the_python_example_of_the_command_line_runs(pictures):
    text = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    ended = run(pictures, example)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 4 and all(" made " in line for line in lines)
