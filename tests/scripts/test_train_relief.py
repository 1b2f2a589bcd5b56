"""The training program: a short training learns, is resumed, and leaves weights that the engine reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.weights import weights_checksum
from blender_midas_normal.worker.engines.relief import WEIGHTS
from blender_midas_normal.worker.engines.relief.architecture import RGB_CHANNELS, Weights, read_weights, write_weights
from blender_midas_normal.worker.engines.relief.inference import infer
from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import cv2, numpy as np
from relief.samples import sample
folder = Path(sys.argv[2])
lines = ["id\\tlumfit\\tsplit"]
for seed, split in ((5, "train"), (6, "train"), (7, "val")):
    made = sample(seed, 128)
    normals = np.dstack([-made.slopes[..., 0], made.slopes[..., 1], np.ones((128, 128))])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    for name, values in (("color", made.rgb), ("normal", normals * 0.5 + 0.5)):
        cv2.imwrite(str(folder / f"m{seed}_{name}.png"), np.rint(values[..., ::-1] * 255).astype(np.uint8))
    lines.append(f"m{seed}\\t0.{seed}\\t{split}")
(folder / "index.tsv").write_text("\\n".join(lines) + "\\n")
"""


def run(python, *arguments):
    ended = subprocess.run([str(python), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def materials(midas_python, tmp_path_factory):
    """Three made-up materials, in a folder like that of the real ones."""
    folder = tmp_path_factory.mktemp("materials")
    run(midas_python, "-c", MATERIAL, ROOT / "scripts", folder)
    return folder


@pytest.mark.slow
@pytest.mark.midas
def test_a_short_training_learns_resumes_and_is_evaluated(midas_python, materials, tmp_path):
    arguments = [ROOT / "scripts" / "train_relief.py", "--out", tmp_path, "--device", "cpu", "--architecture", "tiny",
                 "--samples", "64", "--measured", "4", "--batch", "4", "--window", "64", "--rate", "0.003",
                 "--real", materials, "--real-share", "0.3", "--relit", "1"]
    run(midas_python, *arguments, "--minutes", "0.1", "--checkpoint-minutes", "0.05", "--materials", tmp_path / "none")
    first = json.loads((tmp_path / "log.json").read_text())["log"]
    output = run(midas_python, *arguments, "--minutes", "0.2", "--resume", "--materials", materials)
    log = json.loads((tmp_path / "log.json").read_text())["log"]
    assert log[:len(first)] == first and log[-1]["step"] > first[-1]["step"]
    assert log[-1]["made_up_r"] > 0.1  # 0.01 of one that learnt nothing; the error falls late
    assert {"val_r", "val_amount", "factor"} <= set(log[-1]) and "2 real materials" in output
    assert f"from step {first[-1]['step']} on" in output and "all (3)" in output
    assert (tmp_path / "curves.png").stat().st_size > 1000 and (tmp_path / "evaluation.jpg").stat().st_size > 1000
    rest = [*arguments, "--pool", tmp_path / "pool", "--materials", tmp_path / "none", "--minutes", "0.02", "--rate", "1e-6"]
    rest[rest.index("--out") + 1] = tmp_path / "more"
    run(midas_python, *rest, "--begin-with", tmp_path / "relief.npz")
    # The kernels that read colours: the others depend on the factor too, which is chosen anew and has bounds.
    began, more = (read_weights(folder / "relief.npz").weights["stem"][:, :4 * RGB_CHANNELS]
                   for folder in (tmp_path, tmp_path / "more"))
    np.testing.assert_allclose(more, began, atol=2e-3)  # at this rate hardly anything is learnt beyond what it began with
    slopes = infer(ReliefNetwork(read_weights(tmp_path / "relief.npz")), np.full((16, 16, 3), 0.5, np.float32), Wrap(),
                   lambda *_: None).full
    assert slopes.shape == (16, 16, 2)


ARITHMETIC = """
import sys
sys.path.insert(0, sys.argv[1])
import torch
from relief.batches import recolour
from relief.losses import loss, tilt_degrees
from relief.measures import Measured, factor_for
from relief.network import ARCHITECTURES, new_network, scale_slopes, sizes_of, through_sizes
torch.manual_seed(0)
truth = 0.2 * torch.randn(6, 2, 32, 32)
pictures = [Measured(truth[i:i + 1], truth[i:i + 1], (True, True)) for i in range(6)]
share = torch.tensor([1, 0.4, 0.4, 0.4, 2, 2]).view(6, 1, 1, 1)
print(factor_for([share[i] * truth[i:i + 1] for i in range(6)], pictures))
print(float(loss(truth, truth)), float(loss(0.5 * truth, truth)), float(loss(-truth, truth)), float(loss(0 * truth, truth)))
print(float(loss(0.2 * truth, 0 * truth)), float(loss(truth, 0 * truth)), float(loss(0 * truth, 0 * truth)))
pixels = torch.rand(3, 3, 64, 64)
small, large = recolour([torch.nn.functional.avg_pool2d(pixels, 2), pixels])
print(float((torch.nn.functional.avg_pool2d(large, 2) - small).abs().mean()), float((small - large.mean()).abs().mean()))
network = new_network(ARCHITECTURES["tiny"])
with torch.no_grad():
    for layer in network.layers.values():
        layer.weight.normal_(0, 0.2)
        if hasattr(layer, "gain"):
            layer.gain.fill_(1.0)
answers = through_sizes(network, sizes_of(pixels, 16), [(0, 0)] * 3, (True, True))
network.load(scale_slopes(network.weights(), 2.0))
doubled = through_sizes(network, sizes_of(pixels, 16), [(0, 0)] * 3, (True, True))
answers, doubled = ([one.detach() for one in each] for each in (answers, doubled))
print(max(float((b - 2 * a).abs().max()) for a, b in zip(answers, doubled)), float(answers[-1].abs().max()))
active, network = [], new_network(ARCHITECTURES["full"])
for name, layer in network.layers.items():
    if name.endswith("_a"):
        layer.register_forward_hook(lambda layer, inputs, output: active.append((output > 0).float().mean((0, 2, 3))))
bright = 0.2 * torch.rand(4, 3, 256, 256) + 0.7
network(bright, torch.zeros_like(bright[:, :2]))
print(min(float(share.min()) for share in active), max(float(share.max()) for share in active))
"""


@pytest.mark.midas
def test_the_trainings_arithmetic(midas_python):
    factor, losses, of_flat, colours, scale, active = (list(map(float, line.split())) for line in
                                               run(midas_python, "-c", ARITHMETIC, ROOT / "scripts").splitlines())
    assert factor[0] == pytest.approx(0.8 / 0.7, rel=0.1)  # between 0.4 and 1 lies the median amount
    none, half, turned, flat = losses
    assert none < half < flat < turned  # doubt must not be cheaper than an answer of half the steepness
    assert of_flat[2] < 0.1 * of_flat[0] and of_flat[1] > 0.9 * flat  # relief on flat ground costs as much as none on relief
    assert colours[0] < 0.2 * colours[1]  # a picture is recoloured alike at all of its sizes
    assert active[0] > 0.02 and active[1] < 0.98  # no hidden unit begins dead, whatever the picture's brightness
    assert scale[0] < 1e-3 * scale[1]  # twice the slopes at each size, those that are handed on included


@pytest.mark.materials
def test_the_scores_are_those_of_the_materials_own_program(tmp_path):
    folder = os.environ.get("MIDAS_NORMAL_MATERIALS")
    if not folder:
        pytest.skip("MIDAS_NORMAL_MATERIALS names no folder with real materials")
    pytest.importorskip("cv2")
    count, trusted = link_some_materials(Path(folder), tmp_path)
    ours = run(sys.executable, ROOT / "scripts" / "evaluate.py", "--materials", tmp_path).split("\n\n")
    theirs = run(sys.executable, tmp_path / "score.py", "--baseline", "flat")
    flat, reference = table_of(ours[0]), table_of(theirs)
    assert len(reference) == count + 2
    for name, figures in reference.items():
        assert np.allclose(flat[name], figures, atol=1e-3, equal_nan=True), name
    title = f"lumfit < 0.6 ({trusted})"
    luminance = table_of(run(sys.executable, tmp_path / "score.py", "--baseline", "luminance"))[title]
    assert np.allclose(table_of(ours[1])[title], luminance, rtol=0.05)


def link_some_materials(source, folder):
    """Link every fourth material by lumfit, and copy the program; return the numbers of all and of those below 0.6."""
    title, *lines = (source / "index.tsv").read_text().splitlines()
    column = title.split("\t").index("lumfit")
    some = sorted(lines, key=lambda line: float(line.split("\t")[column]))[::4]
    (folder / "index.tsv").write_text("\n".join([title, *some]) + "\n")
    for name in (line.split("\t")[0] for line in some):
        for kind in ("color", "normal"):
            (folder / f"{name}_{kind}.png").symlink_to(source / f"{name}_{kind}.png")
    shutil.copy(source / "score.py", folder)
    trusted = sum(float(line.split("\t")[column]) < 0.6 for line in some)
    assert 0 < trusted < len(some)
    return len(some), trusted


@pytest.mark.midas
def test_an_engine_that_is_asked_for_gets_a_row_with_its_weights_and_versions(midas_python, materials, tmp_path):
    program = [midas_python, ROOT / "scripts" / "evaluate.py", "--materials", materials, "--engines"]
    run(*program, "luminance,relief", "--out", tmp_path)
    rows = [line.split(" | ") for line in (tmp_path / "evaluation.md").read_text(encoding="utf-8").splitlines()[2:]]
    assert [row[0] for row in rows] == ["| Luminance", "| Relief"] and {row[5] for row in rows} == {"3"}
    assert rows[0][6] == "none" and rows[1][6] == weights_checksum(WEIGHTS)[:12] and "torch" in rows[1][7]
    ended = subprocess.run([*map(str, program), "moge", "--weights", str(tmp_path)], capture_output=True, text=True,
                           check=False)
    assert ended.returncode == 1 and "MoGe-2 ViT-S's weights" in ended.stderr and "Traceback" not in ended.stderr


def table_of(text):
    """The figures that both programs print, by material or title: without lumfit and the column amount."""
    columns = text.strip().splitlines()[0].split().index("k") - 1
    table = {}
    for line in text.strip().splitlines()[1:]:
        title, _, figures = line.partition(")")
        if figures:
            table[title + ")"] = [float(word) for word in figures.split()][:columns - 1]
        elif not line.startswith(("all:", "a correlation")):
            table[line.split()[0]] = [float(word) for word in line.split()[2:]][:columns - 1]
    return table


def test_evaluation_says_what_is_missing(tmp_path):
    pytest.importorskip("cv2")
    program = [sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--materials", str(tmp_path)]
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "index.tsv" in ended.stderr and "Traceback" not in ended.stderr
    (tmp_path / "index.tsv").write_text("id\tlumfit\nbrick\t0.3\n")
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "brick_color" in ended.stderr and "Traceback" not in ended.stderr


def test_weights_of_two_trainings_are_averaged(tmp_path):
    weights = read_weights(WEIGHTS)
    opposite = Weights(weights.architecture, {name: -values for name, values in weights.weights.items()}, weights.biases)
    write_weights(tmp_path / "opposite.npz", opposite)
    command = [sys.executable, str(ROOT / "scripts" / "average_weights.py"), str(WEIGHTS), str(WEIGHTS), str(WEIGHTS),
               str(tmp_path / "opposite.npz"), "--out", str(tmp_path / "mean.npz")]
    subprocess.run(command, check=True)
    mean = read_weights(tmp_path / "mean.npz")
    for name, values in weights.weights.items():
        np.testing.assert_allclose(mean.weights[name], values / 2, atol=1e-3)
        np.testing.assert_allclose(mean.biases[name], weights.biases[name], atol=1e-3)
