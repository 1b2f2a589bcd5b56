"""Devices of torch that work or fail, and a Python with a damaged torch or none."""

from __future__ import annotations

import re
import sys

import pytest

from blender_midas_normal.core.errors import EngineUnavailable
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.devices import (
    auto_device,
    describe_device,
    device_for,
    device_problem,
    has_torch,
    probe_device,
    torch_version,
    usable_gpus,
)
from blender_midas_normal.worker.memory import available_bytes
from tests.client.processes import wait_until
from tests.requests_for_tests import LUMINANCE, noise, write_pixels
from tests.worker.worker_process import WorkerProcess


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """A folder that is the package torch of this Python."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "torch").mkdir()
    has_torch.cache_clear()
    probe_device.cache_clear()
    yield tmp_path / "torch"
    sys.modules.pop("torch", None)
    has_torch.cache_clear()
    probe_device.cache_clear()


@pytest.mark.parametrize("left", ["", "import gone_with_the_rest", "raise OSError('libc10.so: cannot open')",
                                  "import sys\nsys.gone"])
def test_a_torch_that_was_half_deleted_counts_as_none(torch, left):
    """Its folder without __init__.py, or a part of it that does not load."""
    if left:
        (torch / "__init__.py").write_text(left)
    assert not has_torch() and describe_device() == "cpu" and torch_version() == ""


STUB = """
import warnings
from types import SimpleNamespace
OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {})
AcceleratorError = type("AcceleratorError", (RuntimeError,), {})
class Ones:
    def __init__(self, shape, device):
        if device in broken:
            raise broken[device]
    __getitem__ = sum = lambda self, *_: self
    item = lambda self: 324.0
ones = Ones
nn = SimpleNamespace(functional=SimpleNamespace(conv2d=lambda picture, weights: picture))
class Device:
    def __init__(self, count=0, warning=""):
        self.count, self.warning = count, warning
    def is_available(self):
        if self.warning:
            warnings.warn(self.warning)
        return self.count > 0
    def device_count(self):
        return self.count
    def get_device_name(self):
        if name_error:
            raise name_error
        return "Some GPU"
    def mem_get_info(self):
        return 5 << 30, 8 << 30
    memory_reserved = lambda self: 3 << 20
    memory_allocated = lambda self: 1 << 20
    get_arch_list = lambda self: ["sm_90"]
    get_device_capability = lambda self, number: (9, 0)
broken, name_error = {}, None
cuda, xpu = Device(), Device()
backends = SimpleNamespace(mps=Device())
mps = SimpleNamespace(recommended_max_memory=lambda: 12 << 30, current_allocated_memory=lambda: 2 << 30)
__version__ = "0"
"""
"""Stands in for torch on a computer with other devices; the errors have torch's types and CUDA's texts."""

NO_KERNEL = r"CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors might be reported"


@pytest.fixture
def stub(torch):
    """stub(more): torch as STUB, and more of it."""
    return lambda more="": (torch / "__init__.py").write_text(STUB + more)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_graphics_cards_are_counted(stub, count):
    stub(f"cuda = Device({count})")
    assert usable_gpus() == list(range(count))


def test_without_torch_no_graphics_card_counts(torch):
    assert usable_gpus() == [] and device_problem() == ""


CARDS = """
class Cards(Device):
    current, tried = 0, []
    def set_device(self, number):
        self.current = number
    def get_device_name(self):
        return f"Card {self.current}"
    def get_arch_list(self):
        return built
    def get_device_capability(self, number):
        return cards[number]
def fail(ones):
    cuda.tried.append(cuda.current)
    if cuda.current in unfit:
        raise AcceleratorError("CUDA error: no kernel image is available for execution on the device")
    return 324.0
Ones.item = fail
built = ["sm_75", "sm_80", "sm_86", "sm_90a", "compute_120"]
"""
"""Of a computer with the cards of these compute capabilities, of which some are unfit."""


@pytest.mark.parametrize(("cards", "unfit", "usable"), [
    ([(9, 0), (9, 0)], (), [0, 1]), ([(6, 1), (9, 0), (8, 9)], (0,), [1, 2]),
    ([(6, 1), (7, 0), (8, 6), (7, 5)], (0, 1), [2, 3]),
    ([(8, 0), (6, 1), (9, 0), (10, 0), (13, 0)], (), [0, 2, 4]), ([(7, 5)], (), [0]),
])
def test_the_first_graphics_card_that_works_is_used_and_those_count_for_which_torch_was_built(stub, cards, unfit, usable):
    """Kernels run on no more of them than are needed to find it: that takes memory of each."""
    stub(f"{CARDS}cards, unfit = {cards}, {unfit}\ncuda = Cards({len(cards)})")
    assert usable_gpus() == usable and describe_device() == f"cuda (Card {usable[0]})" and device_problem() == ""
    assert sys.modules["torch"].cuda.tried == list(range(usable[0] + 1))


def test_where_no_graphics_card_works_the_first_ones_reason_is_given(stub):
    stub(f"{CARDS}cards, unfit = [(6, 1), (5, 0)], (0, 1)\ncuda = Cards(2)")
    assert (usable_gpus(), auto_device()) == ([], "cpu") and "no kernel image" in device_problem()


def test_names_of_architectures_that_are_not_known_speak_against_no_card(stub):
    """Those of ROCm, for one."""
    stub(f"{CARDS}cards, unfit = [(9, 0), (11, 0)], ()\nbuilt = ['gfx90a', 'gfx1100']\ncuda = Cards(2)")
    assert usable_gpus() == [0, 1]


@pytest.mark.parametrize(("device", "described"), [("cuda", "cuda (Some GPU)"), ("mps", "mps"), ("xpu", "xpu")])
def test_a_device_on_which_a_kernel_ran_is_the_one_that_auto_means(stub, device, described):
    stub(f"{'backends.' if device == 'mps' else ''}{device} = Device(1)")
    assert (auto_device(), describe_device(), device_problem()) == (device, described, "")
    assert device_for(Settings(device=device.upper())) == device


@pytest.mark.parametrize(("fault", "reason"), [
    (f'broken["cuda"] = AcceleratorError("{NO_KERNEL}")', "no kernel image.*Install the MiDaS environment again"),
    ('broken["cuda"] = OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")', "out of memory"),
    ('broken["cuda"] = RuntimeError("Could not load library libcudnn_cnn.so.9")', "libcudnn"),
    ('broken["cuda"] = OSError("libcuda.so.1: cannot open shared object file")', "libcuda"),
    ('name_error = AssertionError("Invalid device id")', "Invalid device id"),
    ('Ones.item = lambda self: float("nan")', "came out as nan"),
    ('Device.is_available = lambda self: 1 / 0', "division by zero"),
])
def test_a_device_that_fails_as_it_is_tried_means_cpu_and_the_reason(stub, fault, reason):
    stub(f"cuda = Device(1)\n{fault}")
    assert (auto_device(), describe_device(), usable_gpus()) == ("cpu", "cpu", [])
    assert re.search(f"^The device cuda cannot be used .*{reason}", device_problem())
    with pytest.raises(EngineUnavailable, match=f"{reason}.*Choose the device AUTO or CPU"):
        device_for(Settings(device="CUDA"))


def test_a_driver_that_is_too_old_is_the_reason_and_no_driver_is_none(stub):
    stub('cuda = Device(0, "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).")')
    assert auto_device() == "cpu" and "driver on your system is too old" in device_problem()


def test_a_device_that_is_not_there_is_no_problem_and_cannot_be_chosen(stub):
    stub()
    assert auto_device() == "cpu" and device_problem() == ""
    with pytest.raises(EngineUnavailable, match="There is no device XPU here"):
        device_for(Settings(device="XPU"))


def test_the_next_device_that_works_is_taken(stub):
    stub('cuda, xpu = Device(1), Device(1)\nbroken["cuda"] = RuntimeError("CUDA error: unknown error")')
    assert auto_device() == "xpu" and "unknown error" in device_problem()


def test_free_memory_is_that_of_the_device(stub):
    stub()
    assert available_bytes("cuda") == available_bytes("xpu") == (5 << 30) + (2 << 20)
    assert available_bytes("mps") == 10 << 30


def test_where_the_driver_does_not_tell_all_that_is_not_ours_counts_as_free(stub):
    stub("""
class Silent(Device):
    def mem_get_info(self):
        raise RuntimeError("The device (Intel Arc) doesn't support querying the available free memory.")
    def get_device_properties(self):
        return SimpleNamespace(total_memory=8 << 30)
xpu = Silent(1)
""")
    assert available_bytes("xpu") == (8 << 30) - (1 << 20) and auto_device() == "xpu"


def stub_python(torch):
    """A Python that imports the stub."""
    python = torch.parent / "python"
    python.write_text(f"#!/bin/sh\nshift\nPYTHONPATH={torch.parent} exec {sys.executable} \"$@\"\n")  # -I would leave it out
    python.chmod(0o755)
    return python


def test_the_reason_is_in_the_workers_greeting(stub, torch):
    """Of a real worker, whose torch is the stub."""
    stub("""
import os
cuda = Device(1)
broken["cuda"] = RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable "
                              + os.environ.get("PYTORCH_ENABLE_MPS_FALLBACK", ""))
""")
    with WorkerProcess(stub_python(torch), torch.parent / "exchange", torch.parent) as worker:
        assert (worker.ready.device, worker.ready.gpus) == ("cpu", [])
        assert "busy or unavailable 1" in worker.ready.problem, "the worker has torch run on the CPU what Metal lacks"
        pixels = write_pixels(worker.folder / "pixels", noise(32, 32))
        assert worker.render(LUMINANCE, pixels=pixels).pixels.shape == (32, 32, 3)
    assert "busy or unavailable" in (torch.parent / "exchange.log").read_text()


def test_a_worker_with_nothing_to_do_gives_back_what_torch_keeps_of_the_cards_memory(stub, torch):
    """Long before it unloads its network; of a real worker, whose torch is the stub."""
    log = torch.parent / "emptied"
    stub(f"""
class Card(Device):
    def empty_cache(self):
        with open({str(log)!r}, "a") as file:
            file.write("emptied ")
cuda = Card(1)
""")
    with WorkerProcess(stub_python(torch), torch.parent / "exchange", torch.parent) as worker:
        assert worker.ready.device == "cuda (Some GPU)"
        wait_until(log.exists)
        for count in (2, 3):
            worker.render(LUMINANCE, pixels=write_pixels(worker.folder / f"pixels{count}", noise(32, 32)))
            wait_until(lambda count=count: log.read_text().count("emptied") == count)
