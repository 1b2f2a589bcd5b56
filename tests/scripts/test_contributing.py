"""The pages for contributors: what they add to the package works in a copy of it, and the files that they name are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs" / "contributing").glob("*.md"))
FILE_NAME = re.compile(r"`((?:blender_midas_normal|docs|scripts|tests)/[\w./-]+)`")
MODULE = re.compile(r"`(blender_midas_normal/[\w/]+\.py)`")
CHANGE = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAIN = "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"

COMPARE_LIBRARIES = """
import numpy as np
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Surface, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.torch_backend import torch_array_backend
surface = Surface(np.random.default_rng(0).random((24, 32), np.float32), 0.01, False, Wrap(), (32, 24))
settings = Settings(strength_x=0.3, strength=5)
made = torch_array_backend("cpu").normal_map(surface, settings).numpy()
np.testing.assert_allclose(made, normal_map(surface, settings), atol=1e-5)
assert np.abs(made - normal_map(surface, Settings(strength=5))).max() > 0.1
"""


def changed_package(page, folder):
    """Copy the package into a folder and make the changes of a page: each in the module that was named last before it."""
    package = shutil.copytree(ROOT / "blender_midas_normal", folder / "blender_midas_normal",
                              ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "docs" / "contributing" / page).read_text(encoding="utf-8")
    for change in CHANGE.finditer(text):
        file = folder / MODULE.findall(text[:change.start()])[-1]
        lines = change[1].splitlines(keepends=True)
        before, after = ("".join(line[1:] or line for line in lines if line[0] != sign).removesuffix("\n") for sign in "+-")
        code = file.read_text(encoding="utf-8")
        assert code.count(before) == 1, (file.name, before)
        file.write_text(code.replace(before, after), encoding="utf-8")
    return package


def make_maps(folder, *arguments):
    """Run the command line with the package in a folder on a picture of a dark groove; returns the values by file name."""
    dark = 1 - np.exp(-((np.arange(96) - 48) / 6) ** 2)
    PIL.Image.fromarray(np.repeat((220 * dark).astype(np.uint8)[None], 64, axis=0)).convert("RGB").save(folder / "wall.png")
    ended = subprocess.run(
        [sys.executable, "-c", MAIN, "wall.png", "--out", "maps", "--engine", "luminance", "--strength", "10", "--tileable",
         "off", "--json", "report.json", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "MIDAS_NORMAL_DATA": str(folder / "data")})
    assert ended.returncode == 0, ended.stderr
    maps = {}
    for entry in json.loads((folder / "report.json").read_text()):
        with PIL.Image.open(folder / entry["output"]) as picture:
            maps[picture.filename.rpartition("/")[2]] = np.asarray(picture, float) / (65535 if "I" in picture.mode else 255)
    return maps


def test_the_added_map_is_made_with_its_names(tmp_path):
    changed_package("add-a-map.md", tmp_path)
    values = make_maps(tmp_path, "--maps", "normal,roughness")["wall_roughness.png"]
    assert values.shape == (64, 96)
    assert values[32, 48] > 0.6 and abs(values[32, 4] - 0.5) < 0.02 and values[32].min() < 0.5
    assert set(make_maps(tmp_path, "--maps", "roughness", "--target", "unreal")) == {"T_wall_R.png"}


def test_the_added_setting_acts_and_its_default_changes_nothing(tmp_path):
    (tmp_path / "as_is").mkdir()
    shutil.copytree(ROOT / "blender_midas_normal", tmp_path / "as_is" / "blender_midas_normal")
    as_is = make_maps(tmp_path / "as_is", "--maps", "normal,height")
    changed_package("add-a-setting.md", tmp_path)
    same = make_maps(tmp_path, "--maps", "normal,height")
    assert all(np.array_equal(same[name], as_is[name]) for name in as_is)
    flat = make_maps(tmp_path, "--strength-x", "0", "--existing", "overwrite")["wall_normal.png"]
    assert np.ptp(as_is["wall_normal.png"][..., 0]) > 0.3 and np.ptp(flat[..., 0]) < 0.01


def test_maps_of_version_1_0_0_are_up_to_date_with_the_added_setting(tmp_path):
    changed_package("add-a-setting.md", tmp_path)
    library = shutil.copytree(ROOT / "tests" / "version_1_0_0" / "library", tmp_path / "library")
    ended = subprocess.run(
        [sys.executable, "-c", MAIN, str(library / "tiles.png"), "--out", str(library), "--engine", "luminance",
         "--strength", "1.7", "--maps", "normal,ao", "--existing", "skip"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "MIDAS_NORMAL_DATA": str(tmp_path / "data")})
    assert "0 made" in ended.stdout and "2 skipped" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.midas
def test_the_added_setting_acts_alike_with_torch(tmp_path, midas_python):
    changed_package("add-a-setting.md", tmp_path)
    ended = subprocess.run([str(midas_python), "-c", COMPARE_LIBRARIES], cwd=tmp_path, capture_output=True, text=True,
                           check=False)
    assert ended.returncode == 0, ended.stderr


def first_cells(page, heading):
    """The first column of the table below a heading of a page, without the quotes of code."""
    text = (ROOT / "docs" / "contributing" / page).read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    return re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^\|([^|]*)\|", text.partition("\n## ")[0], re.MULTILINE)))


def test_the_page_on_testing_has_each_marker_and_each_folder_of_tests():
    own = [line.partition(":")[0] for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
           if re.match(r'    "\w+: ', line)]
    assert sorted(first_cells("testing.md", "## The markers")) == sorted(line.strip(' "') for line in own)
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("*/test_*.py")}
    assert set(first_cells("testing.md", "## The folders")) == folders


def test_the_page_on_setting_up_has_each_environment():
    text = "".join((ROOT / "scripts" / name).read_text(encoding="utf-8") for name in ("environments.py", "test.py"))
    others = re.search("^OTHER_BLENDERS = (.*)$", text, re.MULTILINE)[1]
    made = {*re.findall(r'"(\.venv[\w-]*)"', text), *(f".venv-{version}" for version in re.findall(r"\d\.\d", others))}
    assert set(first_cells("setup.md", "## The environments")) == made


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_files_that_a_page_names_are_there(page):
    names = [name for name in FILE_NAME.findall(page.read_text(encoding="utf-8")) if "*" not in name]
    assert not [name for name in names if not (ROOT / name).exists()]
