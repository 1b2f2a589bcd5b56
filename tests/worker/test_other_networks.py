"""Engines with other networks, in a real worker, with small random checkpoints of the real architectures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.engines import ENGINES
from blender_midas_normal.core.settings import Settings
from tests.requests_for_tests import write_pixels
from tests.worker.worker_process import WorkerProcess, normals

data = pytest.importorskip("skimage.data")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("cv2")
pytestmark = [pytest.mark.midas, pytest.mark.slow]

HERE = Path(__file__).parent
ENGINE_NAMES = ("DEPTH_ANYTHING", "MOGE", "NORMAL_BAE")
PLAIN = Settings(device="CPU", tileable="OFF", resolution=128, strength=0.2)


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "coffee.png"
    Image.fromarray(data.coffee()[:300, :400]).save(path)
    return path


@pytest.fixture(scope="module")
def worker(midas_python, checkpoints, tmp_path_factory):
    with WorkerProcess(midas_python, tmp_path_factory.mktemp("worker") / "exchange", checkpoints) as worker:
        yield worker


def run(python, *command):
    ended = subprocess.run([str(python), *map(str, command)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_passes_are_those_of_the_libraries(midas_python, checkpoints, picture, tmp_path):
    """With float32 the same numbers, with bfloat16 nearly so; a distance becomes what is larger where it is nearer."""
    weights = tmp_path / "weights"
    shutil.copytree(checkpoints, weights, copy_function=os.link)
    run(midas_python, HERE / "network_parity.py", weights, picture, tmp_path / "answers.json")
    answers = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    depth, moge, bae = (answers[name] for name in ENGINE_NAMES)
    assert depth["range"] > 100 and depth["exact"] < 1e-5 and depth["half"] < 0.01 and depth["inverse of a distance"] < 1e-4
    assert moge["spread"] > 3 and moge["exact"] < 0.01 and moge["half"] < 0.5
    assert bae["spread"] > 10 and bae["steps of 8 bits"] <= 1
    assert depth["half with attention"] < 0.01 and moge["half with attention"] < 0.5
    assert depth["attention"] > 0 and moge["attention"] > 0, "attention on a card is in half precision, too"
    assert max(answers["axes"].values()) < 0.1


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_a_map_is_made_and_tuned_again_without_the_network(worker, picture, engine):
    answer = worker.render(replace(PLAIN, engine=engine), picture=str(picture))
    vectors = normals(answer.pixels)
    assert vectors.shape == (300, 400, 3) and answer.end.engine == engine and answer.end.device == "cpu"
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-3)
    assert vectors[..., :2].std() > 0.01 and "network" in answer.stages
    assert any("is not the file that" in note for note in answer.end.notes)
    again = worker.render(replace(PLAIN, engine=engine, strength=0.0), surface=answer.end.surface)
    assert "network" not in again.stages and np.allclose(normals(again.pixels)[..., 2], 1, atol=1e-3)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_fine_relief_is_mixed_in_and_a_tile_stays_one(worker, engine):
    pixels = np.dstack([np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8), np.full((96, 96), 255, np.uint8)])
    mixed, alone = (worker.render(replace(PLAIN, engine=engine, tileable="BOTH", mix=mix), pixels=write_pixels(
        worker.folder / f"{engine}{mix}", pixels.astype(np.float32) / 255)) for mix in ("LUMINANCE", "OFF"))
    assert not np.array_equal(mixed.pixels, alone.pixels)
    vectors = normals(alone.pixels)
    inside = np.abs(np.diff(vectors, axis=1)).mean(axis=(0, 2))
    assert np.abs(vectors[:, 0] - vectors[:, -1]).mean() <= inside.max() * 1.5


def test_a_long_picture_is_seen_in_tiles(worker, tmp_path):
    pixels = np.repeat(np.repeat(data.coffee()[:, :40], 4, axis=0), 4, axis=1)
    Image.fromarray(pixels).save(tmp_path / "long.png")
    passes = []
    answer = worker.render(replace(PLAIN, engine="DEPTH_ANYTHING", resolution=512), lambda progress: passes.append(
        progress.share) if progress.stage == "network" else None, picture=str(tmp_path / "long.png"))
    assert answer.pixels.shape[:2] == pixels.shape[:2]
    assert len(passes) > 20 and passes == sorted(passes)


def test_pictures_share_a_pass(midas_python, checkpoints, picture, tmp_path):
    alone = {}
    with WorkerProcess(midas_python, tmp_path / "exchange", checkpoints, "--batch", "4") as worker:
        settings = replace(PLAIN, engine="DEPTH_ANYTHING", precision="FLOAT32")
        alone = worker.render(settings, picture=str(picture)).pixels
        Image.fromarray(data.coffee()[100:400, 100:500]).save(tmp_path / "other.png")
        answers = worker.render_all([(replace(settings, a=3.0), {"picture": str(tmp_path / "other.png")}),
                                     (replace(settings, tileable="OFF", enlargement="EDGES"), {"picture": str(picture)}),
                                     (settings, {"picture": str(tmp_path / "other.png")})])
    assert all(answer.pixels.shape == alone.shape for answer in answers)


def own_folder(checkpoints, engine, folder):
    """A copy of the engine's weights, as a folder of the user's own, and settings that name it."""
    name = {"DEPTH_ANYTHING": "Depth-Anything-V2-Small-hf", "MOGE": "moge-2-vits-normal"}[engine]
    shutil.copytree(checkpoints / name, folder)
    return replace(PLAIN, engine=engine, model="FOLDER", model_folder=str(folder), resolution=70)


@pytest.mark.parametrize("engine", ["DEPTH_ANYTHING", "MOGE"])
def test_weights_of_ones_own_give_the_same_map_without_a_warning(worker, checkpoints, picture, tmp_path, engine):
    settings = own_folder(checkpoints, engine, tmp_path / "own")
    own = worker.render(settings, picture=str(picture))
    known = worker.render(replace(settings, model="SMALL"), picture=str(picture))
    np.testing.assert_array_equal(own.pixels, known.pixels)
    assert [any("is not the file" in note for note in answer.end.notes) for answer in (own, known)] == [False, True]


@pytest.mark.parametrize("tileable", ["OFF", "BOTH"])
def test_another_depth_network_of_transformers_will_do(worker, checkpoints, picture, tileable):
    """One that takes squares only, and whose processor knows nothing of its patches."""
    settings = replace(PLAIN, engine="DEPTH_ANYTHING", model="FOLDER", model_folder=str(checkpoints / "dpt"),
                       tileable=tileable)
    vectors = normals(worker.render(settings, picture=str(picture)).pixels)
    assert vectors.shape == (300, 400, 3) and vectors[..., :2].std() > 0.001


@pytest.mark.parametrize(("engine", "damage", "sentence"), [
    ("DEPTH_ANYTHING", lambda folder: write(folder / "model.safetensors", b"no weights"), "damaged or holds no weights"),
    ("DEPTH_ANYTHING", lambda folder: write(folder / "config.json", b"{"), "config.json cannot be read"),
    ("DEPTH_ANYTHING", lambda folder: write(folder / "config.json", b"[]"), "config.json cannot be read"),
    ("DEPTH_ANYTHING", lambda folder: edit(folder / "config.json", b'"fusion_hidden_size": 24', b'"fusion_hidden_size": 25'),
     "damaged or holds no weights"),
    ("DEPTH_ANYTHING", lambda folder: edit(folder / "config.json", b'"num_hidden_layers": 4', b'"num_hidden_layers": 5'),
     "of the network's weights"),
    ("DEPTH_ANYTHING", lambda folder: (folder / "config.json").unlink(), "has no file config.json"),
    ("MOGE", lambda folder: write(folder / "model.pt", b"no weights"), "damaged or holds no weights"),
    ("MOGE", lambda folder: (folder / "without.pt").replace(folder / "model.pt"), "normal head"),
])
def test_damaged_weights_are_refused_in_one_sentence(worker, checkpoints, picture, tmp_path, engine, damage, sentence):
    settings = own_folder(checkpoints, engine, tmp_path / "own")
    if engine == "MOGE":
        shutil.copy(checkpoints / "without_normals" / "model.pt", tmp_path / "own" / "without.pt")
    damage(tmp_path / "own")
    kind, text = worker.render(settings, picture=str(picture)).error
    assert kind == "WeightsError" or "has no file" in sentence
    assert sentence in text and text.count(". ") == 0


def write(path, content):
    path.write_bytes(content)


def edit(path, before, after):
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))


def test_auto_chooses_none_of_them(worker, picture):
    """Though their packages and weights are there, and MiDaS's weights are not."""
    assert not any(worker.ready.engines[name] for name in ENGINE_NAMES) and worker.ready.engines["MIDAS"]
    assert worker.render(replace(PLAIN, engine="AUTO"), picture=str(picture)).end.engine == "RELIEF"


def test_missing_weights_are_named_with_their_size(midas_python, tmp_path, picture):
    with WorkerProcess(midas_python, tmp_path / "exchange", tmp_path / "none") as worker:
        for engine in ENGINE_NAMES:
            kind, text = worker.render(replace(PLAIN, engine=engine), picture=str(picture)).error
            weights = next(iter(ENGINES[engine].weights.values()))
            assert kind == "EngineUnavailable" and weights.description in text and "--weights" in text
