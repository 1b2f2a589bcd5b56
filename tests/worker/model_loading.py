"""Load files of weights, good and bad, into the package's MiDaS network: run by the MiDaS environment's Python, on the CPU.

`python model_loading.py ROOT WEIGHTS FOLDER` prints JSON:

- "files": what became of each file that was made in FOLDER: "" where it loads, else the exception's class and message.
- "attack": whether a malicious file ran its code.
- "half": the dtype of weights that the file has in half precision.
- "imported": which of the library's packages are imported once a picture has its depth.
- "shapes": pairs of an input's shape and the answer's.
- "unused": the layers that a pass does not run.
- "memory": on Linux, how many bytes of its own the network in WEIGHTS takes, else 0; "file": the size of its file.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

SHAPES = [(1, 3, 384, 384), (1, 3, 32, 32), (2, 3, 64, 512), (3, 3, 480, 96), (1, 3, 1024, 1536)]


class Attack:
    """Touches a file when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple:
        return Path.touch, (self.witness,)


def main(root: str, weights: str, folder: str) -> None:
    sys.path.insert(0, root)
    from blender_midas_normal.core.engines import MIDAS_WEIGHTS
    from blender_midas_normal.core.errors import MidasNormalError
    from blender_midas_normal.worker.engines.midas.model import DPTHybrid, load_model
    from blender_midas_normal.worker.engines.midas.network import Network

    with torch.device("meta"):
        model = DPTHybrid()
    shapes = {name: values.shape for name, values in model.state_dict().items()}
    result: dict[str, Any] = {"files": {}, "shapes": [(shape, list(answer(model, shape).shape)) for shape in SHAPES],
                              "unused": unused_layers(model)}
    witness = Path(folder) / "witness"
    for name, write in makers(shapes, Path(weights) / MIDAS_WEIGHTS.name, witness).items():
        path = Path(folder) / name
        write(path)
        try:
            loaded = load_model(path)
            result["files"][name] = ""
        except MidasNormalError as error:
            result["files"][name] = f"{type(error).__name__}: {error}"
        if name == "half":
            result["half"] = str(loaded.pretrained.model.cls_token.dtype)
    result["attack"] = witness.exists()
    del loaded  # of the file in half precision, which would be freed while the next one is loaded
    before = own_bytes()
    loaded = load_model(Path(weights) / MIDAS_WEIGHTS.name)
    result["memory"], result["file"] = own_bytes() - before, (Path(weights) / MIDAS_WEIGHTS.name).stat().st_size
    del loaded
    Network(Path(weights)).depth(np.zeros((64, 64, 3), np.float32), lambda share: None)
    result["imported"] = sorted({"timm", "torchvision", "controlnet_aux", "cv2"} & set(sys.modules))
    print(json.dumps(result))


def makers(shapes: dict[str, torch.Size], real: Path, witness: Path) -> dict[str, Callable[[Path], object]]:
    """Functions that write the files; the tensors repeat one number, of which torch writes one only."""
    def tensors(**others: Any) -> dict[str, Any]:
        return {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()} | others

    with real.open("rb") as file:
        beginning = file.read(1 << 20)
    without = tensors()
    del without["scratch.layer1_rn.weight"]
    saved: dict[str, Any] = {
        "good": tensors(),
        "half": {name: values.half() for name, values in tensors().items()},
        "one is missing": without,
        "one too many": tensors(more=torch.zeros(1)),
        "other shape": tensors(**{"pretrained.model.pos_embed": torch.zeros(1, 197, 768)}),
        "no tensor": tensors(**{"pretrained.model.cls_token": 0}),
        "integers": tensors(**{"pretrained.model.cls_token": torch.zeros(1, 1, 768, dtype=torch.int64)}),
        "list": list(tensors().values()),
        "other network": {"a": torch.zeros(3)},
        "attack": {"a": Attack(witness)},
    }
    raw = {"text": b"no checkpoint", "empty": b"", "truncated": beginning, "pickle": pickle.dumps({"a": 1})}
    return ({name: lambda path, data=data: torch.save(data, path) for name, data in saved.items()}
            | {name: lambda path, data=data: path.write_bytes(data) for name, data in raw.items()}
            | {"not there": lambda path: None, "folder": lambda path: path.mkdir()})


def answer(model: torch.nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    """The answer of a model on the meta device, which has a shape and no numbers."""
    return model(torch.empty(shape, device="meta"))


def unused_layers(model: torch.nn.Module) -> list[str]:
    """Names of the layers with parameters that do not run."""
    layers = {name: layer for name, layer in model.named_modules()
              if list(layer.parameters(recurse=False)) and not list(layer.children())}
    run = set()
    hooks = [layer.register_forward_hook(lambda *_, name=name: run.add(name)) for name, layer in layers.items()]
    answer(model, SHAPES[0])
    for hook in hooks:
        hook.remove()
    return sorted(layers.keys() - run)


def own_bytes() -> int:
    """Memory of this process that is no part of a file."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
