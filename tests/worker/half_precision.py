"""Networks whose values are too large for float16: run by the MiDaS environment's Python, on the CPU.

`python half_precision.py ROOT WEIGHTS` prints JSON, for each engine: "half", whether the weights as they are give other
values in float16 than in float32; with weights that are too large for float16, "overflow", whether the network says so;
"exact", whether the engine's surfaces are those of float32; "passes", the forward passes of the first and the second one.
And "tf32": whether CUDA may round the products of float32.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TOO_LARGE = 1e5
"""More than the largest number of float16."""


def quiet(stage: str, share: float) -> None:
    """Ignore progress."""


def midas(weights: Path) -> dict[str, Any]:
    import torch

    from blender_midas_normal.core.engines import MIDAS_WEIGHTS
    from blender_midas_normal.core.picture import Picture, Wrap
    from blender_midas_normal.core.settings import Settings
    from blender_midas_normal.worker.engines import EngineInput, torch_inference
    from blender_midas_normal.worker.engines.midas import Midas
    from blender_midas_normal.worker.engines.midas import network as network_module

    def depth(folder: Path, precision: str) -> np.ndarray:
        network = network_module.Network(folder)
        values = network.depth(pictures[0], lambda share: None, precision)
        network.close()
        return values

    def height(engine: Midas, picture: np.ndarray, precision: str, report: Callable[[str, float], None]) -> np.ndarray:
        settings = Settings(engine="MIDAS", device="CPU", precision=precision, resolution=64, tileable="OFF")
        return engine.surface(EngineInput(Picture(picture), Wrap(), settings, report)).height

    torch_inference.inference_dtype = lambda device: torch.float16
    pictures = noise_pictures()
    results = {"half": not np.array_equal(depth(weights, "AUTO"), depth(weights, "FLOAT32"))}
    with tempfile.TemporaryDirectory() as folder:
        values = torch.load(weights / MIDAS_WEIGHTS.name, weights_only=True)
        for name in values:
            if name.endswith("mlp.fc1.bias"):
                values[name] += TOO_LARGE
        torch.save(values, Path(folder) / MIDAS_WEIGHTS.name)
        results["overflow"] = not bool(np.isfinite(depth(Path(folder), "AUTO")).all())
        return results | observe(lambda: Midas(Path(folder)), height, pictures)


def relief() -> dict[str, Any]:
    """On "cuda", for which the CPU stands; it does the arithmetic of halves."""
    from blender_midas_normal.core.picture import Picture, Wrap
    from blender_midas_normal.core.settings import Settings
    from blender_midas_normal.worker import devices
    from blender_midas_normal.worker.engines import EngineInput
    from blender_midas_normal.worker.engines import relief as engine_module
    from blender_midas_normal.worker.engines.device_fallback import WrongValues
    from blender_midas_normal.worker.engines.relief import torch_network
    from blender_midas_normal.worker.engines.relief.inference import infer

    devices.probe_device = lambda name: devices.Probe(True, name)
    devices.empty_cache = engine_module.empty_cache = lambda device: None

    def to_device(network: Any, values: np.ndarray) -> Any:
        return torch_network.torch.from_numpy(np.ascontiguousarray(values)).to(network.dtype)

    torch_network.TorchReliefNetwork.to_device = to_device
    torch_network.make_pacer = lambda device: lambda: 0

    def height(engine: Any, picture: np.ndarray, precision: str, report: Callable[[str, float], None]) -> np.ndarray:
        settings = Settings(engine="RELIEF", device="CUDA", precision=precision, tileable="OFF")
        return engine.surface(EngineInput(Picture(picture), Wrap(), settings, report)).height

    pictures = noise_pictures()
    weights = engine_module.read_weights(engine_module.WEIGHTS)
    engine = engine_module.Relief()
    half, exact = (height(engine, pictures[0], precision, quiet) for precision in ("AUTO", "FLOAT32"))
    results = {"half": not np.array_equal(half, exact)}
    large = dataclasses.replace(weights, biases={name: values + (TOO_LARGE if name == "stem" else 0)
                                                 for name, values in weights.biases.items()})
    engine_module.read_weights = lambda path: large
    try:
        infer(torch_network.TorchReliefNetwork(large, "cuda"), pictures[0], Wrap(), quiet)
        results["overflow"] = False
    except WrongValues:
        results["overflow"] = True
    return results | observe(engine_module.Relief, height, pictures)


def noise_pictures() -> list[np.ndarray]:
    return [np.random.default_rng(seed).random((64, 64, 3), np.float32) for seed in range(2)]


def observe(make_engine: Callable[[], Any], height: Callable[..., np.ndarray], pictures: list[np.ndarray]) -> dict[str, Any]:
    """Run an engine whose weights are too large: at the first picture it notices that, at the second it knows."""
    reports: list[tuple[str, float]] = []
    engine, exact_engine = make_engine(), make_engine()
    is_exact, passes = True, []
    for picture in pictures:
        exact = height(exact_engine, picture, "FLOAT32", quiet)
        reports.clear()
        fallback = height(engine, picture, "AUTO", lambda stage, share: reports.append((stage, share)))
        is_exact &= np.array_equal(fallback, exact)
        is_exact &= bool(np.isfinite(exact).all()) and float(np.ptp(exact)) > 0
        passes.append(sum(stage == "network" and share > 0.999 for stage, share in reports))
    return {"exact": is_exact, "passes": passes}


def main(root: str, weights: str) -> None:
    sys.path.insert(0, root)
    import torch

    print(json.dumps({"MIDAS": midas(Path(weights)), "RELIEF": relief(),
                      "tf32": torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32}))


if __name__ == "__main__":
    main(*sys.argv[1:])
