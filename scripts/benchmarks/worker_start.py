"""A MiDaS worker's start, its first map and its memory, beside an import of torch alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import PIL.Image
import torch

from benchmarks import pictures
from benchmarks.answer import Answer
from benchmarks.memory import private_bytes
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import Launch
from blender_midas_normal.core.engines import MIDAS_WEIGHTS
from blender_midas_normal.core.errors import NO_MESSAGE
from blender_midas_normal.core.protocol import Decoder, Ready, Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines.midas.model import load_model
from blender_midas_normal.worker.engines.midas.network import optimize_for_inference
from blender_midas_normal.worker.engines.torch_inference import inference_dtype

BARE = "import torch"

SIDE = 512
"""Pixels of the picture's side, and the resolution at which MiDaS sees it."""


def measure(plan: Plan) -> Answer:
    weights = Path(plan.weights)
    greetings: list[float] = []
    maps: list[tuple[float, float]] = []
    ways = {"worker": lambda: greetings.append(start_worker(weights)), "maps": lambda: maps.append(make_maps(weights)),
            "import": lambda: subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", BARE], check=True)}
    seconds = in_turn(ways, plan.runs, plan.patience)
    greeting, ready = statistics.median(greetings[1:]), statistics.median(seconds["worker"])
    first, warm = zip(*maps[1:])
    needed = [bare + forward for bare, forward in zip(seconds["import"], warm)]
    return Answer({"worker start": median_ratio(seconds["worker"], seconds["import"]),
                   "first midas": median_ratio(list(first), needed), "memory midas load": private_share(weights)},
                  {"worker start": {"until its greeting": greeting, "until it is ready": ready - greeting}})


def start_worker(weights: Path) -> float:
    """Start a worker, end it when it is ready, and return the seconds until its greeting."""
    start, greeted, decoder = time.perf_counter(), 0.0, Decoder()
    with tempfile.TemporaryDirectory() as folder:
        exchange = Path(folder) / "exchange"
        exchange.mkdir()
        launch = Launch(sys.executable, weights, NO_MESSAGE, 600.0, Path(folder) / "log")
        with subprocess.Popen(launch.command(exchange), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            while data := worker.stdout.read1(65536):
                greeted = greeted or time.perf_counter() - start
                if any(isinstance(message, Ready) for message in decoder.feed(data)):
                    worker.stdin.close()
                    return greeted
    raise RuntimeError("The worker ended before it was ready.")


def make_maps(weights: Path) -> tuple[float, float]:
    """Start a worker and have it make the maps of two pictures.

    Returns:
        (seconds from the start to the first map's file, seconds of the second one's forward pass).
    """
    settings, first, start = Settings(engine="MIDAS", resolution=SIDE, tileable="OFF"), 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, closing(Client()) as client:
        client.prepare(Launch(sys.executable, weights, NO_MESSAGE, 600.0, Path(folder) / "log"))
        for shift in range(2):
            file = Path(folder) / f"picture{shift}.png"
            pixels = (pictures.noise(SIDE) * 255).astype("uint8")
            PIL.Image.fromarray(pixels[:, shift:] if shift else pixels).save(file)
            result = client.wait(client.submit(Request(settings.to_dict(), picture=str(file))))
            first = first or time.perf_counter() - start
        return first, result.seconds["engine"]


def private_share(weights: Path) -> float:
    """Return the private memory that the loaded network takes, over its weights in the precision in which it runs.

    Both in a process of their own; 0 where the system does not tell.
    """
    program = (f"import sys; sys.path[:0] = {sys.path[:2]!r}\n"
               "from pathlib import Path\n"
               "from benchmarks.worker_start import print_private_share\n"
               f"print_private_share(Path({str(weights)!r}))")
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(ended.stdout.split()[-1])


def print_private_share(weights: Path) -> None:
    """Load the network as AUTO does on this computer's CPU, and print the share."""
    before = private_bytes()
    model = load_model(weights / MIDAS_WEIGHTS.name)
    size = sum(parameter.nbytes for parameter in model.parameters())
    optimize_for_inference(model, "cpu", inference_dtype("cpu"))
    size -= sum(parameter.nbytes for parameter in model.parameters() if parameter.dtype != torch.float32)
    print((private_bytes() - before) / size)
