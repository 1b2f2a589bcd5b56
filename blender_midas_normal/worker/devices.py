"""Find the processors that torch can use: a device counts once a kernel has run on it."""

from __future__ import annotations

import gc
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..core.errors import EngineUnavailable, Message, join_messages
from .memory import available_bytes

if TYPE_CHECKING:
    from ..core.settings import Settings


BATCH_SIZES = {"cuda": 4}
"""Pictures in one batch of the MiDaS network by device, else 1; measured by scripts/benchmarks/at_once.py."""

DEVICES = ("cuda", "mps", "xpu", "cpu")
"""torch's names of devices, in the order in which AUTO tries them; ROCm is named cuda."""

NO_KERNEL_ERROR = "no kernel image"
"""Text in CUDA's error where torch was built for other cards."""


@dataclass(frozen=True)
class Probe:
    """The result of trying a device.

    Attributes:
        works: whether a kernel ran there.
        description: the device as people name it.
        problem: why it does not work, "" where there is no such device.
        gpu: the number of the graphics card, where there may be several.
    """

    works: bool
    description: str = ""
    problem: str = ""
    gpu: int = 0


@cache
def has_torch() -> bool:
    """Tell whether torch is installed and works: a damaged one must not stop the engines that need none."""
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


def describe_device(device: str | None = None) -> str:
    """Describe a device for people, "cpu" or "cuda (NVIDIA H200)"; without a name, the one that AUTO selects."""
    if not has_torch():
        return "cpu"
    return probe_device(device or auto_device()).description


def device_from_description(description: str) -> str:
    """Return torch's name of a device that `describe_device` has described."""
    return description.partition(" ")[0]


def auto_device() -> str:
    """Return the first of DEVICES that works."""
    return next(name for name in DEVICES if has_device(name))


def device_problem() -> Message:
    """Return why AUTO skips a device that exists; "" where it skips none."""
    passed_over = DEVICES[:DEVICES.index(auto_device())] if has_torch() else ()
    return join_messages(_probe_message(name) for name in passed_over if probe_device(name).problem)


def empty_cache(device: str) -> None:
    """Release the memory of a device that torch caches; on the CPU it caches none."""
    gc.collect()
    if device != "cpu":
        import torch

        with suppress(RuntimeError):  # a device that has failed gives nothing back until the process ends
            getattr(torch, device).empty_cache()


def usable_gpus() -> list[int]:
    """Return the numbers of the graphics cards for CUDA or ROCm that torch can use.

    The first of them is the one that this process uses; those before it do not work.
    """
    if not has_torch() or not has_device("cuda"):
        return []
    import torch

    used = probe_device("cuda").gpu
    return [used, *(number for number in range(used + 1, torch.cuda.device_count()) if _has_kernels(number))]


def _has_kernels(gpu: int) -> bool:
    """Tell whether torch was built for a graphics card, without running a kernel there, which would take memory."""
    import torch

    built = [re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name) for name in torch.cuda.get_arch_list()]
    own = torch.cuda.get_device_capability(gpu)
    known = [(match[1], (int(match[2]), int(match[3]))) for match in built if match]
    # Code for "sm" runs on cards with the same first number, code for "compute" on all later ones; ROCm's names are others.
    return not known or any(other <= own and (kind == "compute" or other[0] == own[0]) for kind, other in known)


def has_device(name: str) -> bool:
    """Tell whether torch can use the device of that name."""
    return probe_device(name).works


@cache
def probe_device(name: str) -> Probe:
    """Try a device of torch, once; raises nothing, whatever its driver does.

    Of several graphics cards the first one that works is what torch means by "cuda" from then on.
    """
    if name == "cpu":
        return Probe(True, name)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if not _is_available(name):
                # torch warns where a driver is there and does not work, and says nothing where there is none.
                warned = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
                return Probe(False, problem=_first_line("\n".join(warned)))
        gpus = _device_count(name)
    except Exception as error:  # noqa: BLE001 - drivers raise all kinds; the CPU does the work then
        return _failed_probe(error)
    failed = []
    for gpu in range(gpus):
        probe = _probe_gpu(name, gpu)
        if probe.works:
            return probe
        failed.append(probe)
    return failed[0] if failed else Probe(False)  # a driver that says that there is a device, and then counts none


def _probe_gpu(name: str, gpu: int) -> Probe:
    """Try one of several graphics cards, which torch means by the device's name from then on."""
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
    """Return how many devices of a name are tried: all graphics cards for CUDA or ROCm, of others the first."""
    import torch

    return torch.cuda.device_count() if name == "cuda" else 1


def _is_available(name: str) -> bool:
    import torch

    return {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}[name].is_available()


def _run_kernel(name: str) -> None:
    """Run a convolution and a sum, which loads the libraries that the networks need."""
    import torch

    picture = torch.ones((1, 1, 8, 8), device=name)
    total = torch.nn.functional.conv2d(picture, picture[..., :3, :3]).sum().item()
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
        is_there = bool(probe_device(device).problem)
        reason = _probe_message(device) if is_there else Message("There is no device {device} here.", device=settings.device)
        raise EngineUnavailable("{reason} Choose the device AUTO or CPU.", reason=reason)
    return device
