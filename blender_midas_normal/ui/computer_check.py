"""The table of the last check of this computer: what the Preferences show of it, and the operator that copies it."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..bridge.addon import describe_system
from ..client.computer_check import Row, format_table
from ..core.errors import NO_MESSAGE, Message, Phrase
from ..core.files import redact_home
from .drawing import draw_text
from .operator_checks import MainThreadOperator

ICONS = {True: "CHECKMARK", False: "ERROR", None: "DOT"}
"""By whether a row's bar is met; None where it has none or was not measured."""

_computer: Message = NO_MESSAGE
_rows: list[Row] = []


def take_event(event: dict) -> bool:
    """Add what an event of the setup process says to the table; returns whether it is of a check.

    The computer's description comes first and starts a new table.
    """
    global _computer
    if "computer" in event:
        _computer = event["computer"]
        _rows.clear()
    elif "name" in event:
        _rows.append(Row(**event))
    else:
        return False
    return True


def rows() -> list[Row]:
    """Return the rows of the last check, those that have been measured so far."""
    return _rows


def describe_row(row: Row) -> Message:
    """Describe a row in one line."""
    if row.passed is False:
        return Phrase("{name}: {value} (missed)", name=row.name, value=row.value)
    return Phrase("{name}: {value}", name=row.name, value=row.value)


def report() -> str:
    """Return versions, system and the table, without the home folder."""
    return redact_home(f"{describe_system()}\n{_computer}\n{format_table(_rows)}")


def draw(layout: bpy.types.UILayout) -> None:
    """Draw the table, if there is one, with a button that copies it."""
    if not _rows:
        return
    box = layout.box()
    draw_text(box, _computer)
    for row in _rows:
        draw_text(box, describe_row(row), ICONS[row.passed])
    box.operator("midas_normal.copy_check", icon="COPYDOWN")


class MIDAS_NORMAL_OT_copy_check(MainThreadOperator, bpy.types.Operator):
    """Copy versions, system and the table of the check. Your user name is left out"""

    bl_idname = "midas_normal.copy_check"
    bl_label = "Copy Check Report"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not _rows:
            cls.poll_message_set(rpt_("Nothing was checked yet"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.clipboard = report()
        self.report({"INFO"}, "The report is in the clipboard.")
        return {"FINISHED"}


CLASSES = (MIDAS_NORMAL_OT_copy_check,)
