"""What engines share that run a network with torch: half precision, progress of a pass, and loading without surprises.

A worker imports this module, and with it torch, when it needs a network.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import Linear, Module, functional

from ...core.errors import WeightsError
from ..memory import is_out_of_memory

BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU without which bfloat16 is slower than float32."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue, 0..1, by which networks scale pictures."""

torch.backends.cudnn.allow_tf32 = False  # else CUDA rounds the products of float32 convolutions: grain in the normals

T = TypeVar("T")

OnProgress = Callable[[float], None]
"""on_progress(share): called with the finished share of a pass, 0..1; an exception that it raises ends the pass."""


def inference_dtype(device: str) -> torch.dtype | None:
    """Return the 16-bit type that a device ("cpu", "cuda", "mps", "xpu") multiplies faster than float32, or None."""
    if device != "cpu":
        return torch.float16
    capabilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(capabilities.get(name) for name in BFLOAT16_INSTRUCTIONS) else None


class HalfLinear(Module):
    """A linear layer that multiplies in 16 bits; what it takes and gives is float32."""

    def __init__(self, layer: Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(layer.weight.to(dtype), requires_grad=False)
        self.bias = None if layer.bias is None else torch.nn.Parameter(layer.bias.to(dtype), requires_grad=False)

    def forward(self, values: Tensor) -> Tensor:
        return functional.linear(values.to(self.weight.dtype), self.weight, self.bias).float()


def halve_linear_layers(model: Module, dtype: torch.dtype) -> None:
    """Replace the linear layers of a transformer; all else stays in float32, which keeps grain out of the normals."""
    for name, layer in list(model.named_modules()):
        if type(layer) is Linear:
            model.set_submodule(name, HalfLinear(layer, dtype))


def run_with_progress(call: Callable[[], T], steps: Sequence[Module], on_progress: OnProgress) -> T:
    """Call and return what that returns, reporting progress after each of the modules, which take about the same time."""
    finished = 0

    def step(*_: object) -> None:
        nonlocal finished
        finished += 1
        on_progress(min(1.0, finished / len(steps)))

    on_progress(0.0)
    hooks = [part.register_forward_hook(step) for part in steps]
    try:
        return call()
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def load_errors_as_weights_error(path: Path, network: str) -> Iterator[None]:
    """Raise WeightsError, or MemoryError, for whatever torch raises in the `with` block when it loads a file.

    network: its name in the message.
    """
    try:
        yield
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        print(f"{path} cannot be loaded: {error!r}")
        raise WeightsError("{path} is damaged or holds no weights of {network}; download it again.", path=path,
                           network=network) from None
