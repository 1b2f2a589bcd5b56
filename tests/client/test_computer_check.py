"""The check of this computer as a process: its end, however it comes, and its folder, which never stays."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from blender_midas_normal.client import computer_check
from blender_midas_normal.client.computer_check import Row, check_computer, format_table
from blender_midas_normal.client.setup.environment import Environment
from blender_midas_normal.client.setup.process import SETUP_PROGRAM
from blender_midas_normal.core.errors import InstallError, Message
from tests.client.processes import descendants, is_alive, wait_until

FAILING = """
import json, sys
from pathlib import Path
(Path(sys.argv[2]) / "weights.pt").write_bytes(b"w")
print("a library says something")
print(json.dumps({"name": "a", "value": "b", "number": None, "passed": False}))
sys.exit("the driver is gone")
"""


def test_a_table_has_a_row_a_line_and_says_what_missed_its_bar():
    rows = [Row(Message("speed"), Message("2.00"), 2.0), Row(Message("difference"), Message("9"), 9.0, False)]
    assert format_table(rows).split("\n") == ["speed       2.00", f"difference  9{43 * ' '}  MISSED"]


def test_without_an_environment_nothing_starts(tmp_path, temporary):
    with pytest.raises(InstallError, match="MiDaS is not installed"):
        check_computer(Environment(tmp_path / "environment"), lambda event: None, lambda: False)
    assert not list(temporary.iterdir())


@pytest.mark.midas
def test_a_program_that_fails_is_a_sentence_with_its_last_words(midas_python, tmp_path, temporary, monkeypatch):
    program = tmp_path / "main.py"
    program.write_text(FAILING)
    monkeypatch.setattr(computer_check, "CHECK_PROGRAM", program)
    events = []
    with pytest.raises(InstallError, match=r"ended early \(exit code 1\): the driver is gone"):
        check_computer(Environment(midas_python.parents[1]), events.append, lambda: False)
    assert [event.to_dict()["value"] for event in events] == ["b"] and not list(temporary.iterdir())


@pytest.mark.midas
@pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes")
def test_it_ends_with_a_program_that_is_killed(midas_python, temporary):
    parent = subprocess.Popen([sys.executable, "-c", (
        f"import sys, time; sys.path.insert(0, {str(SETUP_PROGRAM.parents[3])!r})\n"
        "from pathlib import Path\n"
        "from blender_midas_normal.client.setup.process import SetupProcess\n"
        f"process = SetupProcess('check_computer', Path({str(midas_python.parents[1])!r}))\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n")], stdout=subprocess.PIPE)
    setup = int(parent.stdout.readline())
    wait_until(lambda: list(temporary.iterdir()) and descendants(setup))
    pids = [setup, *descendants(setup)]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not any(map(is_alive, pids)))
    assert len(pids) == 2 and not list(temporary.iterdir())
