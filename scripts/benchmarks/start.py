"""How long it takes until something is there: the first map of a Blender that has just started, each in a new process."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import answer
from benchmarks.answer import Answer
from benchmarks.plan import Plan

ENGINES = ("luminance", "relief")


def measure(plan: Plan) -> Answer:
    seconds: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for _ in range(plan.runs):
        for engine in ENGINES:
            seconds[engine].append(first_map(engine, plan))
    return Answer({f"first {engine}": statistics.median(of_engine) for engine, of_engine in seconds.items()})


def first_map(engine: str, plan: Plan) -> float:
    """Return the seconds from the call to pixels that can be read."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answer.json"
        subprocess.run([sys.executable, str(Path(__file__).parent), "first_map", str(out),
                        json.dumps(dataclasses.asdict(plan)), engine.upper()], check=True)
        return answer.read(out).figures["seconds"]
