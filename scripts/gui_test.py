#!/usr/bin/env python3
"""Drives the extension in real Blender windows, on a screen without a monitor, with a real mouse and keyboard.

    python3 scripts/gui_test.py --blender PATH [--blender PATH...] [--out out/gui]
    sudo python3 scripts/gui_test.py --prepare
    python3 scripts/gui_test.py --prepared
    python3 scripts/gui_test.py --prepared --looks docs/pictures/panel_looks.jpg

--prepare has debian_blender.py prepare Blender 4.3 and 5.2, in four minutes, and tests both; --prepared tests those that it
has prepared before.  --looks takes pictures of the panel alone, in both sizes and themes, and puts them into one sheet.  The
extension is built, and installed from its zip into a user folder of its own.  --out gets a picture of each step, by version,
with Blender's log, and where a step fails the file.  Needs Xvfb, xdotool and ImageMagick.  The last line tells how many
steps passed.
Exit codes: 0 passed, 1 failed, 77 could not run.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_extension
import debian_blender
from gui import showcase
from gui.blender import GuiError, Installation, open_blender
from gui.display import missing, open_screen
from gui.steps import LOOKS, STEPS, Step
from gui.window import Window

NOT_POSSIBLE = 77
SIZE = 1600, 1000
SIZE_FOR_LOOKS = 1600, 1750
TROUBLE = "Traceback", "Error:"
"""Words that are in no line of a log when all is well."""

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Outcome:
    """What came of one Blender: how many steps passed, and which one failed, if any; the steps after it are not taken."""

    version: str
    passed: int
    failed: str


def main() -> int:
    options = parse_arguments()
    if missing():
        return not_possible(missing())
    programs = [*options.blender, *(debian_blender.find_prepared() if options.prepared else [])]
    if options.prepare:
        try:
            programs += debian_blender.prepare(list(debian_blender.SUITES))
        except debian_blender.NotPossible as error:
            return not_possible(str(error))
    if not programs:
        return not_possible("no Blender is there to test; give --blender PATH, or --prepare to get two.")
    steps, size = (LOOKS, SIZE_FOR_LOOKS) if options.looks else (STEPS, SIZE)
    outcomes = [driven(program, options.out, steps, size) for program in programs]
    if options.looks and not any(outcome.failed for outcome in outcomes):
        showcase.write_looks([options.out / outcome.version for outcome in outcomes], options.looks)
    if options.showcase:
        showcase.write(options.out / outcomes[0].version, options.showcase)
    failed = sum(bool(outcome.failed) for outcome in outcomes)
    print(", ".join([*(f"{outcome.passed} steps on {outcome.version}" for outcome in outcomes), f"{failed} failed"]))
    return 1 if failed else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", type=Path, action="append", default=[], help="an installed Blender's program")
    parser.add_argument("--prepare", action="store_true", help="prepare Debian's Blenders and test them too")
    parser.add_argument("--prepared", action="store_true", help="test the Debian Blenders that are prepared already")
    parser.add_argument("--showcase", type=Path, help="folder for the README's pictures, cut out of the first Blender's")
    parser.add_argument("--looks", type=Path, help="file for the sheet of the panel in both sizes and themes, a JPEG file")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "gui", help="folder for the pictures")
    return parser.parse_args()


def not_possible(why: str) -> int:
    print(f"could not run: {why}", file=sys.stderr)
    return NOT_POSSIBLE


def driven(program: Path, out: Path, steps: Sequence[Step], size: tuple[int, int]) -> Outcome:
    """Run steps in one Blender; its user files lie in a private folder of /tmp, for Blenders in other roots."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="midas_gui_") as folder:
        installation = Installation(program, Path(folder))
        version = installation.version()
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        package = build_extension.build(Path(folder))
        installation.run("--command", "extension", "validate", str(package))
        installation.install(package)
        try:
            with open_screen(*size) as display, open_blender(installation, display, pictures / "log.txt") as blender:
                outcome = run_steps(version, Window(blender, pictures), steps)
            return outcome if outcome.failed else check_logs(outcome, pictures)
        finally:
            shutil.copytree(pictures, out / version, dirs_exist_ok=True)


def run_steps(version: str, window: Window, steps: Sequence[Step]) -> Outcome:
    """Run the steps one after the other, up to the first that fails."""
    for number, step in enumerate(steps):
        start = time.monotonic()
        try:
            said = step(window)
        except GuiError as error:
            print(f"FAILED {version} {step.__name__}: {error}", flush=True)
            leave_traces(window, step)
            return Outcome(version, number, step.__name__)
        print(f"ok     {version} {step.__name__} ({time.monotonic() - start:.0f} s) {said}".rstrip(), flush=True)
        window.shoot(step.__name__)
    return Outcome(version, len(steps), "")


def check_logs(outcome: Outcome, pictures: Path) -> Outcome:
    """Return the outcome, failed when a log in the folder contains an error."""
    lines = [line for log in sorted(pictures.glob("log*.txt")) for line in log.read_text(errors="replace").splitlines()
             if any(word in line for word in TROUBLE)]
    for line in lines:
        print(f"FAILED {outcome.version} log: {line}", flush=True)
    return dataclasses.replace(outcome, failed="log" if lines else "")


def leave_traces(window: Window, step: Step) -> None:
    """Return a picture of the window and the file, beside the log, as far as Blender still answers."""
    file = window.picture(f"failed_{step.__name__}")
    window.display.shoot(file)
    try:
        window.blender.do(f"bpy.ops.wm.save_as_mainfile(filepath={str(file.with_suffix('.blend'))!r}, copy=True)")
    except GuiError as error:
        print(f"the file could not be saved: {error}")


def exit_on_signal(*_: object) -> None:
    """Exit on SIGTERM, so that `with` blocks end the programs that they started."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, exit_on_signal)
    sys.exit(main())
