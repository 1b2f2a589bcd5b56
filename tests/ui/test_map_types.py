"""Several maps from one picture, as the operators make them."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map, map_type_of, stored_metadata
from bl_ext.user_default.midas_normal.bridge.regenerate import start_retune
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import generation
from bl_ext.user_default.midas_normal.ui.properties import request_of

from .scenes import pumped, textured, values

ALL = {"NORMAL", "HEIGHT", "AO", "CURVATURE"}


def test_all_maps_of_a_picture_are_made_and_wired():
    image, material = textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", maps=ALL, strength=5.0)
    made = {kind: find_map(image, kind) for kind in ALL}
    assert {made[kind].name for kind in ALL} == {"photo_normal", "photo_height", "photo_ao", "photo_curvature"}
    for kind, found in made.items():
        assert map_type_of(found) == kind and tuple(found.size) == tuple(image.size) and np.ptp(values(found)[...,
                                                                                                              0]) > 0.001
    output = material.node_tree.get_output_node("ALL")
    assert output.inputs["Displacement"].links[0].from_node.inputs["Height"].links[0].from_node.image == made["HEIGHT"]
    shown = {node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"}
    assert shown == {image, *made.values()}
    assert bpy.context.scene.midas_normal.result is None or map_type_of(bpy.context.scene.midas_normal.result) == "NORMAL"


def test_the_engine_runs_once_for_all_maps():
    textured(width=37)
    bpy.ops.midas_normal.generate(engine="LUMINANCE", maps=ALL)
    engines = ["engine" in stored_metadata(image)["facts"]["seconds"] for image in bpy.data.images if stored_metadata(image)]
    assert sorted(engines) == [False, False, False, True]


def test_a_button_makes_them_one_after_the_other():
    image, _ = textured()
    settings = bpy.context.scene.midas_normal
    settings.engine, settings.maps = "LUMINANCE", {"HEIGHT", "AO"}

    class Operator:
        class properties:
            is_property_set = staticmethod(lambda name: False)

        preset = "SCENE"

    generation.start(start_generation(bpy.context, request_of(Operator, bpy.context)), bpy.context.scene)
    pumped(lambda: generation.task().job.id)
    at = generation.task().current_step
    assert generation.describe_stage(at).startswith("1 of 2: ") and generation.total_progress(at) < 0.5
    pumped(lambda: generation.task() is None or generation.task().current_step != at)
    at = generation.task().current_step
    assert generation.describe_stage(at).startswith("2 of 2: ") and 0.5 <= generation.total_progress(at) < 1
    pumped(lambda: generation.task() is None)
    assert find_map(image, "HEIGHT") and find_map(image, "AO") and find_map(image, "NORMAL") is None
    assert settings.result == find_map(image, "HEIGHT")
    assert not addon.client.is_busy


def test_a_map_that_cannot_be_made_is_said_and_the_others_stay(monkeypatch):
    image, _ = textured()
    submit = addon.client.submit
    monkeypatch.setattr(addon.client, "submit",
                        lambda request: submit(replace(request, surface="gone") if request.map == "AO" else request))
    bpy.ops.midas_normal.generate(engine="LUMINANCE", maps=ALL)
    assert find_map(image, "AO") is None and find_map(image, "CURVATURE") is not None
    assert "Ambient Occlusion was not made" in generation.last_message()


def test_no_map_at_all_and_raw_heights_are_refused_with_nothing_changed():
    textured()
    for fields, why in (({"maps": set()}, "No map is chosen"),
                        ({"maps": {"HEIGHT"}, "engine": "MIDAS", "depth_scale": "RAW"}, "normal map only")):
        with pytest.raises(RuntimeError, match=why):
            bpy.ops.midas_normal.generate(**fields)
    assert not any(stored_metadata(image) for image in bpy.data.images)


def test_a_height_map_is_tuned_and_its_displacement_follows():
    image, material = textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE", maps={"HEIGHT"})
    height = find_map(image, "HEIGHT")
    node = material.node_tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node
    before = node.inputs["Scale"].default_value
    start_retune(height, Settings(engine="LUMINANCE", strength=2.0)).wait()
    assert node.inputs["Scale"].default_value == pytest.approx(2 * before, rel=0.01)
