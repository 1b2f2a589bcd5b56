"""Relief goes on from one UDIM tile to the next, where that is asked for."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import image_pixels
from bl_ext.user_default.midas_normal.bridge.image_sets import udim
from bl_ext.user_default.midas_normal.bridge.image_source import source_from_image
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, stored_metadata
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import pixels_of, pixels_of_file, saved_by_blender, write_png
from generation_runs import generate_map

SIDE = 64
LUMINANCE = Settings(engine="LUMINANCE", strength=8.0, tileable="OFF")


def picture(columns, rows, side=SIDE):
    """Smooth hills over all tiles, H x W x 4, rows from the top down."""
    v, u = (np.mgrid[:rows * side, :columns * side] + 0.5) / side
    grey = 0.5 + 0.2 * np.sin(9 * u + 2 * v) * np.cos(7 * v - u) + 0.2 * np.sin(31 * u) * np.sin(27 * v)
    return np.dstack([grey] * 3 + [np.ones_like(grey)])


def cut(values, number, rows):
    """What a tile has of values that lie over `rows` rows of tiles, of which the first is the lowest."""
    row, column = divmod(number - 1001, 10)
    top = (rows - 1 - row) * SIDE
    return values[top:top + SIDE, column * SIDE:(column + 1) * SIDE]


def ramp(columns, rows):
    """A slant over all tiles, of 0..1 and like `picture`."""
    v, u = (np.mgrid[:rows * SIDE, :columns * SIDE] + 0.5) / SIDE
    grey = (u + v) / (columns + rows)
    return np.dstack([grey] * 3 + [np.ones_like(grey)])


def tile_set(folder, columns, rows, values=None):
    values = picture(columns, rows) if values is None else values
    numbers = [1001 + 10 * row + column for row in range(rows) for column in range(columns)]
    for number in numbers:
        saved_by_blender(folder / f"wall.{number}.png", cut(values, number, rows))
    return tiled(folder), numbers


def tiled(folder):
    image = bpy.data.images.load(str(folder / "wall.1001.png"))
    image.filepath_raw, image.source = str(folder / "wall.<UDIM>.png"), "TILED"
    return image


def made(image, settings, **fields):
    return generate_map(image, settings, **fields)[1]


def maps_of(folder, image, numbers, settings, **fields):
    made(image, settings, save="BESIDE", **fields)
    return {number: pixels_of_file(folder / f"wall_normal.{number}.png") for number in numbers}


def whole(folder, columns, rows, settings):
    """The map of the picture of all tiles."""
    image = bpy.data.images.load(str(saved_by_blender(folder / "whole.png", picture(columns, rows))))
    return pixels_of(bpy.data.images[made(image, settings).map_name])


@pytest.mark.parametrize(("columns", "rows"), [(2, 1), (1, 2), (2, 2)])
def test_tiles_have_the_map_of_the_whole_picture(tmp_path, columns, rows):
    """Slopes, and the engine's slight blur, are counted in shorter sides: those of 2 x 2 tiles are twice a tile's."""
    image, numbers = tile_set(tmp_path, columns, rows)
    expected = whole(tmp_path, columns, rows, Settings(engine="LUMINANCE", tileable="OFF", strength=8 / min(columns, rows)))
    across, alone = (maps_of(tmp_path, image, numbers, LUMINANCE, across=on) for on in (True, False))
    for number in numbers:
        tolerance = 2e-5 if min(columns, rows) == 1 else 2e-4
        np.testing.assert_allclose(across[number], cut(expected, number, rows), atol=tolerance)
        assert np.abs(alone[number] - cut(expected, number, rows)).max() > 0.003


def heights_of(folder, image, columns, rows, settings, **fields):
    """The heights of all tiles put together, in sides of a tile; rows from the top down."""
    made(image, settings, save="BESIDE", maps=("HEIGHT",), **fields)
    scale = stored_metadata(find_map(image, "HEIGHT"))["facts"]["scale"]
    tiles = [[folder / f"wall_height.{1001 + 10 * row + column}.png" for column in range(columns)] for row in range(rows)]
    values = [np.hstack([pixels_of_file(file)[..., 0] for file in files]) for files in reversed(tiles)]
    return (np.vstack(values) - 0.5) * scale


def heights_of_whole(folder, values, settings, sides):
    """The heights of the picture of all tiles; sides: of a tile, in its shorter side."""
    image = bpy.data.images.load(str(saved_by_blender(folder / "whole.png", values)))
    image = bpy.data.images[made(image, settings, maps=("HEIGHT",)).map_name]
    return (pixels_of(image)[..., 0] - 0.5) * stored_metadata(image)["facts"]["scale"] * sides


def border_step(heights, side):
    """The root mean square of the steps at the borders of tiles, in that of all steps."""
    across, down = np.diff(heights, axis=1), np.diff(heights, axis=0)
    return rms(across[:, side - 1::side], down[side - 1::side]) / rms(across, down)


def rms(*steps):
    return np.sqrt(np.mean(np.concatenate([part.ravel() for part in steps]) ** 2))


@pytest.mark.parametrize(("columns", "rows"), [(2, 1), (1, 2), (2, 2)])
def test_tiles_have_the_heights_of_the_whole_picture(tmp_path, columns, rows):
    """On a hillside; of tiles each on its own the steps at borders are 6 to 21 times as high."""
    hillside = 0.4 * picture(columns, rows) + 0.6 * ramp(columns, rows)
    image, _ = tile_set(tmp_path, columns, rows, hillside)
    sides = min(columns, rows)
    expected = heights_of_whole(tmp_path, hillside, Settings(engine="LUMINANCE", tileable="OFF", strength=8 / sides), sides)
    across, alone = (heights_of(tmp_path, image, columns, rows, LUMINANCE, across=on) for on in (True, False))
    errors = [np.abs(heights - expected).max() / np.ptp(expected) for heights in (across, alone)]
    assert errors[0] < 0.001 and errors[1] > 0.1
    assert border_step(across, SIDE) == pytest.approx(border_step(expected, SIDE), rel=0.02)
    assert border_step(alone, SIDE) > 5 * border_step(expected, SIDE)


@pytest.mark.parametrize(("photo", "rows"), [("gravel", 1), ("gravel", 2), ("brick", 2), ("grass", 2)])
def test_heights_of_the_built_in_network_go_on_across_tiles(tmp_path, photo, rows):
    """The steps at borders are those of the whole picture within 20 %; with levels alone they are several times as high."""
    data = pytest.importorskip("skimage.data")
    grey = getattr(data, photo)()[:256 * rows, :512] / 255
    values = np.dstack([grey] * 3 + [np.ones_like(grey)])
    for row, column in np.ndindex(rows, 2):
        top = 256 * (rows - 1 - row)
        saved_by_blender(tmp_path / f"wall.{1001 + 10 * row + column}.png", values[top:top + 256, 256 * column:][:, :256])
    image, settings = tiled(tmp_path), Settings(engine="RELIEF", tileable="OFF")
    steps = [border_step(heights_of(tmp_path, image, 2, rows, settings, across=on), 256) for on in (True, False)]
    expected = border_step(heights_of_whole(tmp_path, values, settings, rows), 256)
    assert steps[0] == pytest.approx(expected, rel=0.2) and steps[1] > 2 * expected


def test_tiles_without_relief_have_heights_without_scale(tmp_path):
    image, _ = tile_set(tmp_path, 2, 2, np.full((2 * SIDE, 2 * SIDE, 4), 0.5))
    assert np.abs(heights_of(tmp_path, image, 2, 2, LUMINANCE, across=True)).max() == 0
    assert stored_metadata(find_map(image, "HEIGHT"))["facts"]["scale"] == 0


def test_the_built_in_network_sees_across_tiles(tmp_path):
    """The mean error of normals at the border is 0.4 degrees; of tiles mapped each on its own, 5."""
    data = pytest.importorskip("skimage.data")
    grey = data.gravel()[:256] / 255
    photo = np.dstack([grey] * 3 + [np.ones_like(grey)])
    settings = Settings(engine="RELIEF", tileable="OFF")
    for column in (0, 1):
        saved_by_blender(tmp_path / f"wall.{1001 + column}.png", photo[:, column * 256:column * 256 + 256])
    image = tiled(tmp_path)
    single = bpy.data.images.load(str(saved_by_blender(tmp_path / "whole.png", photo)))
    expected = pixels_of(bpy.data.images[made(single, settings).map_name])

    def degrees_at_border(across):
        maps = maps_of(tmp_path, image, (1001, 1002), settings, across=across)
        difference = 2 * (np.hstack([maps[1001], maps[1002]]) - expected)[:, 252:260, :3]
        return np.degrees(np.linalg.norm(difference, axis=2)).mean()

    assert degrees_at_border(True) < 0.6 and degrees_at_border(False) > 3


def test_a_neighbour_of_another_size_is_brought_to_the_tiles(tmp_path):
    image, numbers = tile_set(tmp_path, 2, 1)
    exact = maps_of(tmp_path, image, numbers, LUMINANCE, across=True)
    saved_by_blender(tmp_path / "wall.1002.png", picture(2, 1, SIDE * 2)[:, SIDE * 2:])
    found = maps_of(tmp_path, image, numbers, LUMINANCE, across=True)
    alone = maps_of(tmp_path, image, numbers, LUMINANCE)
    assert found[1002].shape[:2] == (SIDE * 2, SIDE * 2)
    errors = [np.abs(maps[1001] - exact[1001]).max() for maps in (found, alone)]
    assert errors[0] < 0.3 * errors[1]


def test_a_neighbour_that_holds_colours_in_another_way_does_not_count(tmp_path):
    image, _ = tile_set(tmp_path, 2, 1)
    write_png(tmp_path / "wall.1002.png", picture(2, 1)[:, SIDE:], 16)
    across, alone = (maps_of(tmp_path, image, (1001, 1002), LUMINANCE, across=on) for on in (True, False))
    np.testing.assert_array_equal(across[1001], alone[1001])


def test_tiles_that_do_not_touch_are_mapped_as_they_are_alone(tmp_path):
    for number in (1001, 1003, 1010, 1031):
        saved_by_blender(tmp_path / f"wall.{number}.png", cut(picture(2, 1), 1001, 1))
    image = tiled(tmp_path)
    across, alone = (maps_of(tmp_path, image, (1001, 1003, 1010, 1031), LUMINANCE, across=on) for on in (True, False))
    for number, values in across.items():
        np.testing.assert_array_equal(values, alone[number])


def test_tiles_of_the_nodes_size_are_mapped_alone_and_that_is_said(tmp_path):
    image, _ = tile_set(tmp_path, 2, 1)
    report = made(image, Settings(engine="LUMINANCE", size="NODE", resolution=64), across=True)
    assert "Tiles of the node's size, or with depth_scale RAW, are mapped each on its own." in report.messages


def test_a_tile_is_read_piece_by_piece_and_leaves_nothing_when_it_is_given_up(tmp_path, monkeypatch):
    """Between any two tiles there is a breath."""
    image, _ = tile_set(tmp_path, 2, 2)
    tiles = udim.find_tiles(source_from_image(image), GenerateRequest(LUMINANCE, across=True), tmp_path)
    looked = []
    monkeypatch.setattr(image_pixels, "MAX_CHUNK_SECONDS", -1.0)
    monkeypatch.setattr(udim, "load_file_buffer", lambda *args: looked.append(args)
                        or image_pixels.load_file_buffer(*args))
    path = tmp_path / "pixels"
    reading = tiles.read(1001, path)
    for count in range(1, 4):
        next(reading)
        assert len(looked) == count
    given_up = tiles.read(1001, path)
    while not path.exists():
        next(given_up)
    given_up.close()
    assert not path.exists()
