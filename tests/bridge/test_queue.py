"""Many pictures, one after the other, on the real worker."""

from __future__ import annotations

import csv
import json

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.batch.report import as_csv
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.map_metadata import METADATA_PROPERTY, find_map
from bl_ext.user_default.midas_normal.bridge.queue import (
    FAILED,
    IN_PROGRESS,
    MADE,
    SKIPPED,
    SUMMARY_FORMATS,
    WAITING,
    build_queue,
)
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.errors import (
    EngineUnavailable,
    MidasNormalError,
    SettingsError,
    SourceError,
    TargetError,
)
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_linked_material, add_material, feed_base_color, pixels_of, rgba, saved_by_blender, write_png
from material_setups import user_map
from test_sequence import sequence
from test_udim import tile_set

SETTINGS = Settings(engine="LUMINANCE", strength=4.0)
EXISTING = {"OVERWRITE": False, "SKIP": True}


def noise(name, seed=0, side=16):
    image = bpy.data.images.new(name, side, side)
    image.pixels.foreach_set(np.random.default_rng(seed).random(side * side * 4, np.float32))
    return image


def missing(path):
    image = bpy.data.images.new(path.name, 8, 8)
    image.filepath_raw, image.source = str(path), "FILE"
    return image


def worn(image, name="Wall"):
    """The material of a new object, selected, that shows the image."""
    material = add_material(name)
    feed_base_color(material, image)
    bpy.context.view_layer.objects.active.select_set(True)
    return material


def queue(scope="FILE", existing="OVERWRITE", summary=None, settings=SETTINGS, **words):
    return build_queue(bpy.context, scope, GenerateRequest(settings, **words), EXISTING[existing], summary)


def made(*words, **more):
    """The queue, worked through, and its report."""
    new = queue(*words, **more)
    return new, new.task().wait()


def states(done):
    return {item.source.name: item.state for item in done.items}


def normal_node(material):
    """What the Normal input of the material's shader is linked to."""
    links = material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links
    return links[0].from_node.bl_idname if links else None


def stepped(new, until):
    """The task of a queue, begun and gone on with until something is so, or it has ended."""
    task = new.task()
    while not until(task) and task.step() is None:
        while not task.is_ready and not until(task):
            addon.client.sleep_and_pump()
    return task


def test_every_colour_texture_of_the_file_is_made_and_wired_and_bad_ones_stop_no_other(tmp_path):
    bad = missing(tmp_path / "gone.png")
    materials = [worn(image) for image in (noise("a", 1), bad, noise("b", 2))]
    data = noise("roughness")
    data.colorspace_settings.is_data = True
    worn(data)
    noise("unused")
    done, report = made()
    assert states(done) == {"a": MADE, "gone.png": FAILED, "b": MADE}
    assert [normal_node(material) for material in materials] == ["ShaderNodeNormalMap", None, "ShaderNodeNormalMap"]
    assert report.messages[0] == "Of 3 pictures 2 made, 0 skipped, 1 failed."
    assert "gone.png of the image 'gone.png' is missing." in report.messages[1]
    assert report.map_name == "b_normal" and bpy.data.images["b_normal"].packed_file


def test_a_map_in_a_queue_is_the_one_that_is_made_alone():
    image = noise("a", 1)
    worn(image)
    made()
    queued = pixels_of(find_map(image, "NORMAL"))
    start_generation(bpy.context, GenerateRequest(SETTINGS, source="IMAGE",
                                                  image_uid=bpy.data.images["a"].session_uid, target="NONE")).wait()
    np.testing.assert_array_equal(pixels_of(find_map(image, "NORMAL")), queued)
    assert np.ptp(queued[..., 0]) > 0.01


def test_selected_objects_give_each_of_their_images_once():
    shared = noise("shared", 1)
    first, second = worn(shared, "A"), worn(shared, "B")
    other = worn(noise("other", 2), "C")
    bpy.context.view_layer.objects.active.select_set(False)
    done, _ = made("SELECTED")
    assert states(done) == {"shared": MADE}
    assert [normal_node(material) for material in (first, second, other)] == ["ShaderNodeNormalMap"] * 2 + [None]


@pytest.mark.parametrize(("target", "wired"), [("ACTIVE_MATERIAL", "ShaderNodeNormalMap"), ("NONE", None)])
def test_each_picture_is_wired_where_it_is_used_or_nowhere(target, wired):
    materials = [worn(noise(name), name) for name in "ab"]
    bpy.data.objects["a"].data.materials.append(materials[1])
    bpy.data.objects.remove(bpy.data.objects["b"])
    made(target=target)
    assert [normal_node(material) for material in materials] == [wired] * 2


def test_heights_are_scaled_to_an_object_that_wears_the_picture():
    scales = []
    for side in (1, 3):
        material = worn(noise(f"of {side}", 1), f"of {side}")
        bpy.context.view_layer.objects.active.data.transform(((side, 0, 0, 0), (0, side, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
        scales.append(material)
    made(maps=("HEIGHT",))
    small, large = (material.node_tree.get_output_node("ALL").inputs["Displacement"].links[0].from_node.inputs["Scale"]
                    .default_value for material in scales)
    assert large == pytest.approx(3 * small) and small > 0


def test_a_linked_material_stays_as_it_is_and_a_linked_image_of_the_same_name_has_its_own_map_on_request(tmp_path):
    image = noise("stone", 1)
    image.pack()
    linked = add_linked_material(image, tmp_path)
    worn(image)
    done, report = made()
    assert [(item.source.name, item.state) for item in done.items] == [("stone", MADE), ("stone", SKIPPED)]
    assert report.messages[1] == f"stone: The material {linked.name!r} is linked from another file and stays as it is."
    sources = [item.source.image() for item in done.items]
    assert [source.library is None for source in sources] == [True, False] and find_map(sources[1], "NORMAL") is None
    done, report = made(target="NONE")
    assert normal_node(linked) is None and len({record.output for record in report.records}) == 2
    assert None not in [find_map(source, "NORMAL") for source in sources]


def texture(tree, image):
    """An Image Texture's colour."""
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    return node.outputs["Color"]


def mixed(tree, first, second, blend="MULTIPLY"):
    """The second colour mixed into the first."""
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", blend
    tree.links.new(first, mix.inputs[6])
    tree.links.new(second, mix.inputs[7])
    return mix.outputs[2]


def in_group(tree, colour):
    """A colour on its way into a group, through a reroute there, and out again."""
    inside = bpy.data.node_groups.new("Tint", "ShaderNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        inside.interface.new_socket("Color", in_out=in_out, socket_type="NodeSocketColor")
    reroute, group = inside.nodes.new("NodeReroute"), tree.nodes.new("ShaderNodeGroup")
    inside.links.new(inside.nodes.new("NodeGroupInput").outputs[0], reroute.inputs[0])
    inside.links.new(reroute.outputs[0], inside.nodes.new("NodeGroupOutput").inputs[0])
    group.node_tree = inside
    tree.links.new(colour, group.inputs[0])
    return group.outputs[0]


def factored(tree, colour, factor):
    """A colour, mixed as far as another picture says."""
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    tree.links.new(factor, mix.inputs[0])
    tree.links.new(colour, mix.inputs[7])
    return mix.outputs[2]


THROUGH = {"direct": lambda tree, colour, other: colour, "ambient occlusion": mixed, "factor": factored,
           "group": lambda tree, colour, other: in_group(tree, colour),
           "brightened": lambda tree, colour, other: mixed(tree, mixed(tree, in_group(tree, colour), colour), other)}
"""Ways of a picture to the Base Color, some of which mix in another one."""


@pytest.mark.parametrize("socket", ["Roughness", "Emission Color", "Alpha", None])
@pytest.mark.parametrize("way", THROUGH)
def test_a_shader_gets_the_map_of_the_picture_that_is_its_colour(socket, way):
    material = add_material()
    tree, shader = material.node_tree, material.node_tree.nodes["Principled BSDF"]
    other, colour = texture(tree, noise("other", 1)), texture(tree, noise("colour", 2))  # made before it
    tree.links.new(THROUGH[way](tree, colour, other), shader.inputs["Base Color"])
    if socket:
        tree.links.new(other, shader.inputs[socket])
    done, report = made(maps=("NORMAL", "AO"))
    assert states(done) == {"other": SKIPPED, "colour": MADE} and find_map(bpy.data.images["other"], "AO") is None
    assert shader.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.image.name == "colour_normal"
    is_used = socket or way in ("ambient occlusion", "brightened")
    assert ("is for the map of 'colour', which feeds its Base Color." if is_used else
            "The image 'other' feeds no shader of the material 'Wall' as a picture.") in report.messages[1]


def test_a_picture_for_roughness_alone_is_wired_where_there_is_no_other():
    material = add_material()
    tree = material.node_tree
    tree.links.new(texture(tree, noise("a", 1)), tree.nodes["Principled BSDF"].inputs["Roughness"])
    done, report = made()
    assert states(done) == {"a": MADE} and normal_node(material) == "ShaderNodeNormalMap"
    assert any("feeds only Roughness" in note for note in report.records[0].notes)


def test_a_map_that_a_shader_has_already_is_made_again_though_another_picture_is_its_colour():
    material = worn(noise("colour", 1))
    tree = material.node_tree
    tree.links.new(texture(tree, noise("rough", 2)), tree.nodes["Principled BSDF"].inputs["Roughness"])
    start_generation(bpy.context, GenerateRequest(SETTINGS, source="IMAGE",
                                                  image_uid=bpy.data.images["rough"].session_uid)).wait()
    done, report = made()
    assert states(done) == {"rough": MADE, "colour": SKIPPED}
    assert "keeps its own normal map 'rough_normal'" in report.messages[1]


def own_normal(material):
    """Gives the material's shader a normal map of the user's own."""
    tree = material.node_tree
    own = user_map(tree, tree.nodes["Principled BSDF"].inputs["Normal"])
    own.image.colorspace_settings.is_data = True
    return own


@pytest.mark.parametrize("replace", [False, True])
def test_maps_that_nothing_would_use_are_not_made_and_the_sentence_says_why(tmp_path, replace):
    own_normal(worn(noise("kept", 1)))
    worn(noise("free", 2))
    images = len(bpy.data.images)
    done, report = made(replace=replace, summary=tmp_path / "done.json")
    assert states(done) == {"kept": MADE if replace else SKIPPED, "free": MADE}
    assert len(bpy.data.images) == images + 1 + replace and (find_map(bpy.data.images["kept"], "NORMAL") is None) != replace
    if not replace:
        sentence = "The shader 'Principled BSDF' keeps its own normal map 'mine'; set Replace to wire the new map instead."
        assert report.messages == ("Of 2 pictures 1 made, 1 skipped, 0 failed.", f"kept: {sentence}")
        skipped = next(record for record in json.loads((tmp_path / "done.json").read_text()) if record["input"] == "kept")
        assert skipped == {"input": "kept", "outcome": "skipped", "map": "NORMAL", "notes": [sentence]}
        assert f"kept: {sentence}" in SUMMARY_FORMATS[".txt"](report.records, 0, 1.0) and sentence in as_csv(report.records)


@pytest.mark.parametrize("replace", [False, True])
def test_a_normal_map_that_is_not_marked_as_data_has_no_normal_map(replace):
    tree = add_material().node_tree
    user_map(tree, tree.nodes["Principled BSDF"].inputs["Normal"])
    with pytest.raises(MidasNormalError, match="as a picture" if replace else "keeps its own"):
        made(replace=replace)
    assert [image.name for image in bpy.data.images] == ["mine"]


def test_each_kind_of_map_is_made_where_it_would_be_used():
    material = worn(noise("a", 1))
    own_normal(material)
    done, report = made(maps=("NORMAL", "HEIGHT", "AO"))
    assert [(record.map, record.outcome) for record in report.records] == [
        ("HEIGHT", MADE), ("AO", MADE), ("NORMAL", SKIPPED)]
    assert states(done) == {"a": MADE} and find_map(bpy.data.images["a"], "NORMAL") is None
    other = worn(noise("b", 2))
    tree = other.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeDisplacement").outputs[0], tree.get_output_node("ALL").inputs["Displacement"])
    _, report = made(maps=("NORMAL", "HEIGHT"), existing="SKIP")
    assert {(record.input, record.map): record.outcome for record in report.records} == {
        ("a", "HEIGHT"): SKIPPED, ("a", "NORMAL"): SKIPPED, ("b", "NORMAL"): MADE, ("b", "HEIGHT"): SKIPPED}
    assert "keeps its own displacement" in " ".join(report.records[-1].notes)


def test_maps_that_nothing_uses_are_made_where_they_are_asked_for_as_images():
    own_normal(worn(noise("kept", 1)))
    assert states(made(target="NONE")[0]) == {"kept": MADE}
    settings = SETTINGS.replace_fields({"convention": "CONTROLNET"})
    _, report = made(settings=settings)
    assert report.records[0].outcome == MADE and "A ControlNet map is not wired" in report.records[0].notes[-1]


def test_a_map_that_one_of_its_materials_uses_is_made_and_the_others_stay_as_they_are():
    shared = noise("shared", 1)
    materials = [worn(shared, name) for name in "AB"]
    own = own_normal(materials[0]).image
    other = worn(noise("colour of C", 2), "C")
    tree = other.node_tree
    tree.links.new(texture(tree, shared), tree.nodes["Principled BSDF"].inputs["Roughness"])
    _, report = made()
    shown = [material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links[0].from_node.inputs["Color"].links[0]
             .from_node.image for material in (*materials, other)]
    assert shown == [own, find_map(shared, "NORMAL"), find_map(bpy.data.images["colour of C"], "NORMAL")]
    notes = next(record.notes for record in report.records if record.input == "shared")
    assert any("keeps its own normal map" in note for note in notes) and any("'colour of C'" in note for note in notes)


def test_a_sentence_that_holds_for_several_pictures_is_said_once():
    material = worn(noise("colour", 1))
    own_normal(material)
    tree = material.node_tree
    for number, socket in enumerate(("Roughness", "Metallic", "Alpha", "Emission Color")):
        tree.links.new(texture(tree, noise(f"extra{number}", 1)), tree.nodes["Principled BSDF"].inputs[socket])
    with pytest.raises(MidasNormalError, match=r"^Of 5 .* colour, extra0, extra1 and 2 more: The shader .* keeps"):
        made()


def test_where_no_map_could_be_made_the_whole_fails(tmp_path):
    own_normal(worn(noise("kept", 1)))
    worn(missing(tmp_path / "gone.png"))
    new = queue(summary=tmp_path / "done.txt")
    with pytest.raises(MidasNormalError, match=r"Of 2 pictures 0 made, 1 skipped, 1 failed\. .*gone\.png: .*missing"):
        new.task().wait()
    assert states(new) == {"kept": SKIPPED, "gone.png": FAILED} and not new.has_made_maps
    text = (tmp_path / "done.txt").read_text()
    assert "1 skipped, as nothing would use them" in text and "kept: The shader" in text


def test_sets_of_tiles_and_sequences_are_made_as_generate_makes_them(tmp_path):
    for folder in ("tiles", "frames"):
        (tmp_path / folder).mkdir()
    tiles, frames = tile_set(tmp_path / "tiles"), sequence(tmp_path / "frames")
    for image in (tiles, frames):
        worn(image)
    done, _ = made()
    assert set(states(done).values()) == {MADE}
    assert [find_map(image, "NORMAL").source for image in (tiles, frames)] == ["TILED", "SEQUENCE"]


def test_what_is_current_is_skipped_without_the_engine_until_its_pixels_or_settings_change():
    images = [noise(name, seed) for seed, name in enumerate("ab")]
    for image in images:
        worn(image)
    made(maps=("NORMAL", "AO"))
    words = [find_map(image, "NORMAL")[METADATA_PROPERTY] for image in images]
    addon.client.close()  # a new worker has no surface in memory, and would have to run the engine
    done, seen = queue(existing="SKIP", maps=("NORMAL", "AO")), set()
    stepped(done, lambda task: seen.add(task.job.stage))
    assert states(done) == {"a": SKIPPED, "b": SKIPPED} and not done.has_made_maps and seen == {"start", "read"}
    assert [find_map(image, "NORMAL")[METADATA_PROPERTY] for image in images] == words
    assert [(record.outcome, record.map, record.output) for record in done.items[0].records] == [
        (SKIPPED, "NORMAL", "a_normal"), (SKIPPED, "AO", "a_ao")]

    images[0].pixels[0] = 1 - images[0].pixels[0]
    assert states(made(existing="SKIP")[0]) == {"a": MADE, "b": SKIPPED}
    for settings in (Settings(engine="LUMINANCE"), Settings(engine="LUMINANCE", tileable="X")):
        assert states(made(existing="SKIP", settings=settings)[0]) == {"a": MADE, "b": MADE}
    assert states(made(existing="OVERWRITE", settings=settings)[0]) == {"a": MADE, "b": MADE}


def test_a_map_that_generate_made_is_current_too():
    worn(noise("a"))
    start_generation(bpy.context, GenerateRequest(SETTINGS, source="IMAGE",
                                                  image_uid=bpy.data.images["a"].session_uid)).wait()
    assert states(made(existing="SKIP")[0]) == {"a": SKIPPED}


def test_a_sequence_is_current_while_its_frames_and_their_smoothing_are_the_same(tmp_path):
    worn(sequence(tmp_path, (3, 4)))
    outcomes = [states(made(existing="SKIP", smoothing=smoothing)[0]).popitem()[1] for smoothing in (0, 0, 1, 1, 0)]
    assert outcomes == [MADE, SKIPPED, MADE, SKIPPED, MADE]


def test_a_set_of_tiles_is_current_while_it_is_seen_as_it_was(tmp_path):
    worn(tile_set(tmp_path))
    outcomes = [states(made(existing="SKIP", across=across)[0]).popitem()[1] for across in (False, False, True, True, False)]
    assert outcomes == [MADE, SKIPPED, MADE, SKIPPED, MADE]


def test_a_map_that_is_missing_or_kept_elsewhere_is_not_current(tmp_path):
    image = bpy.data.images.load(str(write_png(tmp_path / "wall.png", rgba(), 8)))
    worn(image)
    made(save="BESIDE")
    assert states(made(existing="SKIP", save="BESIDE")[0]) == {"wall.png": SKIPPED}
    assert states(made(existing="SKIP", save="BESIDE", maps=("NORMAL", "AO"))[0]) == {"wall.png": MADE}
    (tmp_path / "wall_normal.png").unlink()
    assert states(made(existing="SKIP", save="BESIDE")[0]) == {"wall.png": MADE}
    assert states(made(existing="SKIP", save="PACK")[0]) == {"wall.png": MADE}
    assert states(made(existing="SKIP", save="PACK")[0]) == {"wall.png": SKIPPED}
    bpy.data.images.remove(find_map(image, "NORMAL"))
    assert states(made(existing="SKIP", save="PACK")[0]) == {"wall.png": MADE}


@pytest.mark.parametrize("save", ["PACK", "BESIDE"])
def test_a_set_of_tiles_is_current_as_a_whole(tmp_path, save):
    image = tile_set(tmp_path)
    worn(image)
    made(save=save)
    addon.client.close()
    assert set(states(made(existing="SKIP", save=save)[0]).values()) == {SKIPPED}
    saved_by_blender(tmp_path / "wall.1002.png", rgba(9, 5, 77))
    assert set(states(made(existing="SKIP", save=save)[0]).values()) == {MADE}
    assert set(states(made(existing="SKIP", save=save)[0]).values()) == {SKIPPED}
    assert len(list(addon.client.worker.folder.iterdir())) == 0
    if save == "BESIDE":
        (tmp_path / "wall_normal.1011.png").unlink()
        assert set(states(made(existing="SKIP", save=save)[0]).values()) == {MADE}


@pytest.mark.parametrize("record", [
    "", "[" * 100_000, json.dumps({"settings": {"engine": "ROOTKIT"}, "facts": {"engine": "LUMINANCE", "surface": ""}}),
    json.dumps({"settings": SETTINGS.to_dict(), "facts": {"engine": "LUMINANCE", "surface": "x" * (2 << 20)}}),
    json.dumps({"settings": SETTINGS.to_dict(), "facts": {"engine": "LUMINANCE", "surface": "", "surfaces": {"": 3}}}),
    json.dumps({"settings": SETTINGS.to_dict(), "facts": {"engine": "LUMINANCE", "surface": "", "surfaces": [1]}}),
])
def test_a_record_that_cannot_be_read_only_makes_work(record):
    image = noise("a")
    worn(image)
    made()
    find_map(image, "NORMAL")[METADATA_PROPERTY] = record
    assert states(made(existing="SKIP")[0]) == {"a": MADE}


def test_maps_that_would_have_one_name_do_not_overwrite_each_other(tmp_path):
    for name in ("wall.png", "wall.tga"):
        worn(bpy.data.images.load(str(write_png(tmp_path / name, rgba(seed=len(name)), 8))))
    worn(bpy.data.images.load(str(tmp_path / "wall.png"), check_existing=False))
    done, _ = made(save="BESIDE")
    assert sorted(item.state for item in done.items) == [FAILED, FAILED, MADE]
    assert all("is the map of" in item.message for item in done.items if item.state == FAILED)
    packed, report = made(save="PACK")
    assert set(states(packed).values()) == {MADE} and len({record.output for record in report.records}) == 3


def test_a_picture_whose_worker_ends_fails_alone():
    for name, side in (("a", 16), ("b", 2000), ("c", 16)):
        worn(noise(name, side=side))
    new = queue()
    task = stepped(new, lambda task: new.items[1].state == IN_PROGRESS and not task.is_ready)
    addon.client.worker._process.kill()
    addon.client.worker._process.wait()
    task.wait()
    assert states(new) == {"a": MADE, "b": FAILED, "c": MADE} and "killed" in new.items[1].message


def test_giving_up_in_the_middle_loses_nothing_that_was_made_and_running_again_goes_on(tmp_path):
    for number, name in enumerate("abcd"):
        worn(noise(name, number, 400))
    new = queue(summary=tmp_path / "done.json")
    task = stepped(new, lambda task: new.items[2].state == IN_PROGRESS and not task.is_ready)
    task.cancel()
    assert states(new) == {"a": MADE, "b": MADE, "c": WAITING, "d": WAITING} and new.has_made_maps
    assert [record["outcome"] for record in json.loads((tmp_path / "done.json").read_text())] == ["made", "made"]
    assert find_map(bpy.data.images["c"], "NORMAL") is None and find_map(bpy.data.images["a"], "NORMAL").packed_file
    again, _ = made(existing="SKIP")
    assert states(again) == {"a": SKIPPED, "b": SKIPPED, "c": MADE, "d": MADE}


def test_giving_up_between_two_pictures_leaves_the_rest_waiting():
    for name in "ab":
        worn(noise(name))
    new = queue()
    task = stepped(new, lambda task: new.items[0].state == MADE)
    task.cancel()
    assert states(new) == {"a": MADE, "b": WAITING} and not addon.client.is_busy


def test_pictures_that_go_away_meanwhile_fail_alone():
    for name in "ab":
        worn(noise(name))
    new = queue()
    bpy.data.images.remove(bpy.data.images["a"])
    new.task().wait()
    assert states(new) == {"a": FAILED, "b": MADE} and "no longer there" in new.items[0].message


def test_what_no_part_of_ours_foresaw_fails_alone_and_is_in_the_console(monkeypatch, capfd):
    from bl_ext.user_default.midas_normal.bridge import generate
    for name in "ab":
        worn(noise(name))
    read = generate.export_image_pixels
    monkeypatch.setattr(generate, "export_image_pixels", lambda image, path, view: 1 / \
                        0 if image.name == "a" else read(image, path, view))
    done, _ = made()
    assert states(done) == {"a": FAILED, "b": MADE} and "ZeroDivisionError" in done.items[0].message
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert not list(addon.client.worker.folder.iterdir())


def test_an_engine_that_ceases_to_work_ends_the_queue(monkeypatch):
    from bl_ext.user_default.midas_normal.bridge import queue as module
    for name in "abc":
        worn(noise(name))

    def broken(order):
        raise EngineUnavailable("The weights are damaged.")
        yield

    monkeypatch.setattr(module, "generation_steps", broken)
    new = queue()
    with pytest.raises(MidasNormalError, match=r"1 failed, 2 not tried\. a: The weights are damaged\."):
        new.task().wait()
    assert states(new) == {"a": FAILED, "b": WAITING, "c": WAITING}


@pytest.mark.parametrize(("words", "error", "sentence"), [
    ({}, SourceError, "selected objects has a colour texture"),
    ({"scope": "FILE"}, SourceError, "of this file has a colour texture"),
    ({"settings": Settings(engine="MIDAS")}, EngineUnavailable, "not installed"),
    ({"settings": Settings(depth_scale="RAW"), "maps": ("AO",)}, SettingsError, "RAW"),
    ({"summary": "done.docx"}, SettingsError, r"\.txt, \.json, \.csv"),
    ({"summary": "mine.txt"}, TargetError, r"mine\.txt is there already and is no report; choose another name"),
])
def test_what_cannot_be_is_one_sentence_before_anything_is_made(words, error, sentence, tmp_path):
    if "summary" in words:
        (tmp_path / "mine.txt").write_text("mine")
        words = {"summary": tmp_path / words["summary"]}
    with pytest.raises(error, match=sentence):
        queue(**{"scope": "SELECTED", **words})
    assert not bpy.data.images


def test_the_summary_tells_what_became_of_each_map(tmp_path):
    worn(missing(tmp_path / "gone.png"))
    worn(noise("a"))
    for ending in ("txt", "json", "csv"):
        made(existing="SKIP", maps=("NORMAL", "AO"), summary=tmp_path / f"done.{ending}")
    rows = list(csv.DictReader((tmp_path / "done.csv").open(encoding="utf-8")))
    assert [(row["input"], row["outcome"], row["map"], row["output"]) for row in rows] == [
        ("gone.png", "failed", "", ""), ("a", "skipped", "NORMAL", "a_normal"), ("a", "skipped", "AO", "a_ao")]
    text = (tmp_path / "done.txt").read_text()
    assert "2 made" in text and "1 failed" in text and "gone.png: The file " in text
    made(maps=("NORMAL",), summary=tmp_path / "done.json")
    failed, new = json.loads((tmp_path / "done.json").read_text())
    assert failed["error"].startswith("The file") and new["map"] == "NORMAL"
    assert (new["engine"], new["size"]) == ("LUMINANCE", [16, 16])


def test_a_summary_that_cannot_be_written_is_said_and_what_was_made_stays(tmp_path):
    image = noise("a")
    worn(image)
    new = queue(summary=tmp_path / "nowhere" / "done.txt")
    with pytest.raises(TargetError, match="cannot be written"):
        new.task().wait()
    assert new.has_made_maps and find_map(image, "NORMAL")
