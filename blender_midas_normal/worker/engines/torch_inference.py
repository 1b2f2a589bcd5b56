"""What engines share that run a network with torch: a model on a device, precision, progress of a pass, errors of files.

A worker imports this module, and with it torch, when it needs a network.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.nn import Linear, Module, functional
from torch.overrides import TorchFunctionMode

from ...core.errors import WeightsError
from ..devices import empty_cache
from ..memory import is_out_of_memory

BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU without which bfloat16 is slower than float32."""

# Else CUDA rounds the factors of float32 products to the 10 bits of TF32: grain in the normals.  Since torch 2.9 there are
# other flags for this (`fp32_precision`); where one sets those, torch raises an error in whatever library reads these.
torch.backends.cudnn.allow_tf32 = False
torch.backends.cuda.matmul.allow_tf32 = False

T = TypeVar("T")
M = TypeVar("M", bound=Module)

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


def half_attention(device: str, dtype: torch.dtype | None) -> AbstractContextManager[object]:
    """Return a context in which attention multiplies in a 16-bit dtype; None leaves it as it is.

    `HalfLinear` gives attention float32, for which graphics cards have no fused kernels that are fast.  A CPU is as fast
    with it.
    """
    return nullcontext() if device == "cpu" or dtype is None else HalfAttention(dtype)


class HalfAttention(TorchFunctionMode):
    """In its context, `scaled_dot_product_attention` multiplies in 16 bits; what it takes and gives is float32."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def __torch_function__(self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if func is not functional.scaled_dot_product_attention:
            return func(*args, **kwargs)
        # Masks are tensors of the type of what they are added to, or of truth values.
        return func(*map(self._halve, args), **{name: self._halve(value) for name, value in kwargs.items()}).float()

    def _halve(self, value: Any) -> Any:
        return value.to(self._dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def run_with_progress(call: Callable[[], T], steps: Sequence[Module], device: str, on_progress: OnProgress) -> T:
    """Call and return what that returns, reporting progress after each of the modules, which take about the same time.

    On a device other than the CPU, what is reported is what the device has finished, see `make_pacer`.
    """
    wait = make_pacer(device)
    launched = 0

    def step(*_: object) -> None:
        nonlocal launched
        launched += 1
        on_progress(min(1.0, (launched - wait()) / len(steps)))

    on_progress(0.0)
    hooks = [part.register_forward_hook(step) for part in steps]
    try:
        return call()
    finally:
        for hook in hooks:
            hook.remove()


def make_pacer(device: str) -> Callable[[], int]:
    """Return a function to call after each step of a pass, which keeps the program at most one step ahead of a device.

    Without it the program would be through with all steps before the device has finished one, since kernels run later: what
    is reported then is no progress, and a pass that is cancelled still runs to its end.  One step is left to the device
    while the next one is prepared, so that it is never idle.

    Returns:
        wait() -> the number of steps that the device has not finished, 0 or 1.
    """
    if device == "cpu":
        return lambda: 0
    module = getattr(torch, device)
    if device == "mps":  # to wait for an event of Metal has blocked forever in some versions of torch
        def wait_for_all() -> int:
            module.synchronize()
            return 0

        return wait_for_all
    previous: Any = None

    def wait_for_previous() -> int:
        nonlocal previous
        event = module.Event()
        event.record()
        if previous is not None:
            previous.synchronize()
        previous = event
        return 1

    return wait_for_previous


class ModelOnDevice(ABC, Generic[M]):
    """A model on one device at a time.  It is loaded anew for each device and precision: two would take twice the memory.

    device: torch's name.
    """

    def __init__(self) -> None:
        self.device = "cpu"
        self._model: M | None = None
        self._built_for: tuple[str, torch.dtype | None] | None = None

    @abstractmethod
    def build(self, dtype: torch.dtype | None) -> M:
        """Load the model and optimise it for the device, to which it is moved afterwards.

        Args:
            dtype: the 16-bit type of the device, None for float32.

        Raises:
            WeightsError: its file is damaged or of another network.
        """

    def move(self, device: str) -> None:
        """Choose the device of the next passes; the model is loaded there when the first of them needs it."""
        self.device = device

    def model(self, dtype: torch.dtype | None) -> M:
        """Return the model on the device, built for a dtype."""
        if self._model is None or self._built_for != (self.device, dtype):
            self._model = None
            self._model, self._built_for = self.build(dtype).to(self.device), (self.device, dtype)
        return self._model

    def dtype(self, precision: str) -> torch.dtype | None:
        """Return the 16-bit type for a precision of the settings, AUTO or FLOAT32; None for float32."""
        return None if precision == "FLOAT32" else inference_dtype(self.device)

    def free(self) -> None:
        """Release memory that the last pass left in torch's cache."""
        empty_cache(self.device)

    def close(self) -> None:
        """Release all memory; the network cannot be used again."""
        self._model = None
        self.free()


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
        raise WeightsError("{path} is damaged or holds no weights of {network}; download it again, or choose another one.",
                           path=path, network=network) from None
