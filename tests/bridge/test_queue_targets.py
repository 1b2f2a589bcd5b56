"""Many pictures: which shader gets which map, and that no map is made that nothing would use."""

from __future__ import annotations

import json

import bpy
import pytest
from bl_ext.user_default.midas_normal.batch.report import as_csv
from bl_ext.user_default.midas_normal.bridge.map_metadata import find_map
from bl_ext.user_default.midas_normal.bridge.queue import (
    FAILED,
    MADE,
    SKIPPED,
    SUMMARY_FORMATS,
)
from bl_ext.user_default.midas_normal.core.errors import (
    MidasNormalError,
)
from blender_data import add_material
from generation_runs import SETTINGS, generate_map, missing, noise, normal_node, queue, run_queue, select_object_with, states
from material_setups import user_map


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
    done, report = run_queue(maps=("NORMAL", "AO"))
    assert states(done) == {"other": SKIPPED, "colour": MADE} and find_map(bpy.data.images["other"], "AO") is None
    assert shader.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.image.name == "colour_normal"
    is_used = socket or way in ("ambient occlusion", "brightened")
    assert ("is for the map of 'colour', which feeds its Base Color." if is_used else
            "The image 'other' feeds no shader of the material 'Wall' as a picture.") in report.messages[1]


def test_a_picture_for_roughness_alone_is_wired_where_there_is_no_other():
    material = add_material()
    tree = material.node_tree
    tree.links.new(texture(tree, noise("a", 1)), tree.nodes["Principled BSDF"].inputs["Roughness"])
    done, report = run_queue()
    assert states(done) == {"a": MADE} and normal_node(material) == "ShaderNodeNormalMap"
    assert any("feeds only Roughness" in note for note in report.records[0].notes)


def test_a_map_that_a_shader_has_already_is_made_again_though_another_picture_is_its_colour():
    material = select_object_with(noise("colour", 1))
    tree = material.node_tree
    tree.links.new(texture(tree, noise("rough", 2)), tree.nodes["Principled BSDF"].inputs["Roughness"])
    generate_map(bpy.data.images["rough"], target="AUTO")
    done, report = run_queue()
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
    own_normal(select_object_with(noise("kept", 1)))
    select_object_with(noise("free", 2))
    images = len(bpy.data.images)
    done, report = run_queue(replace=replace, summary=tmp_path / "done.json")
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
        run_queue(replace=replace)
    assert [image.name for image in bpy.data.images] == ["mine"]


def test_each_kind_of_map_is_made_where_it_would_be_used():
    material = select_object_with(noise("a", 1))
    own_normal(material)
    done, report = run_queue(maps=("NORMAL", "HEIGHT", "AO"))
    assert [(record.map, record.outcome) for record in report.records] == [
        ("HEIGHT", MADE), ("AO", MADE), ("NORMAL", SKIPPED)]
    assert states(done) == {"a": MADE} and find_map(bpy.data.images["a"], "NORMAL") is None
    other = select_object_with(noise("b", 2))
    tree = other.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeDisplacement").outputs[0], tree.get_output_node("ALL").inputs["Displacement"])
    _, report = run_queue(maps=("NORMAL", "HEIGHT"), existing="SKIP")
    assert {(record.input, record.map): record.outcome for record in report.records} == {
        ("a", "HEIGHT"): SKIPPED, ("a", "NORMAL"): SKIPPED, ("b", "NORMAL"): MADE, ("b", "HEIGHT"): SKIPPED}
    assert "keeps its own displacement" in " ".join(report.records[-1].notes)


def test_maps_that_nothing_uses_are_made_where_they_are_asked_for_as_images():
    own_normal(select_object_with(noise("kept", 1)))
    assert states(run_queue(target="NONE")[0]) == {"kept": MADE}
    settings = SETTINGS.replace_fields({"convention": "CONTROLNET"})
    _, report = run_queue(settings=settings)
    assert report.records[0].outcome == MADE and "A ControlNet map is not wired" in report.records[0].notes[-1]


def test_a_map_that_one_of_its_materials_uses_is_made_and_the_others_stay_as_they_are():
    shared = noise("shared", 1)
    materials = [select_object_with(shared, name) for name in "AB"]
    own = own_normal(materials[0]).image
    other = select_object_with(noise("colour of C", 2), "C")
    tree = other.node_tree
    tree.links.new(texture(tree, shared), tree.nodes["Principled BSDF"].inputs["Roughness"])
    _, report = run_queue()
    shown = [material.node_tree.nodes["Principled BSDF"].inputs["Normal"].links[0].from_node.inputs["Color"].links[0]
             .from_node.image for material in (*materials, other)]
    assert shown == [own, find_map(shared, "NORMAL"), find_map(bpy.data.images["colour of C"], "NORMAL")]
    notes = next(record.notes for record in report.records if record.input == "shared")
    assert any("keeps its own normal map" in note for note in notes) and any("'colour of C'" in note for note in notes)


def test_a_sentence_that_holds_for_several_pictures_is_said_once():
    material = select_object_with(noise("colour", 1))
    own_normal(material)
    tree = material.node_tree
    for number, socket in enumerate(("Roughness", "Metallic", "Alpha", "Emission Color")):
        tree.links.new(texture(tree, noise(f"extra{number}", 1)), tree.nodes["Principled BSDF"].inputs[socket])
    with pytest.raises(MidasNormalError, match=r"^Of 5 .* colour, extra0, extra1 and 2 more: The shader .* keeps"):
        run_queue()


def test_where_no_map_could_be_made_the_whole_fails(tmp_path):
    own_normal(select_object_with(noise("kept", 1)))
    select_object_with(missing(tmp_path / "gone.png"))
    new = queue(summary=tmp_path / "done.txt")
    with pytest.raises(MidasNormalError, match=r"Of 2 pictures 0 made, 1 skipped, 1 failed\. .*gone\.png: .*missing"):
        new.task().wait()
    assert states(new) == {"kept": SKIPPED, "gone.png": FAILED} and not new.has_made_maps
    text = (tmp_path / "done.txt").read_text()
    assert "1 skipped, as nothing would use them" in text and "kept: The shader" in text
