"""MiDaS from the same pixels to normals: ours, controlnet_aux's own call of a network that is kept (eager, float32), and the
node's way, which loads the network for every call and drops it.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from controlnet_aux.midas import MidasDetector

from benchmarks import pictures
from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.core.normals import normal_map
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.engines import EngineInput
from blender_midas_normal.worker.engines.midas import Midas
from blender_midas_normal.worker.engines.midas.network import Network
from blender_midas_normal.worker.engines.torch_inference import inference_dtype

PATIENCE = 4
"""As many times that of the plan: on two cores a round at 1024 takes longer than the plan waits for a second one."""

OURS, KEPT, NODE = "ours", "controlnet_aux, kept", "the node's way"


def measure(plan: Plan) -> Answer:
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    answer = Answer({"bfloat16": float(inference_dtype("cpu") == torch.bfloat16)},
                    versions={"torch": torch.__version__, "threads of torch": str(torch.get_num_threads())})
    answer.figures["parity midas"] = parity(Path(plan.weights), min(plan.resolutions))
    if "cuda" in devices:
        answer.versions["GPU"] = torch.cuda.get_device_name()
    rows = [row for device in devices for resolution in plan.resolutions
            for row in _compare(device, resolution, plan, answer)]
    columns = ["Way", "device", "resolution", "time", "/ ours"]
    answer.tables.append(Table("MiDaS beside the library's own call", columns, rows))
    return answer


def parity(weights: Path, side: int) -> float:
    """Return the largest difference of our network's depths from the library's, float32 on the CPU.

    In millionths of the depths' range.
    """
    pixels, ours = pictures.noise(side).astype(np.float32), Network(weights)
    depth = ours.depth(pixels, lambda share: None, "FLOAT32")
    ours.close()
    library = MidasDetector.from_pretrained(str(weights)).model.model
    with torch.inference_mode():
        expected = library(torch.from_numpy(pixels * 2 - 1).permute(2, 0, 1)[None])[0].numpy()
    return float(np.abs(depth - expected).max() / np.ptp(expected) * 1e6)


def _compare(device: str, resolution: int, plan: Plan, answer: Answer) -> list:
    """Return the rows of the ways on a device, and add the ratio to the answer's figures."""
    engine = Midas(Path(plan.weights))
    pixels = (pictures.noise(resolution) * 255).astype(np.uint8)
    others = (np.roll(pixels, shift, axis=1) for shift in itertools.count(1))  # ours remembers pictures that it has seen
    settings = Settings(engine="MIDAS", tileable="OFF", resolution=resolution, device=device.upper())
    kept_model = MidasDetector.from_pretrained(plan.weights).to(device)
    steps: Counter = Counter()

    def ours() -> None:
        normals_of(engine, next(others), settings, steps)

    def library(detector: MidasDetector) -> None:
        detector(next(others), detect_resolution=resolution, image_resolution=resolution, depth_and_normal=True)

    ways = {OURS: ours, KEPT: lambda: library(kept_model),
            NODE: lambda: library(MidasDetector.from_pretrained(plan.weights).to(device))}
    for way in ways.values():
        way()
    steps.clear()
    seconds = in_turn(ways, plan.runs, plan.patience * PATIENCE, warm=0)
    engine.unload()
    name = f"forward {device} {resolution}"
    ratios = {way: median_ratio(of_way, seconds[OURS]) for way, of_way in seconds.items()}
    answer.figures.update({name: ratios[KEPT], f"node {device} {resolution}": ratios[NODE]})
    answer.profiles[name] = {step: value / len(seconds[OURS]) for step, value in steps.items()}
    return [[way, device, str(resolution), f"{statistics.median(of_way):.2f} s", f"{ratios[way]:.2f}"]
            for way, of_way in seconds.items()]


def normals_of(engine: Midas, pixels: np.ndarray, settings: Settings, steps: Counter) -> np.ndarray:
    """Make normals, 3 x H x W, and add the seconds of each step to `steps`."""
    step, since = "picture", time.perf_counter()

    def enter(stage: str, done: float = 0.0) -> None:
        nonlocal step, since
        now = time.perf_counter()
        steps[step] += now - since
        step, since = stage, now

    surface = engine.surface(EngineInput(Picture(pixels), Wrap(), settings, enter))
    enter("normals")
    normals = normal_map(surface, settings)
    enter("")
    return normals
