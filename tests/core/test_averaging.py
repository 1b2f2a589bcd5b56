"""The mean of the maps of neighbouring frames."""

from __future__ import annotations

import numpy as np
import pytest

from blender_midas_normal.core.maps import Map
from blender_midas_normal.core.normals import apply_convention, average_maps, normals_from_slopes, z_channel

ONE_STEP = 1.5
"""Of 65535: a map is rounded when it is made and when it is averaged."""


def fields(seed, shape=(20, 30)):
    return np.random.default_rng(seed).normal(0, 0.5, (2, *shape)).astype(np.float32)


def encoded(slopes, convention="OPENGL"):
    return Map(apply_convention(normals_from_slopes(*slopes), convention), low=-1.0).encode()


@pytest.mark.parametrize("convention", ["OPENGL", "DIRECTX", "CONTROLNET"])
def test_normal_maps_are_averaged_as_slopes_in_any_convention(convention):
    first, second = fields(0), fields(1)
    mean = average_maps([(0.25, encoded(first, convention)),
                               (0.75, encoded(second, convention))], z_channel(convention))
    expected = encoded(0.25 * first + 0.75 * second, convention)
    np.testing.assert_allclose(mean.astype(float), expected, atol=2 * ONE_STEP)


def test_other_maps_are_averaged_as_values():
    first, second = (np.random.default_rng(seed).integers(0, 65536, (9, 8)).astype(np.uint16) for seed in (0, 1))
    mean = average_maps([(0.5, first), (0.5, second)], None)
    np.testing.assert_allclose(mean, (first.astype(float) + second) / 2, atol=0.51)


def test_maps_that_are_the_same_are_their_mean():
    still = encoded(fields(2))
    assert np.abs(average_maps([(1 / 3, still)] * 3, 2).astype(int) - still).max() <= ONE_STEP


def test_a_pixel_that_lies_on_its_side_spoils_nothing():
    still = encoded(fields(3))
    lying = still.copy()
    lying[0, 0] = (65535, 32768, 32768)
    lying[0, 1] = 0
    mean = average_maps([(0.5, still), (0.5, lying)], 2)
    assert np.abs(mean[1:].astype(int) - still[1:]).max() <= ONE_STEP
    np.testing.assert_allclose(np.linalg.norm(mean / 65535 * 2 - 1, axis=2), 1, atol=1e-4)
