"""The package's own MiDaS network: the same tensors and the same depths as controlnet_aux's, and files it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.filters import resize
from blender_midas_normal.core.picture import Wrap

data = pytest.importorskip("skimage.data")
pytestmark = pytest.mark.midas

ROOT = Path(__file__).resolve().parents[2]

TOLERANCE = 1e-4
"""Greatest difference of a depth, as a share of the range of depths of its picture."""

SIZES = {
    "square": ("coffee", 384, 384), "small square": ("gravel", 160, 160), "wide": ("coffee", 96, 320),
    "very wide": ("brick", 64, 512), "tall": ("astronaut", 288, 128), "very tall": ("gravel", 416, 32),
    "tiny": ("astronaut", 32, 32), "small": ("coffee", 64, 64), "grass": ("grass", 192, 256), "page": ("page", 224, 352),
}
"""Photographs by the names that scikit-image has for them, with the rows and columns at which the network gets them."""

BATCHES = {"two": ("coffee", "gravel"), "three": ("astronaut", "brick", "grass")}
"""Photographs that the network gets at once, 96 x 128 pixels each."""

NAMES = [*SIZES, *BATCHES]

NEVER_RUN = ["pretrained.model.head", "pretrained.model.norm", "scratch.refinenet4.resConfUnit1.conv1",
             "scratch.refinenet4.resConfUnit1.conv2"]

GOOD = {"good", "half"}


@pytest.fixture(scope="module")
def parity(midas_python, test_weights, tmp_path_factory):
    """(descriptions of the tensors by where they are, depths by "NAME library" and "NAME model")."""
    folder = tmp_path_factory.mktemp("parity")
    pictures = {name: photograph(*picture)[None] for name, picture in SIZES.items()}
    pictures |= {name: np.stack([photograph(of, 96, 128) for of in names]) for name, names in BATCHES.items()}
    np.savez(folder / "pictures.npz", **pictures)
    printed = run(midas_python, "model_parity.py", test_weights, folder / "pictures.npz", folder / "depths.npz")
    with np.load(folder / "depths.npz") as depths:
        return printed, dict(depths)


@pytest.fixture(scope="module")
def loading(midas_python, test_weights, tmp_path_factory):
    return run(midas_python, "model_loading.py", test_weights, tmp_path_factory.mktemp("files"))


def run(python, program, *arguments):
    """What a program beside this file prints."""
    ended = subprocess.run([str(python), str(Path(__file__).with_name(program)), str(ROOT), *map(str, arguments)],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def photograph(name, rows, columns):
    pixels = getattr(data, name)()
    rgb = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels
    return resize(rgb.astype(np.float32) / 255, columns, rows, Wrap()).clip(0, 1)


@pytest.mark.slow
def test_the_network_has_the_files_tensors_in_the_files_order(parity):
    tensors, _ = parity
    assert tensors["model"] == tensors["library"] == tensors["file"]
    assert len(tensors["model"]) == 368
    assert sum(int(np.prod(shape)) for _, shape, _ in tensors["model"]) == 123_146_985


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_depths_are_those_of_the_library(parity, name):
    library, model = (parity[1][f"{name} {kind}"] for kind in ("library", "model"))
    spread = np.ptp(library, axis=(1, 2), keepdims=True)
    difference = float((np.abs(model - library) / spread).max())
    print(f"{name}: {difference:.1e} of a range of {spread.min():.0f}")
    assert model.dtype == np.float32 and model.shape == library.shape
    assert library.min() > 0 and spread.min() > 100  # else the last layer's cut at 0 would hide differences
    assert difference <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", BATCHES)
def test_the_pictures_of_a_batch_have_different_depths(parity, name):
    """Else the test above would not see pictures that are mixed up."""
    one, other = parity[1][f"{name} library"][:2]
    assert np.abs(one - other).max() > 0.1 * np.ptp(one)


def test_each_size_gives_a_depth_for_each_pixel(loading):
    for (count, _, rows, columns), answer in loading["shapes"]:
        assert answer == [count, rows, columns]


def test_only_what_the_published_network_leaves_out_is_not_run(loading):
    assert loading["unused"] == NEVER_RUN


def test_bad_files_are_one_sentence(loading):
    assert len(loading["files"]) == 16
    for name, message in loading["files"].items():
        if name in GOOD:
            assert message == "", name
        else:
            assert message.startswith("WeightsError: "), name
            assert f"{name} is damaged or holds no weights of MiDaS" in message
    assert not loading["attack"]


def test_weights_in_half_precision_become_float32(loading):
    assert loading["half"] == "torch.float32"


def test_nothing_but_torch_is_imported(loading):
    assert loading["imported"] == []


def test_the_weights_stay_in_their_file(loading):
    """But for the kernels that are standardised, a fifteenth of them."""
    assert loading["memory"] < 0.12 * loading["file"]
