"""A .blend file with wired maps looks the same in another Blender that has never seen the extension, and elsewhere."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.reliability.lit_file import FLAT, LIT, SIDE, WALLS

pytestmark = [pytest.mark.reliability, pytest.mark.slow]

PROGRAM = Path(__file__).with_name("lit_file.py")
VERSIONS = ("4.2", "4.5", "5.0", "5.2")
PAIRS = [(maker, opener) for maker, opener in itertools.permutations(VERSIONS, 2) if maker < "5" or opener > "4.2"]
"""Which version opens files of which: Blender 4.2 takes those of 5.0 and later for no .blend files at all."""

LIKE = 0.1
"""Share of what the maps do to the light by which two versions may differ: 4.2 places its samples otherwise."""


@pytest.fixture(scope="module")
def blender():
    """blender(version): a Python with that version's bpy; skips where MIDAS_NORMAL_BLENDERS, and this Python, have none."""
    variable = os.environ.get("MIDAS_NORMAL_BLENDERS", "")
    found = dict(word.split("=", 1) for word in variable.split(os.pathsep) if word)
    if importlib.util.find_spec("bpy"):
        found[".".join(importlib.metadata.version("bpy").split(".")[:2])] = sys.executable

    def python(version):
        if version not in found:
            pytest.skip(f"MIDAS_NORMAL_BLENDERS names no Blender {version}")
        return found[version]

    return python


@pytest.fixture(scope="module")
def made(blender, tmp_path_factory):
    """made(version): the folder of that version's file, which has been moved since it was saved."""
    folders = {}

    def make(version):
        if version not in folders:
            folder = tmp_path_factory.mktemp("made")
            run(blender(version), "make", folder)
            folders[version] = folder.rename(folder.with_name(f"moved_{folder.name}"))
        return folders[version]

    return make


def run(python, *arguments):
    command = [python, str(PROGRAM), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(("maker", "opener"), PAIRS)
def test_a_file_looks_the_same_in_another_blender_without_the_extension(maker, opener, blender, made, tmp_path, figure):
    python, folder = blender(opener), made(maker)
    run(python, "open", folder, tmp_path / "seen.npy")
    lit, flat, seen = (np.load(path)[..., :3] for path in (folder / LIT, folder / FLAT, tmp_path / "seen.npy"))
    shares = []
    for number, wall in enumerate(WALLS):
        columns = np.s_[:, number * SIDE:(number + 1) * SIDE]
        of_maps = np.abs(lit - flat)[columns].mean()
        assert of_maps > 0.02, wall
        shares.append(np.abs(lit - seen)[columns].mean() / of_maps)
        assert shares[-1] < LIKE, wall
    figure(f"file of Blender {maker} opened by {opener}: {max(shares):.2g} of the maps' own effect apart")
