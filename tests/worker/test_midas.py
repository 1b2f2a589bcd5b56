"""The MiDaS engine in a real worker process, against the library that the node calls."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.engines import MIDAS_WEIGHTS
from blender_midas_normal.core.filters import resize
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.regions import plan_tiles
from blender_midas_normal.core.settings import Settings, preset
from blender_midas_normal.worker.engines.tiled_inference import network_size
from tests.requests_for_tests import opaque, write_pixels
from tests.worker import small_passes
from tests.worker.worker_process import WorkerProcess, normals

data = pytest.importorskip("skimage.data")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("cv2")
pytestmark = pytest.mark.midas

NODE = preset("NODE")
CPU_NODE = replace(NODE, device="CPU")
PLAIN = Settings(engine="MIDAS", device="CPU", tileable="OFF", resolution=128, strength=0.2)
"""The test weights answer with far rougher heights than MiDaS: the strength makes slopes of them that a picture may have."""

CASES = [
    ("coffee", 2 * math.pi, 0.1, 320),
    ("coffee", 0.05, 0.0, 192),
    ("coffee", 5 * math.pi, 0.5, 128),
    ("coffee", 2 * math.pi, 1.0, 64),
    ("coffee", 2 * math.pi, 0.1, 100),
    ("coffee", 1.0, 0.1, 160),
    ("brick", 2 * math.pi, 0.1, 128),
    ("odd", 5 * math.pi, 0.0, 320),
    ("grey", 2 * math.pi, 0.1, 192),
    ("grey", 0.05, 0.5, 64),
    ("rgba", 2 * math.pi, 0.1, 128),
    ("rgba", 2 * math.pi, 0.5, 100),
    ("portrait", 2 * math.pi, 0.1, 128),
    ("odd", 2 * math.pi, 0.1, 256),
    ("odd", 0.3, 1.0, 100),
    ("small", 2 * math.pi, 0.1, 128),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[str, Path]:
    """Real photographs, as files: RGB, grey, RGBA, portrait, with odd sides, smaller than any resolution."""
    coffee, brick = data.coffee(), data.brick()
    values = {
        "coffee": coffee, "brick": np.dstack([brick] * 3), "grey": brick[:300, :380],
        "rgba": np.dstack([coffee[:300, :400], brick[:300, :400]]), "portrait": coffee[::-1].swapaxes(0, 1),
        "odd": coffee[:257, :331], "small": coffee[100:131, 200:247],
    }
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in values.items():
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in values}


@pytest.fixture(scope="module")
def worker(midas_python, test_weights, tmp_path_factory):
    with WorkerProcess(midas_python, tmp_path_factory.mktemp("worker") / "exchange", test_weights) as worker:
        yield worker


@pytest.fixture(scope="module")
def reference(midas_python, test_weights, pictures, tmp_path_factory):
    """The node's own answers to CASES."""
    return reference_answers(midas_python, test_weights, pictures, CASES, tmp_path_factory.mktemp("reference"))


def reference_answers(python, weights, pictures, cases, folder):
    fields = [{"picture": str(pictures[name]), "a": a, "bg_threshold": threshold, "resolution": resolution}
              for name, a, threshold, resolution in cases]
    (folder / "cases.json").write_text(json.dumps(fields))
    subprocess.run([str(python), "-I", str(Path(__file__).with_name("node_reference.py")), "--weights", str(weights),
                    "--cases", str(folder / "cases.json"), "--out", str(folder / "answers.npz")], check=True,
                   stderr=subprocess.DEVNULL)
    with np.load(folder / "answers.npz") as answers:
        return [answers[str(number)] for number in range(len(cases))]


def tilt(pixels):
    """Degrees between each normal and the surface's own direction."""
    return np.degrees(np.arccos(np.clip(normals(pixels)[..., 2], -1, 1)))


def steps_across_rows(pixels):
    """How far each row's normals are from those of the row before it; the row before the first is the last."""
    vectors = normals(pixels)
    return np.abs(vectors - np.roll(vectors, 1, axis=0)).mean(axis=(1, 2))


def assert_unit(pixels, tolerance=1e-3):
    np.testing.assert_allclose(np.linalg.norm(normals(pixels), axis=2), 1, atol=tolerance)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: "{}-a{:.2f}-bg{}-{}".format(*CASES[number]))
def test_the_node_preset_is_the_nodes_picture_bit_for_bit(reference, worker, pictures, number):
    name, a, threshold, resolution = CASES[number]
    settings = replace(CPU_NODE, a=a, bg_threshold=threshold, resolution=resolution)
    answer = worker.render(settings, picture=str(pictures[name]))
    assert answer.pixels.dtype == np.uint8
    np.testing.assert_array_equal(answer.pixels, reference[number])
    assert answer.end.engine == "MIDAS"
    assert answer.end.device == "cpu"


def test_a_retune_runs_no_network_and_is_still_the_nodes_picture(worker, pictures, reference):
    first = worker.render(replace(CPU_NODE, resolution=128, a=3.0), picture=str(pictures["coffee"]))
    assert first.pixels.any()
    _, a, threshold, resolution = CASES[2]
    again = worker.render(replace(CPU_NODE, a=a, bg_threshold=threshold, resolution=resolution), surface=first.end.surface)
    assert "network" not in again.stages and "load" not in again.stages
    np.testing.assert_array_equal(again.pixels, reference[2])


def test_raw_in_opengl_holds_the_same_normals(worker, pictures, reference):
    answer = worker.render(replace(CPU_NODE, convention="OPENGL", resolution=128), picture=str(pictures["brick"]))
    red, green, blue = np.moveaxis(reference[6].astype(float), 2, 0)
    opengl = np.stack([255 - blue, green, red], axis=2) / 127.5 - 1
    difference = np.abs(normals(answer.pixels) - opengl).max(axis=2)
    assert (difference < 1.01 / 127.5).mean() > 0.999


def test_depths_take_edges_from_the_picture_but_raw_ones_do_not(worker, pictures):
    def both(settings):
        return [worker.render(replace(settings, enlargement=name), picture=str(pictures["coffee"])).pixels
                for name in ("SMOOTH", "EDGES")]

    smooth, edges = both(replace(CPU_NODE, resolution=64))
    np.testing.assert_array_equal(smooth, edges)
    smooth, edges = both(replace(PLAIN, resolution=64))
    assert edges.shape == smooth.shape and np.abs(normals(edges) - normals(smooth)).max() > 0.01


def test_a_part_of_a_picture_has_its_own_size_and_is_not_flat(worker):
    pixels = write_pixels(worker.folder / "coffee", opaque(data.coffee() / 255), part=(100, 50, 400, 350))
    part = worker.render(replace(PLAIN, resolution=64), pixels=pixels).pixels
    assert part.shape == (300, 300, 3) and tilt(part).mean() > 0.5


def test_a_of_zero_gives_finite_unit_normals(worker, pictures):
    node = worker.render(replace(CPU_NODE, a=0.0, resolution=128, bg_threshold=0.5), picture=str(pictures["coffee"]))
    vectors = node.pixels.astype(float) / 127.5 - 1
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=0.03)
    assert (np.abs(node.pixels.astype(int) - [255, 127, 127]).max(axis=2) == 0).mean() > 0.1
    assert_unit(worker.render(replace(PLAIN, a=0.0), picture=str(pictures["coffee"])).pixels)


def test_the_map_has_the_pictures_size_and_is_not_flat(worker, pictures):
    for name in ("odd", "portrait", "small"):
        answer = worker.render(PLAIN, picture=str(pictures[name]))
        with Image.open(pictures[name]) as image:
            assert answer.pixels.shape == (image.height, image.width, 3)
        assert answer.pixels.dtype == np.uint16
        assert_unit(answer.pixels)
        assert 2 < tilt(answer.pixels).mean() < 60


def test_the_look_does_not_depend_on_the_resolution(worker, pictures):
    maps = [worker.render(replace(PLAIN, resolution=resolution), picture=str(pictures["coffee"])).pixels
            for resolution in (384, 512)]
    steep = [tilt(pixels).mean() for pixels in maps]
    assert abs(steep[0] / steep[1] - 1) < 0.25
    coarse = [resize(normals(pixels)[..., :2].astype(np.float32), 24, 16, Wrap()) for pixels in maps]
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.5


def test_a_picture_of_one_colour_is_flat_and_says_so(worker):
    grey = opaque(np.full((50, 70, 3), 0.5))
    answer = worker.render(PLAIN, pixels=write_pixels(worker.folder / "grey", grey))
    assert (np.abs(answer.pixels.astype(int) - [32768, 32768, 65535]) <= 1).all()
    assert any("flat" in note for note in answer.end.notes)


def test_the_node_preset_takes_a_picture_of_one_colour(worker):
    grey = opaque(np.full((50, 70, 3), 0.5))
    answer = worker.render(replace(CPU_NODE, resolution=64), pixels=write_pixels(worker.folder / "grey", grey))
    np.testing.assert_allclose(np.linalg.norm(answer.pixels / 127.5 - 1, axis=2), 1, atol=0.03)


def test_a_pixel_that_is_no_number_spoils_nothing(worker):
    rgba = opaque(data.coffee()[:200, :300] / 255)
    rgba[50, 60] = np.nan
    rgba[70, 80, :3] = np.inf
    answer = worker.render(PLAIN, pixels=write_pixels(worker.folder / "nan", rgba, "DISPLAY"))
    assert_unit(answer.pixels)
    assert tilt(answer.pixels).mean() > 2


def test_hidden_colours_of_transparent_pixels_change_nothing(worker):
    rgba = opaque(data.coffee()[:200, :300] / 255)
    rgba[:30, :, 3] = rgba[-30:, :, 3] = rgba[:, :30, 3] = rgba[:, -30:, 3] = 0
    maps = []
    for colour in (0.0, 1.0):
        rgba[rgba[..., 3] == 0, :3] = colour
        maps.append(worker.render(PLAIN, pixels=write_pixels(worker.folder / "hidden", rgba)).pixels)
    np.testing.assert_array_equal(*maps)
    edge = np.ones((200, 300), bool)
    edge[35:-35, 35:-35] = False
    edge[:25] = edge[-25:] = edge[:, :25] = edge[:, -25:] = False
    steep = tilt(maps[0])
    assert steep[edge].mean() < 2 * steep[35:-35, 35:-35].mean()


def test_a_tileable_picture_has_no_seam(worker):
    """Rows at the border are about as far apart as the same rows where the picture, rolled by half, has them inside."""
    brick = data.brick()[100:196, 100:196]
    tile = np.block([[brick, brick[:, ::-1]], [brick[::-1], brick[::-1, ::-1]]])

    def tile_map(roll, tileable):
        rgba = opaque(np.roll(np.dstack([tile] * 3), (roll, roll), (0, 1)) / 255)
        settings = replace(PLAIN, tileable=tileable, resolution=192)
        return worker.render(settings, pixels=write_pixels(worker.folder / "tile", rgba)).pixels

    at_border, inside, untreated = tile_map(0, "BOTH"), tile_map(96, "BOTH"), tile_map(0, "OFF")
    for turned in (np.asarray, lambda pixels: pixels.swapaxes(0, 1)):
        seam = steps_across_rows(turned(at_border))[0]
        assert seam < 2 * steps_across_rows(turned(inside))[96]
        assert seam < 0.5 * steps_across_rows(turned(untreated))[0]


@pytest.mark.slow
def test_a_long_picture_is_seen_in_tiles_that_fit_together(midas_python, test_weights, tmp_path):
    strip = np.concatenate([data.coffee()[::flip, :300] for flip in (1, -1) * 5])
    with WorkerProcess(midas_python, tmp_path / "exchange", test_weights, program=Path(small_passes.__file__)) as worker:
        answer = worker.render(PLAIN, pixels=write_pixels(worker.folder / "strip", opaque(strip / 255)))
    assert answer.pixels.shape == (4000, 300, 3)
    assert_unit(answer.pixels)
    steps = steps_across_rows(answer.pixels)
    width, height = network_size(300, 4000, PLAIN.resolution, 32)
    side = int(math.sqrt(small_passes.MAX_PASS_PIXELS)) // 32 * 32
    tiles = plan_tiles(width, height, side, side // 4)
    borders = [row * 4000 // height for tile in tiles for row in (tile.top, tile.bottom)]
    near = [steps[border - 2:border + 3].max() for border in borders if 0 < border < 4000]
    assert len(near) >= 6
    assert max(near) < 1.5 * np.quantile(steps[50:-50], 0.99)
    assert answer.stages.count("network") > 4 * 20


def test_a_cancelled_request_ends_while_the_network_runs(worker, pictures):
    answer = worker.render(replace(PLAIN, resolution=448), lambda progress: progress.stage == "network",
                           picture=str(pictures["coffee"]))
    assert answer.error[0] == "Cancelled"
    assert worker.render(PLAIN, picture=str(pictures["odd"])).pixels.any()


def test_a_device_that_is_not_there_is_refused(worker, pictures):
    absent = next(name for name in ("XPU", "MPS") if not worker.ready.device.startswith(name.lower()))
    kind, text = worker.render(replace(PLAIN, device=absent), picture=str(pictures["odd"])).error
    assert kind == "EngineUnavailable"
    assert absent in text


def test_raw_beyond_the_memory_is_refused_with_the_numbers(worker, pictures):
    kind, text = worker.render(replace(CPU_NODE, resolution=12288), picture=str(pictures["coffee"])).error
    assert kind == "EngineError"
    assert text.count(" GB") == 2


BAD_CHECKPOINTS = """
import sys, pathlib, torch
class Evil:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(sys.argv[2]),)
torch.save({"a": Evil()}, sys.argv[1] + "/evil")
torch.save({"a": torch.zeros(3)}, sys.argv[1] + "/other")
torch.load(sys.argv[1] + "/evil", weights_only=False)
"""


def test_bad_weights_are_refused_and_repaired_ones_work(midas_python, test_weights, tmp_path, pictures, monkeypatch):
    """And the log that says why has not the home folder's name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    witness = tmp_path / "witness"
    bad = tmp_path / "bad"
    bad.mkdir()
    subprocess.run([str(midas_python), "-I", "-c", BAD_CHECKPOINTS, str(bad), str(witness)], check=True)
    assert witness.exists(), "The malicious file does what it should not be able to do."
    witness.unlink()
    (bad / "text").write_text("no checkpoint")
    (bad / "empty").touch()
    with (test_weights / MIDAS_WEIGHTS.name).open("rb") as whole:
        (bad / "truncated").write_bytes(whole.read(1 << 20))
    weights = tmp_path / "weights"
    weights.mkdir()
    settings = replace(CPU_NODE, resolution=64)
    with WorkerProcess(midas_python, tmp_path / "exchange", weights) as worker:
        kind, text = worker.render(settings, picture=str(pictures["odd"])).error
        assert kind == "EngineUnavailable"
        assert MIDAS_WEIGHTS.name in text and "--weights" in text
        for name in ("evil", "other", "text", "empty", "truncated"):
            (bad / name).replace(weights / MIDAS_WEIGHTS.name)
            kind, text = worker.render(settings, picture=str(pictures["odd"])).error
            assert kind == "WeightsError", name
            assert str(weights / MIDAS_WEIGHTS.name) in text
        assert not witness.exists()
        (weights / MIDAS_WEIGHTS.name).unlink()
        (weights / MIDAS_WEIGHTS.name).symlink_to(test_weights / MIDAS_WEIGHTS.name)
        assert worker.render(settings, picture=str(pictures["odd"])).pixels.any()
    log = (tmp_path / "exchange.log").read_text()
    assert f"~/weights/{MIDAS_WEIGHTS.name} cannot be loaded" in log and str(tmp_path) not in log


@pytest.mark.weights
def test_the_real_weights_give_the_nodes_picture(midas_python, pictures, tmp_path):
    folder = os.environ.get("MIDAS_NORMAL_WEIGHTS")
    if not folder:
        pytest.skip("MIDAS_NORMAL_WEIGHTS names no folder with the real weights")
    with (Path(folder) / MIDAS_WEIGHTS.name).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == MIDAS_WEIGHTS.sha256
    case = ("coffee", NODE.a, NODE.bg_threshold, NODE.resolution)
    expected, = reference_answers(midas_python, folder, pictures, [case], tmp_path)
    with WorkerProcess(midas_python, tmp_path / "exchange", Path(folder)) as worker:
        np.testing.assert_array_equal(worker.render(CPU_NODE, picture=str(pictures["coffee"])).pixels, expected)
        assert 3 < tilt(worker.render(replace(PLAIN, resolution=512), picture=str(pictures["coffee"])).pixels).mean() < 45
