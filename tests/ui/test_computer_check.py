"""The check of this computer from the preferences: its rows, the report, Cancel, and when it cannot start."""

from __future__ import annotations

import os
import re
from unittest.mock import MagicMock

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.addon import preferences
from bl_ext.user_default.midas_normal.core.errors import Message
from bl_ext.user_default.midas_normal.ui import computer_check, setup, timer

from tests.client.processes import descendants, is_alive, wait_until

from .scenes import pumped
from .test_setup import Button


@pytest.fixture
def chosen():
    """The preferences, which name no environment; no table at first and afterwards."""
    chosen = preferences()
    yield chosen
    timer.clear()
    setup.close_setup()
    chosen.environment_folder = ""
    computer_check.rows().clear()


@pytest.fixture
def environment(chosen, midas_python):
    chosen.environment_folder = str(midas_python.parents[1])


def test_without_an_environment_the_check_says_why_it_cannot_start(chosen, tmp_path):
    chosen.environment_folder = str(tmp_path / "environment")
    with pytest.raises(RuntimeError, match=r"poll\(\) MiDaS is not ready"):
        bpy.ops.midas_normal.check_computer()
    with pytest.raises(RuntimeError, match="Nothing was checked yet"):
        bpy.ops.midas_normal.copy_check()


def test_the_table_is_drawn_with_what_is_met_and_missed_and_the_next_check_starts_anew(chosen):
    for _ in range(2):
        computer_check.take_event({"computer": Message("cpu, torch 2")})
        for value, passed in (("1", True), ("2", False), ("not measured", None)):
            computer_check.take_event({"name": Message("row"), "value": Message(value), "number": None, "passed": passed})
    layout = MagicMock()
    layout.box.return_value = layout.column.return_value = layout
    computer_check.draw(layout)
    drawn = [(call.kwargs["text"], call.kwargs["icon"]) for call in layout.label.call_args_list]
    assert drawn == [("cpu, torch 2", "NONE"), ("row: 1", "CHECKMARK"), ("row: 2 (missed)", "ERROR"),
                     ("row: not measured", "DOT")]
    layout.operator.assert_called_once_with("midas_normal.copy_check", icon="COPYDOWN")


@pytest.mark.slow
@pytest.mark.midas
def test_the_check_shows_its_rows_and_gives_a_report_to_copy(environment, temporary, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    Button("check_computer").press()
    pumped(computer_check.rows, seconds=300)
    assert setup.is_running() and not bpy.ops.midas_normal.install.poll()
    assert re.match("Step [23] of 11: ", setup.describe_progress())
    assert [path.stat().st_mode & 0o077 for path in temporary.glob("midas_normal_*")] == [0]
    pumped(lambda: not setup.is_running(), seconds=600)
    rows = computer_check.rows()
    assert len(rows) == 25 and setup.outcome() == "This computer was checked: 0 of 25 values missed their bar."
    assert {row.passed for row in rows} == {True, None} and sum(row.value == "not measured" for row in rows) == 7
    names = [row.name for row in rows]
    assert names[0].template == "MiDaS in the device's precision / float32 on the CPU: mean angle"
    assert bpy.ops.midas_normal.copy_check() == {"FINISHED"}
    report = computer_check.report()
    assert all(f"{name} " in report for name in names)
    assert bpy.app.version_string in report and "cpu, torch 2." in report
    wait_until(lambda: not list(temporary.iterdir()))


@pytest.mark.slow
@pytest.mark.midas
def test_cancel_ends_the_check_and_leaves_nothing(environment, temporary):
    Button("check_computer").press()
    pumped(lambda: setup.describe_progress().startswith("Step 1 of 11"), seconds=120)
    folder, = temporary.glob("midas_normal_*")
    (folder / "weights.pt").write_bytes(b"those that the check would have made")
    pids = descendants(os.getpid())
    assert len(pids) == 2, "the setup's process and the program in the environment"
    bpy.ops.midas_normal.cancel_setup()
    pumped(lambda: not setup.is_running())
    assert setup.outcome() == "The check was cancelled."
    assert not any(map(is_alive, pids)) and not list(temporary.iterdir())


@pytest.mark.slow
@pytest.mark.midas
def test_a_check_ends_with_blender_and_leaves_nothing(environment, temporary):
    Button("check_computer").press()
    pumped(lambda: setup.describe_progress().startswith("Step 1 of 11"), seconds=120)
    assert list(temporary.iterdir())
    pids = descendants(os.getpid())
    setup.close_setup()
    assert len(pids) == 2 and not any(map(is_alive, pids)) and not list(temporary.iterdir())
