"""Normals of a network become a surface: axes, lean, borders, memory.

FAKES: networks that answer with the true normals of a rendered bump or plane, in the axes of each real network.
"""

from __future__ import annotations

import numpy as np
import pytest

from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker import devices
from blender_midas_normal.worker.engines import EngineInput, network_engine, normals_engine
from blender_midas_normal.worker.engines.normals_engine import NormalsEngine, normals_to_slopes, upright
from tests.worker.bump import SIDE, bump_normals


def leaning(normals, degrees):
    """The normals of a surface that is turned about the picture's vertical axis."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return (normals @ turn.T.astype(np.float32)).astype(np.float32)


PLAIN = Wrap()


class Answer:
    """A FAKE network: the same normals for every picture of their size."""

    max_pixels = 10**9

    def __init__(self, answer):
        self.answer, self.sizes = answer, []

    def move(self, device):
        """It is everywhere."""

    def free(self):
        """Nothing is kept."""

    close = free

    def normals(self, pictures, on_progress, precision):
        on_progress(1.0)
        self.sizes.append(pictures.shape[1:3])
        return self.answer(*pictures.shape[1:3])[None]


class Engine(NormalsEngine):
    name = "MOGE"
    size_multiple = 32

    def __init__(self, weights, answer):
        super().__init__(weights)
        self.network = Answer(answer)

    def load_network(self, folder):
        return self.network


@pytest.fixture
def surface_of(tmp_path, monkeypatch):
    """surface_of(answer, ...): the engine's surface where its network answers so."""
    monkeypatch.setattr(network_engine, "find_engine_weights", lambda engine, settings, folder: folder)
    monkeypatch.setattr(network_engine, "verify_weights", lambda path, weights: None)

    def make(answer, wrap=PLAIN, is_render=False, size=(SIDE, SIDE)):
        picture = Picture(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
        engine = Engine(tmp_path, answer)
        settings = Settings(engine="MOGE", device="CPU", resolution=SIDE)
        item = EngineInput(picture, wrap, settings, lambda stage, share: None, is_render=is_render)
        return engine.surface(item), engine.network

    return make


def map_of(surface):
    """The normal map as vectors."""
    return np.stack(normal_map(surface, Settings(tileable="OFF")), axis=2)


def test_a_bump_becomes_the_bumps_heights_and_its_own_normals(surface_of):
    surface, _ = surface_of(lambda *size: bump_normals(*size)[0])
    normals, height = bump_normals()
    difference = surface.height - surface.height.mean() - (height - height.mean())
    assert np.abs(difference).max() < 0.002
    angles = np.degrees(np.arccos(np.clip((map_of(surface) * normals).sum(axis=2), -1, 1)))
    assert angles.mean() < 1.5 and surface.notes == ()


@pytest.mark.parametrize("degrees", [-40, 15])
def test_a_texture_stands_upright_and_a_render_stays_as_it_leans(surface_of, degrees):
    def answer(*size):
        return leaning(bump_normals(*size)[0], degrees)

    texture, _ = surface_of(answer)
    mean = map_of(texture).mean(axis=(0, 1))
    assert abs(mean[0]) < 0.01 and f"leans by {abs(degrees)} degrees" in texture.notes[0]
    render, _ = surface_of(answer, is_render=True)
    lean = np.degrees(np.arctan2(*map_of(render).mean(axis=(0, 1))[[0, 2]]))
    assert abs(lean - degrees) < 2 and render.notes == ()


def test_upright_turns_by_the_shortest_way_and_leaves_what_stands():
    normals, _ = bump_normals()
    same, none = upright(normals)
    np.testing.assert_allclose(same, normals, atol=1e-4)
    assert none < 0.01
    turned, by = upright(leaning(normals, 30))
    np.testing.assert_allclose(turned, normals, atol=1e-3)
    assert abs(by - 30) < 0.1
    np.testing.assert_allclose(np.linalg.norm(turned, axis=2), 1, atol=1e-5)


def test_normals_that_turn_away_have_a_finite_slope():
    slopes = normals_to_slopes(np.float32([[[1, 0, 0], [0.6, 0, -0.8], [0, 0.6, 0.8], [0, 0, 0]]]))
    assert np.isfinite(slopes).all() and np.abs(slopes).max() < 20
    np.testing.assert_allclose(slopes[0, 2], [0, 0.75], atol=1e-6)


def test_a_picture_that_repeats_is_padded_and_goes_on_across_its_borders(surface_of):
    def answer(rows, columns):
        """A ripple that repeats, and a lean that grows to the right as perspective makes it."""
        x = np.arange(columns) / SIDE
        normals = np.zeros((rows, columns, 3), np.float32)
        normals[..., 0] = 0.3 * np.sin(2 * np.pi * 4 * x) + 0.1 * x
        normals[..., 2] = 1
        return normals / np.linalg.norm(normals, axis=2, keepdims=True)

    surface, network = surface_of(answer, Wrap(True, True))
    assert network.sizes == [(SIDE + SIDE // 2, SIDE + SIDE // 2)] and surface.height.shape == (SIDE, SIDE)
    steps = np.abs(np.diff(surface.height, axis=1, append=surface.height[:, :1])).mean(axis=0)
    assert steps[-1] < 1.5 * steps[:-1].max()


def test_a_picture_too_large_for_memory_is_seen_smaller_and_that_is_said(surface_of, monkeypatch):
    monkeypatch.setattr(normals_engine, "MAX_PASS_PIXELS", 96 * 96)
    monkeypatch.setattr(normals_engine, "available_bytes", lambda device: 10**12)
    surface, network = surface_of(lambda *size: bump_normals(*size)[0])
    assert network.sizes == [(96, 96)] and surface.height.shape == (96, 96)
    assert "saw the picture in 96 x 96 pixels" in surface.notes[0]


def test_a_vector_that_is_no_number_leaves_the_other_heights_alone(surface_of):
    def answer(*size):
        normals = bump_normals(*size)[0]
        normals[3, 5] = np.nan
        return normals

    surface, _ = surface_of(answer)
    assert np.isfinite(surface.height).all()
    assert np.abs(surface.height - surface.height.mean() - (bump_normals()[1] - bump_normals()[1].mean())).max() < 0.01


def test_a_network_that_sees_no_more_pixels_is_given_no_more(surface_of, monkeypatch):
    monkeypatch.setattr(Answer, "max_pixels", 64 * 64)
    surface, network = surface_of(lambda *size: bump_normals(*size)[0])
    assert network.sizes == [(64, 64)] and "64 x 64 pixels" in surface.notes[0]


def test_a_device_that_failed_with_one_network_is_tried_with_another(tmp_path, monkeypatch):
    """FAKE: a device on which only the weights in `bad` fail."""
    monkeypatch.setattr(network_engine, "find_engine_weights", lambda engine, settings, folder: tmp_path / settings.model)
    monkeypatch.setattr(network_engine, "verify_weights", lambda path, weights: None)
    monkeypatch.setattr(devices, "has_device", lambda name: name in ("cpu", "cuda"))
    monkeypatch.setattr(normals_engine, "available_bytes", lambda device: 10**12)

    class Card(Answer):
        def __init__(self, folder):
            super().__init__(lambda *size: bump_normals(*size)[0])
            self.fails, self.device = folder.name == "SMALL", "cpu"

        def move(self, device):
            self.device = device

        def normals(self, pictures, on_progress, precision):
            if self.fails and self.device == "cuda":
                raise RuntimeError("no kernel image")
            return super().normals(pictures, on_progress, precision)

    class Networks(NormalsEngine):
        name, size_multiple = "MOGE", 32

        def load_network(self, folder):
            return Card(folder)

    engine, picture = Networks(tmp_path), Picture(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8))

    def device_of(model):
        settings = Settings(engine="MOGE", model=model, resolution=SIDE)
        return engine.surface(EngineInput(picture, PLAIN, settings, lambda stage, share: None)).device

    assert [device_of(model) for model in ("SMALL", "BASE", "BASE")] == ["cpu", "cuda", "cuda"]
