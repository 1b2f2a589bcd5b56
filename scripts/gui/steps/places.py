"""Maps made in unusual places: other windows, scenes and views, and from what is linked from other files."""

from __future__ import annotations

from ..window import Window
from .common import ENDED, MAP, check, hold_worker, make

OTHER_SCENE = """
first = bpy.context.scene
other = bpy.data.scenes.new("Other")
thing = bpy.data.objects.new("Thing", bpy.data.objects["Cube"].data.copy())
thing.active_material = bpy.data.materials["Material"].copy()
other.collection.objects.link(thing)
bpy.ops.wm.window_new_main()
"""


def second_window(window: Window) -> str:
    """A map that is made in a second window, which shows another scene, is that scene's; no message outlives it."""
    before, first_bar = window.blender.value(f"{MAP}.name"), window.status_bar()
    window.blender.do(OTHER_SCENE)
    window.find_again()
    window.blender.do("bpy.context.window.scene = other; other.view_layers[0].objects.active = thing")
    window.blender.do("image = picture(1024, 3); textured(image, thing.active_material); area.spaces.active.image = image")
    window.show_tab()
    bar = window.status_bar()
    with hold_worker(window):
        window.shoot("second_window_generating")
        check(window.status_bar() != bar, "the second window's status bar shows nothing")
        window.blender.do("bpy.context.window.workspace = bpy.data.workspaces['Scripting']")
    window.blender.wait_until(ENDED, 60)
    window.blender.do("bpy.context.window.workspace = bpy.data.workspaces['Layout']")
    window.settle()
    check(window.status_bar() == bar, "a message is left in a workspace's status bar")
    check(window.blender.value("source_of(other.midas_normal.result) == image"), "the other scene has no map")
    check(window.blender.value("first.midas_normal.result.name") == before, "the first scene has another map")
    check("NORMAL_MAP" in window.blender.value("[n.type for n in thing.active_material.node_tree.nodes]"), "it is not wired")
    window.blender.do("bpy.ops.wm.window_close()")
    window.find_again()
    check(window.status_bar() == first_bar, "a message is left in the first window's status bar")
    window.blender.do("bpy.data.batch_remove([other, thing, thing.active_material])")
    return ""


def quad_view(window: Window) -> str:
    """In the four views of a 3D Viewport, in a window of its own, the panel makes a map and is drawn while it does."""
    window.blender.do("bpy.ops.wm.window_new()")
    window.find_again()
    window.turn_into("VIEW_3D")
    window.show_tab()
    window.all_in_view("screen.region_quadview")
    window.blender.do("bpy.context.view_layer.objects.active = bpy.data.objects['Cube']")
    with hold_worker(window):
        look = window.sidebar()
        window.settle()
        check(window.sidebar() != look, "the panel is not drawn again while a map is made")
    window.blender.wait_until(ENDED, 60)
    window.shoot("four_views")
    window.blender.do("bpy.ops.wm.window_close()")
    window.find_again()
    return ""


LINKED = """
library = str(Path(tempfile.gettempdir()) / "library.blend")
material = bpy.data.materials["Material"].copy()
image = picture(512, 4)
image.name = material.name = "linked"
textured(image, material)
bpy.data.libraries.write(library, {image, material})
bpy.data.materials.remove(material)
bpy.data.images.remove(image)
with bpy.data.libraries.load(library, link=True) as (there, here):
    here.images, here.materials = ["linked"], ["linked"]
area.spaces.active.image = bpy.data.images["linked"]
"""


def linked(window: Window) -> str:
    """A linked image gets a map of this file's own; a linked material stays as it is, which one sentence says."""
    nodes = "[n.type for n in bpy.data.materials['linked'].node_tree.nodes]"
    window.blender.do(LINKED)
    window.settle()
    before = window.blender.value(nodes)
    make(window)
    check(window.blender.value(f"{MAP}.library is None and {MAP}.name == 'linked_normal'"), "the map is not this file's own")
    check(window.blender.value(nodes) == before, "the linked material was changed")
    said = window.blender.value("generation.last_message()")
    once = said.count("The material 'linked' is linked from another file and stays as it is.") == 1
    check(once, f"the panel says: {said}")
    return ""
