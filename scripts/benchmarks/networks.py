"""The relief network: numpy beside torch, FAST beside the network of version 1.0.0, and BEST beside FAST, all on the CPU."""

from __future__ import annotations

import functools

import numpy as np

from benchmarks import pictures
from benchmarks.answer import Answer
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.worker.engines.relief import WEIGHTS
from blender_midas_normal.worker.engines.relief.architecture import Architecture, Level, Weights, read_weights
from blender_midas_normal.worker.engines.relief.inference import infer, infer_orientations, tile_picture
from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork
from blender_midas_normal.worker.engines.relief.torch_network import TorchReliefNetwork

SIDE = 1024
BEFORE = Architecture((Level(24, 0, 1), Level(48, 1, 1), Level(80, 1, 1), Level(128, 1, 1), Level(192, 2, 0)))
"""Of version 1.0.0, which saw a picture at its full size only.  Random weights take the same time."""

REPEATS = Wrap(True, True)


def measure(plan: Plan) -> Answer:
    weights = read_weights(WEIGHTS)
    numpy_, torch_ = ReliefNetwork(weights), TorchReliefNetwork(weights, "cpu")
    before = ReliefNetwork(random_weights(BEFORE))
    figures = {}
    for side in sorted({SIDE, plan.exchange}):
        rgb = pictures.noise(side)
        ways = {"before": functools.partial(once, before, rgb),
                "numpy": functools.partial(infer, numpy_, rgb, REPEATS, quiet)}
        if side == SIDE:
            ways["torch"] = functools.partial(infer, torch_, rgb, REPEATS, quiet)
        seconds = in_turn(ways, plan.runs, plan.patience)
        figures[f"relief fast {side}"] = median_ratio(seconds["numpy"], seconds["before"])
        if side == SIDE:
            figures["relief torch"] = median_ratio(seconds["numpy"], seconds["torch"])
    rgb = pictures.noise(SIDE // 2)
    seconds = in_turn({"fast": functools.partial(infer, numpy_, rgb, REPEATS, quiet),
                       "best": functools.partial(infer_orientations, numpy_, rgb, REPEATS, quiet)}, plan.runs, plan.patience)
    return Answer({**figures, "relief best": median_ratio(seconds["best"], seconds["fast"])})


def once(network: ReliefNetwork, rgb: np.ndarray) -> None:
    """Run the network over the picture at its own size alone, tile by tile."""
    tiling = tile_picture(rgb.shape, REPEATS, network.architecture)
    for row in tiling.rows:
        for column in tiling.columns:
            tile = rgb[np.ix_(row.pixels, column.pixels)]
            wrap = Wrap(column.is_periodic, row.is_periodic)
            network.forward(tile, np.zeros_like(tile[..., :2]), wrap, lambda share: None)


def random_weights(architecture: Architecture) -> Weights:
    random, layers = np.random.default_rng(0), [layer for layer, _ in architecture.convolutions()]
    weights = {layer.name: random.standard_normal(layer.shape, np.float32) / layer.in_channels ** 0.5 / layer.kernel_size
               for layer in layers}
    return Weights(architecture, weights, {layer.name: np.zeros(layer.out_channels, np.float32) for layer in layers})


def quiet(stage: str, share: float) -> None:
    """Ignore progress."""
