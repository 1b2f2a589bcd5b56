"""A person makes the maps of many images at once."""

from __future__ import annotations

from ..window import Window
from .common import ENDED, GENERATE, check

ARROW, FIRST = 0.825, (60, 28)
"""Where in the sidebar the menu's arrow is, as a share of its width, and how far its first entry is away, in pixels."""

THREE_OBJECTS = """
kept = bpy.context.scene.midas_normal.result.name
names = ["one", "two", "gone"]
for number, name in enumerate(names):
    material = bpy.data.materials.new(name)
    image = picture(512, 20 + number)
    image.name = name
    if name == "gone":
        image.unpack(method="REMOVE")
        image.filepath, image.source = "//gone.png", "FILE"
        image.buffers_free()
    textured(image, material)
    bpy.ops.mesh.primitive_plane_add()
    bpy.context.object.name = name
    bpy.context.object.data.materials.append(material)
bpy.ops.object.select_all(action="DESELECT")
for name in names:
    bpy.data.objects[name].select_set(True)
bpy.ops.ed.undo_push()
"""

TIDIED = """
bpy.data.batch_remove([data for name in names for data in (bpy.data.objects[name], bpy.data.materials[name])])
bpy.data.batch_remove([image for image in bpy.data.images if image.name.split("_")[0] in names])
bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
bpy.context.scene.midas_normal.result = bpy.data.images[kept]
bpy.ops.ed.undo_push()
"""

MAPS = "sorted(image.name for image in bpy.data.images if source_of(image) and source_of(image).name in names)"
STATES = "[item.state for item in generation.queue().items]"


def generate_many(window: Window) -> str:
    """The menu beside Generate maps the images of the selected objects, the panel shows them, one undo takes all back."""
    window.blender.do(THREE_OBJECTS)
    x, y = window.click_beside(GENERATE, ARROW)
    window.display.shoot(window.picture("many_menu"))
    window.click_at(x + FIRST[0], y + FIRST[1])
    window.blender.wait_until("generation.queue() is not None and generation.queue().count('made') == 1", 60, 0.01)
    window.display.shoot(window.picture("many_underway"))
    window.blender.wait_until(ENDED, 60)
    window.shoot("many_made")
    check(window.blender.value(STATES) == ["made", "made", "failed"], f"the queue ended as {window.blender.value(STATES)}")
    check(window.blender.value(MAPS) == ["one_normal", "two_normal"], f"these maps are there: {window.blender.value(MAPS)}")
    window.press("ctrl+z")
    check(window.blender.value(MAPS) == [], f"undo left {window.blender.value(MAPS)}")
    check(window.blender.value("[name in bpy.data.objects for name in names]") == [True] * 3, "undo took more than the maps")
    window.press("ctrl+shift+z")
    check(window.blender.value(MAPS) == ["one_normal", "two_normal"], "redo did not bring the maps back")
    window.blender.do(TIDIED)
    return ""
