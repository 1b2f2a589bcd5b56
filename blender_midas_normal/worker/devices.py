"""Find the devices that torch can use: a device counts once a kernel has run on it."""

from __future__ import annotations

import gc
import re
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..core.errors import EngineUnavailable, Message, join_messages
from .memory import available_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..core.settings import Settings


BATCH_SIZES = {"cuda": 4}
"""Pictures in one batch of the MiDaS network by device, else 1; scripts/benchmarks/at_once.py measures what they gain."""

DEVICES = ("cuda", "mps", "xpu", "cpu")
"""torch's names of devices, in the order in which AUTO tries them; ROCm's is cuda."""

NO_KERNEL_ERROR = "no kernel image"
"""Part of CUDA's error message where torch was built for other cards."""


@dataclass(frozen=True)
class Probe:
    """The result of trying a device.

    Attributes:
        works: whether a kernel ran there.
        description: the device for people, as `describe_device` returns it.
        problem: why it does not work, "" where there is no such device.
        gpu: the index of the graphics card, where there may be several.
    """

    works: bool
    description: str = ""
    problem: str = ""
    gpu: int = 0


@cache
def has_torch() -> bool:
    """Tell whether torch is installed and can be imported: a damaged one must not stop engines that need none."""
    try:
        from torch import __version__  # noqa: F401
    except (ImportError, OSError, AttributeError):
        return False
    return True


@contextmanager
def import_errors_as_unavailable() -> Iterator[None]:
    """Raise EngineUnavailable where a package that is imported in the `with` block is missing or damaged."""
    try:
        yield
    except (ImportError, OSError, AttributeError) as error:
        raise EngineUnavailable("The MiDaS environment is damaged ({reason}); repair it in the preferences.",
                                reason=error) from error


def torch_version() -> str:
    """Return the version of torch; "" where it is not installed."""
    if not has_torch():
        return ""
    import torch

    return str(torch.__version__)


def describe_device(device: str | None = None) -> str:
    """Describe a device for people, "cpu" or "cuda (NVIDIA H200)"; without a name, the one that AUTO selects."""
    if not has_torch():
        return "cpu"
    return probe_device(device or auto_device()).description


def auto_device() -> str:
    """Return the first of DEVICES that works."""
    return next(name for name in DEVICES if has_device(name))


def device_problem() -> Message:
    """Return why AUTO skips a device that exists; "" where it skips none."""
    skipped = DEVICES[:DEVICES.index(auto_device())] if has_torch() else ()
    return join_messages(_probe_message(name) for name in skipped if probe_device(name).problem)


def empty_cache(device: str) -> None:
    """Release memory of a device that torch keeps for later allocations; on the CPU it keeps none."""
    gc.collect()
    if device != "cpu":
        import torch

        with suppress(RuntimeError):  # a device that has failed releases nothing until the process ends
            getattr(torch, device).empty_cache()


def usable_gpus() -> list[int]:
    """Return the indices of the graphics cards for CUDA or ROCm that torch can use.

    The first of them is the one that this process uses; cards before it do not work.
    """
    if not has_torch() or not has_device("cuda"):
        return []
    import torch

    used = probe_device("cuda").gpu
    return [used, *(number for number in range(used + 1, torch.cuda.device_count()) if _has_kernels(number))]


def _has_kernels(gpu: int) -> bool:
    """Tell whether torch was built for a graphics card, without running a kernel there, which would take memory."""
    import torch

    architectures = [re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name) for name in torch.cuda.get_arch_list()]
    own = torch.cuda.get_device_capability(gpu)
    supported = [(match[1], (int(match[2]), int(match[3]))) for match in architectures if match]
    # Code for "sm" runs on cards of the same major version, code for "compute" on all later ones; ROCm has other names.
    return not supported or any(other <= own and (code == "compute" or other[0] == own[0]) for code, other in supported)


def has_device(name: str) -> bool:
    """Tell whether torch can use a device."""
    return probe_device(name).works


@cache
def probe_device(name: str) -> Probe:
    """Try a device of torch, once; raise nothing, whatever its driver raises.

    Of several graphics cards, the first one that works becomes torch's current device.
    """
    if name == "cpu":
        return Probe(True, name)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if not _is_available(name):
                # torch warns where a driver exists and does not work, and says nothing where there is none.
                warned = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
                return Probe(False, problem=_first_line("\n".join(warned)))
        gpus = _device_count(name)
    except Exception as error:  # noqa: BLE001 - drivers raise anything; the CPU is used then
        return _failed_probe(error)
    failed = []
    for gpu in range(gpus):
        probe = _probe_gpu(name, gpu)
        if probe.works:
            return probe
        failed.append(probe)
    return failed[0] if failed else Probe(False)  # some drivers report that a device is available, and then count none


def _probe_gpu(name: str, gpu: int) -> Probe:
    """Try one of several graphics cards, and make it torch's current device."""
    try:
        if gpu:
            import torch

            torch.cuda.set_device(gpu)
        _run_kernel(name)
        available_bytes(name)
        return Probe(True, _describe(name), gpu=gpu)
    except Exception as error:  # noqa: BLE001 - as above
        return _failed_probe(error)


def _failed_probe(error: Exception) -> Probe:
    return Probe(False, problem=_first_line(str(error)) or type(error).__name__)


def _device_count(name: str) -> int:
    """Return how many devices of a name to try: all graphics cards for CUDA or ROCm, else the first device."""
    import torch

    return torch.cuda.device_count() if name == "cuda" else 1


def _is_available(name: str) -> bool:
    import torch

    return {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}[name].is_available()


def _run_kernel(name: str) -> None:
    """Run a convolution and a sum, which loads the libraries that networks need; raise RuntimeError for a wrong result."""
    import torch

    ones = torch.ones((1, 1, 8, 8), device=name)
    total = torch.nn.functional.conv2d(ones, ones[..., :3, :3]).sum().item()
    if total != 6 * 6 * 9:
        raise RuntimeError(f"a sum of {6 * 6 * 9} ones came out as {total}")


def _describe(name: str) -> str:
    import torch

    return f"cuda ({torch.cuda.get_device_name()})" if name == "cuda" else name


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0].rstrip(".")[:200]


def _probe_message(name: str) -> Message:
    """Return why a device that exists does not work."""
    problem = probe_device(name).problem
    if NO_KERNEL_ERROR in problem:
        return Message("The device {device} cannot be used ({problem}). Install the MiDaS environment again, for a torch "
                       "that knows this card.", device=name, problem=problem)
    return Message("The device {device} cannot be used ({problem}).", device=name, problem=problem)


def default_batch_size(device: str) -> int:
    """Return the number of pictures in one batch on a device."""
    return BATCH_SIZES.get(device, 1)


def device_for(settings: Settings) -> str:
    """Return torch's name of the device that the settings ask for; raise EngineUnavailable when it cannot be used."""
    device = auto_device() if settings.device == "AUTO" else settings.device.lower()
    if not has_device(device):
        exists = bool(probe_device(device).problem)
        reason = _probe_message(device) if exists else Message("There is no device {device} here.", device=settings.device)
        raise EngineUnavailable("{reason} Choose the device AUTO or CPU.", reason=reason)
    return device
