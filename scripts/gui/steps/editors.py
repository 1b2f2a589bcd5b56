"""What the other editors show of a map."""

from __future__ import annotations

import time

from ..window import Window
from .common import MAP, NODES, check, make


def shader_editor(window: Window) -> str:
    """The nodes lie side by side in the Shader Editor."""
    window.blender.do("bpy.context.view_layer.objects.active = bpy.data.objects['Cube']")
    window.turn_into("ShaderNodeTree")
    window.all_in_view("node.view_all")
    check("NORMAL_MAP" in window.blender.value(NODES), "there is no Normal Map node")
    return ""


PINNED = """
bare = bpy.data.objects.new("Bare", bpy.data.meshes.new("Bare"))
bpy.context.scene.collection.objects.link(bare)
area.spaces.active.pin = True
bpy.context.view_layer.objects.active = bare
"""

UNPINNED = """
area.spaces.active.pin = False
bpy.data.batch_remove([bare, bpy.data.meshes["Bare"]])
bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
"""


def pinned(window: Window) -> str:
    """Generate in a pinned Shader Editor takes the material that this shows, though the active object has none."""
    window.blender.do(PINNED)
    window.show_tab()
    make(window)
    said = window.blender.value("generation.last_message()")
    check("Wired" in said and "'Material'" in said, f"the panel says: {said}")
    window.blender.do(UNPINNED)
    return ""


NAMESAKES = """
library = str(Path(tempfile.gettempdir()) / "namesakes.blend")
image = picture(256, 9)
image.name = "namesake"
bpy.data.libraries.write(library, {image}, fake_user=True)
bpy.data.images.remove(image)
with bpy.data.libraries.load(library, link=True) as (there, here):
    here.images = ["namesake"]
theirs = bpy.data.images["namesake"]
picture(64, 10).name = "namesake"
tree = bpy.data.materials["Material"].node_tree
before = tree.nodes.active
node = tree.nodes.active = tree.nodes.new("ShaderNodeTexImage")
node.image = theirs
last = generation.last_outcome()
bpy.context.scene.midas_normal.target = "NONE"
with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == 'WINDOW')):
    bpy.ops.wm.call_menu(name="NODE_MT_context_menu")
"""

FORGOTTEN = """
bpy.context.scene.midas_normal.target = "AUTO"
tree.nodes.remove(node)
tree.nodes.active = before
bpy.data.batch_remove([image for image in bpy.data.images if image.name.startswith("namesake")])
"""


def node_menu(window: Window) -> str:
    """The last entry of a node's menu maps the node's image, although this file has another one of its name."""
    window.blender.do(NAMESAKES)
    window.settle()
    window.display.key("Up")
    window.shoot("node_menu_open")
    window.display.key("Return")
    window.blender.wait_until("generation.task() is None and generation.last_outcome() is not last", 60)
    mapped = "source_of(bpy.data.images[generation.last_outcome().map_name])"
    check(window.blender.value(f"{mapped} == theirs"), "another image was mapped")
    window.blender.do(FORGOTTEN)
    return ""


def viewport(window: Window) -> str:
    """The cube is lit with the map."""
    window.turn_into("VIEW_3D")
    window.blender.do("area.spaces.active.shading.type = 'MATERIAL'")
    window.blender.do("bpy.context.scene.eevee.taa_samples = 4")
    window.all_in_view("view3d.view_selected")
    start = time.monotonic()
    while not _is_red(window.middle()):
        check(time.monotonic() - start < 120, "the viewport does not show the bricks after two minutes")
    window.settle(1)
    return ""


COMPARED = """
editors = [each for each in bpy.context.screen.areas if each.type == "IMAGE_EDITOR"]
with bpy.context.temp_override(area=area):
    bpy.ops.midas_normal.compare()
shown = [each for each in bpy.context.screen.areas if each.type == "IMAGE_EDITOR"]
"""

CLOSED = """
for each in shown[len(editors):]:
    with bpy.context.temp_override(area=each, region=each.regions[0]):
        bpy.ops.screen.area_close()
"""


def compare_from_viewport(window: Window) -> str:
    """Called in the 3D Viewport, the comparison opens in half of it."""
    window.blender.do(COMPARED)
    window.settle(2)
    window.shoot("compared_beside_viewport")
    counts = window.blender.value("[len(editors), len(shown)]")
    check(counts == [0, 1], f"of the Image Editors there were {counts[0]}, and are {counts[1]}")
    picture = f"source_of({MAP})"
    check(window.blender.value(f"shown[0].spaces.active.image == {picture}"), "the new editor does not show the picture")
    window.blender.do(CLOSED)
    window.find_again()
    return ""


def _is_red(pixels: bytes) -> bool:
    """Tell whether pixels are red: bricks are, what Blender shows while it compiles their shader is not."""
    return sum(pixels[::3]) > 1.3 * sum(pixels[2::3])
