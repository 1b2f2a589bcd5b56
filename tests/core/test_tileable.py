"""Detection of pictures that repeat, and heights that are made periodic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_midas_normal.core.gradients import node_gradient
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.tileable import make_periodic, pad_periodic, resolve_wrap, wrap_margins


def periodic(height=128, width=192, seed=0):
    """A relief that repeats, -1..1 or so."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1) * 2 * np.pi
    waves = [np.sin(random.integers(1, 7) * x + random.integers(-6, 7) * y + random.uniform(0, 6)) for _ in range(12)]
    return (np.sum(waves, axis=0) / 4).astype(np.float32)


def ramp(height, width, dx, dy):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return x * np.float32(dx) + y * np.float32(dy)


@pytest.mark.parametrize("word, wrap", [("OFF", Wrap()), ("X", Wrap(x=True)), ("Y", Wrap(y=True)),
                                        ("BOTH", Wrap(True, True))])
def test_words_are_directions(word, wrap):
    assert resolve_wrap(word, periodic(), is_render=True) == wrap


def test_auto_measures_each_direction_and_leaves_renders_alone():
    whole = periodic()
    assert resolve_wrap("AUTO", whole, False) == Wrap(True, True)
    assert resolve_wrap("AUTO", whole[:, :130], False) == Wrap(x=False, y=True)
    assert resolve_wrap("AUTO", whole[:75], False) == Wrap(x=True, y=False)
    assert resolve_wrap("AUTO", whole, True) == Wrap()
    assert resolve_wrap("AUTO", whole[:4, :4], False) == Wrap()


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(1, 2000), st.booleans(), st.booleans(), st.sampled_from([1, 16]))
def test_margins_only_where_the_picture_repeats(width, height, x, y, multiple):
    margin = wrap_margins(width, height, Wrap(x, y), 0.25, multiple)
    for pixels, length, repeats in zip(margin, (width, height), (x, y), strict=True):
        assert pixels == 0 if not repeats else length // 4 <= pixels <= length
        assert pixels % multiple == 0 or pixels == length


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.data())
def test_what_repeats_already_stays_as_it_is(height, width, draw):
    field = np.random.default_rng(height * 41 + width).random((height, width), np.float32)
    margin = draw.draw(st.tuples(st.integers(0, width), st.integers(0, height)))
    np.testing.assert_allclose(make_periodic(pad_periodic(field, margin), margin), field, atol=1e-5)


@pytest.mark.parametrize("wrap", [Wrap(x=True), Wrap(y=True), Wrap(True, True)])
def test_a_ramp_that_the_network_adds_is_taken_out(wrap):
    """100 units over 512 pixels tilt the node's normals by 10.9 degrees at a = 8; under 0.4 may stay."""
    texture = periodic(512, 512) * 20
    margin = wrap_margins(512, 512, wrap, 0.25, 16)
    tilted = pad_periodic(texture, margin)
    tilted = tilted + ramp(*tilted.shape, 100 / 512 if wrap.x else 0, 100 / 512 if wrap.y else 0)
    tilted = tilted + np.random.default_rng(0).normal(0, 0.005, tilted.shape).astype(np.float32)
    answer = make_periodic(tilted, margin)
    assert answer.shape == texture.shape
    x, y = node_gradient(answer - texture, wrap)
    tilt = np.degrees(np.arctan(np.hypot(x, y) / 8))
    assert tilt.mean() < 0.4


def test_the_seam_is_a_place_like_any_other():
    texture = periodic(256, 256) * 20
    margin = (64, 64)
    padded = pad_periodic(texture, margin)
    vignette = ramp(*padded.shape, 0.1, -0.2) + 1e-4 * ramp(*padded.shape, 1, 0) ** 2
    answer = make_periodic(padded + vignette.astype(np.float32), margin)
    for axis in (0, 1):
        steps = np.abs(answer - np.roll(answer, 1, axis)).mean(axis=1 - axis)
        assert steps[0] < 1.5 * np.median(steps)
