"""Which processors there are, and which of them work: a device counts once a kernel has run on it."""

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


BATCH = {"cuda": 4}
"""Pictures that the MiDaS network sees at once, by device; one where nothing is said.  What it is worth is measured by
scripts/benchmarks/at_once.py."""

DEVICES = ("cuda", "mps", "xpu", "cpu")
"""torch's names, in the order in which AUTO takes the first that works; ROCm reports as cuda."""

NO_KERNEL = "no kernel image"
"""In CUDA's error where torch was built for other cards."""


@dataclass(frozen=True)
class Probe:
    """What came of trying a device.

    works: whether a kernel ran there; description: the device as people name it; problem: why it does not work, "" where
    there is simply no such device; gpu: the number of the graphics card, where there may be several.
    """

    works: bool
    description: str = ""
    problem: str = ""
    gpu: int = 0


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
    return probed(device or auto_device()).description


def device_named(description: str) -> str:
    """torch's name of a device that `described_device` has described."""
    return description.partition(" ")[0]


def auto_device() -> str:
    """The first of DEVICES that works."""
    return next(name for name in DEVICES if has_device(name))


def device_problem() -> Message:
    """Why AUTO passes over a device that is there; "" where it passes over none."""
    passed_over = DEVICES[:DEVICES.index(auto_device())] if has_torch() else ()
    return join_messages(_probe_message(name) for name in passed_over if probed(name).problem)


def empty_cache(device: str) -> None:
    """Gives back what torch keeps of a device's memory for later; the CPU's it does not keep."""
    gc.collect()
    if device != "cpu":
        import torch

        with suppress(RuntimeError):  # a device that has failed gives nothing back until the process ends
            getattr(torch, device).empty_cache()


def usable_gpus() -> list[int]:
    """The numbers of the graphics cards for CUDA or ROCm that torch can use; others come one to a computer.

    The first of them is the one that this process uses, those before it do not work.
    """
    if not has_torch() or not has_device("cuda"):
        return []
    import torch

    used = probed("cuda").gpu
    return [used, *(number for number in range(used + 1, torch.cuda.device_count()) if _has_kernels(number))]


def _has_kernels(gpu: int) -> bool:
    """Whether torch was built for a graphics card: without running a kernel there, for which it would take memory."""
    import torch

    built = [re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name) for name in torch.cuda.get_arch_list()]
    own = torch.cuda.get_device_capability(gpu)
    known = [(match[1], (int(match[2]), int(match[3]))) for match in built if match]
    # Code for "sm" runs on cards with the same first number, code for "compute" on all later ones; ROCm's names are others.
    return not known or any(other <= own and (kind == "compute" or other[0] == own[0]) for kind, other in known)


def has_device(name: str) -> bool:
    """Whether torch can use the device of that name."""
    return probed(name).works


@cache
def probed(name: str) -> Probe:
    """Tries a device of torch, once; raises nothing, whatever its driver does.

    Of several graphics cards the first one that works is what torch means by "cuda" from then on.
    """
    if name == "cpu":
        return Probe(True, name)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if not _is_there(name):
                # torch warns where a driver is there and does not work, and says nothing where there is none.
                warned = [str(warning.message) for warning in told if issubclass(warning.category, UserWarning)]
                return Probe(False, problem=_first_line("\n".join(warned)))
        gpus = _count(name)
    except Exception as error:  # noqa: BLE001 - drivers raise all kinds; the CPU does the work then
        return _failed(error)
    failed = []
    for gpu in range(gpus):
        probe = _tried(name, gpu)
        if probe.works:
            return probe
        failed.append(probe)
    return failed[0] if failed else Probe(False)  # a driver that says that there is a device, and then counts none


def _tried(name: str, gpu: int) -> Probe:
    """Tries one of several graphics cards, which torch means by the device's name from then on."""
    try:
        if gpu:
            import torch

            torch.cuda.set_device(gpu)
        _run_kernel(name)
        available_bytes(name)
        return Probe(True, _described(name), gpu=gpu)
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(error)


def _failed(error: Exception) -> Probe:
    return Probe(False, problem=_first_line(str(error)) or type(error).__name__)


def _count(name: str) -> int:
    """How many devices of a name there are that are tried: of graphics cards for CUDA or ROCm all, of others the first."""
    import torch

    return torch.cuda.device_count() if name == "cuda" else 1


def _is_there(name: str) -> bool:
    import torch

    return {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}[name].is_available()


def _run_kernel(name: str) -> None:
    """A convolution and its sum, for which the libraries that the networks need are loaded too."""
    import torch

    picture = torch.ones((1, 1, 8, 8), device=name)
    total = torch.nn.functional.conv2d(picture, picture[..., :3, :3]).sum().item()
    if total != 6 * 6 * 9:
        raise RuntimeError(f"a sum of {6 * 6 * 9} ones came out as {total}")


def _described(name: str) -> str:
    import torch

    return f"cuda ({torch.cuda.get_device_name()})" if name == "cuda" else name


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0].rstrip(".")[:200]


def _probe_message(name: str) -> Message:
    """Why a device that is there does not work."""
    problem = probed(name).problem
    if NO_KERNEL in problem:
        return Message("The device {device} cannot be used ({problem}). Install the MiDaS environment again, for a torch "
                       "that knows this card.", device=name, problem=problem)
    return Message("The device {device} cannot be used ({problem}).", device=name, problem=problem)


def batch_of(device: str) -> int:
    """Pictures that are worth being seen at once on a device."""
    return BATCH.get(device, 1)


def device_for(settings: Settings) -> str:
    """torch's name of the device that the settings ask for; raises EngineUnavailable when it is not there."""
    device = auto_device() if settings.device == "AUTO" else settings.device.lower()
    if not has_device(device):
        is_there = bool(probed(device).problem)
        reason = _probe_message(device) if is_there else Message("There is no device {device} here.", device=settings.device)
        raise EngineUnavailable("{reason} Choose the device AUTO or CPU.", reason=reason)
    return device
