"""Compare the package's MiDaS network with controlnet_aux's: run by the MiDaS environment's Python, on the CPU.

`python model_parity.py ROOT WEIGHTS PICTURES OUT`: PICTURES is an .npz file of batches, N x H x W x 3 float32, 0..1.  OUT
has for each NAME the depths "NAME library" and "NAME model", of a file whose weights are those of WEIGHTS with each number
changed a little, so that no scale is 1 and no bias 0.  Prints JSON: the names, shapes and dtypes of the tensors that the
file in WEIGHTS ("file"), the library's network ("library") and the package's ("model") have, in their order.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from controlnet_aux.midas.midas.dpt_depth import DPTDepthModel

CHANGE = 0.05
"""Standard deviation of the noise that is added to biases and scales; weights are changed by this share of themselves."""


def main(root: str, weights: str, pictures: str, out: str) -> None:
    sys.path.insert(0, root)
    from blender_midas_normal.core.engines import MIDAS_WEIGHTS
    from blender_midas_normal.worker.engines.midas.model import DPTHybrid, load_model

    path = Path(weights) / MIDAS_WEIGHTS.name
    library = DPTDepthModel(str(path), backbone="vitb_rn50_384", non_negative=True).eval()
    with torch.device("meta"):
        model = DPTHybrid()
    file = torch.load(path, mmap=True, weights_only=True)
    print(json.dumps({"file": described(file), "library": described(library.state_dict()),
                      "model": described(model.state_dict())}))
    change(library)
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / "changed.pt"
        torch.save(library.state_dict(), changed)
        model = load_model(changed)
        with np.load(pictures) as batches:
            np.savez(out, **{f"{name} {kind}": depths(network, batches[name]) for name in batches.files
                             for kind, network in (("library", library), ("model", model))})
        del model  # Windows removes no file that is mapped


def described(tensors: dict[str, torch.Tensor]) -> list[list]:
    return [[name, list(values.shape), str(values.dtype)] for name, values in tensors.items()]


@torch.no_grad()
def change(network: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for values in network.state_dict().values():
        noise = torch.randn(values.shape, generator=generator) * CHANGE
        values += noise if values.ndim == 1 else values * noise


@torch.inference_mode()
def depths(network: torch.nn.Module, batch: np.ndarray) -> np.ndarray:
    """N x H x W float32."""
    return network(torch.from_numpy(batch).permute(0, 3, 1, 2).contiguous() * 2 - 1).numpy()


if __name__ == "__main__":
    main(*sys.argv[1:])
