"""Maps of textures that consist of islands: nothing is read across their borders, and the map continues outside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.inputs import ALPHA_COUNTS
from blender_midas_normal.worker.island_layers import NO_ISLANDS
from tests.requests_for_tests import LUMINANCE, noise, opaque, write_pixels
from tests.worker.in_process_worker import components, make_map

SIDE, BORDER = 256, 4
FIRST, SECOND = np.s_[24:232, 16:124], np.s_[40:210, 130:240]
RELIEF = Settings(engine="RELIEF")


def two_islands(second=(0.2, 0.3, 0.45), seed=1):
    """Two islands of unlike colour on black, both of fine relief."""
    rng = np.random.default_rng(seed)
    texture = blur(rng.normal(size=(SIDE, SIDE)).astype(np.float32), 1.5, 1.5, Wrap())[..., None]
    rgb = np.zeros((SIDE, SIDE, 3), np.float32)
    for area, colour in ((FIRST, (0.75, 0.65, 0.5)), (SECOND, second)):
        rgb[area] = np.float32(colour) + 0.03 / texture.std() * texture[area]
    return opaque(np.clip(rgb, 0.02, 1))


def tilts(values):
    """The mean tilt of a map in degrees within BORDER pixels of the islands' borders, and farther inside."""
    degrees = np.degrees(np.arccos(np.clip(values[..., 2], -1, 1)))
    border, inside = np.zeros((2, SIDE, SIDE), bool)
    for rows, columns in (FIRST, SECOND):
        border[rows, columns] = True
        inside[rows.start + 16:rows.stop - 16, columns.start + 16:columns.stop - 16] = True
        border[rows.start + BORDER:rows.stop - BORDER, columns.start + BORDER:columns.stop - BORDER] = False
    return degrees[border].mean(), degrees[inside].mean()


@pytest.mark.parametrize("settings", [RELIEF, LUMINANCE, dataclasses.replace(LUMINANCE, mix="RELIEF")])
def test_relief_is_no_steeper_at_the_borders_than_inside(worker, tmp_path, settings):
    picture = two_islands()
    result, values = make_map(worker, tmp_path, picture, settings)
    border, inside = tilts(values)
    assert border <= inside and inside > 0.5
    assert any("Islands: 2," in note for note in result.notes)
    whole, values = make_map(worker, tmp_path, picture, dataclasses.replace(settings, islands="OFF"))
    border, inside = tilts(values)
    assert border > 3 * inside and not whole.notes


@pytest.mark.parametrize("settings", [RELIEF, dataclasses.replace(LUMINANCE, blur=6, high_pass=64, detail=2),
                                      Settings(engine="HEIGHT", islands="ON")])
@pytest.mark.parametrize("map_type", ["NORMAL", "CURVATURE"])
def test_an_island_has_the_map_that_it_has_beside_any_other(worker, tmp_path, settings, map_type):
    maps = []
    for colour, seed in (((0.2, 0.3, 0.45), 1), ((0.9, 0.2, 0.1), 2)):
        picture = two_islands(colour, seed)
        picture[FIRST] = two_islands()[FIRST]
        values = make_map(worker, tmp_path, picture, settings, map=map_type)[1]
        maps.append(values if values.ndim == 3 else values[:, ::-1])  # `components` turns the order of channels round
    inside = np.s_[25:231, 17:123]
    np.testing.assert_array_equal(maps[0][inside], maps[1][inside])
    assert not np.array_equal(*maps)


def test_maps_continue_outside_of_islands(worker, tmp_path):
    picture = two_islands()
    values = make_map(worker, tmp_path, picture, dataclasses.replace(LUMINANCE, strength=8))[1]
    np.testing.assert_allclose(np.linalg.norm(values, axis=2), 1, atol=1e-3)
    for distance in (1, 2, 3):  # of the rows outside and inside, those nearer to the edge are more alike
        apart = np.abs(values[24 - distance + 1, 30:110] - values[24 + 1, 30:110]).mean()
        assert apart < 0.7 * np.abs(values[60, 30:110] - values[25, 30:110]).mean()
    heights = make_map(worker, tmp_path, picture, map="HEIGHT")[1]
    assert np.ptp(heights[:20]) < np.ptp(heights[26:230])


def test_transparent_ground_is_not_flat_and_what_is_transparent_inside_is(worker, tmp_path):
    picture = two_islands()
    picture[..., 3] = picture[..., 0] > 0
    result, opaque_islands = make_map(worker, tmp_path, picture)
    assert ALPHA_COUNTS not in result.notes and np.abs(opaque_islands[:16, 40:100, :2]).max() > 1e-3
    picture[100:120, 40:80, 3] = 0.25
    result, values = make_map(worker, tmp_path, picture)
    assert ALPHA_COUNTS in result.notes
    assert np.abs(values[102:118, 42:78, :2]).mean() < 0.5 * np.abs(opaque_islands[102:118, 42:78, :2]).mean()


def test_a_map_is_made_again_from_the_surfaces_of_its_islands(worker, tmp_path, monkeypatch):
    tuned = dataclasses.replace(LUMINANCE, strength=3, blur=2, convention="DIRECTX")
    first, _ = make_map(worker, tmp_path, two_islands())
    fresh = make_map(worker, tmp_path, two_islands(), tuned)[1]
    monkeypatch.setattr(Luminance, "surface", lambda *_: pytest.fail("the engine ran again"))
    again = worker.render(Request(tuned.to_dict(), id=2, surface=first.surface))
    np.testing.assert_array_equal(components(tmp_path / again.file), fresh)
    masked = dataclasses.replace(LUMINANCE, mask="IMAGE")
    black = write_pixels(tmp_path / "mask", opaque(np.zeros((4, 4, 3), np.float32)))
    result = worker.render(Request(masked.to_dict(), id=3, surface=first.surface, mask_pixels=black))
    assert np.abs(components(tmp_path / result.file)[..., :2]).max() < 1e-4


def triangles(folder, *rectangles):
    """The fields of pixels for islands of meshes: (left, bottom, right, top) each, in shares of the picture."""
    corners = [[(*points[index], 4 * number + index) for index in order]
               for number, (left, bottom, right, top) in enumerate(rectangles)
               for points in ([(left, bottom), (right, bottom), (right, top), (left, top)],)
               for order in ((0, 1, 2), (0, 2, 3))]
    np.array(corners, np.float32).tofile(folder / "triangles")
    return {"uv_triangles": "triangles"}


def made_with_triangles(worker, folder, rgba, settings, *rectangles):
    pixels = write_pixels(folder / "pixels", rgba) | triangles(folder, *rectangles)
    result = worker.render(Request(settings.to_dict(), id=1, pixels=pixels))
    assert not (folder / "triangles").exists()
    return result, components(folder / result.file)


LEFT, RIGHT = (0.1, 0.1, 0.5, 0.9), (0.5, 0.1, 0.9, 0.9)


def test_islands_of_meshes_that_touch_are_told_apart(worker, tmp_path):
    rgba = noise(64, 64)
    rgba[:, :32, :3] *= 0.3
    settings = dataclasses.replace(LUMINANCE, islands="ON")
    result, values = made_with_triangles(worker, tmp_path, rgba, settings, LEFT, RIGHT)
    assert "Islands: 2," in result.notes[0]
    rgba[:, 32:, :3] = rgba[:, 32:, :3][::-1]
    beside_another = made_with_triangles(worker, tmp_path, rgba, settings, LEFT, RIGHT)[1]
    np.testing.assert_array_equal(values[8:56, 8:32], beside_another[8:56, 8:32])


def test_a_picture_that_goes_on_around_the_mesh_is_mapped_as_a_whole_and_its_key_is_the_same(worker, tmp_path):
    result, values = made_with_triangles(worker, tmp_path, noise(64, 64), LUMINANCE, LEFT)
    whole, expected = make_map(worker, tmp_path, noise(64, 64))
    assert result.surface == whole.surface and not result.notes
    np.testing.assert_array_equal(values, expected)
    on = dataclasses.replace(LUMINANCE, islands="ON")
    surfaces = {made_with_triangles(worker, tmp_path, noise(64, 64), on, area)[0].surface for area in (LEFT, RIGHT)}
    assert len(surfaces | {whole.surface}) == 3
    result, values = make_map(worker, tmp_path, noise(64, 64), on)
    assert result.notes == [NO_ISLANDS]
    np.testing.assert_array_equal(values, expected)


def test_damaged_triangles_are_refused(worker, tmp_path):
    pixels = write_pixels(tmp_path / "pixels", noise(8, 8)) | {"uv_triangles": "triangles"}
    for values in (np.ones(10), np.full(9, np.nan)):
        values.astype(np.float32).tofile(tmp_path / "triangles")
        write_pixels(tmp_path / "pixels", noise(8, 8))
        with pytest.raises(SourceError, match="UVs of the meshes"):
            worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels))
        assert not (tmp_path / "triangles").exists()


def test_layers_of_depths_are_as_steep_as_one_range_makes_them(worker, tmp_path, monkeypatch):
    """A layer's depths are scaled to 0..1; what a flat one has would else be as steep as what a deep one has."""
    surface = Luminance.surface

    def scaled(engine, item):
        made = surface(engine, item)
        span = float(np.ptp(made.height))
        return dataclasses.replace(made, height=made.height / np.float32(span), range=span)

    plain = make_map(worker, tmp_path, two_islands())[1]
    monkeypatch.setattr(Luminance, "surface", scaled)
    result, values = make_map(worker, tmp_path, two_islands(), dataclasses.replace(LUMINANCE, resolution=576))
    slopes, expected = (each[..., :2] / each[..., 2:] for each in (values, plain))
    ratio = [np.abs(slopes[area]).mean() / np.abs(expected[area]).mean() for area in (FIRST, SECOND)]
    assert ratio[0] == pytest.approx(ratio[1], rel=0.01) and result.range > 0
