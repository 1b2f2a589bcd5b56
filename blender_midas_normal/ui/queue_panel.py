"""Many images at once: the menu beside Generate, and the queue that it starts, a foldable part of the panel."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from ..bridge.queue import MAKING, WAITING, Item, Queue
from ..client.batch.records import FAILED, MADE, SKIPPED
from .drawing import lines
from .properties import scene_settings

LOOKS = {MAKING: (n_("Being made"), "PLAY"), FAILED: (n_("Failed"), "ERROR"), WAITING: (n_("Waiting"), "BLANK1"),
         MADE: (n_("Made"), "CHECKMARK"), SKIPPED: (n_("Skipped"), "CHECKMARK")}
"""The words and the icon of each state, what a user most wants to know first."""

ROWS = 8
"""Pictures that the panel shows at most, beside those that failed."""


class MIDAS_NORMAL_MT_generate_all(bpy.types.Menu):
    bl_label = "Normal maps of many images"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("midas_normal.generate_all", text="All images of the selected objects").scope = "SELECTED"
        layout.operator("midas_normal.generate_all", text="All materials of this file").scope = "FILE"
        layout.separator()
        layout.prop_menu_enum(scene_settings(context.scene), "existing")


def draw_queue(layout: bpy.types.UILayout, queue: Queue) -> None:
    """How many pictures are done, and below it, unless folded, the state of each and why some have no maps."""
    header, body = layout.panel("midas_normal_queue")
    done = len(queue.items) - queue.count(WAITING) - queue.count(MAKING)
    header.label(text=iface_("{done} of {of} pictures").format(done=done, of=len(queue.items)), translate=False)
    if body is None:
        return
    shown, rows = told_first(queue.items), body.column(align=True)
    for item in shown:
        word, icon = LOOKS[item.state]
        row = rows.row()
        row.label(text=item.source.name, icon=icon, translate=False)
        row.label(text=word)
        if item.sentence:
            lines(rows, item.sentence, icon="BLANK1")
    if len(shown) < len(queue.items):
        rows.label(text=iface_("and {more} more").format(more=len(queue.items) - len(shown)), translate=False)
    counts = {state: queue.count(state) for state in (MADE, SKIPPED, FAILED)}
    lines(body, iface_("{made} made, {skipped} skipped, {failed} failed").format(**counts))


def told_first(items: list[Item]) -> list[Item]:
    """The pictures to be shown: all that failed, and some of the others, ordered by what their states tell.

    Those that were skipped for a reason come after those that failed.
    """
    def place(item: Item) -> tuple[int, bool]:
        is_explained = item.state == SKIPPED and item.sentence != ""
        return tuple(LOOKS).index(FAILED if is_explained else item.state), is_explained

    ordered = sorted(items, key=place)
    return [item for at, item in enumerate(ordered) if at < ROWS or item.state == FAILED]


CLASSES = (MIDAS_NORMAL_MT_generate_all,)
