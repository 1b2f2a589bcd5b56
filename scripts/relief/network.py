"""The network to be trained: where it begins, and how it becomes a file of weights."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blender_midas_normal.core.errors import WeightsError
from blender_midas_normal.worker.engines.relief_network import (
    RELIEF,
    Architecture,
    Level,
    Weights,
    read_weights,
    write_weights,
)
from blender_midas_normal.worker.engines.relief_torch import Relief

ARCHITECTURES = {
    "full": RELIEF,
    "small": Architecture((Level(16, 0, 1), Level(32, 1, 1), Level(64, 1, 1), Level(96, 1, 1), Level(128, 1, 0))),
    "tiny": Architecture((Level(8, 0, 1), Level(12, 1, 0))),
}
"""By name: the one for a GPU, one that learns something in an hour on 2 cores (half the work), and one for tests."""


def new_network(architecture: Architecture) -> Relief:
    """A network as training begins: He's weights, biases of 0, and blocks that change nothing yet.

    With the last convolution of each block at 0 the depth of the network does not matter at the beginning, which is what
    normalisation is otherwise needed for (Zhang et al., "Fixup initialization", 2019).
    """
    network = Relief(architecture)
    for name, layer in network.layers.items():
        assert isinstance(layer, nn.Conv2d) and layer.bias is not None
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
        if name.endswith("_b"):
            nn.init.zeros_(layer.weight)
        if name == "out":
            nn.init.normal_(layer.weight, std=1e-3)  # nearly flat
    return network.to(memory_format=torch.channels_last)


def load(network: Relief, path: Path) -> None:
    """Gives the network the numbers of a file of weights; raises WeightsError when it is of another architecture."""
    weights = read_weights(path)
    if weights.architecture != network.architecture:
        raise WeightsError(f"{path} is of another architecture; name the one it was trained with (--architecture).")
    network.load(weights)


def export(network: Relief, path: Path, factor: float = 1.0) -> None:
    """Writes the network's file of weights; its slopes are multiplied by the factor."""
    write_weights(path, scaled(network.weights(), factor))


def scaled(weights: Weights, factor: float) -> Weights:
    """The same network with all slopes multiplied by the factor."""
    return Weights(weights.architecture, {**weights.weights, "out": weights.weights["out"] * factor},
                   {**weights.biases, "out": weights.biases["out"] * factor})
