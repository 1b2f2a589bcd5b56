"""Normal maps that shade as Bump and Displacement nodes do: rendered beside them, wired in their place, and refused."""

from __future__ import annotations

import math
from types import SimpleNamespace

import bl_ext.user_default.midas_normal as extension
import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge import map_metadata
from bl_ext.user_default.midas_normal.bridge.from_bump import BumpRequest, start_from_bump
from bl_ext.user_default.midas_normal.bridge.image_pixels import View
from bl_ext.user_default.midas_normal.bridge.nodes.bump import find_height_node, read_bump, wire_instead
from bl_ext.user_default.midas_normal.bridge.regenerate import start_repaint
from bl_ext.user_default.midas_normal.core.errors import SourceError, TargetError
from bl_ext.user_default.midas_normal.core.image_io import encode_png
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui import generation, operators, timer

from tests.bridge.material_setups import node, user_map
from tests.bridge.rollback import assert_undone_at_each_step, state
from tests.bridge.wave_relief import LIGHTS, lit, mapped, plane

from .scenes import pumped, values

SIDE = 128
WAVES = ((1.0, 1, 0, 0.4), (0.8, 0, 1, 1.1), (0.5, 1, 2, 2.0), (0.4, 2, -1, 0.3))
"""Heights, periods to the right and up, and phases; their sum has no symmetry."""


def heights(side=SIDE):
    """Heights 0..1 that repeat, rows from the top down."""
    v, u = (np.mgrid[:side, :side] + 0.5) / side
    total = sum(height * np.sin(2 * math.pi * (x * u + y * v) + phase) for height, x, y, phase in WAVES)
    return (total - total.min()) / np.ptp(total)


def picture(tmp_path, space="Non-Color", bits=16, channel=None):
    """An image of the heights: in all channels, or in one of them, with others in the others."""
    stored = heights()[..., None].repeat(3, axis=2)
    if channel is not None:
        stored[..., [other for other in range(3) if other != channel]] = 1 - stored[::-1, ::-1, :2]
    path = tmp_path / "wall_height.png"
    path.write_bytes(encode_png(np.rint(stored * (2 ** bits - 1)).astype(f"uint{bits}"), compress=False))
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = space
    return image


def white_material():
    """A white diffuse material, its tree, shader and output."""
    material = bpy.data.materials.new("Wall")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shader, output = node(tree, "BsdfDiffuse"), node(tree, "OutputMaterial")
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return material, tree, shader, output


def with_bump(image, distance=0.1, strength=1.0, invert=False):
    """A plane whose shader has the normals of a Bump node: the material and the node."""
    material, tree, shader, _ = white_material()
    texture, bump = node(tree, "TexImage", image=image), node(tree, "Bump", invert=invert)
    bump.inputs["Distance"].default_value, bump.inputs["Strength"].default_value = distance, strength
    tree.links.new(texture.outputs["Color"], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    return material, bump


def with_displacement(image, scale=0.1, space="OBJECT"):
    """A plane that is bumped by a Displacement node."""
    material, tree, _, output = white_material()
    texture, displacement = node(tree, "TexImage", image=image), node(tree, "Displacement", space=space)
    displacement.inputs["Scale"].default_value, displacement.inputs["Midlevel"].default_value = scale, 0.3
    tree.links.new(texture.outputs["Color"], displacement.inputs["Height"])
    tree.links.new(displacement.outputs[0], output.inputs["Displacement"])
    material.displacement_method = "BUMP"
    return material, displacement


def texture_of(height_node):
    return height_node.inputs["Height"].links[0].from_node


def through(height_node, kind, output=0, **settings):
    """Put a node between the picture and the Height."""
    tree, before = height_node.id_data, height_node.inputs["Height"].links[0].from_socket
    between = node(tree, kind, **settings)
    tree.links.new(before, next(socket for socket in between.inputs if socket.enabled))
    tree.links.new(between.outputs[output], height_node.inputs["Height"])
    return between


def plain(tmp_path):
    return (*with_bump(picture(tmp_path)), {})


def weak_and_inverted(tmp_path):
    return (*with_bump(picture(tmp_path), 0.2, 0.5, invert=True), {})


def colours_of_8_bits(tmp_path):
    return (*with_bump(picture(tmp_path, "sRGB", bits=8)), {})


def luminance_of_colours(tmp_path):
    return (*with_bump(picture(tmp_path, channel=1), 0.15), {})


def one_channel_times_a_number(tmp_path):
    material, bump = with_bump(picture(tmp_path, channel=1), 0.4)
    through(bump, "SeparateColor", "Green")
    factor = through(bump, "Math", operation="MULTIPLY")
    factor.inputs[1].default_value = -0.25
    links, reroute = bump.id_data.links, bump.id_data.nodes.new("NodeReroute")
    links.new(factor.outputs[0], reroute.inputs[0])
    links.new(reroute.outputs[0], bump.inputs["Height"])
    return material, bump, {}


def turned_and_repeated(tmp_path):
    material, bump = with_bump(picture(tmp_path), 0.05)
    mapped(texture_of(bump), 90, (2, 1, 1))
    return material, bump, {}


def stretched(tmp_path):
    return (*with_bump(picture(tmp_path)), {"width": 2.0})


def stretched_and_turned(tmp_path):
    material, bump = with_bump(picture(tmp_path))
    mapped(texture_of(bump), 90)
    return material, bump, {"width": 2.0}


def scaled(tmp_path):
    return (*with_bump(picture(tmp_path), 0.05), {"scale": (1, 0.75, 1.5)})


def displaced(tmp_path):
    return (*with_displacement(picture(tmp_path, "sRGB")), {})


def displaced_in_the_world(tmp_path):
    return (*with_displacement(picture(tmp_path), 0.06, "WORLD"), {"scale": (0.8, 0.8, 0.8)})


MADE = (plain, weak_and_inverted, colours_of_8_bits, luminance_of_colours, one_channel_times_a_number,
        turned_and_repeated, stretched, stretched_and_turned, scaled, displaced, displaced_in_the_world)


@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_the_map_shades_as_the_node_does(tmp_path, made):
    material, height_node, laid = made(tmp_path)
    width = laid.get("width", 1.0)
    plane(material, width).scale = laid.get("scale", (1, 1, 1))
    node_is_lit = {light: lit(tmp_path / "lit.exr", light, width) for light in LIGHTS}
    extension.generate_from_bump(material, wire=True)
    assert not height_node.outputs[0].is_linked and height_node.inputs["Height"].is_linked
    for light, shaded in node_is_lit.items():
        shown = shaded > 0
        assert np.abs(shaded[shown] - np.median(shaded[shown])).mean() > 0.05 * shaded[shown].mean(), "it shows relief"
        difference = np.abs(lit(tmp_path / "lit.exr", light, width) - shaded)[shown].mean()
        assert difference < 0.02 * shaded[shown].mean(), light


def test_the_map_alone_leaves_the_material_as_it_is_and_the_report_says_what_it_needs(tmp_path):
    material, _ = with_bump(picture(tmp_path), 0.1, 0.5)
    plane(material)
    before = state(material)
    bpy.ops.midas_normal.generate_from_bump()
    assert state(material) == before
    report = generation.last_outcome()
    settings = map_metadata.stored_settings(bpy.data.images[report.map_name])
    assert settings.is_close_to(Settings(engine="HEIGHT", height_scale=0.1))
    said = " ".join(report.messages)
    assert "On 'plane', the height 0.1 of the picture's shorter side" in said and "Strength of 'Bump': 0.5" in said


def test_meshes_of_other_sizes_are_said_and_the_active_one_is_taken(tmp_path):
    material, _ = with_bump(picture(tmp_path), 0.1)
    plane(material).name = "small"
    large = plane(material)
    large.scale, large.name = (4, 4, 4), "large"
    bpy.ops.midas_normal.generate_from_bump()
    report = generation.last_outcome()
    assert any("for 'large'" in text and "1 other objects, such as 'small'" in text for text in report.messages)
    assert map_metadata.stored_settings(bpy.data.images[report.map_name]).height_scale == pytest.approx(0.025)
    bpy.context.scene.collection.objects.unlink(large)
    bpy.data.objects.remove(large)
    extension.generate_from_bump(material)
    assert map_metadata.stored_settings(bpy.data.images[report.map_name]).height_scale == pytest.approx(0.1)


def test_a_relief_of_more_than_ten_sides_is_made_by_the_strength(tmp_path):
    material, bump = with_bump(picture(tmp_path), 25.0)
    plane(material)
    settings = read_bump(material, find_height_node(material, "", None), None).settings
    assert settings.height_scale * settings.strength == pytest.approx(25)
    bump.inputs["Distance"].default_value = 200.0
    with pytest.raises(TargetError, match="too steep"):
        extension.generate_from_bump(material)


def test_links_of_the_bump_node_stay_and_others_keep_their_place(tmp_path):
    material, bump = with_bump(picture(tmp_path))
    plane(material)
    tree, shader = material.node_tree, material.node_tree.nodes["Diffuse BSDF"]
    below, strength = node(tree, "Bump"), node(tree, "Value")
    tree.links.new(below.outputs["Normal"], bump.inputs["Normal"])
    tree.links.new(strength.outputs[0], bump.inputs["Strength"])
    kept = {(link.from_node.name, link.to_socket.identifier) for link in tree.links if link.to_node == bump}
    map_image = extension.generate_from_bump(material, wire=True)
    assert {(link.from_node.name, link.to_socket.identifier) for link in tree.links if link.to_node == bump} == kept
    assert shader.inputs["Normal"].links[0].from_node == below
    normal = below.inputs["Normal"].links[0].from_node
    assert normal.inputs["Color"].links[0].from_node.image == map_image
    assert normal.inputs["Strength"].links[0].from_node == strength


def test_wiring_fails_wholly_or_not_at_all(tmp_path, monkeypatch):
    material, bump = with_bump(picture(tmp_path))
    plane(material)
    mapped(texture_of(bump), 90)
    reading = read_bump(material, find_height_node(material, "Bump", None), None)
    map_image = bpy.data.images.new("map", 4, 4)
    assert_undone_at_each_step(monkeypatch, material, lambda: wire_instead(material, reading, map_image, False))


def test_all_is_one_undo_step(tmp_path, monkeypatch):
    material, bump = with_bump(picture(tmp_path))
    plane(material)
    steps = []

    def undo_push(**_):
        steps.append(("wall_height_normal" in bpy.data.images, bump.outputs[0].is_linked))

    undo_push.poll = lambda: True  # FAKE is only that none is pushed, for background Blender cannot always do so
    fake = SimpleNamespace(ops=SimpleNamespace(ed=SimpleNamespace(undo_push=undo_push)), data=bpy.data, app=bpy.app)
    monkeypatch.setattr(operators, "bpy", fake)
    bpy.ops.midas_normal.generate_from_bump(wire=True)
    assert steps == [(True, False)]


def in_group(material, bump):
    """Move a Bump node and its texture into a group, which gives the normals; the group node."""
    tree, inside = material.node_tree, bpy.data.node_groups.new("Relief", "ShaderNodeTree")
    inside.interface.new_socket("Normal", in_out="OUTPUT", socket_type="NodeSocketVector")
    texture, inner, end = node(inside, "TexImage", image=texture_of(bump).image), node(inside, "Bump"), inside.nodes.new(
        "NodeGroupOutput")
    inner.inputs["Distance"].default_value = bump.inputs["Distance"].default_value
    inside.links.new(texture.outputs["Color"], inner.inputs["Height"])
    inside.links.new(inner.outputs["Normal"], end.inputs["Normal"])
    group = node(tree, "Group", node_tree=inside)
    tree.links.new(group.outputs["Normal"], bump.outputs["Normal"].links[0].to_socket)
    tree.nodes.remove(texture_of(bump))
    tree.nodes.remove(bump)
    return group


def test_a_node_in_a_group_is_replaced_there_where_the_group_is_used_once(tmp_path):
    material, bump = with_bump(picture(tmp_path))
    plane(material)
    group = in_group(material, bump)
    second = node(material.node_tree, "Group", node_tree=group.node_tree)
    with pytest.raises(TargetError, match="in the group 'Relief', which is used in other places too"):
        extension.generate_from_bump(material, "Bump", wire=True)
    material.node_tree.nodes.remove(second)
    map_image = extension.generate_from_bump(material, "Bump", wire=True)
    end = group.node_tree.nodes["Group Output"]
    assert end.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.image == map_image


def test_the_tiles_of_a_set_are_read_as_the_node_does(tmp_path):
    stored = np.rint(heights()[..., None].repeat(3, axis=2) * 255).astype(np.uint8)
    for number in (1001, 1002):
        (tmp_path / f"wall.{number}.png").write_bytes(encode_png(stored, compress=False))
    image = bpy.data.images.load(str(tmp_path / "wall.1001.png"))
    image.source, image.filepath = "TILED", str(tmp_path / "wall.<UDIM>.png")
    image.tiles.new(1002)
    material, _ = with_bump(image)
    plane(material)
    tiled = extension.generate_from_bump(material)
    assert tiled.source == "TILED" and map_metadata.heights_of(tiled).is_srgb
    one = picture(tmp_path, "sRGB", bits=8)
    material, _ = with_bump(one)
    plane(material)
    expected = values(extension.generate_from_bump(material))
    assert np.ptp(expected[..., 0]) > 0.1 and np.abs(values(tiled) - expected).max() < 1e-3


def test_a_normal_map_stays_unless_replaced_by_that_of_a_displacement(tmp_path):
    material, displacement = with_displacement(picture(tmp_path))
    plane(material)
    tree, shader = material.node_tree, material.node_tree.nodes["Diffuse BSDF"]
    own = user_map(tree, shader.inputs["Normal"])
    extension.generate_from_bump(material, wire=True)
    assert displacement.outputs[0].is_linked
    assert shader.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node == own
    map_image = extension.generate_from_bump(material, wire=True, replace=True)
    assert not displacement.outputs[0].is_linked
    assert shader.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.image == map_image


def test_a_map_that_is_in_use_is_not_made_of_other_heights(tmp_path):
    image = picture(tmp_path)
    material, _ = with_bump(image)
    plane(material)
    map_image = extension.generate_from_bump(material, wire=True)
    extension.generate_from_bump(material)
    other, _ = with_bump(image, 0.3)
    plane(other)
    with pytest.raises(TargetError, match="is in use and shows other heights"):
        extension.generate_from_bump(other)
    assert extension.generate_from_bump(other, replace=True) == map_image


def test_a_painted_picture_is_read_as_before(tmp_path):
    image = picture(tmp_path, "sRGB", bits=8, channel=0)
    material, bump = with_bump(image)
    through(bump, "SeparateColor", "Red")
    plane(material, 2.0)
    map_image = extension.generate_from_bump(material)
    before = values(map_image).copy()
    image.pixels[1] = 1.0  # green, which makes no height
    start_repaint(image, View.of(bpy.context.scene)).wait()
    assert np.abs(values(map_image) - before).max() < 1e-4
    image.pixels[0] = 1.0
    start_repaint(image, View.of(bpy.context.scene)).wait()
    assert np.abs(values(map_image) - before).max() > 0.1


def curved(bump):
    through(bump, "Math", operation="POWER")


def clamped(bump):
    through(bump, "Math", use_clamp=True)


def two_pictures(bump):
    texture, sum_ = texture_of(bump), through(bump, "Math")
    other = node(bump.id_data, "TexImage", image=texture.image)
    bump.id_data.links.new(other.outputs["Color"], sum_.inputs[1])


def varying_distance(bump):
    bump.id_data.links.new(texture_of(bump).outputs["Color"], bump.inputs["Distance"])


def box(bump):
    texture_of(bump).projection = "BOX"


def generated(bump):
    tree = bump.id_data
    tree.links.new(node(tree, "TexCoord").outputs["Generated"], texture_of(bump).inputs["Vector"])


def closest(bump):
    texture_of(bump).interpolation = "Closest"


def muted(bump):
    bump.mute = True


def no_layer(bump):
    bpy.context.object.data.uv_layers.remove(bpy.context.object.data.uv_layers[0])


def another_space(bump):
    image = texture_of(bump).image
    image.source = "FILE"
    image.colorspace_settings.name = "AgX Base sRGB"


def over_a_normal_map(bump):
    tree = bump.id_data
    tree.links.new(node(tree, "NormalMap").outputs["Normal"], bump.inputs["Normal"])


def unlinked(bump):
    bump.id_data.links.remove(bump.inputs["Height"].links[0])


def several(bump):
    other = node(bump.id_data, "Bump")
    bump.id_data.links.new(texture_of(bump).outputs["Color"], other.inputs["Height"])


REFUSED = {
    curved: "because of the node 'Math'", clamped: "because of the node 'Math'", two_pictures: "depends on 2 textures",
    varying_distance: "The Distance of 'Bump' is not the same all over", box: "not laid flat by a UV layer",
    generated: "not laid flat by a UV layer", closest: "not interpolated", muted: "'Bump' is muted",
    no_layer: "No mesh with the material 'Wall' has a UV layer", another_space: "set it to Non-Color",
    over_a_normal_map: "lies over the normals of 'Normal Map'", unlinked: "no Bump or Displacement node",
    several: "several nodes of this kind, 'Bump', 'Bump.001'",
}


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_exact_is_refused_in_a_sentence(tmp_path, spoil):
    material, bump = with_bump(picture(tmp_path, bits=8))
    plane(material)
    spoil(bump)
    before = state(material)
    with pytest.raises((TargetError, SourceError), match=REFUSED[spoil]):
        extension.generate_from_bump(material, wire=True)
    assert state(material) == before and len(bpy.data.images) == 1


def test_a_node_that_goes_while_the_map_is_made_is_said(tmp_path):
    material, _ = with_bump(picture(tmp_path))
    plane(material)
    tree = material.node_tree
    task = start_from_bump(bpy.context, material, None, None, BumpRequest(wire=True))
    tree.nodes.remove(tree.nodes["Bump"])
    report = task.wait()
    assert report.map_name in bpy.data.images and "The map is not wired: The node 'Bump'" in " ".join(report.messages)


def test_a_height_scale_of_two_lengths():
    bpy.ops.midas_normal.height_lengths(side=2.0, depth=0.1)
    assert bpy.context.scene.midas_normal.height_scale == pytest.approx(0.05)


def test_it_is_made_while_blender_goes_on_and_follows_no_settings_of_the_scene(tmp_path, with_timers):
    material, bump = with_bump(picture(tmp_path), invert=True)
    plane(material)
    operator = operators.MIDAS_NORMAL_OT_generate_from_bump
    scene = bpy.context.scene if operator.uses_scene_settings(operator) else None
    generation.start(start_from_bump(bpy.context, material, None, None, BumpRequest(wire=True)), scene)
    assert bump.outputs[0].is_linked and generation.task() is not None
    pumped(lambda: generation.task() is None and timer.is_idle())
    assert not bump.outputs[0].is_linked and bpy.context.scene.midas_normal.result is None
    assert map_metadata.stored_settings(bpy.data.images["wall_height_normal"]).invert
