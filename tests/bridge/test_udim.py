"""A UDIM set becomes a set of maps, each tile on its own."""

from __future__ import annotations

import itertools

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon, map_files
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, stored_metadata
from bl_ext.user_default.midas_normal.core.errors import MidasNormalError, SourceError, TargetError
from bl_ext.user_default.midas_normal.core.file_numbering import fill_udim_token
from blender_data import (
    add_material,
    feed_base_color,
    pixels_of,
    pixels_of_file,
    rendered,
    rgba,
    saved_by_blender,
    use_alpha,
    write_png,
)
from generation_runs import generate_map, generation_task

SIZES = {1001: (8, 6), 1002: (5, 9), 1011: (12, 4)}


@pytest.fixture
def tiles(tmp_path):
    """A set of three tiles of different sizes."""
    return tile_set(tmp_path)


def tile_set(folder, name="wall.{}.png", token="<UDIM>"):
    for number, (width, height) in SIZES.items():
        saved_by_blender(folder / fill_udim_token(name.format(token), number), rgba(height, width, number))
    image = bpy.data.images.load(str(folder / fill_udim_token(name.format(token), 1001)))
    image.filepath_raw = str(folder / name.format(token))
    image.source = "TILED"
    return image


def alone(path, maps=("NORMAL",)):
    """The map that is made of one tile when it is an image of its own."""
    image = bpy.data.images.load(str(path), check_existing=False)
    return pixels_of(generate_map(image, maps=maps)[0])


def tiles_of(image, folder):
    """The values of each tile of an image, as Blender itself saves them; rows from the top down."""
    before = image.filepath_raw
    with bpy.context.temp_override(edit_image=image):
        bpy.ops.image.save_as(filepath=str(folder / "check.<UDIM>.png"), copy=True, relative_path=False)
    image.filepath_raw = before
    return {tile.number: pixels_of_file(folder / f"check.{tile.number}.png") for tile in image.tiles}


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_each_tile_is_mapped_as_it_is_alone(tiles, tmp_path, save):
    image, report = generate_map(tiles, save=save)
    assert (image.name, image.source, image.colorspace_settings.is_data) == ("wall_normal", "TILED", True)
    assert {tile.number: tuple(tile.size) for tile in image.tiles} == SIZES
    assert (len(image.packed_files) == 3) == (save == "PACK")
    assert names(tmp_path) == sorted([f"wall.{number}.png" for number in SIZES]
                                     + [f"wall_normal.{number}.png" for number in SIZES if save == "BESIDE"])
    assert "3 tiles from luminance" in report.messages[0]
    for number, values in tiles_of(image, tmp_path).items():
        np.testing.assert_allclose(values, alone(tmp_path / f"wall.{number}.png"), atol=1e-4)
        assert np.ptp(values[..., 0]) > 0.005


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_maps_survive_saving_and_are_updated(tiles, tmp_path, save):
    generate_map(tiles, save=save)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    source, image = bpy.data.images["wall.1001.png"], bpy.data.images["wall_normal"]
    assert find_map(source, "NORMAL") == image and {tile.number: tuple(tile.size) for tile in image.tiles} == SIZES
    first = tiles_of(image, tmp_path)
    saved_by_blender(tmp_path / "wall.1002.png", rgba(3, 3, 9))
    assert generate_map(source, save=save)[0] == image
    second = tiles_of(image, tmp_path)
    np.testing.assert_array_equal(second[1001], first[1001])
    np.testing.assert_allclose(second[1002], alone(tmp_path / "wall.1002.png"), atol=1e-4)
    assert image.filepath_raw == "//wall_normal.<UDIM>.png"


def test_a_missing_tile_is_said_and_the_others_are_made(tiles, tmp_path):
    (tmp_path / "wall.1002.png").unlink()
    image, report = generate_map(tiles, save="BESIDE")
    assert [tile.number for tile in image.tiles] == [1001, 1011]
    assert f"The tile 1002 has no map, because its file is missing: {tmp_path / 'wall.1002.png'}." in report.messages
    for number in (1001, 1011):
        (tmp_path / f"wall.{number}.png").unlink()
    with pytest.raises(SourceError, match="None of the tiles"):
        generate_map(tiles)


def test_another_way_to_number_tiles(tmp_path):
    image, _ = generate_map(tile_set(tmp_path, "wall_{}.png", "<UVTILE>"), save="BESIDE")
    assert {tile.number for tile in image.tiles} == set(SIZES)
    assert (tmp_path / "wall_u1_v2.png").exists() and (tmp_path / "wall_normal.1011.png").exists()


def test_packed_tiles_count_and_what_was_painted_on_them(tiles, tmp_path):
    tiles.pack()
    expected = alone(tmp_path / "wall.1002.png")
    for number in SIZES:
        (tmp_path / f"wall.{number}.png").unlink()
    np.testing.assert_allclose(tiles_of(generate_map(tiles)[0], tmp_path)[1002], expected, atol=1e-4)
    painted = rgba(6, 8, 9)
    tiles.pixels.foreach_set(painted[::-1].astype(np.float32).ravel())
    values = tiles_of(generate_map(tiles)[0], tmp_path)
    np.testing.assert_allclose(values[1001], alone(saved_by_blender(tmp_path / "painted.png", painted)), atol=1e-4)
    np.testing.assert_allclose(values[1002], expected, atol=1e-4)
    assert tiles.is_dirty and len(tiles.packed_files) == 3


def test_tiles_are_read_in_the_colour_space_of_the_set(tmp_path):
    for number in (1001, 1002):
        write_png(tmp_path / f"deep.{number}.png", rgba(6, 8, number), 16)
    tiles, lone = (bpy.data.images.load(str(tmp_path / f"deep.{number}.png")) for number in (1001, 1002))
    tiles.source = "TILED"
    for image in (tiles, lone):
        image.colorspace_settings.name = "Linear Rec.709"
    expected = pixels_of(generate_map(lone)[0])
    np.testing.assert_allclose(tiles_of(generate_map(tiles)[0], tmp_path)[1002], expected, atol=1e-4)


def test_tiles_that_were_never_saved(tmp_path):
    image = bpy.data.images.new("Body", 8, 8, tiled=True)
    image.tiles.new(1002)
    with bpy.context.temp_override(edit_image=image):
        for image.tiles.active_index, colour in enumerate(((1, 0, 0, 1), (0, 1, 0, 1))):
            bpy.ops.image.tile_fill(color=colour, width=16, height=12)
    image.pixels.foreach_set(rgba(12, 16).astype(np.float32).ravel())
    normal, _ = generate_map(image)
    values = tiles_of(normal, tmp_path)
    assert normal.name == "Body_normal" and sorted(values) == [1001, 1002] and image.filepath_raw == ""
    assert np.ptp(values[1001][..., 0]) > 0.01 and np.ptp(values[1002][..., 0]) == 0
    with pytest.raises(TargetError, match="save it first"):
        generate_map(image, save="BESIDE")


def test_all_kinds_are_wired_with_one_scale_of_heights(tiles, tmp_path):
    material = add_material()
    use_alpha(feed_base_color(material, tiles))
    map_types = ("NORMAL", "HEIGHT", "AO")
    flat = np.full((9, 5, 4), 0.5)
    flat[4, 2, :3] = 0.6
    saved_by_blender(tmp_path / "wall.1002.png", flat)
    generate_map(tiles, maps=map_types, target="AUTO")
    images = {map_type: find_map(tiles, map_type) for map_type in map_types}
    shown = {node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"}
    assert shown == {tiles, *images.values()}
    normal = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links[0].from_node
    assert normal.inputs["Color"].links[0].from_node.image == images["NORMAL"]
    heights = tiles_of(images["HEIGHT"], tmp_path)
    scale = stored_metadata(images["HEIGHT"])["facts"]["scale"]
    lone = bpy.data.images.load(str(tmp_path / "wall.1002.png"), check_existing=False)
    lone_height, _ = generate_map(lone, maps=("HEIGHT",))
    lone_scale = stored_metadata(lone_height)["facts"]["scale"]
    assert lone_scale < scale / 2
    np.testing.assert_allclose((heights[1002][..., :3] - 0.5) * scale, (pixels_of(lone_height)[..., :3] - 0.5) * lone_scale,
                               atol=scale / 6e4)


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_cycles_shows_each_tile_in_its_place(tiles, tmp_path, save):
    material = add_material()
    use_alpha(feed_base_color(material, tiles))
    image, _ = generate_map(tiles, target="AUTO", save=save)
    texture = next(node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image == image)
    expected = alone(tmp_path / "wall.1011.png")[..., :3]
    shown = rendered(texture, SIZES[1011], tmp_path / "render.png", corner=(0, 1))
    np.testing.assert_allclose(shown, expected, atol=1e-4)


def test_a_set_takes_the_place_of_a_single_map_and_the_other_way_round(tiles, tmp_path):
    image, _ = generate_map(tiles)
    tiles.source = "FILE"
    tiles.filepath_raw = str(tmp_path / "wall.1001.png")
    assert generate_map(tiles)[0] == image and image.source == "FILE"
    np.testing.assert_allclose(pixels_of(image), alone(tmp_path / "wall.1001.png"), atol=1e-4)
    tiles.source = "TILED"
    assert generate_map(tiles)[0] == image and len(image.tiles) == 3


def test_a_set_that_is_deleted_meanwhile_leaves_no_files(tiles, tmp_path):
    before = names(tmp_path)
    task = generation_task(tiles, save="BESIDE")
    while task.current_step.number < 3:
        addon.client.sleep_and_pump()
        if task.is_ready:
            task.step()
    bpy.data.images.remove(tiles)
    with pytest.raises(SourceError, match="no longer there"):
        task.wait()
    assert names(tmp_path) == before and not bpy.data.images


def test_a_cancelled_set_leaves_nothing(tiles, tmp_path):
    before = names(tmp_path)
    task = generation_task(tiles, save="BESIDE")
    while task.current_step.number < 3:
        addon.client.sleep_and_pump()
        if task.is_ready:
            task.step()
    assert task.current_step.count == 3 and names(tmp_path) != before
    task.cancel()
    assert names(tmp_path) == before and find_map(tiles, "NORMAL") is None
    while addon.client.is_busy:
        addon.client.sleep_and_pump()


def test_somebody_elses_file_keeps_the_whole_set_from_being_saved(tiles, tmp_path):
    saved_by_blender(tmp_path / "wall_normal.1011.png", rgba(2, 2))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(MidasNormalError, match="was not made by this extension"):
        generate_map(tiles, save="BESIDE")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before and find_map(tiles, "NORMAL") is None


def test_a_set_that_cannot_be_saved_whole_keeps_the_one_that_is_there(tiles, tmp_path, tmp_path_factory, monkeypatch):
    """A FAKE disk that is full at the second of three tiles."""
    image, _ = generate_map(tiles, save="BESIDE")
    saved_by_blender(tmp_path / "wall.1001.png", rgba(7, 7, 5))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    shown = tiles_of(image, tmp_path_factory.mktemp("shown"))
    moves, atomic_replace = itertools.count(1), map_files.atomic_replace

    def full(file, place):
        if next(moves) == 2:
            raise OSError(28, "No space left on device")
        atomic_replace(file, place)

    with monkeypatch.context() as patch, pytest.raises(TargetError, match=r"wall_normal\.1002\.png: No space left"):
        patch.setattr(map_files, "atomic_replace", full)
        generate_map(tiles, save="BESIDE")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    for number, values in tiles_of(image, tmp_path).items():
        np.testing.assert_array_equal(values, shown[number])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_two_sets_do_not_share_the_files_of_their_maps(tiles, tmp_path):
    generate_map(tiles, save="BESIDE")
    other = tile_set(tmp_path, "wall.{}.tga")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(TargetError, match=r"is the map of 'wall\.1001\.png' already"):
        generate_map(other, save="BESIDE")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before and find_map(other, "NORMAL") is None
    assert generate_map(other)[0] == find_map(other, "NORMAL")
