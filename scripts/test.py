#!/usr/bin/env python3
"""Sets up and runs everything: ruff, the type check, the site, pytest.

    python3 scripts/test.py [--ci] [pytest arguments]

Without arguments the quick tests run on one Blender; --ci runs the slow ones, MiDaS, the other Blenders, the commands
of the README and real windows too.  The last lines say what did not run, and why.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import debian_blender
import environments
import gui_test
from environments import ROOT, TEST_WEIGHTS, EnvironmentState, InstallError

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.engines import MIDAS_WEIGHTS
from blender_midas_normal.core.errors import MidasNormalError

SAME_EXAMPLES = "--hypothesis-seed=0"
"""In CI, whose answer is to depend on the commit alone; without --ci hypothesis looks for new examples each time."""

TESTS_BESIDE = ("tests/scripts", "tests/batch", "tests/core", "tests/test_package.py")
"""Tests that CI runs beside the others, after the windows."""

MATERIALS = ROOT.parent / "shared" / "materials"
OTHER_BLENDERS = {"4.2": 11, "5.0": 11, "5.2": 13}
"""Blender versions beside the one in .venv, and the minor version of Python 3 that their bpy wheels are for."""


@dataclass(frozen=True)
class Done:
    """One part of the run: its exit code, its time in seconds, and what it printed, where it could not do so at once."""

    name: str
    code: int
    seconds: float
    output: str = ""


def main() -> int:
    arguments = sys.argv[1:]
    ci = "--ci" in arguments
    arguments = [argument for argument in arguments if argument != "--ci"]
    everything = ci or not arguments
    parts: list[Done] = []
    not_run: list[str] = []
    with ThreadPoolExecutor(1) as beside:  # downloads and tests leave a core idle most of the time
        checks = beside.submit(check) if everything else None
        blenders = other_blenders(ci, not_run)
        variables = {**midas_variables(ci, not_run), **blender_variables(blenders)}
        python = environments.bpy_python()
        if checks is not None:
            parts += checks.result()
        selection = arguments or (["--durations=12", SAME_EXAMPLES] if ci
                                  else ["-m", "not slow and not midas and not weights"])
        others = [beside.submit(on_blender, version, other, variables) for version, other in blenders.items() if ci]
        others += [beside.submit(in_windows, not_run)] if ci else []
        if ci and not arguments:  # both sides take about as long then
            command = [str(python), "-m", "pytest", *TESTS_BESIDE, *selection]
            others.append(beside.submit(quietly, "tests of scripts, batches, core and package", command, variables))
            selection = [*selection, *(f"--ignore={tests}" for tests in TESTS_BESIDE)]
        others += [beside.submit(quietly, *demonstration, {}) for demonstration in demonstrations()] if ci else []
        parts.append(time_part("tests", lambda: run([python, "-m", "pytest", *selection], **variables)))
    parts += [print_part(other.result()) for other in others]
    if ci:
        parts += commands()
    elif not arguments:
        not_run.append("slow tests, MiDaS and the other Blenders: python3 scripts/test.py --ci runs them")
    return summary(parts, not_run)


def check() -> list:
    """Run ruff, mypy and the site's build, in environments without bpy."""
    python = environments.ready_environment(ROOT / ".venv-checks", ("checks.txt",), "import mypy", (13, 12, 11))
    docs_python = environments.ready_environment(ROOT / ".venv-docs", ("docs.txt",), "import mkdocs", (13, 12, 11))
    return [time_part("ruff", lambda: run([python, "-m", "ruff", "check", "."])),
            time_part("mypy", lambda: run([python, "-m", "mypy"])),
            time_part("docs", lambda: run([docs_python, "-m", "mkdocs", "build", "--strict", "--quiet"]))]


def midas_variables(ci: bool, not_run: list) -> dict:
    """Return variables that tell the tests where the MiDaS environment, weights and real materials are."""
    variables = {}
    if ci:
        environments.midas_python()
    if environments.environment_status(environments.MIDAS).state is EnvironmentState.READY:
        variables["MIDAS_NORMAL_ENVIRONMENT"] = str(environments.MIDAS.folder)
        if not (TEST_WEIGHTS / MIDAS_WEIGHTS.name).exists():
            run([sys.executable, ROOT / "scripts" / "make_test_weights.py", "--out", TEST_WEIGHTS])
        variables["MIDAS_NORMAL_TEST_WEIGHTS"] = str(TEST_WEIGHTS)
    else:
        not_run.append("tests marked midas: no MiDaS environment (python3 scripts/demo.py --engine midas installs it)")
    if "MIDAS_NORMAL_WEIGHTS" not in os.environ:
        not_run.append("tests marked weights: MIDAS_NORMAL_WEIGHTS names no folder with the real weights")
    if MATERIALS.is_dir():
        variables["MIDAS_NORMAL_MATERIALS"] = str(MATERIALS)
    else:
        not_run.append("tests marked materials: there is no folder shared/materials beside the checkout")
    return variables


def other_blenders(ci: bool, not_run: list) -> dict:
    """Return the Pythons of the other Blenders by version: in CI they are made, else existing ones."""
    pythons = {}
    for version, minor in OTHER_BLENDERS.items():
        folder, names = ROOT / f".venv-{version}", (f"blender-{version}.txt", "tests.txt")
        try:
            pythons[version] = (environments.ready_environment(folder, names, "import bpy", (minor,)) if ci
                                else environments.found_python(folder, names))
        except InstallError as error:
            not_run.append(f"tests on Blender {version}: {error}")
    return {version: python for version, python in pythons.items() if python}


def blender_variables(blenders: dict) -> dict:
    """Return variables that tell the tests where the other Blenders are."""
    return {"MIDAS_NORMAL_BLENDERS": os.pathsep.join(f"{version}={python}" for version, python in blenders.items())}


def on_blender(version: str, python: Path, variables: dict) -> Done:
    """Run the tests that touch Blender on another version of it, while others print."""
    command = [str(python), "-m", "pytest", "tests/bridge", "tests/ui", "-m",
               "not midas and not debian and not worker", SAME_EXAMPLES]
    return quietly(f"tests on Blender {version}", command, variables)


def quietly(name: str, command: list, variables: dict) -> Done:
    """Run a part and keep its output, because others print meanwhile."""
    start = time.monotonic()
    process = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
    return Done(name, process.returncode, time.monotonic() - start, process.stdout)


def print_part(part: Done) -> Done:
    """Print what a part printed, and return it."""
    print(f"\n{part.name}\n{part.output}", flush=True)
    return part


def demonstrations() -> list:
    """Return the names and commands of the README's demonstrations, run as a newcomer does.

    The second one has random weights: it shows the path, not the quality.
    """
    demo, out = str(ROOT / "scripts" / "demo.py"), ROOT / "out"
    return [("demo", [sys.executable, demo, "--out", str(out / "demo")]),
            ("demo --engine midas", [sys.executable, demo, "--engine", "midas", "--weights", str(TEST_WEIGHTS), "--out",
                                     str(out / "demo_midas")])]


def commands() -> list:
    """Run the commands that are measured, or leave something, while nothing else runs."""
    return [time_part("benchmark --quick", lambda: run([sys.executable, ROOT / "scripts" / "benchmark.py", "--quick"])),
            time_part("build_extension", lambda: run([sys.executable, ROOT / "scripts" / "build_extension.py"]))]


def in_windows(not_run: list) -> Done:
    """Run the extension in real windows of the newest of Debian's Blenders that have been prepared, where there is a screen.

    What it prints of times holds for a busy computer here; run alone, for an idle one.
    """
    programs = debian_blender.find_prepared()
    chosen = ["--blender", str(programs[-1])] if programs else ["--prepared"]
    done = quietly("real windows", [sys.executable, str(ROOT / "scripts" / "gui_test.py"), *chosen], {})
    if done.code == gui_test.NOT_POSSIBLE:
        not_run.append("real windows: no Blender with a window is prepared (sudo python3 scripts/gui_test.py --prepare)")
        return Done(done.name, 0, done.seconds)
    not_run.append("real windows of older Blenders: python3 scripts/gui_test.py --prepared runs them all")
    return done


def run(command: list, **variables: str) -> int:
    print("$", *(Path(part).name if isinstance(part, Path) else part for part in command), flush=True)
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **variables}, check=False).returncode


def time_part(name: str, part) -> Done:
    start = time.monotonic()
    code = part()
    return Done(name, code, time.monotonic() - start)


def summary(parts: list, not_run: list) -> int:
    print()
    for part in parts:
        print(f"{'ok' if part.code == 0 else 'FAILED':6s} {part.name} ({part.seconds:.0f} s)")
    for line in not_run:
        print(f"not run: {line}")
    failed = sum(part.code != 0 for part in parts)
    print(f"{len(parts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MidasNormalError as error:
        sys.exit(report_error(error))
