#!/usr/bin/env python3
"""What things cost, everything side by side in one run: ours beside the MiDaS node's way, controlnet_aux's own call, an
exchange through PNG files, and Blender's own pixel read and write.

    python3 scripts/benchmark.py [--document] [--pictures 200] [--only PART] [--out DIR]
    python3 scripts/benchmark.py --quick [--record]

What is compared is measured in turn; the figures are medians.  --out gets figures.json, speed.md and speed.png; --document
puts tables and plot into docs/SPEED.md; --only measures one part and draws no plot.  MiDaS and torch are measured where the
MiDaS environment is, with the real weights or, without them, those that scripts/test.py makes: the time is the same.
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
from blender_midas_normal.core.engines import WEIGHTS_NAME
from blender_midas_normal.core.errors import InstallError, MidasNormalError

DOCUMENT, PICTURE = ROOT / "docs" / "SPEED.md", ROOT / "docs" / "speed.png"

IN_BLENDER = ("start", "retune", "transports", "bare", "stages")
WITHOUT_ANYTHING = ("surface", "libraries", "life")
WITH_MIDAS = ("worker_start", "forward", "at_once", "networks", "gpu_maps", "repeating")
"""Parts, by the Python that they need."""

PARTS = (*WITHOUT_ANYTHING, *WITH_MIDAS, *IN_BLENDER)
LEFT_OUT_WHEN_QUICK = ("start", "transports", "bare", "life", "at_once")


def main() -> int:
    options = parsed()
    start = time.monotonic()
    try:
        environments.writable(options.out)
        plan = planned(options)
        answers, missing = measured(plan, parts(plan, options), options.out)
    except MidasNormalError as error:
        return report_error(error)
    found = answer.together(answers)
    words = (f"{plan.runs} rounds of each, fewer where they take more than {plan.patience:.0f} s; load at the end "
             f"{machine.load():.1f}; the run took {(time.monotonic() - start) / 60:.0f} minutes.")
    written(found, document.text(found, machine.described(), words, missing), options)
    if options.record:
        bars.record(found.figures)
    worse = bars.worse_than_recorded(found.figures) if options.quick else []
    print(*missing, *worse, sep="\n")
    return 1 if worse or any("failed" in sentence for sentence in missing) else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, and compare with the recorded ratios")
    parser.add_argument("--record", action="store_true", help="with --quick: compare with these ratios from now on")
    parser.add_argument("--pictures", type=int, help="how many pictures a library has (default: 12)")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark", help="folder for the figures")
    parser.add_argument("--only", choices=PARTS, metavar="PART", help=f"measure one part: {', '.join(PARTS)}")
    parser.add_argument("--document", action="store_true", help="write the figures into docs/SPEED.md")
    options = parser.parse_args()
    if options.only and options.document:
        parser.error("--document needs all parts; leave out --only.")
    options.out = options.out.resolve()
    return options


def planned(options: argparse.Namespace) -> Plan:
    """The plan, with MiDaS where it is installed."""
    plan = QUICK if options.quick else FULL
    if environments.environment_status(environments.MIDAS).state is EnvironmentState.READY:
        folders = (environments.WEIGHTS, environments.TEST_WEIGHTS)
        weights = next((str(folder) for folder in folders if (folder / WEIGHTS_NAME).is_file()), "")
        plan = dataclasses.replace(plan, midas=str(environments.MIDAS.folder), weights=weights)
    return dataclasses.replace(plan, pictures=options.pictures) if options.pictures else plan


def parts(plan: Plan, options: argparse.Namespace) -> list:
    """(part, Python) of what can be measured here, in this order; None stands for a Python that is not there."""
    blender, maps = environments.blender_python(), environments.maps_python()
    midas = environments.MIDAS.python if plan.weights else None
    pythons = {**dict.fromkeys(WITHOUT_ANYTHING, maps), **dict.fromkeys(WITH_MIDAS, midas), "repeating": midas or maps,
               **dict.fromkeys(IN_BLENDER, blender)}
    left_out = LEFT_OUT_WHEN_QUICK if options.quick else ()
    return [(part, python) for part, python in pythons.items() if options.only in (None, part) and part not in left_out]


def measured(plan: Plan, wanted: list, out: Path) -> tuple:
    """(answers of the parts, sentences about those that there are none of)."""
    answers, missing = [], []
    for part, python in wanted:
        start = time.monotonic()
        if python is None:
            missing.append(f"Not measured: {part}, for there is no {'Blender' if part in IN_BLENDER else 'MiDaS'} here.")
            continue
        print(f"{part} ...", flush=True)
        file = out / f"{part}.json"
        words = [part, str(file), json.dumps(dataclasses.asdict(plan))]
        if environments.run(python, "benchmarks", words, PYTHONWARNINGS="ignore") == 0:
            answers.append(answer.read(file))
        else:
            missing.append(f"Not measured: {part} failed; what it printed says why.")
        print(f"{part}: {time.monotonic() - start:.0f} s", flush=True)
    return answers, missing


def written(found: Answer, text: str, options: argparse.Namespace) -> None:
    """Prints the text, and puts it, the figures and the plot where they are wanted."""
    print(text)
    figures, picture = options.out / "figures.json", options.out / PICTURE.name
    answer.write(found, figures)
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
