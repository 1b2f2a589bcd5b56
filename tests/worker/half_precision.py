"""What the network does where halves are too small for its numbers: run by the MiDaS environment's Python, on the CPU.

`python half_precision.py ROOT WEIGHTS` prints JSON: "half", whether the weights as they are give another depth in float16
than in float32; "overflow", whether larger ones overflow in float16; "exact" and "passes" of depths with those weights:
whether they are those of float32, and how many passes the first and the second one took; "tf32", whether CUDA may round what
float32 multiplies.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TOO_MUCH = 1e5
"""More than the largest number of float16."""


def main(root: str, weights: str) -> None:
    sys.path.insert(0, root)
    import torch

    from blender_midas_normal.worker.engines import midas_network

    midas_network.half_type = lambda device: torch.float16
    network = midas_network.Network(Path(weights))
    picture = np.random.default_rng(0).random((64, 64, 3), np.float32)
    passes: list[float] = []

    def depth(precision: str) -> np.ndarray:
        return network.depth(picture, passes.append, precision)

    found: dict[str, Any] = {"half": not np.array_equal(depth("AUTO"), depth("FLOAT32"))}
    with torch.no_grad():
        for block in network._inference.model.pretrained.model.blocks:
            block.mlp.fc1.bias += TOO_MUCH
    network._quick.clear()
    found["overflow"] = not bool(np.isfinite(network._quick_depths(picture[None], torch.float16, passes.append)).all())
    exact = depth("FLOAT32")
    found["exact"] = bool(np.isfinite(exact).all())
    found["passes"] = []
    for _ in range(2):
        passes.clear()
        found["exact"] &= np.array_equal(depth("AUTO"), exact)
        found["passes"].append(passes.count(0.0))
    found["tf32"] = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
