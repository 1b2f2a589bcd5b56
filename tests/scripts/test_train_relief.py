"""The training program: a short training learns, is resumed, and leaves weights that the engine reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.worker.engines.relief_network import ReliefNetwork, read_weights

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import cv2, numpy as np
from relief.samples import sample
folder = Path(sys.argv[2])
lines = ["id\\tlumfit"]
for seed in (5, 6):
    made = sample(seed, 128)
    normals = np.dstack([-made.slopes[..., 0], made.slopes[..., 1], np.ones((128, 128))])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    for name, values in (("color", made.rgb), ("normal", normals * 0.5 + 0.5)):
        cv2.imwrite(str(folder / f"m{seed}_{name}.png"), np.rint(values[..., ::-1] * 255).astype(np.uint8))
    lines.append(f"m{seed}\\t0.{seed}")
(folder / "index.tsv").write_text("\\n".join(lines) + "\\n")
"""


def run(python, *words):
    ended = subprocess.run([str(python), *map(str, words)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def materials(midas_python, tmp_path_factory):
    """Two made-up materials, in a folder like that of the real ones."""
    folder = tmp_path_factory.mktemp("materials")
    run(midas_python, "-c", MATERIAL, ROOT / "scripts", folder)
    return folder


@pytest.mark.slow
@pytest.mark.midas
def test_a_short_training_learns_resumes_and_is_evaluated(midas_python, materials, tmp_path):
    words = [ROOT / "scripts" / "train_relief.py", "--out", tmp_path, "--device", "cpu", "--architecture", "tiny",
             "--samples", "128", "--held-out", "1", "--batch", "4", "--crop", "64", "--rate", "0.003",
             "--checkpoint-minutes", "0.1"]
    run(midas_python, *words, "--minutes", "0.4", "--materials", tmp_path / "none")
    first = json.loads((tmp_path / "log.json").read_text())["log"]
    told = run(midas_python, *words, "--minutes", "1.2", "--resume", "--materials", materials)
    log = json.loads((tmp_path / "log.json").read_text())["log"]
    assert log[:len(first)] == first and log[-1]["step"] > first[-1]["step"]
    assert min(log[-1]["r_x"], log[-1]["r_y"]) > 0.1  # 0.01 of one that learnt nothing; the error falls late
    assert f"from step {first[-1]['step']} on" in told and "all (2)" in told
    assert (tmp_path / "curves.png").stat().st_size > 1000 and (tmp_path / "evaluation.jpg").stat().st_size > 1000
    rest = [*words, "--pool", tmp_path / "pool", "--materials", tmp_path / "none", "--minutes", "0.05", "--rate", "1e-6"]
    rest[rest.index("--out") + 1] = tmp_path / "more"
    run(midas_python, *rest, "--begin-with", tmp_path / "relief.npz")
    began, more = (read_weights(folder / "relief.npz").weights["stem"] for folder in (tmp_path, tmp_path / "more"))
    np.testing.assert_allclose(more, began, atol=2e-3)  # at this rate hardly anything is learnt beyond what it began with
    slopes = ReliefNetwork(read_weights(tmp_path / "relief.npz")).slopes(
        np.full((16, 16, 3), 0.5, np.float32), Wrap(), lambda *_: None)
    assert slopes.shape == (16, 16, 2)


CALIBRATION = """
import sys
sys.path.insert(0, sys.argv[1])
import torch
from relief.training import calibration, loss
torch.manual_seed(0)
truth = 0.2 * torch.randn(6, 2, 32, 32)
truth[0] = 0  # a flat sample has no factor
share = torch.tensor([1, 0.5, 0.5, 0.5, 2, 2]).view(6, 1, 1, 1)
print(calibration(truth * share, truth))
print(float(loss(truth, truth)), float(loss(0.5 * truth, truth)), float(loss(-truth, truth)))
"""


@pytest.mark.midas
def test_calibration_is_the_factor_that_is_too_steep_as_often_as_too_flat(midas_python):
    told = run(midas_python, "-c", CALIBRATION, ROOT / "scripts").splitlines()
    assert float(told[0]) == pytest.approx(2, rel=0.04)
    none, half, turned = map(float, told[1].split())
    assert none < half < turned


@pytest.mark.materials
def test_the_scores_are_those_of_the_materials_own_program(tmp_path):
    folder = os.environ.get("MIDAS_NORMAL_MATERIALS")
    if not folder:
        pytest.skip("MIDAS_NORMAL_MATERIALS names no folder with real materials")
    pytest.importorskip("cv2")
    ours = run(sys.executable, ROOT / "scripts" / "evaluate.py", "--materials", folder).split("\n\n")
    theirs = run(sys.executable, Path(folder) / "score.py", "--baseline", "flat")
    assert rows(ours[0])[0] == rows(theirs)[0]
    luminance = [float(word) for word in rows(ours[1])[1][-1].split(")")[1].split()]
    reference = run(sys.executable, Path(folder) / "score.py", "--baseline", "luminance").splitlines()[-1]
    assert np.allclose(luminance, [float(word) for word in reference.split(")")[1].split()], rtol=0.05)


def rows(table):
    """(lines of materials, lines of means)."""
    lines = [line for line in table.strip().splitlines() if not line.startswith("a correlation")][1:]
    return [line for line in lines if "(" not in line], [line for line in lines if "(" in line]


def test_evaluation_says_what_is_missing(tmp_path):
    pytest.importorskip("cv2")
    program = [sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--materials", str(tmp_path)]
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "index.tsv" in ended.stderr and "Traceback" not in ended.stderr
    (tmp_path / "index.tsv").write_text("id\tlumfit\nbrick\t0.3\n")
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "brick_color.png" in ended.stderr and "Traceback" not in ended.stderr
