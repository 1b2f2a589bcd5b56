"""MiDaS's network on a graphics card: pictures one after the other, and as many at once as the worker has it see."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import torch

from benchmarks import pictures
from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.worker.devices import default_batch_size
from blender_midas_normal.worker.engines.midas.network import Network

ONE_BY_ONE, AT_ONCE = "one by one", "at once"


def measure(plan: Plan) -> Answer:
    answer = Answer()
    if torch.cuda.is_available():
        rows = [compare("cuda", resolution, default_batch_size("cuda"), plan, answer) for resolution in plan.resolutions]
        columns = ["Resolution", "pictures at once", ONE_BY_ONE, AT_ONCE, f"{AT_ONCE} / {ONE_BY_ONE}"]
        answer.tables.append(Table("MiDaS's network on CUDA, pictures a second", columns, rows))
    return answer


def compare(device: str, resolution: int, count: int, plan: Plan, answer: Answer) -> list:
    """Return the row of a resolution, and add the ratio of pictures per second to the answer's figures."""
    network = Network(Path(plan.weights))
    network.move(device)
    batch = np.stack([pictures.noise(resolution, seed) for seed in range(count)])

    def one_by_one() -> None:
        for picture in batch:
            network.depth(picture, _nobody)

    seconds = in_turn({ONE_BY_ONE: one_by_one, AT_ONCE: lambda: network.depths(batch, _nobody)}, plan.runs, plan.patience)
    network.close()
    ratio = median_ratio(seconds[ONE_BY_ONE], seconds[AT_ONCE])
    answer.figures[f"at once {device} {resolution}"] = ratio
    speeds = [f"{count / statistics.median(seconds[way]):.1f}" for way in (ONE_BY_ONE, AT_ONCE)]
    return [str(resolution), str(count), *speeds, f"{ratio:.2f}"]


def _nobody(share: float) -> None:
    """Ignore progress."""
