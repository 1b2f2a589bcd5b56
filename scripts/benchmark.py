#!/usr/bin/env python3
"""What things cost, everything side by side in one run: ours beside the MiDaS node's way, controlnet_aux's own call, an
exchange through PNG files, and Blender's own pixel read and write.

    python3 scripts/benchmark.py [--document] [--pictures 200] [--only PART] [--out DIR]
    python3 scripts/benchmark.py --quick [--record]

What is compared is measured in turn; the figures are medians.  --out gets figures.json, speed.md and speed.png; --document
puts tables and plot into docs/reference/speed.md; --only measures one part and draws no plot.  MiDaS and torch are measured
where the MiDaS environment is, with the real weights or, without them, those of scripts/test.py: the time is the same.
Normal maps made from Bump and Displacement nodes are rendered beside the nodes into bump.png in --out.
--quick takes less than two minutes and compares ratios with scripts/benchmarks/recorded.json, into which --record puts them.
Exit codes: 0 done, 1 a part failed, or a ratio is worse than the recorded one by half.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
from benchmarks import answer, bars, document, machine
from benchmarks.answer import Answer
from benchmarks.plan import FULL, QUICK, Plan
from environments import ROOT, EnvironmentState

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.engines import MIDAS_WEIGHTS
from blender_midas_normal.core.errors import InstallError, MidasNormalError

DOCUMENT, PICTURE = ROOT / "docs/reference/speed.md", ROOT / "docs/pictures/speed.png"

IN_BLENDER = ("start", "retune", "transports", "bare", "bump", "stages", "dask")
WITHOUT_ANYTHING = ("surface", "libraries", "farm", "life")
BESIDE_LIBRARIES = ("sources",)
WITH_MIDAS = ("worker_start", "forward", "at_once", "networks", "gpu_maps", "repeating")
"""Parts, by the Python that they need."""

PARTS = (*WITHOUT_ANYTHING, *BESIDE_LIBRARIES, *WITH_MIDAS, *IN_BLENDER)
LEFT_OUT_WHEN_QUICK = ("start", "transports", "bare", "life", "at_once", "bump", "sources", "dask")


def main() -> int:
    options = parse_arguments()
    start = time.monotonic()
    try:
        environments.writable(options.out)
        plan = make_plan(options)
        answers, missing = measure(plan, parts(plan, options), options.out)
    except MidasNormalError as error:
        return report_error(error)
    results = answer.join_answers(answers)
    conditions = (f"{plan.runs} rounds of each, fewer where they take more than {plan.patience:.0f} s; load at the end "
                  f"{machine.load():.1f}; the run took {(time.monotonic() - start) / 60:.0f} minutes.")
    write_results(results, document.text(results, machine.describe_machine(), conditions, missing), options)
    if options.record:
        bars.record(results.figures)
    worse = bars.find_regressions(results.figures) if options.quick else []
    print(*missing, *worse, sep="\n")
    return 1 if worse or any("failed" in sentence for sentence in missing) else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, and compare with the recorded ratios")
    parser.add_argument("--record", action="store_true", help="with --quick: compare with these ratios from now on")
    parser.add_argument("--pictures", type=int, help="how many pictures a library has (default: 12)")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark", help="folder for the figures")
    parser.add_argument("--only", choices=PARTS, metavar="PART", help=f"measure one part: {', '.join(PARTS)}")
    parser.add_argument("--document", action="store_true", help="write the figures into docs/reference/speed.md")
    options = parser.parse_args()
    if options.only and options.document:
        parser.error("--document needs all parts; leave out --only.")
    options.out = options.out.resolve()
    return options


def make_plan(options: argparse.Namespace) -> Plan:
    """Return the plan, with MiDaS where it is installed."""
    plan = QUICK if options.quick else FULL
    if environments.environment_status(environments.MIDAS).state is EnvironmentState.READY:
        folders = (environments.WEIGHTS, environments.TEST_WEIGHTS)
        weights = next((str(folder) for folder in folders if (folder / MIDAS_WEIGHTS.name).is_file()), "")
        plan = dataclasses.replace(plan, midas=str(environments.MIDAS.folder), weights=weights)
    return dataclasses.replace(plan, pictures=options.pictures or plan.pictures, out=str(options.out))


def parts(plan: Plan, options: argparse.Namespace) -> list:
    """Return (part, Python) of what can be measured here, in order; None for a Python that is missing."""
    blender, maps = environments.blender_python(), environments.maps_python()
    midas = environments.MIDAS.python if plan.weights else None
    pythons = {**dict.fromkeys(WITHOUT_ANYTHING, maps), **dict.fromkeys(WITH_MIDAS, midas), "repeating": midas or maps,
               **dict.fromkeys(IN_BLENDER, blender)}
    left_out = LEFT_OUT_WHEN_QUICK if options.quick else ()
    chosen = [part for part in PARTS if options.only in (None, part) and part not in left_out]
    return [(part, libraries_python() if part in BESIDE_LIBRARIES else pythons[part]) for part in chosen]


def libraries_python() -> Path:
    """Return the Python of an environment with the libraries that ours is compared with."""
    names = ("maps.txt", "sources.txt")
    check = "import OpenImageIO, depth2normal"
    return environments.ready_environment(ROOT / ".venv-sources", names, check, (13, 12, 11, 10))


def measure(plan: Plan, selected: list, out: Path) -> tuple:
    """Run parts of the benchmark; return their answers, and a sentence for each part that has none."""
    answers, missing = [], []
    for part, python in selected:
        start = time.monotonic()
        if python is None:
            missing.append(f"Not measured: {part}, for there is no {'Blender' if part in IN_BLENDER else 'MiDaS'} here.")
            continue
        print(f"{part} ...", flush=True)
        file = out / f"{part}.json"
        conditions = [part, str(file), json.dumps(dataclasses.asdict(plan))]
        if environments.run(python, "benchmarks", conditions, PYTHONWARNINGS="ignore") == 0:
            answers.append(answer.read(file))
        else:
            missing.append(f"Not measured: {part} failed; what it printed says why.")
        print(f"{part}: {time.monotonic() - start:.0f} s", flush=True)
    return answers, missing


def write_results(results: Answer, text: str, options: argparse.Namespace) -> None:
    """Print the text, and write it, the figures and the plot where the options ask for them."""
    print(text)
    figures, picture = options.out / "figures.json", options.out / PICTURE.name
    answer.write(results, figures)
    (options.out / "speed.md").write_text(text, encoding="utf-8")
    if options.quick or options.only:
        return
    python = environments.ready_environment(ROOT / ".venv-plot", ("plot.txt",), "import matplotlib", (13, 12, 11))
    if environments.run(python, "benchmarks/plot.py", [str(figures), str(picture)], MPLBACKEND="Agg") != 0:
        raise InstallError("The plot could not be drawn; what is printed above says why.")
    if options.document:
        document.replace_figures(DOCUMENT, text)
        shutil.copyfile(picture, PICTURE)


if __name__ == "__main__":
    sys.exit(main())
