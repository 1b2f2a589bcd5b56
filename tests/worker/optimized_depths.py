"""Depths by the library's network and its optimised copies: run by the MiDaS environment's Python, on the CPU.

`python optimized_depths.py ROOT WEIGHTS PICTURES OUT`: PICTURES is an .npz file of H x W x 3 float32 pictures, 0..1; OUT has
for each NAME the depths "NAME library", "NAME float32", "NAME float16", "NAME bfloat16", and "NAME library again", which the
library gives when all the others have been made.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from controlnet_aux.midas import MidasDetector


def main(root: str, weights: str, pictures: str, out: str) -> None:
    sys.path.insert(0, root)
    from blender_midas_normal.worker.engines.midas.optimize import optimize_for_inference

    library = MidasDetector.from_pretrained(weights).model
    networks = {"library": library}
    for half in (None, torch.float16, torch.bfloat16):
        networks[str(half or torch.float32).removeprefix("torch.")] = optimize_for_inference(library, "cpu", half)
    networks["library again"] = library
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
