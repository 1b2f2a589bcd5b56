#!/usr/bin/env python3
"""The main job in one command: a photograph becomes a normal map, wired into a material, rendered lit from one side.

Makes its own environments on the first run.  Writes normal.png, material.blend, render.png, sheet.png and report.json.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 engine not available, or what it needs cannot be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
from environments import EnvironmentState

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError

PHOTOGRAPH = environments.ROOT / "docs/materials/stone_wall_color.jpg"


def main() -> int:
    options = parse_arguments()
    weights = (options.weights or environments.WEIGHTS).resolve()
    try:
        environments.writable(options.out)
        if options.engine == "midas":
            environments.midas_ready(weights)
        elif options.engine == "auto" and not _is_midas_ready():
            print("MiDaS is not installed here: a built-in engine does the work; --engine midas installs it (1 to 5 GB).")
        python = environments.blender_python()
    except MidasNormalError as error:
        return report_error(error)
    code = in_blender(python, options, weights)
    if code == 0:
        print(words_on(options.out.resolve()))
    return code


def _is_midas_ready() -> bool:
    return environments.environment_status(environments.MIDAS).state is EnvironmentState.READY


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, default=PHOTOGRAPH, help="picture to start from; without it, a wall of stones")
    parser.add_argument("--engine", type=str.lower, choices=("auto", "midas", "relief", "luminance"), default="auto")
    parser.add_argument("--weights", type=Path, help="folder that has MiDaS's weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is made (default: out)")
    options = parser.parse_args()
    if not options.image.is_file():
        parser.error(f"there is no picture {options.image}")
    return options


def in_blender(python: Path | None, options: argparse.Namespace, weights: Path) -> int:
    """Run demo_scene.py with bpy or in the installed Blender, and return its exit code.

    Blender tells each step of a render on the standard output, where nobody could find anything else.
    """
    scene = str(Path(__file__).resolve().parent / "demo_scene.py")
    arguments = ["--image", str(options.image.resolve()), "--engine", options.engine, "--weights", str(weights),
                 "--out", str(options.out.resolve())]
    program = [str(python), scene] if python else ["blender", "-b", "--factory-startup", "--python-exit-code", "1",
                                                   "--python", scene, "--"]
    resources = tempfile.mkdtemp(prefix="midas_normal_")
    try:
        variables = {**os.environ, "BLENDER_USER_RESOURCES": resources}
        return subprocess.run([*program, *arguments], env=variables, stdout=subprocess.DEVNULL, check=False).returncode
    finally:
        shutil.rmtree(resources, ignore_errors=True)  # the worker may still be about to close its log


def words_on(out: Path) -> str:
    """Describe what was made, by which engine, and why by that one."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    width, height = report["size"]
    return (f"{width} x {height} by {report['engine'].lower()} on {report['device']}. {report['why']}\n"
            f"Written to {out}: normal.png, material.blend, render.png, sheet.png, report.json")


if __name__ == "__main__":
    sys.exit(main())
