"""Which processors there are."""

from __future__ import annotations

import gc
from functools import cache
from typing import TYPE_CHECKING

from ..core.errors import EngineUnavailable

if TYPE_CHECKING:
    from ..core.settings import Settings


BATCH = {"cuda": 4}
"""Pictures that the MiDaS network sees at once, by device; one where nothing is said.  What it is worth is measured by
scripts/benchmarks/at_once.py."""


@cache
def has_torch() -> bool:
    """Whether torch is installed, and whole: what is left of a damaged one must not stop the engines that need none."""
    try:
        from torch import __version__  # noqa: F401
    except (ImportError, OSError, AttributeError):
        return False
    return True


def torch_version() -> str:
    """"" where torch is not installed."""
    if not has_torch():
        return ""
    import torch

    return str(torch.__version__)


def described_device(device: str | None = None) -> str:
    """A device as people name it, "cpu" or "cuda (NVIDIA H200)"; without a name, the one that AUTO means."""
    if not has_torch():
        return "cpu"
    import torch

    device = device or auto_device()
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else device


def device_named(description: str) -> str:
    """torch's name of a device that `described_device` has described."""
    return description.partition(" ")[0]


def auto_device() -> str:
    """The first of cuda (ROCm reports there too), mps, xpu and cpu that torch can use."""
    return next(name for name in ("cuda", "mps", "xpu", "cpu") if has_device(name))


def give_back_memory(device: str) -> None:
    """Gives back what torch keeps of a device's memory for later; the CPU's it does not keep."""
    gc.collect()
    if device != "cpu":
        import torch

        getattr(torch, device).empty_cache()


def count_of_gpus() -> int:
    """Graphics cards for CUDA or ROCm that torch can use; others come one to a computer."""
    if not has_torch() or not has_device("cuda"):
        return 0
    import torch

    return torch.cuda.device_count()


def has_device(name: str) -> bool:
    """Whether torch can use the device of that name."""
    import torch

    backends = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available, "xpu": torch.xpu.is_available}
    return name not in backends or backends[name]()


def batch_of(device: str) -> int:
    """Pictures that are worth being seen at once on a device."""
    return BATCH.get(device, 1)


def device_for(settings: Settings) -> str:
    """torch's name of the device that the settings ask for; raises EngineUnavailable when it is not there."""
    device = auto_device() if settings.device == "AUTO" else settings.device.lower()
    if not has_device(device):
        raise EngineUnavailable(f"There is no device {settings.device} here; choose AUTO or CPU.")
    return device
