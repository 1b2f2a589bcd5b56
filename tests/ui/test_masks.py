"""Maps that a mask image keeps flat in places, with the real worker."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import addon, regenerate
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.image_sets.udim import fill_udim_token
from bl_ext.user_default.midas_normal.bridge.map_metadata import mask_of, set_mask, stored_metadata
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.errors import SourceError
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import generation, timer
from blender_data import pixels_of, pixels_of_file, rgba, saved_by_blender

from .scenes import pumped, textured

pytestmark = pytest.mark.usefixtures("with_timers")

FLAT = 1e-4
SETTINGS = Settings(engine="LUMINANCE", tileable="OFF")


def mask_image(name, left, right):
    """An image of other than the picture's size, of one grey on the left and another on the right."""
    image = bpy.data.images.new(name, 16, 8)
    image.pixels.foreach_set(([*[left] * 3, 1.0] * 8 + [*[right] * 3, 1.0] * 8) * 8)
    return image


def flat(image):
    """Whether the map is flat on the left and on the right."""
    values = np.abs(pixels_of(image)[..., :2] - 0.5)
    third = values.shape[1] // 3
    return values[:, :third].max() < FLAT, values[:, -third:].max() < FLAT


def test_the_map_is_flat_where_the_mask_image_is_black():
    textured()
    mask_image("left", 0, 1)
    assert bpy.ops.midas_normal.generate(engine="LUMINANCE", tileable="OFF", mask_image="left") == {"FINISHED"}
    normal = bpy.data.images["photo_normal"]
    assert flat(normal) == (True, False)
    assert stored_metadata(normal)["settings"]["mask"] == "IMAGE" and mask_of(normal) == bpy.data.images["left"]
    bpy.ops.midas_normal.generate(engine="LUMINANCE", tileable="OFF", mask="ALPHA")
    assert flat(normal) == (False, False) and mask_of(normal) is None


def test_the_scenes_mask_image_counts_for_what_a_call_does_not_give(settings):
    textured()
    settings.mask, settings.mask_image = "IMAGE", mask_image("right", 1, 0)
    bpy.ops.midas_normal.generate(engine="LUMINANCE", tileable="OFF", maps={"NORMAL", "AO"})
    assert flat(bpy.data.images["photo_normal"]) == (False, True)
    assert mask_of(bpy.data.images["photo_ao"]) == settings.mask_image


def test_the_function_for_scripts_takes_a_mask_image():
    image, _ = textured()
    assert flat(generate(image, SETTINGS, mask_image("left", 0, 1))) == (True, False)


def test_a_mask_image_that_cannot_be_used_is_named_and_nothing_is_made(tmp_path):
    textured()
    mask_image("several", 0, 1).source = "SEQUENCE"
    saved_by_blender(tmp_path / "gone.png", rgba())
    bpy.data.images.load(str(tmp_path / "gone.png"))
    (tmp_path / "gone.png").unlink()
    for fields, why in (({"mask": "IMAGE"}, "No mask image is chosen"), ({"mask_image": "nothing"}, "no image named"),
                        ({"mask_image": "several"}, "an image sequence; choose"),
                        ({"mask_image": "gone.png"}, "is missing")):
        with pytest.raises(RuntimeError, match=why):
            bpy.ops.midas_normal.generate(engine="LUMINANCE", **fields)
    assert not any(stored_metadata(image) for image in bpy.data.images)


def test_a_mask_image_deleted_meanwhile_is_said_to_be_gone():
    image, _ = textured()
    mask = mask_image("left", 0, 1)
    ask = GenerateRequest(SETTINGS.replace_fields({"mask": "IMAGE"}),
                          source="IMAGE", image_uid=image.session_uid, mask_uid=mask.session_uid)
    task = start_generation(bpy.context, ask)
    bpy.data.images.remove(mask)
    with pytest.raises(SourceError, match="'left' is no longer there"):
        task.wait()
    assert not any(stored_metadata(image) for image in bpy.data.images)


def test_every_tile_of_a_set_is_masked(tmp_path):
    for number in (1001, 1002):
        saved_by_blender(tmp_path / f"wall.{number}.png", rgba(12, 24, number))
    tiles = bpy.data.images.load(str(tmp_path / "wall.1001.png"))
    tiles.filepath_raw, tiles.source = str(tmp_path / "wall.<UDIM>.png"), "TILED"
    mask_image("left", 0, 1)
    bpy.ops.midas_normal.generate(image=tiles.name, engine="LUMINANCE", tileable="OFF", save="BESIDE", target="NONE",
                                  mask_image="left")
    assert mask_of(bpy.data.images["wall_normal"]) == bpy.data.images["left"]
    for number in (1001, 1002):
        values = np.abs(pixels_of_file(tmp_path / fill_udim_token("wall_normal.<UDIM>.png", number))[..., :2] - 0.5)
        assert values[:, :8].max() < FLAT < values[:, 16:].max()


def test_the_panels_map_follows_the_mask_and_its_image_without_the_engine(settings):
    textured()
    generation.start(start_generation(bpy.context, GenerateRequest(SETTINGS)), bpy.context.scene)
    pumped(lambda: generation.task() is None and timer.is_idle())
    normal = settings.result
    settings.mask = "IMAGE"
    assert "No mask image is chosen" in generation.last_message() and timer.is_idle()
    settings.mask_image = mask_image("left", 0, 1)
    pumped(lambda: flat(normal) == (True, False))
    assert "made again" in generation.last_message() and "engine" not in stored_metadata(normal)["facts"]["seconds"]
    settings.mask_image = mask_image("right", 1, 0)
    pumped(lambda: flat(normal) == (False, True))
    settings.mask = "OFF"
    pumped(lambda: flat(normal) == (False, False))
    settings.mask = "IMAGE"
    pumped(lambda: flat(normal) == (False, True) and timer.is_idle())
    assert mask_of(normal) == bpy.data.images["right"] and not list(addon.client.worker.folder.iterdir())


def test_another_setting_is_tuned_without_sending_the_mask_again(settings, monkeypatch):
    textured()
    settings.mask_image = mask_image("left", 0, 1)
    settings.mask = "IMAGE"
    ask = GenerateRequest(SETTINGS.replace_fields({"mask": "IMAGE"}), mask_uid=settings.mask_image.session_uid)
    generation.start(start_generation(bpy.context, ask), bpy.context.scene)
    pumped(lambda: generation.task() is None and timer.is_idle())
    sent, submit = [], addon.client.submit
    monkeypatch.setattr(addon.client, "submit", lambda request: sent.append(request) or submit(request))
    settings.strength = 3
    pumped(lambda: timer.is_idle())
    assert flat(settings.result) == (True, False) and [request.mask_pixels for request in sent] == [None]


def test_picking_a_map_loads_its_mask_image_and_a_reset_keeps_the_one_chosen(settings):
    image, _ = textured()
    normal = generate(image, SETTINGS, mask_image("left", 0, 1))
    settings.mask_image = mask_image("right", 1, 0)
    settings.result = normal
    assert settings.mask == "IMAGE" and settings.mask_image == bpy.data.images["left"]
    bpy.ops.midas_normal.reset()
    assert settings.mask == "ALPHA" and settings.mask_image == bpy.data.images["left"]


def test_what_another_hand_has_written_is_no_mask_image():
    image = bpy.data.images.new("map", 2, 2)
    for value in ("left", 3, bpy.data.materials.new("left")):
        image["midas_normal_mask"] = value
        assert mask_of(image) is None
        set_mask(image, None)


def test_a_worker_that_ends_while_a_mask_is_read_is_one_sentence_and_maps_follow_again(settings, monkeypatch):
    textured()
    settings.mask_image = mask_image("left", 0, 1)
    generation.start(start_generation(bpy.context, GenerateRequest(SETTINGS)), bpy.context.scene)
    pumped(lambda: generation.task() is None)
    reading = regenerate.export_image_pixels

    def ends_meanwhile(image, path, view):
        pixels = yield from reading(image, path, view)
        addon.client.close()
        return pixels

    with monkeypatch.context() as patch:
        patch.setattr(regenerate, "export_image_pixels", ends_meanwhile)
        settings.mask = "IMAGE"
        pumped(lambda: timer.is_idle())
    assert "The worker ended" in generation.last_message()
    generation.start(start_generation(bpy.context, GenerateRequest(SETTINGS)), bpy.context.scene)
    pumped(lambda: generation.task() is None)
    settings.strength = 3.0
    pumped(lambda: stored_metadata(settings.result)["settings"]["strength"] == 3)
