"""What the networks do where halves are too small for their numbers: run by the MiDaS environment's Python, on the CPU.

`python half_precision.py ROOT WEIGHTS` prints JSON, for each engine: "half", whether the weights as they are give another
answer in float16 than in float32; with weights that are too large for float16, "overflow", whether the network says so;
"exact", whether the engine's answers are those of float32; "passes" that the first and the second one took.  And "tf32":
whether CUDA may round what float32 multiplies.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TOO_MUCH = 1e5
"""More than the largest number of float16."""


def quiet(stage: str, done: float) -> None:
    """Nobody wants to know."""


def midas(weights: Path) -> dict[str, Any]:
    import torch

    from blender_midas_normal.core.picture import Picture, Wrap
    from blender_midas_normal.core.settings import Settings
    from blender_midas_normal.worker.engines.midas import Midas
    from blender_midas_normal.worker.engines.midas import network as network_module

    network_module.inference_dtype = lambda device: torch.float16
    engine = Midas(weights)
    network = engine._load(quiet)
    picture = np.random.default_rng(0).random((64, 64, 3), np.float32)
    passes: list[tuple[str, float]] = []

    def height(precision: str) -> np.ndarray:
        engine._depth_cache.clear()
        settings = Settings(engine="MIDAS", device="CPU", precision=precision, resolution=64, tileable="OFF")
        surface = engine.surface(Picture(picture), Wrap(), settings, lambda stage, done: passes.append((stage, done)))
        return surface.height

    found: dict[str, Any] = {"half": not np.array_equal(height("AUTO"), height("FLOAT32"))}
    with torch.no_grad():
        for block in network._inference.model.pretrained.model.blocks:
            block.mlp.fc1.bias += TOO_MUCH
    network._quick.clear()
    found["overflow"] = not bool(np.isfinite(network.depth(picture, lambda done: None)).all())
    found |= taken(height, passes)
    return found


def relief() -> dict[str, Any]:
    """On "cuda", for which the CPU stands; it does the arithmetic of halves."""
    from blender_midas_normal.core.picture import Picture, Wrap
    from blender_midas_normal.core.settings import Settings
    from blender_midas_normal.worker import devices
    from blender_midas_normal.worker.engines import relief as engine_module
    from blender_midas_normal.worker.engines.fallback import WrongValues
    from blender_midas_normal.worker.engines.relief import torch_network
    from blender_midas_normal.worker.engines.relief.inference import infer

    devices.probe_device = lambda name: devices.Probe(True, name)
    devices.empty_cache = engine_module.empty_cache = lambda device: None

    def to_device(network: Any, values: np.ndarray) -> Any:
        return torch_network.torch.from_numpy(np.ascontiguousarray(values)).to(network.dtype)

    torch_network.TorchReliefNetwork.to_device = to_device
    picture = np.random.default_rng(0).random((64, 64, 3), np.float32)
    weights = engine_module.read_weights(engine_module.WEIGHTS)
    passes: list[tuple[str, float]] = []

    def height(precision: str) -> np.ndarray:
        settings = Settings(engine="RELIEF", device="CUDA", precision=precision, tileable="OFF")
        surface = engine.surface(Picture(picture), Wrap(), settings, lambda stage, done: passes.append((stage, done)))
        return surface.height

    engine = engine_module.Relief()
    found: dict[str, Any] = {"half": not np.array_equal(height("AUTO"), height("FLOAT32"))}
    large = dataclasses.replace(weights, biases={name: values + (TOO_MUCH if name == "stem" else 0)
                                                 for name, values in weights.biases.items()})
    engine_module.read_weights = lambda path: large
    engine = engine_module.Relief()
    try:
        infer(torch_network.TorchReliefNetwork(large, "cuda"), picture, Wrap(), quiet)
        found["overflow"] = False
    except WrongValues:
        found["overflow"] = True
    return found | taken(height, passes)


def taken(height: Callable[[str], np.ndarray], passes: list[tuple[str, float]]) -> dict[str, Any]:
    """What the engine does with weights that are too large: the first time it notices, and remembers."""
    exact = height("FLOAT32")
    found: dict[str, Any] = {"exact": bool(np.isfinite(exact).all()) and float(np.ptp(exact)) > 0, "passes": []}
    for _ in range(2):
        passes.clear()
        found["exact"] &= np.array_equal(height("AUTO"), exact)
        found["passes"].append(sum(stage == "network" and done > 0.999 for stage, done in passes))
    return found


def main(root: str, weights: str) -> None:
    sys.path.insert(0, root)
    import torch

    print(json.dumps({"MIDAS": midas(Path(weights)), "RELIEF": relief(),
                      "tf32": torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32}))


if __name__ == "__main__":
    main(*sys.argv[1:])
