"""The relief network on numpy and on torch, both on the CPU."""

from __future__ import annotations

from benchmarks import pictures
from benchmarks.answer import Answer
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn, median_ratio
from blender_midas_normal.core.picture import Wrap
from blender_midas_normal.worker.engines.relief import WEIGHTS
from blender_midas_normal.worker.engines.relief_network import ReliefNetwork, read_weights
from blender_midas_normal.worker.engines.relief_torch import TorchReliefNetwork

SIDE = 1024


def measured(plan: Plan) -> Answer:
    weights, rgb = read_weights(WEIGHTS), pictures.noise(SIDE)
    made = {"numpy": ReliefNetwork(weights), "torch": TorchReliefNetwork(weights, "cpu")}
    ways = {name: lambda network=network: network.slopes(rgb, Wrap(True, True), lambda stage, done: None)
            for name, network in made.items()}
    seconds = in_turn(ways, plan.runs, plan.patience)
    return Answer({"relief torch": median_ratio(seconds["numpy"], seconds["torch"])})
