"""The driver of real windows ends the programs that it started, also when it is ended itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from tests.reliability.traces import children, is_alive, waited

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from gui.blender import Installation, open_blender
from gui.display import missing, open_screen
from gui.program import running

pytestmark = pytest.mark.skipif(sys.platform != "linux" or bool(missing()), reason=missing() or "needs Xvfb, on Linux")

FAKE = """#!{python}
import json, os, pathlib, socket, sys, time
if "--version" in sys.argv:
    print("Blender 9.9.9")
elif "--window-geometry" in sys.argv:
    if {talks}:
        agent = socket.socket(socket.AF_UNIX)
        agent.connect(sys.argv[-1])
    pathlib.Path({mark!r}).write_text(os.environ["HOME"])
    time.sleep(60)
"""
"""A FAKE Blender: it shows no window, and is asked for answers in vain; before that it is waited for, unless it talks."""


def test_a_start_that_is_broken_off_at_any_line_leaves_no_program(tmp_path):
    fake = tmp_path / "blender"
    fake.write_text(FAKE.format(python=sys.executable, talks=True, mark=str(tmp_path / "mark")))
    fake.chmod(0o755)
    before = children(os.getpid())
    for line in count(1):
        try:
            sys.settrace(breaking_off(line))
            with open_screen(64, 64) as display, open_blender(Installation(fake, tmp_path), display, tmp_path / "log"):
                sys.settrace(None)
                assert line > 3
                break
        except SystemExit:
            assert children(os.getpid()) == before


def breaking_off(number):
    """Traces to where a start runs its number-th line beside a program that it has started; raises there as SIGTERM does."""
    starts, left = {start.__wrapped__.__code__ for start in (open_screen, open_blender)}, count(number, -1)

    def each_line(frame, event, _):
        if event == "line" and frame.f_locals.keys() & {"server", "process"} and next(left) == 1:
            sys.exit(128 + signal.SIGTERM)
        return each_line

    return lambda frame, *_: each_line if frame.f_code in starts else None


def test_sigterm_in_the_middle_of_a_start_is_heard_when_the_program_can_be_ended(monkeypatch):
    start = subprocess.Popen._execute_child

    def interrupted(*args):
        start(*args)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess.Popen, "_execute_child", interrupted)
    before, usual = children(os.getpid()), signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with pytest.raises(SystemExit), running(["sleep", "60"]):
            pytest.fail("it was not heard")
    finally:
        signal.signal(signal.SIGTERM, usual)
    assert children(os.getpid()) == before


@pytest.mark.parametrize("talks", [False, True])
def test_sigterm_ends_blender_and_its_screen(tmp_path, talks):
    mark, fake = tmp_path / "mark", tmp_path / "blender"
    fake.write_text(FAKE.format(python=sys.executable, talks=talks, mark=str(mark)))
    fake.chmod(0o755)
    command = [sys.executable, "scripts/gui_test.py", "--blender", fake, "--out", tmp_path / "out"]
    driver = subprocess.Popen([str(word) for word in command], cwd=Path(__file__).resolve().parents[2],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    started = ()
    try:
        assert waited(lambda: mark.exists() and mark.read_text(), 120), driver.communicate()[1]
        started = children(driver.pid)
        assert len(started) == 2
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(60) == 128 + signal.SIGTERM
        assert waited(lambda: not any(map(is_alive, started))) and not Path(mark.read_text()).exists()
    finally:
        for number in filter(is_alive, started):
            os.kill(number, signal.SIGKILL)
        driver.kill()
        driver.communicate()
