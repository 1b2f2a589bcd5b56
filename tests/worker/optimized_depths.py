"""Depths by the library's network and the optimised models: run by the MiDaS environment's Python, on the CPU.

`python optimized_depths.py ROOT WEIGHTS PICTURES OUT`: PICTURES is an .npz file of H x W x 3 float32 pictures, 0..1; OUT has
for each NAME the depths "NAME library", "NAME float32", "NAME float16" and "NAME bfloat16".
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from controlnet_aux.midas import MidasDetector


def main(root: str, weights: str, pictures: str, out: str) -> None:
    sys.path.insert(0, root)
    from blender_midas_normal.core.engines import MIDAS_WEIGHTS
    from blender_midas_normal.worker.engines.midas.model import load_model
    from blender_midas_normal.worker.engines.midas.network import optimize_for_inference

    networks = {"library": MidasDetector.from_pretrained(weights).model}
    for half in (None, torch.float16, torch.bfloat16):
        model = load_model(Path(weights) / MIDAS_WEIGHTS.name)
        optimize_for_inference(model, "cpu", half)
        networks[str(half or torch.float32).removeprefix("torch.")] = model
    with np.load(Path(pictures)) as file:
        np.savez(out, **{f"{name} {kind}": depth(network, file[name]) for name in file.files
                         for kind, network in networks.items()})


@torch.inference_mode()
def depth(network: torch.nn.Module, picture: np.ndarray) -> np.ndarray:
    """H x W float32."""
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None]
    return network(pixels.contiguous() * 2 - 1)[0].numpy()


if __name__ == "__main__":
    main(*sys.argv[1:])
