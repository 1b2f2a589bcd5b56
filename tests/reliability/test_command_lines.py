"""Headers that lie, cut files and giants through every command line that takes a picture: a sentence, never a traceback."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT
from tests.reliability.test_worker_input import png_of

pytestmark = [pytest.mark.reliability, pytest.mark.slow]
needs_bpy = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="this Python has no bpy")

NAMES = ("wide.png", "deep.png", "cut.png", "cut.jpg", "empty.png", "giant.png")
ONE_OF_EACH = ("wide.png", "cut.jpg", "giant.png")
"""A header that lies, a cut file and a giant; each costs a start of the program."""

SCRIPTS = ROOT / "scripts"
BLENDER = Path(__file__).with_name("blender_program.py")


def good(folder: Path, name: str = "good.png") -> Path:
    path = folder / name
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> dict[str, Path]:
    """The files that are no pictures, by name."""
    folder = tmp_path_factory.mktemp("bad")
    contents = {"wide.png": png_of(60_000, 60_000, 8), "deep.png": png_of(32_767, 32_767, 16), "empty.png": b"",
                "cut.png": good(folder).read_bytes()[:2000], "cut.jpg": good(folder, "good.jpg").read_bytes()[:300]}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    with (folder / "giant.png").open("wb") as file:
        file.truncate(1 << 40)
    return {name: folder / name for name in NAMES}


@pytest.fixture(params=["normal_map.py", pytest.param("blender --command", marks=needs_bpy)])
def ended(request, tmp_path):
    """ended(*arguments): how a command line ends that makes maps, and what it complains of."""
    blender = [BLENDER, "command", tmp_path / "resources"]
    program = [SCRIPTS / "normal_map.py"] if request.param == "normal_map.py" else blender
    return lambda *arguments: run(*program, *arguments, "--engine", "luminance", "--out", tmp_path / "maps")


def run(*arguments: object, **variables: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, timeout=120, check=False,
                          env={**os.environ, **variables})
    complaints = done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in complaints, complaints
    return done.returncode, complaints


def maps(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "maps").glob("[!.]*"))


def test_bad_pictures_are_named_and_the_good_one_is_made(ended, bad, tmp_path):
    code, complaints = ended(*bad.values(), good(tmp_path), "--pattern", "{name}_{map}")
    assert code == 1 and maps(tmp_path) == ["good.png_normal.png"]
    for path in bad.values():
        assert complaints.count(f"{path}: error: ") == 1, complaints


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_bad_mask_image_is_named_and_nothing_is_made(ended, bad, tmp_path, name):
    code, complaints = ended(good(tmp_path), "--mask-image", bad[name])
    assert code in (1, 2) and name in complaints and not maps(tmp_path), complaints


@needs_bpy
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_demonstration_names_a_bad_picture(bad, tmp_path, name):
    code, complaints = run(SCRIPTS / "demo_scene.py", "--engine", "luminance", "--weights", tmp_path, "--image", bad[name],
                           "--out", tmp_path / "out", BLENDER_USER_RESOURCES=str(tmp_path / "resources"))
    assert code == 1 and f"{bad[name]} is no picture that Blender can read" in complaints
    assert not list((tmp_path / "out").iterdir())
