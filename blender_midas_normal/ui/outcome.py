"""What the panel says of the last task and of a queue: one line, all sentences, and the pictures one by one."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from ..batch.report import FAILED, MADE, SKIPPED
from ..bridge import addon
from ..bridge.queue import IN_PROGRESS, WAITING, Item, Queue
from ..bridge.tasks import Report
from ..core.errors import Cancelled, MidasNormalError
from . import generation
from .drawing import draw_text
from .generation import describe_worker

STATE_LABELS = {IN_PROGRESS: (n_("Being made"), "PLAY"), FAILED: (n_("Failed"), "ERROR"), WAITING: (n_("Waiting"), "BLANK1"),
                MADE: (n_("Made"), "CHECKMARK"), SKIPPED: (n_("Skipped"), "CHECKMARK")}
"""The label and the icon of each state, in the order in which pictures are listed."""

MAX_ROWS = 8
"""Number of pictures that the panel lists at most, besides those that failed."""


def draw_outcome(layout: bpy.types.UILayout) -> None:
    """Draw one line on the last task or its error, the state of the worker before the first, and the queue, if any."""
    outcome, queue = generation.last_outcome(), generation.queue()
    if isinstance(outcome, MidasNormalError):
        draw_text(layout.box(), outcome.message, icon="ERROR")
    elif (report := _report()) is not None:
        draw_text(layout, report.messages[0], icon="CHECKMARK")
    elif outcome is None and generation.task() is None:
        draw_text(layout, describe_worker(addon.client), icon="INFO")
    if queue is not None:
        draw_queue(layout, queue)


def has_report() -> bool:
    """Whether there is more to say of the last task than one line."""
    outcome = generation.last_outcome()
    return _report() is not None or (isinstance(outcome, MidasNormalError) and not isinstance(outcome, Cancelled))


def draw_report(layout: bpy.types.UILayout) -> None:
    """Draw all sentences on the last task, and what helps where it failed."""
    report = _report()
    for sentence in report.messages[1:] if report is not None else ():
        draw_text(layout, sentence)
    row = layout.row(align=True)
    names = ("show_log", "copy_report", "restart") if report is None else ("show_log", "copy_report")
    for name in names:
        row.operator(f"midas_normal.{name}")


def _report() -> Report | None:
    """Return the report of the last task, unless it was of many pictures or its maps were taken back."""
    outcome = generation.last_outcome()
    is_shown = isinstance(outcome, Report) and generation.queue() is None and outcome.exists_in_file
    return outcome if is_shown else None


def draw_queue(layout: bpy.types.UILayout, queue: Queue) -> None:
    """Draw how many pictures are done, and in a panel that folds, the state of each and why some have no maps."""
    header, body = layout.panel("midas_normal_queue")
    done = len(queue.items) - queue.count(WAITING) - queue.count(IN_PROGRESS)
    header.label(text=iface_("{done} of {of} pictures").format(done=done, of=len(queue.items)), translate=False)
    if body is None:
        return
    shown, rows = order_for_display(queue.items), body.column(align=True)
    for item in shown:
        label, icon = STATE_LABELS[item.state]
        row = rows.row()
        row.label(text=item.source.name, icon=icon, translate=False)
        row.label(text=label)
        if item.message:
            draw_text(rows, item.message, icon="BLANK1")
    if len(shown) < len(queue.items):
        rows.label(text=iface_("and {more} more").format(more=len(queue.items) - len(shown)), translate=False)
    counts = {state: queue.count(state) for state in (MADE, SKIPPED, FAILED)}
    draw_text(body, iface_("{made} made, {skipped} skipped, {failed} failed").format(**counts))


def order_for_display(items: list[Item]) -> list[Item]:
    """Return the pictures to list, in the order of STATE_LABELS: all that failed, and the others up to MAX_ROWS.

    Those that were skipped for a reason come after those that failed.
    """
    def sort_key(item: Item) -> tuple[int, bool]:
        is_explained = item.state == SKIPPED and item.message != ""
        return tuple(STATE_LABELS).index(FAILED if is_explained else item.state), is_explained

    ordered = sorted(items, key=sort_key)
    return [item for index, item in enumerate(ordered) if index < MAX_ROWS or item.state == FAILED]
