"""Workers that see one graphics card each."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import CUDA_VARIABLE, HIP_VARIABLE, gpu_variables
from tests.requests_for_tests import launch, until_ready


@pytest.mark.parametrize(("shown", "cuda", "hip"), [
    ({}, "1", "1"),
    ({CUDA_VARIABLE: "2,5"}, "5", "5"),
    ({CUDA_VARIABLE: "GPU-8932, GPU-7a1c"}, "GPU-7a1c", "GPU-7a1c"),
    ({HIP_VARIABLE: "3,4"}, "1", "4"),
    ({CUDA_VARIABLE: "0,1,2", HIP_VARIABLE: "0"}, "1", "1"),
])
def test_a_worker_sees_one_card_of_those_that_the_user_lets_programs_see(shown, cuda, hip):
    assert gpu_variables(1, shown) == {CUDA_VARIABLE: cuda, HIP_VARIABLE: hip}


@pytest.mark.skipif(sys.platform != "linux", reason="variables are read from /proc")
def test_a_real_worker_is_shown_its_card_and_one_that_may_use_any_what_the_user_shows(tmp_path, monkeypatch):
    monkeypatch.setenv(CUDA_VARIABLE, "4,6")
    monkeypatch.delenv(HIP_VARIABLE, raising=False)
    for gpu, expected in ((1, {f"{CUDA_VARIABLE}=6", f"{HIP_VARIABLE}=6"}), (None, {f"{CUDA_VARIABLE}=4,6"})):
        with closing(Client(gpu)) as client:
            client.prepare(launch(tmp_path))
            until_ready(client)  # a process that has only just been started shows no variables yet
            lines = Path(f"/proc/{client.worker.pid}/environ").read_text().split("\0")
            assert {line for line in lines if line.startswith((CUDA_VARIABLE, HIP_VARIABLE))} == expected
