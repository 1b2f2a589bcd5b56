"""A MiDaS worker's start beside an import of what it needs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.answer import Answer
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.client.launch import Launch
from blender_midas_normal.core.protocol import Decoder, Ready

BARE = "import torch, controlnet_aux"


def measure(plan: Plan) -> Answer:
    greetings: list[float] = []
    ways = {"worker": lambda: greetings.append(start_worker(Path(plan.weights))),
            "import": lambda: subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", BARE], check=True)}
    seconds = in_turn(ways, plan.runs, plan.patience)
    greeting, ready = statistics.median(greetings[1:]), statistics.median(seconds["worker"])
    return Answer({"worker start": median_ratio(seconds["worker"], seconds["import"])},
                  {"worker start": {"until its greeting": greeting, "until it is ready": ready - greeting}})


def start_worker(weights: Path) -> float:
    """Start a worker, end it when it is ready, and return the seconds until its greeting."""
    start, greeted, decoder = time.perf_counter(), 0.0, Decoder()
    with tempfile.TemporaryDirectory() as folder:
        exchange = Path(folder) / "exchange"
        exchange.mkdir()
        launch = Launch(sys.executable, weights, "", 600.0, Path(folder) / "log")
        with subprocess.Popen(launch.command(exchange), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            while data := worker.stdout.read1(65536):
                greeted = greeted or time.perf_counter() - start
                if any(isinstance(message, Ready) for message in decoder.feed(data)):
                    worker.stdin.close()
                    return greeted
    raise RuntimeError("The worker ended before it was ready.")
