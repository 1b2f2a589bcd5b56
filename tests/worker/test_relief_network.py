"""The relief network on numpy: tiles, borders, sizes, files, matrix products; and that torch gives the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.errors import Cancelled, WeightsError
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.regions import Interval, Region, changed_region
from blender_midas_normal.worker.engines.relief import numpy_network
from blender_midas_normal.worker.engines.relief.architecture import (
    MAX_WEIGHTS_BYTES,
    RELIEF_ARCHITECTURE,
    Architecture,
    Level,
    Weights,
    read_weights,
    write_weights,
)
from blender_midas_normal.worker.engines.relief.inference import MIN_PYRAMID_SIDE, infer, infer_orientations, update
from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork, fastest_matmul, matmul_einsum
from tests.worker import relief_example as example

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(example.__file__)
SMALL = Architecture((Level(8, 0, 1), Level(12, 1, 1), Level(16, 1, 0)))
WRAPS = [Wrap(), Wrap(x=True), Wrap(y=True), Wrap(True, True)]
sizes = st.integers(1, 40)


@pytest.fixture(scope="module")
def network():
    return ReliefNetwork(example.example_weights())


@pytest.fixture(scope="module")
def small():
    return ReliefNetwork(example.example_weights(SMALL))


def quiet(stage, share):
    """Ignore progress."""


def degrees(a, b):
    def normals(slopes):
        upright = np.concatenate([-slopes, np.ones_like(slopes[..., :1])], axis=2)
        return upright / np.linalg.norm(upright, axis=2, keepdims=True)

    a, b = normals(a), normals(b)
    return np.degrees(2 * np.arctan2(np.linalg.norm(a - b, axis=2), np.linalg.norm(a + b, axis=2)))


def slopes_of(network, rgb, wrap, *largest):
    return infer(network, rgb, wrap, quiet, *largest).full


def reference(weights: Weights, rgb, coarse):
    """The slopes of a picture that repeats, given those of half its size, in double precision: another way to the same."""
    def convolved(name, x):
        kernel, bias = weights.weights[name].astype(np.float64), weights.biases[name]
        out = np.zeros((len(kernel), *x.shape[1:]))
        radius = kernel.shape[2] // 2
        for dy in range(kernel.shape[2]):
            for dx in range(kernel.shape[3]):
                out += np.einsum("oi,ihw->ohw", kernel[:, :, dy, dx], np.roll(x, (radius - dy, radius - dx), (1, 2)))
        return out + bias[:, None, None]

    def halved(name, x):
        kernel = weights.weights[name].astype(np.float64)
        return sum(np.einsum("oi,ihw->ohw", kernel[:, :, dy, dx], x[:, dy::2, dx::2]) for dy in (0, 1) for dx in (0, 1)) \
            + weights.biases[name][:, None, None]

    def blocks(name, count, x):
        for block in range(count):
            x = x + convolved(f"{name}.{block}.b", np.maximum(convolved(f"{name}.{block}.a", x), 0))
        return x

    levels = weights.architecture.levels
    shapes = np.concatenate([(rgb.astype(np.float64) - 0.5) * 4, coarse.astype(np.float64) * 4], 2).transpose(2, 0, 1)
    x = np.stack([shapes[c, dy::2, dx::2] for c in range(5) for dy in (0, 1) for dx in (0, 1)])
    x, finer = np.maximum(convolved("stem", x), 0), []
    for i, level in enumerate(levels):
        if i > 0:
            finer.append(x)
            x = halved(f"down{i}", x)
        x = blocks(f"down{i}", level.down, x)
    for i in reversed(range(len(levels))):
        if i < len(levels) - 1:
            x = finer.pop() + convolved(f"up{i}", x).repeat(2, 1).repeat(2, 2)
        x = blocks(f"up{i}", levels[i].up, x)
    out = convolved("out", x)
    slopes = np.zeros((*rgb.shape[:2], 2))
    for channel in range(8):
        slopes[channel // 2 % 2::2, channel % 2::2, channel // 4] = out[channel]
    return slopes + coarse


def test_the_shipped_architecture_is_within_its_limits():
    count = example.example_weights().count
    assert count <= 6_000_000 and count * 2 < MAX_WEIGHTS_BYTES
    receptive_field = RELIEF_ARCHITECTURE.receptive_field
    assert receptive_field * 2 >= 200 and receptive_field % RELIEF_ARCHITECTURE.stride == 0


def test_the_answer_is_that_of_the_definition(small):
    weights = example.example_weights(SMALL)
    rgb, coarse = example.photo(48, 40), example.photo(48, 40, seed=1)[..., :2] - 0.5
    answer = small.forward(rgb, coarse, Wrap(True, True), lambda share: None)
    assert np.abs(answer - reference(weights, rgb, coarse)).max() < 1e-5


def test_a_picture_is_seen_at_all_sizes_each_answer_given_to_the_next(small):
    rgb = example.photo(512, 640)
    sizes = infer(small, rgb, Wrap(True, True), quiet).sizes
    assert [slopes.shape[:2] for slopes in sizes] == [(128, 160), (256, 320), (512, 640)]
    halved = rgb.reshape(256, 2, 320, 2, 3).mean((1, 3))
    np.testing.assert_allclose(sizes[1], slopes_of(small, halved, Wrap(True, True)), atol=1e-6)
    coarse = bilinearly_doubled(sizes[1])
    np.testing.assert_allclose(sizes[2], small.forward(rgb, coarse, Wrap(True, True), lambda share: None), atol=1e-5)


def bilinearly_doubled(slopes):
    """A field that repeats, at twice its size: 3 parts of the nearest pixel, 1 of the next."""
    for axis in (0, 1):
        near = np.repeat(slopes, 2, axis)
        other = np.stack([np.roll(slopes, 1, axis), np.roll(slopes, -1, axis)], axis + 1).reshape(near.shape)
        slopes = 0.75 * near + 0.25 * other
    return slopes


@pytest.mark.parametrize("side, count", [(1, 1), (95, 1), (191, 1), (192, 2), (767, 3), (768, 4)])
def test_the_smallest_size_has_between_one_and_two_times_the_least_side(small, side, count):
    sizes = infer(small, example.photo(side, side + 3), Wrap(), quiet).sizes
    assert len(sizes) == count and sizes[-1].shape == (side, side + 3, 2)
    assert count == 1 or MIN_PYRAMID_SIDE <= min(sizes[0].shape[:2]) <= 2 * MIN_PYRAMID_SIDE


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(300, 212), (256, 192)])
def test_tiles_give_what_the_whole_gives(small, wrap, size):
    rgb = example.photo(*size)
    whole = slopes_of(small, rgb, wrap)
    tiled = slopes_of(small, rgb, wrap, (96, 64))
    assert whole.std() > 0.01
    assert np.abs(whole - tiled).max() < 1e-4


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(300, 212), (256, 192), (520, 264)])
@pytest.mark.parametrize("corner", [(150, 90), (-5, -7), (290, 0)])
def test_after_a_change_the_slopes_are_those_of_the_whole(small, wrap, size, corner):
    rgb = example.photo(*size)
    painted = np.roll(rgb, (-corner[0], -corner[1]), (0, 1))
    painted[:12, :12] = 1 - painted[:12, :12]
    painted = np.roll(painted, corner, (0, 1))
    before, whole = infer(small, rgb, wrap, quiet), infer(small, painted, wrap, quiet)
    area = changed_region(rgb, painted, wrap)
    again = update(small, before, area, painted, wrap, quiet, 2 * small.architecture.receptive_field)
    assert np.abs(whole.full - before.full).max() > 0.01
    for ours, theirs in zip(again.sizes, whole.sizes, strict=True):
        assert np.abs(ours - theirs).max() < 1e-4


def test_of_a_large_picture_only_what_is_near_a_change_is_seen(small, monkeypatch):
    rgb, margin, shapes, forward = example.photo(1024, 1024), 32, [], small.forward
    before = infer(small, rgb, Wrap(), quiet)
    monkeypatch.setattr(small, "forward", lambda rgb, *words: shapes.append(rgb.shape[:2]) or forward(rgb, *words))
    update(small, before, Region(Interval(200, 210), Interval(200, 210)), rgb, Wrap(), quiet, margin)
    assert len(shapes) == 4 and max(max(shape) for shape in shapes) <= 10 + 4 * margin + 2 * small.architecture.stride


def test_the_mean_of_orientations_does_not_depend_on_how_the_picture_lies(small):
    rgb = example.photo(96, 64)
    slopes = infer_orientations(small, rgb, Wrap(x=True), quiet)
    mirrored = infer_orientations(small, np.ascontiguousarray(rgb[:, ::-1]), Wrap(x=True), quiet)
    np.testing.assert_allclose(mirrored[:, ::-1] * np.float32([-1, 1]), slopes, atol=1e-5)
    transposed = infer_orientations(small, np.ascontiguousarray(rgb.swapaxes(0, 1)), Wrap(y=True), quiet)
    np.testing.assert_allclose(transposed.swapaxes(0, 1)[..., ::-1], slopes, atol=1e-5)
    once = slopes_of(small, rgb, Wrap(x=True))
    assert np.abs(once - slopes).max() > 0.01


@pytest.mark.slow
def test_tiles_of_the_shipped_network_give_what_the_whole_gives(network):
    rgb, wrap = example.photo(648, 520), Wrap(x=True)
    assert np.abs(slopes_of(network, rgb, wrap) - slopes_of(network, rgb, wrap, (320, 256))).max() < 1e-3


def test_a_picture_that_repeats_may_be_rolled(network):
    """By the stride at the smallest size, which is half of this picture's."""
    rgb = example.photo(256, 384)
    slopes = slopes_of(network, rgb, Wrap(True, True))
    offset = 2 * RELIEF_ARCHITECTURE.stride
    rolled = slopes_of(network, np.roll(rgb, (offset, -offset), (0, 1)), Wrap(True, True))
    assert degrees(np.roll(rolled, (-offset, offset), (0, 1)), slopes).mean() < 0.01


def test_a_length_that_is_no_multiple_of_the_stride_repeats_without_a_seam(small):
    rgb = example.photo(50, 61)
    repeated = np.tile(rgb, (4, 4, 1))
    inside = slopes_of(small, repeated, Wrap())[50 * 2:50 * 3, 61 * 2:61 * 3]
    answer = slopes_of(small, rgb, Wrap(True, True))
    assert degrees(inside, answer).mean() < 3 * max(0.1, degrees(np.roll(inside, 1, 0), inside).mean())
    steps = np.abs(np.diff(np.concatenate([answer, answer[:1]]), axis=0)).mean((1, 2))
    assert steps[-1] < 3 * np.median(steps)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (33, 31), (5, 200)])
def test_any_size_is_answered(network, wrap, size):
    slopes = slopes_of(network, example.photo(*size), wrap)
    assert slopes.shape == (*size, 2) and slopes.dtype == np.float32 and np.isfinite(slopes).all()


def test_progress_rises_to_the_end(small):
    reports = []
    infer(small, example.photo(300, 290), Wrap(), lambda stage, share: reports.append((stage, share)), (64, 64))
    assert {stage for stage, _ in reports} == {"network"}
    shares = [share for _, share in reports]
    assert shares == sorted(shares) and shares[0] < 0.1 and shares[-1] == pytest.approx(1)


def test_it_can_be_given_up_between_strips(network):
    reports = []

    def report(stage, share):
        reports.append(share)
        if share > 0.3:
            raise Cancelled("The request was given up.")

    with pytest.raises(Cancelled):
        infer(network, example.photo(256, 256), Wrap(), report)
    assert reports[-1] < 0.6
    infer(network, example.photo(32, 32), Wrap(), quiet)


def test_a_file_gives_back_what_was_written(tmp_path):
    weights = example.example_weights(SMALL)
    write_weights(tmp_path / "relief.npz", weights)
    read = read_weights(tmp_path / "relief.npz")
    assert read.architecture == SMALL and read.count == weights.count
    assert all(np.array_equal(read.weights[name], values) for name, values in weights.weights.items())
    assert all(np.array_equal(read.biases[name], values) for name, values in weights.biases.items())


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "other", "pickle", "huge", "nan", "a folder", "no levels"])
def test_a_file_of_something_else_is_named_in_one_sentence(tmp_path, damage):
    path = tmp_path / "relief.npz"
    weights = example.example_weights(SMALL)
    write_weights(path, weights)
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "other":
        np.savez(path, levels=np.array([[8, 0, 1]]), stem=np.zeros(3))
    elif damage == "pickle":
        np.savez(path, levels=np.array([{}], object))
    elif damage == "huge":
        path.write_bytes(b"0" * (MAX_WEIGHTS_BYTES + 1))
    elif damage == "nan":
        write_weights(path, Weights(SMALL, weights.weights, {**weights.biases, "out": np.full(8, np.nan, np.float32)}))
    elif damage == "a folder":
        path.unlink()
        path.mkdir()
    elif damage == "no levels":
        np.savez(path, levels=np.zeros((0, 3), np.int32))
    with pytest.raises(WeightsError) as caught:
        read_weights(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@given(sizes, sizes, sizes, st.integers(0, 1000))
def test_einsum_multiplies_matrices(rows, inner, columns, seed):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(rows, inner)).astype(np.float32), rng.normal(size=(inner, columns)).astype(np.float32)
    product = matmul_einsum(left, right)
    assert product.dtype == np.float32
    np.testing.assert_allclose(product, left.astype(float) @ right.astype(float), atol=1e-4)


def test_the_network_gives_the_same_with_and_without_blas():
    weights, rgb = example.example_weights(), np.random.default_rng(0).random((70, 96, 3), np.float32)
    with_blas, without = (slopes_of(ReliefNetwork(weights, matmul), rgb, Wrap(True))
                          for matmul in (np.matmul, matmul_einsum))
    np.testing.assert_allclose(with_blas, without, atol=1e-4)


@pytest.mark.parametrize("faster", [np.matmul, matmul_einsum])
def test_the_faster_product_is_used(monkeypatch, faster):
    monkeypatch.setattr(numpy_network, "measure_seconds", lambda matmul, *_: 1.0 if matmul is faster else 2.0)
    fastest_matmul.cache_clear()
    assert fastest_matmul() is faster
    fastest_matmul.cache_clear()


@pytest.mark.midas
def test_torch_gives_what_numpy_gives(midas_python):
    ended = subprocess.run([str(midas_python), str(EXAMPLE), str(ROOT)], capture_output=True, text=True, check=True)
    assert float(ended.stdout) < 1e-3


@pytest.mark.slow
def test_time_and_memory(tmp_path):
    """Prints both; memory has a limit that holds everywhere, time depends on what else the machine does."""
    program = f"""
import os, sys, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path[:0] = [{str(ROOT)!r}, {str(EXAMPLE.parent)!r}]
from pathlib import Path
import numpy as np, relief_example
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork
from blender_midas_normal.worker.engines.relief.inference import infer
network = ReliefNetwork(relief_example.example_weights())
for side in (256, 1024, 2048):
    rgb = np.random.default_rng(0).random((side, side, 3), np.float32)
    start, worked = time.perf_counter(), time.process_time()
    infer(network, rgb, Wrap(True, True), lambda *_: None)
    print(side, time.perf_counter() - start, time.process_time() - worked, file=sys.stderr)
if sys.platform == "linux":  # where ru_maxrss is at least what the process had that started this one
    print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024)
elif sys.platform == "darwin":
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
else:
    print(0)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    print(f"side, seconds, processor seconds:\n{ended.stderr}most memory: {int(ended.stdout) / 1e9:.2f} GB")
    assert int(ended.stdout) <= 0.6e9
