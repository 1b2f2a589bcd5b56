"""The command line, as a shell calls it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT

cv2 = pytest.importorskip("cv2")
pytestmark = pytest.mark.slow


def normal_map(*arguments):
    command = [sys.executable, str(ROOT / "scripts" / "normal_map.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def photo(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    PIL.Image.fromarray(values).save(tmp_path / "ein Bild ü.png")
    return tmp_path / "ein Bild ü.png"


def test_each_picture_gets_a_map_of_its_size_in_sixteen_bits(photo, tmp_path):
    ended = normal_map(photo, "--out", tmp_path / "maps", "--engine", "luminance", "--json", tmp_path / "report.json")
    assert ended.returncode == 0, ended.stderr
    values = cv2.imdecode(np.fromfile(tmp_path / "maps" / "ein Bild ü_normal.png", np.uint8), cv2.IMREAD_UNCHANGED)
    assert values.shape == (48, 64, 3) and values.dtype == np.uint16
    assert [path.name for path in (tmp_path / "maps").glob("[!.]*")] == ["ein Bild ü_normal.png"]
    assert json.loads((tmp_path / "report.json").read_text())[0]["engine"] == "LUMINANCE"


def test_one_bad_picture_does_not_stop_the_rest(photo, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    ended = normal_map(tmp_path / "bad.png", tmp_path / "missing.png", photo, "--out", tmp_path / "maps",
                       "--engine", "luminance")
    assert ended.returncode == 1
    assert "bad.png: error: " in ended.stderr and "missing.png: error: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "maps" / "ein Bild ü_normal.png").exists()


def test_a_folder_and_one_of_its_pictures_are_each_picture_once(photo, tmp_path):
    ended = normal_map(photo, photo.parent, photo, "--out", tmp_path / "maps", "--engine", "luminance")
    assert ended.returncode == 0 and "1 made" in ended.stdout and not ended.stderr


@pytest.mark.parametrize("arguments", [
    ("", "--out", "maps"), ("a.png", "--out", ""), ("a.png", "--out", "b", "--weights", ""),
])
def test_an_empty_name_is_not_the_folder_that_one_is_in(arguments):
    ended = normal_map(*arguments)
    assert ended.returncode == 2 and "an empty name is no file or folder; the one that you are in is" in ended.stderr


def test_a_picture_is_never_overwritten_by_a_map(photo, tmp_path):
    photo.rename(tmp_path / "wall.png")
    PIL.Image.new("RGB", (4, 4)).save(tmp_path / "wall_normal.png")
    before = (tmp_path / "wall_normal.png").read_bytes()
    ended = normal_map(tmp_path / "wall.png", tmp_path / "wall_normal.png", "--out", tmp_path, "--engine", "luminance")
    assert ended.returncode == 1 and (tmp_path / "wall_normal.png").read_bytes() == before


def test_a_map_is_flat_where_the_mask_image_is_black_and_made_again_with_another_one(photo, tmp_path):
    mask, out = tmp_path / "mask.png", tmp_path / "maps"
    arguments = (photo, "--out", out, "--engine", "luminance", "--tileable", "off", "--existing", "skip",
                 "--mask-image", mask)
    for left, right in ((0, 255), (255, 0)):
        PIL.Image.fromarray(np.array([[left, right]], np.uint8)).save(mask)
        for expected in ("1 made", "1 skipped"):
            ended = normal_map(*arguments)
            assert ended.returncode == 0 and expected in ended.stdout, ended.stderr
        values = cv2.imdecode(np.fromfile(out / "ein Bild ü_normal.png", np.uint8), cv2.IMREAD_UNCHANGED) / 65535 - 0.5
        halves = [np.abs(half[..., 1:]).max() < 1e-4 for half in (values[:, :15], values[:, 49:])]
        assert halves == [left == 0, right == 0]


def test_a_mask_image_is_never_overwritten_by_a_map(photo, tmp_path):
    PIL.Image.new("L", (4, 4), 255).save(tmp_path / "wall_normal.png")
    photo.rename(tmp_path / "wall.png")
    before = (tmp_path / "wall_normal.png").read_bytes()
    ended = normal_map(tmp_path / "wall.png", "--out", tmp_path, "--mask-image", tmp_path / "wall_normal.png",
                       "--engine", "luminance")
    assert ended.returncode == 1 and (tmp_path / "wall_normal.png").read_bytes() == before


def test_a_picture_twice_as_bright_exposed_a_stop_darker_gives_the_same_map(tmp_path):
    values = np.random.default_rng(0).uniform(0.02, 0.4, (30, 40, 3)).astype(np.float32)
    for brightness, stops in ((1, 0), (2, -1)):
        cv2.imwrite(str(tmp_path / f"{brightness}.hdr"), values * brightness)
        ended = normal_map(tmp_path / f"{brightness}.hdr", "--out", tmp_path, "--engine", "luminance", "--exposure", stops)
        assert ended.returncode == 0, ended.stderr
    one, two = (cv2.imread(str(tmp_path / f"{name}_normal.png"), cv2.IMREAD_UNCHANGED) for name in "12")
    np.testing.assert_array_equal(two, one)


@pytest.mark.parametrize("wrong", [
    ["--a", "99"], ["--mask-image", "nowhere.png"], ["--engine", "deep"],
    ["--depth-scale", "raw", "--engine", "luminance"], []])
def test_wrong_usage_is_two(photo, tmp_path, wrong):
    assert normal_map(photo, *wrong, *(["--out", tmp_path] if wrong else [])).returncode == 2


def test_relief_needs_nothing_but_what_luminance_needs(photo, tmp_path):
    ended = normal_map(photo, "--out", tmp_path, "--engine", "relief")
    assert ended.returncode == 0 and "relief on cpu" in ended.stdout


@pytest.mark.midas
def test_midas_without_weights_is_three_and_names_the_file(midas_python, photo, tmp_path):
    ended = normal_map(photo, "--out", tmp_path, "--engine", "midas", "--weights", tmp_path)
    assert ended.returncode == 3 and "dpt_hybrid-midas-501f0c75.pt" in ended.stderr and "--weights" in ended.stderr


@pytest.mark.midas
def test_midas_and_the_nodes_own_size(test_weights, photo, tmp_path):
    for preset, size, dtype in (("material", (48, 64), np.uint16), ("node", (128, 192), np.uint8)):
        ended = normal_map(photo, "--out", tmp_path / preset, "--engine", "midas", "--weights", test_weights,
                           "--preset", preset, "--resolution", 128)
        assert ended.returncode == 0, ended.stderr
        values = cv2.imdecode(np.fromfile(tmp_path / preset / "ein Bild ü_normal.png", np.uint8), cv2.IMREAD_UNCHANGED)
        assert values.shape[:2] == size and values.dtype == dtype
