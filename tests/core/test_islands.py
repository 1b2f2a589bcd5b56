"""Islands of textures: found by UVs and by their ground, never where there are none, in layers, and continued outwards."""

from __future__ import annotations

import dataclasses

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.islands import (
    MAX_LAYERS,
    islands_of_mesh,
    islands_on_ground,
    label_mask,
    mirror_outwards,
    rasterise_islands,
    separate_layers,
    uv_coverage,
)
from blender_midas_normal.core.picture import Picture
from tests.conftest import ROOT

SIDE = 64


def flood(mask):
    """The parts of a mask, pixel by pixel."""
    labels, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        waiting = [] if labels[start] else [start]
        count += len(waiting)
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not labels[y, x]:
                labels[y, x] = count
                waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return labels


@pytest.mark.parametrize("share", [0.1, 0.55, 0.6, 0.9])
def test_parts_of_a_mask_are_those_of_a_flood(share):
    mask = np.random.default_rng(0).random((40, 30)) < share
    np.testing.assert_array_equal(label_mask(mask), flood(mask))


def quad(left, bottom, right, top, first_vertex):
    """The two triangles of a rectangle of UVs."""
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return [[(*corners[index], first_vertex + index) for index in triangle] for triangle in ((0, 1, 2), (0, 2, 3))]


def test_triangles_of_a_mesh_leave_no_pixel_out_and_are_one_island():
    rng = np.random.default_rng(1)
    across, up = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 12))
    vertices = np.stack([across, up], axis=2)
    vertices[1:-1, 1:-1] += rng.uniform(-0.03, 0.03, (10, 10, 2))
    uv, number = vertices.reshape(-1, 2), np.arange(144).reshape(12, 12)
    squares = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], axis=2).reshape(-1, 4)
    faces = np.concatenate([squares[:, :3], squares[:, [0, 2, 3]]])
    corners = np.concatenate([uv[faces], faces[..., None]], axis=2).astype(np.float32)
    assert (rasterise_islands(corners, 97, 83) == 1).all() and uv_coverage(corners[..., :2]) == 1


def test_rectangles_that_touch_are_two_islands_and_those_that_overlap_are_one():
    apart = np.float32(quad(0, 0, 0.5, 1, 0) + quad(0.5, 0.25, 1, 1, 4))
    labels = rasterise_islands(apart, 8, 8)
    assert (labels[:, :4] == labels[0, 0]).all() and (labels[:6, 4:] == labels[0, 7]).all() and (labels[6:, 4:] == 0).all()
    assert labels[0, 0] != labels[0, 7]
    over = rasterise_islands(np.float32(quad(0, 0, 0.5, 1, 0) + quad(0.25, 0.25, 1, 1, 4)), 8, 8)
    assert len(np.unique(over)) == 2
    assert rasterise_islands(np.empty((0, 3, 3), np.float32), 8, 8).max() == 0


def atlas(ground=(0, 0, 0), count=2):
    """Islands of noise on ground, H x W x 3 bytes, and where they are."""
    rgb = np.full((SIDE, SIDE, 3), ground, np.uint8)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[6:50, 4:26] = True
    inside[10:58, 34:60] = count > 1
    rgb[inside] = np.random.default_rng(0).integers(60, 200, (int(inside.sum()), 3))
    return rgb, inside


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (128, 128, 255)])
def test_islands_on_a_ground_of_one_colour_are_found_but_for_their_edge(ground):
    rgb, inside = atlas(ground)
    for picture in (Picture(rgb), Picture(rgb / np.float32(255))):
        labels = islands_on_ground(picture)
        assert len(np.unique(labels)) == 3 and not labels[~inside].any()
        assert (label_mask(labels > 0) > 0).sum() == 42 * 20 + 46 * 24


def test_islands_on_transparent_ground_are_found():
    rgb, inside = atlas((60, 90, 120))
    rgb[~inside] = np.random.default_rng(1).integers(0, 255, ((~inside).sum(), 3))
    labels = islands_on_ground(Picture(rgb, inside.astype(np.uint8) * 255))
    assert len(np.unique(labels)) == 3 and not labels[~inside].any()


def drawn_tiles(joint, side=256, across=8):
    """Tiles of differing colours, drawn with joints of one colour that many pixels wide, at the picture's border too."""
    size = side // across
    colours = np.random.default_rng(0).integers(60, 250, (across, across, 3)).repeat(size, axis=0).repeat(size, axis=1)
    y, x = np.mgrid[:side, :side] % size
    colours[(y < joint // 2) | (x < joint // 2) | (y >= size - joint // 2) | (x >= size - joint // 2)] = 40
    return colours


@pytest.mark.parametrize("joint", [2, 4, 8])
def test_the_joints_of_drawn_tiles_are_no_ground(joint):
    assert islands_on_ground(Picture(drawn_tiles(joint).astype(np.uint8))) is None
    assert islands_on_ground(Picture(drawn_tiles(joint).astype(np.uint8)), is_certain=True).max() == 64


def test_small_bumps_on_even_ground_are_no_islands():
    waves = np.sin(np.linspace(0, 9 * np.pi, 64))
    grey = np.rint(255 * (0.7 + 0.25 * np.outer(waves, waves))).astype(np.uint8)
    assert islands_on_ground(Picture(grey[..., None].repeat(3, axis=2))) is None


def test_what_looks_like_no_islands_is_left_alone_unless_the_user_says_so():
    rgb, inside = atlas()
    y, x = np.mgrid[:SIDE, :SIDE]
    glow = np.clip(8 * np.minimum(np.hypot(x - 16, y - 30), np.hypot(x - 46, y - 34)), 0, 250)
    sky = np.random.default_rng(0).integers(0, 200, (SIDE, SIDE))
    sky[:30] = 255
    pictures = {"chess": 255 * ((x // 8 + y // 8) % 2), "glow": 250 - glow, "sky": sky, "one island": atlas(count=1)[0],
                "one colour": np.zeros((SIDE, SIDE)), "noise": np.random.default_rng(0).integers(0, 255, (SIDE, SIDE))}
    for name, values in pictures.items():
        colours = values if values.ndim == 3 else values[..., None].repeat(3, axis=2)
        assert islands_on_ground(Picture(colours.astype(np.uint8))) is None, name
    assert islands_on_ground(Picture(atlas(count=1)[0]), is_certain=True).max() == 1
    heights = Picture(rgb, content=DATA)
    assert islands_on_ground(heights) is None, "stones on a floor"
    assert not islands_on_ground(heights, is_certain=True)[~inside].any()


def has_islands(photo):
    rgb = photo if photo.ndim == 3 else photo[..., None].repeat(3, axis=2)
    return islands_on_ground(Picture(np.ascontiguousarray(rgb))) is not None


def test_materials_have_no_islands():
    materials = list((ROOT / "tests" / "materials").glob("*_color.png"))
    assert len(materials) == 8
    assert not [file.name for file in materials if has_islands(np.asarray(PIL.Image.open(file).convert("RGB")))]


def test_photos_have_no_islands():
    data = pytest.importorskip("skimage.data")
    names = ("astronaut", "coffee", "rocket", "chelsea", "retina", "camera", "coins", "brick", "grass", "gravel", "moon",
             "page", "clock", "checkerboard")
    assert not [name for name in names if has_islands(getattr(data, name)())]


def test_a_wall_of_one_colour_goes_on_around_the_mesh_that_shows_a_part_of_it():
    """Bricks of one colour and their joints, drawn with faint noise, on a mesh whose UVs leave half of it out."""
    y, x = np.mgrid[:128, :128]
    joints = (y % 16 < 2) | ((x + 16 * (y // 16 % 2)) % 32 < 2)
    noise = np.random.default_rng(0).integers(-2, 3, (128, 128))
    rgb = (np.where(joints, 40, 150) + noise).astype(np.uint8)[..., None].repeat(3, axis=2)
    triangles = np.float32(quad(0.25, 0, 0.5, 1, 0) + quad(0.5, 0.25, 0.75, 0.75, 4))
    assert islands_of_mesh(Picture(rgb, uv_triangles=triangles)) is None
    ground = np.where(islands_of_mesh(Picture(rgb, uv_triangles=triangles), is_certain=True)[..., None] > 0, rgb, 10)
    assert islands_of_mesh(Picture(ground.astype(np.uint8), uv_triangles=triangles)) is not None


def test_islands_of_a_mesh_count_where_the_picture_shows_nothing_around_them():
    rgb, inside = atlas()
    triangles = np.float32(quad(4 / 64, 14 / 64, 26 / 64, 58 / 64, 0) + quad(34 / 64, 6 / 64, 60 / 64, 54 / 64, 4))
    picture = Picture(rgb, uv_triangles=triangles)
    np.testing.assert_array_equal(islands_of_mesh(picture) > 0, inside)
    photo = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    painted = dataclasses.replace(picture, rgb=photo)
    assert islands_of_mesh(painted) is None
    np.testing.assert_array_equal(islands_of_mesh(painted, is_certain=True) > 0, inside)
    transparent = dataclasses.replace(painted, alpha=inside.astype(np.uint8) * 255)
    np.testing.assert_array_equal(islands_of_mesh(transparent) > 0, inside)


def test_neighbours_are_in_different_layers():
    labels = np.zeros((96, 96), np.int32)
    for number in range(9):
        top, left = number // 3 * 32, number % 3 * 32
        labels[top:top + 32, left:left + 32] = number + 1
    layers = separate_layers(labels)
    assert layers.max() == MAX_LAYERS and layers.min() == 1
    assert (layers[:, 31] != layers[:, 32]).all() and (layers[31] != layers[32]).all()
    assert all(len(np.unique(layers[labels == number])) == 1 for number in range(1, 10))


def test_texture_goes_on_as_its_mirror_image():
    values = np.arange(160 * 160, dtype=np.float32).reshape(160, 160, 1)
    inside = np.zeros((160, 160), bool)
    inside[40:120, 50:90] = True
    expected = np.pad(values[40:120, 50:90], [(10, 10), (10, 10), (0, 0)], mode="reflect")
    mirror_outwards(values, inside)
    np.testing.assert_array_equal(values[30:130, 40:100], expected)
    np.testing.assert_array_equal(values[:20, :, 0], np.arange(160 * 160).reshape(160, 160)[:20])
