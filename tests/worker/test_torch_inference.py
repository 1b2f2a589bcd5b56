"""What engines share that run a network with torch, with devices that are stood in for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.midas

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def passes(midas_python):
    program = Path(__file__).with_name("paced_passes.py")
    ended = subprocess.run([str(midas_python), str(program), str(ROOT)], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def test_the_relief_network_alone_forbids_tf32_too(passes):
    assert passes["tf32"] is False


def test_progress_is_what_the_device_has_finished(passes):
    """While it waits for one step, the next one is launched, so that the device is never idle."""
    assert passes["card"] == ["0.00", "launched 1", "0.00", "launched 2", "finished 1", "0.33",
                              "launched 3", "finished 2", "0.67", "0 hooks"]
    assert passes["mps"] == ["0.00", "finished all", "0.33", "finished all", "0.67", "finished all", "1.00", "0 hooks"]
    assert passes["cpu"] == ["0.00", "0.33", "0.67", "1.00", "0 hooks"]


def test_a_pass_that_is_cancelled_launches_no_further_step(passes):
    assert passes["cancelled"] == ["0.00", "launched 1", "0.00", "launched 2", "finished 1", "0.33", "cancelled", "0 hooks"]


def test_attention_is_in_half_precision_on_a_card_alone(passes):
    """And where half precision is used; what it gives is float32 everywhere."""
    assert passes["attention"] == [["torch.float32", True], ["torch.float32", False], ["torch.float32", False]]
