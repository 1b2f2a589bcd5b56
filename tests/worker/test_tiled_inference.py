"""Tiled inference and the MiDaS engine around it, with a fake network whose depth is brightness."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.engines import MIDAS_WEIGHTS
from blender_midas_normal.core.errors import EngineError
from blender_midas_normal.core.filters import resize
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker import devices
from blender_midas_normal.worker.engines import EngineInput, EngineOptions, depth_engine, midas, network_engine
from blender_midas_normal.worker.engines.midas import unavailable_reason
from blender_midas_normal.worker.engines.tiled_inference import (
    MAX_NETWORK_SIDE,
    MAX_PASS_PIXELS,
    DepthCache,
    capped_size,
    network_size,
    tiled_inference,
)

pytest.importorskip("cv2")


class Brightness:
    """A FAKE of the network: the brightness of its pictures, in units that differ from pass to pass."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, picture, on_progress):
        self.sizes.append((picture.shape[1], picture.shape[0]))
        on_progress(0.5)
        on_progress(1.0)
        return picture.mean(axis=2) * np.float32(100 * len(self.sizes)) + np.float32(7 * len(self.sizes))


class ProgressRecorder:
    def __init__(self) -> None:
        self.shares: list[float] = []

    def __call__(self, stage, share):
        assert stage == "network"
        self.shares.append(share)


def photo(height, width):
    random = np.random.default_rng(0)
    rough = resize(random.random((-(-height // 50), -(-width // 50), 3), np.float32), width, height, Wrap())
    return np.clip(rough * 0.8 + random.random((height, width, 1), np.float32) * 0.05, 0, 1)


def correlation(depth, picture):
    """Correlation of a depth with the brightness of the picture it was made of."""
    brightness = resize(picture.mean(axis=2), depth.shape[1], depth.shape[0], Wrap())
    return np.corrcoef(depth.ravel(), brightness.ravel())[0, 1]


@settings(deadline=None)
@given(st.integers(1, 16384), st.integers(1, 16384), st.integers(70, 16384), st.sampled_from([14, 16, 32]))
def test_sides_of_the_networks_input_are_multiples(width, height, resolution, multiple):
    size = network_size(width, height, resolution, multiple)
    assert all(side % multiple == 0 and side >= 64 for side in size)
    assert abs(min(size) - resolution) <= multiple / 2 or max(size) >= MAX_NETWORK_SIDE - multiple / 2
    assert max(size) <= MAX_NETWORK_SIDE + multiple / 2
    capped = capped_size(*size, MAX_PASS_PIXELS, multiple)
    assert all(side % multiple == 0 and side >= 64 for side in capped)
    assert capped[0] * capped[1] <= MAX_PASS_PIXELS


@settings(deadline=None)
@given(st.integers(100, 6000), st.integers(100, 6000), st.integers(256, 2048))
def test_the_aspect_is_kept_as_well_as_multiples_allow(width, height, resolution):
    size = network_size(width, height, resolution, 32)
    assert math.isclose(size[0] / size[1], width / height, rel_tol=0.15)


def test_an_ordinary_picture_takes_one_pass():
    network, progress, picture = Brightness(), ProgressRecorder(), photo(300, 450)
    depth = tiled_inference(picture, Wrap(), 256, 32, MAX_PASS_PIXELS, network, progress)
    assert network.sizes == [(384, 256)]
    assert depth.shape == (256, 384)
    assert correlation(depth, picture) > 0.99
    assert progress.shares == [0.5, 1.0]


def test_a_long_picture_takes_one_pass_at_a_smaller_size_and_tiles():
    network, progress, picture = Brightness(), ProgressRecorder(), photo(4000, 300)
    depth = tiled_inference(picture, Wrap(), 512, 32, MAX_PASS_PIXELS, network, progress)
    assert depth.shape == (6816, 512)
    assert len(network.sizes) > 5
    assert all(w * h <= MAX_PASS_PIXELS for w, h in network.sizes)
    assert correlation(depth, picture) > 0.99
    assert progress.shares == sorted(progress.shares) and progress.shares[-1] == 1.0


def test_after_a_stroke_only_the_smaller_picture_and_the_tiles_with_the_stroke_run_again():
    before = photo(4000, 300)
    after = before.copy()
    after[700:720, 100:120] = 0.0
    passes, cache = [], DepthCache()

    def network(pixels, on_progress):
        passes.append(pixels.shape)
        return pixels.mean(axis=2)

    def infer(picture):
        passes.clear()
        depth = tiled_inference(picture, Wrap(), 512, 32, MAX_PASS_PIXELS, cache.memoize(network), ProgressRecorder())
        return depth, len(passes)

    _, whole = infer(before)
    depth, again = infer(after)
    assert whole > 5 and 2 <= again <= 3
    cache.clear()
    anew, count = infer(after)
    assert count == whole
    np.testing.assert_array_equal(depth, anew)
    assert infer(after)[1] == 0


def test_cached_depths_are_bounded_in_bytes_and_depend_on_conditions():
    network, cache = Brightness(), DepthCache(budget=2 * 400)
    pictures = [np.full((10, 10, 3), grey, np.float32) for grey in (0.1, 0.2, 0.3)]
    run = cache.memoize(network, "cpu")
    for picture in (*pictures, pictures[2], pictures[1]):
        run(picture, lambda share: None)
    assert len(network.sizes) == 3
    run(pictures[0], lambda share: None)
    cache.memoize(network, "cuda")(pictures[0], lambda share: None)
    assert len(network.sizes) == 5


def test_steps_at_the_borders_of_tiles_are_like_all_others():
    depth = tiled_inference(photo(4000, 300), Wrap(), 512, 32, MAX_PASS_PIXELS, Brightness(), ProgressRecorder())
    steps = np.abs(np.diff(depth, axis=0)).mean(axis=1)
    assert steps.max() < 3 * np.median(steps)


@pytest.mark.parametrize("wrap", [Wrap(True, True), Wrap(x=True), Wrap(y=True)])
def test_a_picture_that_repeats_is_padded_with_its_repetition(wrap):
    network = Brightness()
    depth = tiled_inference(photo(256, 256), wrap, 256, 32, MAX_PASS_PIXELS, network, ProgressRecorder())
    assert network.sizes == [(384 if wrap.x else 256, 384 if wrap.y else 256)]
    assert depth.shape == (256, 256)


def test_a_tile_that_repeats_and_is_too_large_for_one_pass():
    network = Brightness()
    picture = photo(256, 256)
    depth = tiled_inference(picture, Wrap(True, True), 512, 32, 256 * 256, network, ProgressRecorder())
    assert depth.shape == (512, 512)
    assert all(w * h <= 256 * 256 for w, h in network.sizes)
    assert correlation(depth, picture) > 0.98


def test_missing_weights_are_named_with_all_that_helps(tmp_path):
    text = unavailable_reason(EngineOptions(tmp_path), Settings())
    if "torch" not in text and "controlnet_aux" not in text:
        assert MIDAS_WEIGHTS.name in text and "493 MB" in text
        assert str(tmp_path) in text and "--weights" in text
    else:
        assert "environment" in text
    assert text.count(". ") == 0 and text.endswith(".")


class FullDevice:
    """A network on a device that runs out of memory `failures` times, or on any device but the CPU."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.device, self.failures, self.error, self.network = "cpu", failures, error, Brightness()

    def move(self, device):
        self.device = device

    def free(self):
        """Nothing is kept."""

    def close(self):
        """Nothing is kept."""

    def depths(self, pictures, on_progress, precision):
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        return self.network(pictures[0], on_progress)[None]


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "has_device", lambda name: True)
    for module in (depth_engine, midas):
        monkeypatch.setattr(module, "available_bytes", lambda device: 10**12)
    monkeypatch.setattr(network_engine, "find_engine_weights", lambda engine, settings, folder: folder)
    monkeypatch.setattr(network_engine, "verify_weights", lambda path, weights: None)
    return midas.Midas(tmp_path)


@pytest.fixture
def surface_of(monkeypatch):
    """surface_of(engine, network, device, picture): the picture's surface; loading gives this network."""
    def surface(engine, network, device, picture=None):
        monkeypatch.setattr(midas, "load_network", lambda weights: network)
        settings = Settings(engine="MIDAS", device=device, resolution=512)
        picture = Picture(photo(512, 512) if picture is None else picture)
        return engine.surface(EngineInput(picture, Wrap(), settings, lambda stage, share: None))

    return surface


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory.")])
def test_where_a_graphics_card_is_out_of_memory_it_gets_smaller_pieces_and_then_the_cpu_runs_the_network(
        engine, surface_of, error):
    network = FullDevice(1, error)
    surface = surface_of(engine, network, "CUDA")
    assert network.device == surface.device == "cuda" and len(network.network.sizes) > 1
    assert [note.partition(",")[0] for note in surface.notes] == ["Memory ran short"]
    engine.unload()  # and its cache
    network = FullDevice(2, error)
    surface = surface_of(engine, network, "CUDA")
    assert network.device == surface.device == "cpu"
    assert network.network.sizes == [(512, 512)]
    assert any("cuda" in note and "CPU" in note for note in surface.notes)


def test_where_the_cpu_is_out_of_memory_the_network_runs_in_smaller_pieces(engine, surface_of):
    network = FullDevice(1, MemoryError())
    surface = surface_of(engine, network, "CPU")
    assert len(network.network.sizes) > 1
    assert any("smaller pieces" in note for note in surface.notes)


def test_out_of_memory_everywhere_is_an_engine_error(engine, surface_of):
    surface = surface_of(engine, FullDevice(3, MemoryError()), "CUDA")
    assert [note.partition(",")[0] for note in surface.notes] == [
        "Memory ran short", "The device cuda had too little free memory", "Memory ran short"]
    engine.unload()  # and its cache
    with pytest.raises(EngineError, match="not enough memory"):
        surface_of(engine, FullDevice(4, MemoryError()), "CUDA")


def test_other_failures_do_not_count_as_out_of_memory(engine, surface_of):
    with pytest.raises(RuntimeError, match="kernel"):
        surface_of(engine, FullDevice(1, RuntimeError("no kernel image")), "CUDA")


def test_the_engine_runs_again_for_the_tiles_with_a_stroke_until_it_is_unloaded(engine, surface_of, monkeypatch):
    monkeypatch.setattr(depth_engine, "MAX_PASS_PIXELS", 256 * 256)
    network, before = FullDevice(0, MemoryError()), photo(512, 512)
    after = before.copy()
    after[40:60, 40:60] = 1.0

    def passes(picture):
        network.network.sizes.clear()
        surface_of(engine, network, "CPU", picture)
        return len(network.network.sizes)

    whole = passes(before)
    assert whole > 8 and passes(after) == 2
    network.close = lambda: None
    engine.unload()
    assert passes(after) == whole
