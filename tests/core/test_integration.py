"""Heights from slopes: what went in comes out again, whichever directions repeat."""

from __future__ import annotations

import numpy as np
import pytest

from blender_midas_normal.core.heights import integrate_slopes
from blender_midas_normal.core.picture import Wrap

WRAPS = [Wrap(), Wrap(x=True), Wrap(y=True), Wrap(True, True)]


def central(height, wrap):
    """2 x H x W central differences; a border that does not repeat is mirrored."""
    def along(axis, repeats):
        padded = np.pad(height, [(1, 1) if i == axis else (0, 0) for i in (0, 1)], mode="wrap" if repeats else "symmetric")
        return (np.roll(padded, -1, axis) - np.roll(padded, 1, axis)).take(range(1, padded.shape[axis] - 1), axis) / 2

    return np.stack([along(1, wrap.x), along(0, wrap.y)]).astype(np.float32)


def hills(rows, columns, wrap):
    """Waves that fit: whole periods where the direction repeats, half periods where it is mirrored."""
    y, x = (np.arange(rows)[:, None] + 0.5) / rows, (np.arange(columns)[None, :] + 0.5) / columns
    a = (2 if wrap.x else 1) * np.pi
    b = (2 if wrap.y else 1) * np.pi
    height = np.cos(3 * a * x) * np.cos(2 * b * y) + 2 * np.cos(a * x) + 3 * np.cos(5 * b * y)
    if wrap.x:
        height = height + np.sin(2 * a * x)
    return (height - height.mean()).astype(np.float32)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(64, 64), (63, 50), (17, 90)])
def test_heights_come_back_from_their_slopes(wrap, size):
    height = hills(*size, wrap)
    found = integrate_slopes(*central(height, wrap), wrap)
    assert found.dtype == np.float32 and found.shape == size
    assert np.abs(found - height).max() < 1e-4


def by_definition(gx, gy, wrap):
    """The same in double precision from a field that is mirrored as a whole, and so repeats."""
    rows, columns = gx.shape
    gx, gy = gx.astype(np.float64), gy.astype(np.float64)
    if not wrap.x:
        gx, gy = np.concatenate([gx, -gx[:, ::-1]], axis=1), np.concatenate([gy, gy[:, ::-1]], axis=1)
    if not wrap.y:
        gx, gy = np.concatenate([gx, gx[::-1]]), np.concatenate([gy, -gy[::-1]])
    across, down = (1j * np.sin(2 * np.pi * np.fft.fftfreq(length)) for length in gx.shape[::-1])
    power = np.abs(across) ** 2 + np.abs(down[:, None]) ** 2
    waves = np.conj(across) * np.fft.fft2(gx) + np.conj(down[:, None]) * np.fft.fft2(gy)
    found = np.divide(waves, power, out=np.zeros_like(waves), where=power > 1e-9)
    return np.fft.ifft2(found).real[:rows, :columns]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1), (2, 2), (31, 44), (300, 257), (90, 2000)])
def test_heights_are_those_of_the_definition(wrap, size):
    slopes = np.random.default_rng(1).standard_normal((2, *size)).astype(np.float32)
    wanted = by_definition(*slopes, wrap)
    assert np.abs(integrate_slopes(*slopes, wrap) - wanted).max() <= 5e-6 * np.ptp(wanted)


@pytest.mark.parametrize("wrap", WRAPS)
def test_random_slopes_give_finite_heights_of_mean_zero(wrap):
    slopes = np.random.default_rng(0).standard_normal((2, 40, 33)).astype(np.float32)
    found = integrate_slopes(*slopes, wrap)
    assert np.isfinite(found).all() and abs(float(found.mean())) < (1e-4 if wrap == Wrap(True, True) else 1.0)


def test_a_ramp_is_a_ramp_where_nothing_repeats_and_flat_where_it_does():
    slopes = np.zeros((2, 32, 48), np.float32)
    slopes[0] = 0.5
    ramp = integrate_slopes(*slopes, Wrap())
    assert np.abs(np.diff(ramp, axis=1)[:, 4:-4].mean() - 0.5) < 0.05
    assert np.abs(integrate_slopes(*slopes, Wrap(True, True))).max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (3, 1)])
def test_the_smallest_fields(size):
    assert np.isfinite(integrate_slopes(*np.ones((2, *size), np.float32), Wrap())).all()
