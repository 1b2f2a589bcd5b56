"""Processors, and torch where it is there."""

from __future__ import annotations

import sys

import pytest

from blender_midas_normal.worker.devices import count_of_gpus, described_device, has_torch, torch_version


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """A folder that is the package torch of this Python."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "torch").mkdir()
    has_torch.cache_clear()
    yield tmp_path / "torch"
    sys.modules.pop("torch", None)
    has_torch.cache_clear()


@pytest.mark.parametrize("left", ["", "import gone_with_the_rest", "raise OSError('libc10.so: cannot open')",
                                  "import sys\nsys.gone"])
def test_a_torch_that_was_half_deleted_counts_as_none(torch, left):
    """Its folder without __init__.py, or a part of it that does not load."""
    if left:
        (torch / "__init__.py").write_text(left)
    assert not has_torch() and described_device() == "cpu" and torch_version() == ""


TORCH = """
class Device:
    def __init__(self, count):
        self.count = count
    def is_available(self):
        return self.count > 0
    def device_count(self):
        return self.count
class backends:
    mps = Device(0)
xpu = Device(0)
cuda = Device({})
__version__ = "0"
"""


@pytest.mark.parametrize("count", [0, 4])
def test_graphics_cards_are_counted(torch, count):
    (torch / "__init__.py").write_text(TORCH.format(count))
    assert count_of_gpus() == count


def test_without_torch_no_graphics_card_counts(torch):
    assert count_of_gpus() == 0
