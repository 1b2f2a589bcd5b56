"""Normal maps of known surfaces, and the settings that change them."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from blender_midas_normal.core.maps import Map
from blender_midas_normal.core.normals import apply_convention, normal_map
from blender_midas_normal.core.picture import Surface, Wrap
from blender_midas_normal.core.settings import Settings, node_size

NO_WRAP = Wrap()


def surface(height, raw=False, relief=0.75, wrap=NO_WRAP, source=None):
    height = np.asarray(height, np.float32)
    return Surface(height, relief, raw, wrap, source or height.shape[::-1])


def bump(n=64, x0=0.3, y0=0.35, radius=0.2):
    v, u = (np.mgrid[:n, :n] + 0.5) / n
    return np.exp(-((u - x0) ** 2 + (v - y0) ** 2) / (2 * (radius / 2) ** 2)).astype(np.float32)


def tilt(normals):
    return np.degrees(np.arccos(np.clip(normals[2], -1, 1)))


def between(one, other):
    """Degrees between unit vectors."""
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(one - other, axis=0) / 2, 0, 1)))


heights = arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)),
                 elements=st.floats(-1000, 1000, width=32, allow_subnormal=False))


tunings = st.builds(Settings, a=st.floats(0, 5 * math.pi), bg_threshold=st.floats(0, 1),
                    bg_softness=st.floats(0, 1), strength=st.floats(0, 10),
                    blur=st.floats(0, 20), detail=st.floats(0, 10), high_pass=st.floats(0, 4096), invert=st.booleans())


@given(heights, tunings, st.booleans())
def test_normals_are_finite_and_unit_for_every_setting(height, settings, raw):
    normals = normal_map(surface(height, raw), settings)
    assert normals.shape == (3, *height.shape)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("raw", [False, True])
def test_a_zero_is_finite_and_flat_where_there_is_no_gradient(raw):
    height = np.zeros((8, 8), np.float32)
    height[:, 4:] = 1
    normals = normal_map(surface(height, raw), Settings(a=0.0))
    np.testing.assert_allclose(normals[:, 4, 1], (0, 0, 1), atol=1e-6)
    assert np.isfinite(normals).all() and abs(normals[0, 4, 4]) > 0.9


@pytest.mark.parametrize("raw", [False, True])
def test_a_constant_height_is_flat(raw):
    normals = normal_map(surface(np.full((5, 9), 7.0), raw), Settings(bg_threshold=0.5))
    np.testing.assert_array_equal(normals[2], 1)


@pytest.mark.parametrize("raw", [False, True])
def test_a_bump_leans_away_from_its_top(raw):
    """x is right, y is up, rows run down: the left flank of a bump points left, its upper flank up."""
    normals = normal_map(surface(bump() * (500 if raw else 1), raw), Settings())
    row, column = int(0.35 * 64), int(0.3 * 64)
    assert normals[0, row, column - 6] < -0.1 < 0.1 < normals[0, row, column + 6]
    assert normals[1, row - 6, column] > 0.1 > -0.1 > normals[1, row + 6, column]


def test_the_normalised_formula():
    """slope = K * dh/du with u in shorter sides, times strength * 2 pi / a."""
    v, u = (np.mgrid[:40, :80] + 0.5) / 40
    settings = Settings(a=math.pi, strength=1.5)
    normals = normal_map(surface(0.2 * u + 0.1 * v, relief=0.75), settings)
    np.testing.assert_allclose(-normals[0] / normals[2], 0.75 * 0.2 * 3.0, rtol=1e-3)
    np.testing.assert_allclose(normals[1] / normals[2], 0.75 * 0.1 * 3.0, rtol=1e-3)


def test_the_look_does_not_depend_on_the_surfaces_resolution():
    fine = normal_map(surface(bump(256)), Settings())
    coarse = normal_map(surface(bump(64), source=(256, 256)), Settings())
    error = between(fine, coarse)
    assert error.mean() < 0.05 and error[8:-8, 8:-8].max() < 0.5


@given(st.floats(0.1, 3), st.floats(1.1, 3))
def test_larger_strength_tilts_more_and_larger_a_less(strength, factor):
    def mean_tilt(**fields):
        return tilt(normal_map(surface(bump(24)), Settings(**fields))).mean()
    assert mean_tilt(strength=strength * factor) > mean_tilt(strength=strength)
    assert mean_tilt(a=2 * factor) < mean_tilt(a=2)


def test_the_background_threshold_flattens_low_ground_without_a_step():
    height = bump(128)
    normals = normal_map(surface(height), Settings(bg_threshold=0.5, strength=3))
    assert tilt(normals)[height < 0.45].max() == 0
    assert tilt(normals)[height > 0.55].max() > 20
    untouched = normal_map(surface(height), Settings(strength=3))
    np.testing.assert_allclose(normals[:, height > 0.52], untouched[:, height > 0.52], atol=1e-6)


def test_the_background_ends_as_softly_as_is_asked():
    height = bump(128)
    whole = np.tan(np.radians(tilt(normal_map(surface(height), Settings()))))
    share = (height - height.min()) / np.ptp(height)
    for softness in (0.0, 0.02, 0.4):
        kept = np.tan(np.radians(tilt(normal_map(surface(height), Settings(bg_threshold=0.5, bg_softness=softness)))))
        assert kept[share < 0.5 - softness / 2].max() == 0
        np.testing.assert_allclose(kept[share > 0.5 + softness / 2], whole[share > 0.5 + softness / 2], rtol=1e-3)
        between = (share > 0.5 - softness / 4) & (share < 0.5 + softness / 4)
        assert ((0.1 * whole < kept) & (kept < 0.9 * whole))[between].all()


def test_raw_depth_knows_no_softness():
    height = bump(64) * 300
    soft, hard = (normal_map(surface(height, raw=True), Settings(bg_threshold=0.5, bg_softness=s)) for s in (1.0, 0.0))
    np.testing.assert_array_equal(soft, hard)


@pytest.mark.parametrize("raw", [False, True])
def test_invert_turns_bumps_into_dents_and_leaves_the_background(raw):
    height = bump(64) * (300 if raw else 1)
    normals, inverted = (normal_map(surface(height, raw), Settings(bg_threshold=0.3, invert=on)) for on in (False, True))
    np.testing.assert_allclose(inverted, normals * np.array([-1, -1, 1]).reshape(3, 1, 1), atol=1e-6)


def ripples(n=512):
    """A large wave, twice across the picture, and a fine one, 64 times, with slopes alike."""
    u = (np.mgrid[:n, :n][1] + 0.5) / n
    return np.sin(2 * np.pi * 2 * u) / 2 / 100, np.sin(2 * np.pi * 64 * u) / 64 / 100


def slope_of(height, **fields):
    normals = normal_map(surface(height, wrap=Wrap(True, True)), Settings(**fields))
    return float(np.abs(normals[0] / normals[2]).mean())


def test_detail_scales_fine_relief_and_leaves_large_shapes():
    large, fine = ripples()
    assert slope_of(large, detail=3) == pytest.approx(slope_of(large), rel=0.05)
    assert slope_of(fine, detail=3) == pytest.approx(3 * slope_of(fine), rel=0.05)
    assert slope_of(fine, detail=0) < 0.05 * slope_of(fine)


def test_high_pass_removes_large_shapes_and_leaves_fine_relief():
    large, fine = ripples()
    assert slope_of(large, high_pass=12) < 0.1 * slope_of(large)
    assert slope_of(fine, high_pass=12) == pytest.approx(slope_of(fine), rel=0.05)


def test_raw_is_the_nodes_arithmetic():
    """n = normalize(-Sobel_x, +Sobel_y, a) with the unnormalised Sobel operator (CONVENTIONS, section 2)."""
    cv2 = pytest.importorskip("cv2")
    depth = (bump(32) * 300).astype(np.float32)
    normals = normal_map(surface(depth, raw=True), Settings(a=8.0, bg_threshold=0.2))
    x, y = (cv2.Sobel(depth, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    low = (depth - depth.min()) / (depth.max() - depth.min()) < 0.2
    x[low] = y[low] = 0
    expected = np.stack([-x, y, np.full_like(x, 8.0)])
    np.testing.assert_allclose(normals, expected / np.linalg.norm(expected, axis=0), atol=1e-5)


def test_the_map_has_the_sources_size_or_the_nodes():
    small = surface(bump(64), source=(640, 480))
    assert normal_map(small, Settings()).shape == (3, 480, 640)
    assert normal_map(small, Settings(size="NODE")).shape == (3, *node_size(640, 480, 512)[::-1])


def test_conventions():
    normal = np.array([0.6, 0.48, 0.64], np.float32).reshape(3, 1, 1)
    def values(convention):
        return [float(c[0, 0]) for c in apply_convention(normal, convention)]
    assert values("OPENGL") == pytest.approx([0.6, 0.48, 0.64])
    assert values("DIRECTX") == pytest.approx([0.6, -0.48, 0.64])
    assert values("OBJECT") == values("OPENGL")
    assert values("CONTROLNET") == pytest.approx([0.64, 0.48, -0.6])


def test_sixteen_bits_are_rounded_and_flat_is_half():
    plane = np.array([[-1.0, 0.0, 1.0]], np.float32)
    assert Map((plane, plane, plane), low=-1).encode()[0, :, 0].tolist() == [0, 32768, 65535]


@given(st.floats(-1, 1, width=32))
def test_decoding_gives_the_component_back(value):
    plane = np.full((1, 1), value, np.float32)
    assert int(Map((plane,) * 3, low=-1).encode()[0, 0, 1]) / 65535 * 2 - 1 == pytest.approx(value, abs=2e-5)


def test_slight_slopes_survive():
    """CONVENTIONS, section 4: 8 bits lose slopes below 0.2 degrees; here 0.02 degrees remain."""
    u = np.mgrid[:16, :16][1] / 16
    normals = normal_map(surface(np.tan(np.radians(0.02)) * u, relief=1.0), Settings())
    decoded = Map(apply_convention(normals, "OPENGL"), low=-1).encode() / 65535 * 2 - 1
    assert np.degrees(np.arctan(-decoded[..., 0] / decoded[..., 2])).mean() == pytest.approx(0.02, abs=0.004)


def test_mirrored_heights_give_mirrored_normals():
    height = np.random.default_rng(1).random((20, 30), np.float32)
    normals = normal_map(surface(height), Settings())
    mirrored = normal_map(surface(height[:, ::-1].copy()), Settings())
    np.testing.assert_allclose(mirrored[:, :, ::-1] * np.array([-1, 1, 1]).reshape(3, 1, 1), normals, atol=1e-6)


def test_eightfold_enlargement_costs_next_to_nothing():
    """Bilinear enlargement of such a surface costs 2.7 degrees, Lanczos 0.7 to 1.4."""
    def waves(n):
        v, u = (np.mgrid[:n, :n] + 0.5) / n
        return (0.04 * np.sin(2 * np.pi * 6 * u) * np.cos(2 * np.pi * 5 * v)).astype(np.float32)
    wrap = Wrap(True, True)
    small = normal_map(surface(waves(64), wrap=wrap, source=(512, 512)), Settings())
    true = normal_map(surface(waves(512), wrap=wrap), Settings())
    assert tilt(true).mean() > 15
    assert between(small, true).mean() < 0.1


def mixed(**fields):
    """Normals of a large wave with a fine surface mixed in that has another large wave, and a fine one."""
    large, fine = ripples()
    wrap = Wrap(True, True)
    whole = dataclasses.replace(surface(large, wrap=wrap), fine=surface(-large + fine, wrap=wrap))
    return normal_map(whole, Settings(mix="RELIEF", engine="LUMINANCE", crossover=12, **fields))


def test_large_shapes_are_the_surfaces_own_and_fine_relief_is_the_others():
    large, fine = ripples()
    expected = normal_map(surface(large + fine, wrap=Wrap(True, True)), Settings())
    assert between(mixed(), expected).mean() < 0.25
    assert between(mixed(mix_amount=0), normal_map(surface(large, wrap=Wrap(True, True)), Settings())).mean() < 0.25


def test_a_transparent_part_is_flat_as_far_as_it_is():
    height, alpha = bump(), np.full((64, 64), 255, np.uint8)
    alpha[:, :20], alpha[:, 20:32] = 0, 128
    masked, whole = (normal_map(dataclasses.replace(surface(height), alpha=alpha), Settings(mask=mask))
                     for mask in ("ALPHA", "OFF"))
    np.testing.assert_array_equal(tilt(masked[:, :, :20]), 0)
    np.testing.assert_array_equal(masked[:, :, 32:], whole[:, :, 32:])
    half, full = (normals[0] / normals[2] for normals in (masked[:, :, 20:32], whole[:, :, 20:32]))
    np.testing.assert_allclose(half, full * 128 / 255, atol=1e-5)


def test_an_image_masks_as_far_as_it_is_black_beside_the_alpha():
    alpha, mask = np.full((64, 64), 255, np.uint8), np.ones((64, 64), np.float32)
    alpha[:20], mask[:, :20], mask[:, 20:32] = 0, 0, 0.25
    both = dataclasses.replace(surface(bump()), alpha=alpha, mask=mask)
    masked, opaque, whole = (normal_map(both, Settings(mask=name)) for name in ("IMAGE", "ALPHA", "OFF"))
    np.testing.assert_array_equal(tilt(masked[:, :20]), 0)
    np.testing.assert_array_equal(tilt(masked[:, :, :20]), 0)
    np.testing.assert_allclose(*((n[0] / n[2])[20:, 20:32] * k for n, k in ((masked, 1), (whole, 0.25))), atol=1e-6)
    np.testing.assert_array_equal(masked[:, 20:, 32:], whole[:, 20:, 32:])
    np.testing.assert_array_equal(opaque[:, 20:], whole[:, 20:])


def test_a_mask_at_the_nodes_size_is_all_or_nothing_beyond_its_edge():
    """A kernel that overshoots would leave ripples of relief where the mask is black."""
    mask = np.ones((100, 100), np.float32)
    mask[:, :50] = 0
    small = dataclasses.replace(surface(bump(100)), mask=mask)
    for resolution in (64, 512):
        normals = normal_map(small, Settings(mask="IMAGE", size="NODE", resolution=resolution))
        edge = normals.shape[2] // 2
        assert tilt(normals[:, :, :edge - resolution // 64]).max() == 0 < tilt(normals[:, :, edge:]).max()
