"""The benchmark's part without Blender: the relief engine.

Where torch is, its network on numpy and on torch in turn; else the whole engine on numpy: a large map's time and memory,
and maps by a worker that has started.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the worker sets it
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import NOT_NEEDED, Launch
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.png import png_bytes
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.devices import has_torch
from blender_midas_normal.worker.engines.relief import WEIGHTS, Relief
from blender_midas_normal.worker.engines.relief_network import ReliefNetwork, read_weights

SIDE = 1024
LARGE = 4096
TILE = Wrap(True, True)
RATIO = "numpy / torch"


def main() -> int:
    options = parsed()
    figures = networks(options.runs) if has_torch() else {**large_map(), **worker(options.runs)}
    machine = f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores"
    print(f"Relief on {'torch beside numpy' if has_torch() else 'numpy'}, {machine}, Python {platform.python_version()}, "
          f"numpy {np.__version__}, medians of {options.runs} runs")
    for name, value in figures.items():
        print(f"  {name}: {value:.2f}")
    return 1 if figures.get(RATIO, math.inf) < options.at_least else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--at-least", type=float, default=0.0, help="fail when numpy's time / torch's is below this")
    return parser.parse_args()


def noise(side: int, seed: int = 0) -> np.ndarray:
    """A picture of which nothing is known beforehand: the network takes the same time for any."""
    return np.random.default_rng(seed).random((side, side, 3), np.float32)


def quiet(stage: str, done: float) -> None:
    """Nobody wants to know."""


def networks(runs: int) -> dict:
    """Median seconds per megapixel of the network alone on the CPU, warm, in turn; the ratio is the median of the pairs'."""
    from blender_midas_normal.worker.engines.relief_torch import TorchReliefNetwork

    weights, rgb = read_weights(WEIGHTS), noise(SIDE)
    made = {"numpy": ReliefNetwork(weights), "torch": TorchReliefNetwork(weights, "cpu")}
    seconds = {name: [] for name in made}
    for _ in range(runs + 1):
        for name, network in made.items():
            start = time.perf_counter()
            network.slopes(rgb, TILE, quiet)
            seconds[name].append((time.perf_counter() - start) * 1e6 / SIDE ** 2)
    ratio = statistics.median(a / b for a, b in zip(seconds["numpy"][1:], seconds["torch"][1:]))
    return {**{f"{name}, seconds per megapixel": statistics.median(values[1:]) for name, values in seconds.items()},
            RATIO: ratio}


def worker(runs: int) -> dict:
    """Seconds from a picture file to a map file by a worker that has started; the first map loads the network."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        client = Client()
        try:
            client.prepare(Launch(sys.executable, Path(folder), NOT_NEEDED, 600.0, Path(folder) / "log"))
            client.wait(submitted(client, Path(folder), 8, 0, "LUMINANCE"))
            for run in range(runs + 1):
                job = submitted(client, Path(folder), SIDE, run, "RELIEF")
                start = time.perf_counter()
                client.wait(job)
                seconds.append(time.perf_counter() - start)
        finally:
            client.close()
    return {f"first map at {SIDE} x {SIDE} by a started worker, seconds": seconds[0],
            "the next ones, seconds": statistics.median(seconds[1:])}


def submitted(client: Client, folder: Path, side: int, seed: int, engine: str):
    path = folder / f"{seed}_{side}.png"
    path.write_bytes(png_bytes((noise(side, seed) * 255).astype(np.uint8), False))
    settings = Settings(engine=engine, tileable="BOTH", device="CPU")
    return client.submit(settings=settings.words(), picture=str(path), compress=False)


def large_map() -> dict:
    """One large map's seconds, and the most memory that this process had until then."""
    start = time.perf_counter()
    Relief().surface(Picture(noise(LARGE)), TILE, Settings(), quiet)
    seconds = {f"{LARGE} x {LARGE}, seconds per megapixel": (time.perf_counter() - start) * 1e6 / LARGE ** 2}
    try:
        import resource
    except ImportError:  # Windows counts otherwise
        return seconds
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {**seconds, f"{LARGE} x {LARGE}, most memory, GB": most / 1e9}


if __name__ == "__main__":
    sys.exit(main())
