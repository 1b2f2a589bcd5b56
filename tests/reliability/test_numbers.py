"""Any picture with any settings, from the pixels to the map: what must hold for each of them.

tests/core checks the formulas themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from blender_midas_normal.core.heights import integrate_slopes
from blender_midas_normal.core.maps import Map
from blender_midas_normal.core.normals import apply_convention, normal_map
from blender_midas_normal.core.picture import Picture, Surface
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.core.tileable import resolve_wrap
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.engines.relief import Relief

pytestmark = [pytest.mark.reliability, pytest.mark.slow]

SHAPES = st.tuples(st.integers(1, 24), st.integers(1, 24))
pictures = SHAPES.flatmap(lambda shape: arrays(np.uint8, (*shape, 3)) | arrays(
    np.float32, (*shape, 3), elements=st.floats(0, 1, width=32)))
shaping = {"strength": st.floats(0, 10), "blur": st.floats(0, 64), "high_pass": st.just(0.0) | st.floats(0, 64),
           "invert": st.booleans()}
setting_fields = st.fixed_dictionaries({
    **shaping, "a": st.floats(0, 5 * math.pi), "bg_threshold": st.floats(0, 1), "bg_softness": st.floats(0, 1),
    "detail": st.floats(0, 10), "tileable": st.sampled_from(["AUTO", "OFF", "X", "Y", "BOTH"]),
    "convention": st.sampled_from(["OPENGL", "DIRECTX", "OBJECT", "CONTROLNET"])})
symmetric = st.fixed_dictionaries({
    **shaping, "a": st.floats(1, 5 * math.pi), "detail": st.floats(0, 2), "tileable": st.sampled_from(["OFF", "BOTH"])})
"""Without what depends on the direction, and what makes much of a height's last bit: an `a` of nothing, a background."""

ENGINES = {"LUMINANCE": Luminance(), "RELIEF": Relief()}


def surface_of(rgb: np.ndarray, settings: Settings, engine: str) -> Surface:
    picture = Picture(rgb)
    wrap = resolve_wrap(settings.tileable, picture.rgb_float().mean(axis=2), False)
    return ENGINES[engine].surface(EngineInput(picture, wrap, settings, lambda stage, share: None))


def normals_of(rgb: np.ndarray, settings: Settings, engine: str = "LUMINANCE") -> np.ndarray:
    return normal_map(surface_of(rgb, settings, engine), settings)


@pytest.fixture
def checked(amount):
    """checked(*strategies)(property): the property holds for many examples."""
    def with_examples(*strategies: st.SearchStrategy, everything: int = 1_000, few: int = 50) -> Callable:
        def run(check: Callable) -> None:
            options = hypothesis_settings(max_examples=amount(everything, few), deadline=None, database=None,
                                          suppress_health_check=list(HealthCheck))
            seed(1)(options(given(*strategies)(check)))()
        return run
    return with_examples


@pytest.mark.parametrize("engine", ENGINES)
def test_every_map_is_unit_finite_upright_and_of_the_pictures_size(engine, checked):
    @checked(pictures, setting_fields, everything=1_000 if engine == "LUMINANCE" else 150)
    def check(rgb: np.ndarray, found: dict) -> None:
        settings = Settings(engine=engine, **found)
        normals = normals_of(rgb, settings, engine)
        assert normals.shape == (3, *rgb.shape[:2]) and normals.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(normals, axis=0), 1, atol=1e-5)
        assert (normals[2] >= 0).all()
        pixels = Map(apply_convention(normals, settings.convention), low=-1).encode().astype(np.float64) / 65535 * 2 - 1
        np.testing.assert_allclose(np.linalg.norm(pixels, axis=2), 1, atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_colour_is_flat_whatever_the_settings(engine, checked):
    @checked(SHAPES, st.tuples(*[st.integers(0, 255)] * 3), setting_fields, everything=300)
    def check(shape: tuple, colour: tuple, found: dict) -> None:
        rgb = np.broadcast_to(np.array(colour, np.uint8), (*shape, 3)).copy()
        normals = normals_of(rgb, Settings(engine=engine, **found), engine)
        assert (normals[2] == 1).all() and not normals[:2].any()


TURNED = {
    "left to right": (lambda field: field[:, ::-1], lambda x, y: (-x, y)),
    "top to bottom": (lambda field: field[::-1], lambda x, y: (x, -y)),
    "by a quarter": (np.rot90, lambda x, y: (-y, x)),
}
"""Ways to turn the rows and columns of a field, and what they make of a vector that points right and up."""


@pytest.mark.parametrize("way", TURNED)
def test_a_turned_picture_has_the_turned_map(way, checked):
    turn, turned_vector = TURNED[way]

    @checked(pictures, symmetric)
    def check(rgb: np.ndarray, found: dict) -> None:
        settings = Settings(engine="LUMINANCE", **found)
        x, y, z = map(turn, normals_of(rgb, settings))
        turned = normals_of(np.ascontiguousarray(turn(rgb)), settings)
        np.testing.assert_allclose(turned, np.stack([*turned_vector(x, y), z]), atol=2e-5)


@pytest.mark.parametrize("way", TURNED)
def test_turned_slopes_of_the_network_have_the_turned_map(way, checked):
    """Relief's arithmetic; its network has learned what light from above looks like, and knows no symmetry."""
    turn, turned_vector = TURNED[way]
    slopes = SHAPES.flatmap(lambda shape: arrays(np.float32, (2, *shape), elements=st.floats(-3, 3, width=32)))

    def normals(right: np.ndarray, up: np.ndarray, settings: Settings) -> np.ndarray:
        wrap = resolve_wrap(settings.tileable, right, False)
        heights = integrate_slopes(right, -up, wrap) / min(right.shape)
        return normal_map(Surface(heights, 1.0, False, wrap, right.shape[::-1]), settings)

    @checked(slopes, symmetric)
    def check(found: np.ndarray, fields: dict) -> None:
        settings = Settings(engine="RELIEF", **fields)
        x, y, z = map(turn, normals(*found, settings))
        turned = normals(*turned_vector(*map(turn, found)), settings)
        np.testing.assert_allclose(turned, np.stack([*turned_vector(x, y), z]), atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_more_strength_never_tilts_a_pixel_less(engine, checked):
    @checked(pictures, setting_fields, st.floats(0, 10), everything=1_000 if engine == "LUMINANCE" else 60)
    def check(rgb: np.ndarray, found: dict, other: float) -> None:
        settings = Settings(engine=engine, **found)
        surface = surface_of(rgb, settings, engine)
        weak, strong = sorted((settings.strength, other))
        flat = normal_map(surface, Settings(**found | {"strength": weak}))
        steep = normal_map(surface, Settings(**found | {"strength": strong}))
        assert (steep[2] <= flat[2] + 1e-6).all()
        assert (np.abs(steep[:2]) >= np.abs(flat[:2]) - 1e-6).all()
