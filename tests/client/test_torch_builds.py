"""Which of PyTorch's builds is installed, by the graphics cards and by what can be reached."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from blender_midas_normal.client.child_process import CompletedProcess
from blender_midas_normal.client.setup.environment import read_marker
from blender_midas_normal.client.setup.install import (
    CHECK_PROGRAM,
    Installation,
    StepFailed,
    choose_torch_build,
    compute_capabilities,
    install,
)
from tests.client.installations import add_stray_file, make_recipe, run_python

posix = pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes, or for a shell")


def test_auto_falls_back_to_the_package_index_and_says_so(environment, wheels, tmp_path, monkeypatch):
    tiny, steps, backends = make_recipe(wheels, tmp_path, "torch==2.13.0"), [], []
    local = tiny.requirements[0].read_text()
    plain = Installation.uv

    def uv(work: Installation, backend: str, *others: object) -> CompletedProcess:
        """PyTorch's own index, and only that, is out of reach."""
        backends.append(backend)
        tiny.requirements[0].write_text(local if backend == "registry" else local.replace("--no-index", ""))
        return plain(work, backend, *others)

    monkeypatch.setattr(Installation, "uv", uv)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    notes = Installation(environment, tiny, steps.append, lambda: False).install_packages("auto", allow_other_index=True)
    assert backends == ["auto", "registry"]
    assert len(notes) == 1 and "index cannot be reached" in notes[0]
    assert notes[0] in [step.detail for step in steps]
    assert run_python(environment, "import torch; print(torch.VERSION)") == "2.13.0"


@posix
@pytest.mark.parametrize(("backend", "cards", "build"), [
    ("auto", ["6.1"], "cu126"), ("auto", ["7.0", "7.0"], "cu126"), ("registry", ["5.2"], "cu126"), ("auto", ["7.5"], "auto"),
    ("registry", ["8.9"], "registry"), ("auto", ["6.1", "12.0"], "auto"), ("auto", ["3.5"], "auto"), ("auto", [], "auto"),
    ("auto", ["[N/A]"], "auto"), ("cu130", ["6.1"], "cu130"), ("cpu", ["6.1"], "cpu"),
])
def test_old_graphics_cards_get_the_build_that_has_kernels_for_them(nvidia, backend, cards, build):
    nvidia(*cards)
    assert choose_torch_build(backend) == build


def test_without_nvidias_program_the_choice_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compute_capabilities() == [] and choose_torch_build("auto") == "auto"


@posix
@pytest.mark.parametrize("backend", ["auto", "registry"])
def test_an_installation_for_an_old_card_takes_that_build_and_makes_another_one_anew(
        environment, wheels, base, tmp_path, nvidia, monkeypatch, backend):
    """The index is the folder, since PyTorch's own is out of reach; what is asked of uv is what counts."""
    nvidia("6.1")
    stays, backends, plain = add_stray_file(environment), [], Installation.uv
    monkeypatch.setattr(Installation, "uv", lambda work, build, *others: backends.append(build) or plain(
        work, "registry", *others))
    install(environment, base, backend, lambda step: None, recipe=make_recipe(wheels, tmp_path))
    assert backends == ["cu126"] and read_marker(environment).backend == "cu126" and not stays.exists()


def test_where_that_build_cannot_be_had_the_other_one_is_said_to_know_no_such_card(
        environment, wheels, tmp_path, monkeypatch):
    tiny = make_recipe(wheels, tmp_path)
    unreachable = CompletedProcess(2, "error: Failed to fetch: `https://download.pytorch.org/whl/cu126/torch/`")
    monkeypatch.setattr(Installation, "uv", lambda work, build, *others: unreachable if build ==
                        "cu126" else CompletedProcess(0, ""))
    installation = Installation(environment, tiny, lambda step: None, lambda: False)
    notes = installation.install_packages("cu126", allow_other_index=True)
    assert "does not know this graphics card" in " ".join(notes)


FAKE_CARD = """
import torch
ones, torch.cuda.is_available, torch.cuda.device_count = torch.ones, lambda: True, lambda: 1
torch.cuda.get_device_name, torch.cuda.mem_get_info = lambda: "Some GPU", lambda: (1 << 30, 2 << 30)
torch.cuda.memory_reserved = torch.cuda.memory_allocated = lambda: 0
def fake(shape, device):
    if {works}:
        return ones(shape)
    raise torch.AcceleratorError("CUDA error: no kernel image is available for execution on the device")
torch.ones = fake
"""
"""A card for which the CPU works, or which torch's build has no kernels for."""


@pytest.mark.midas
@pytest.mark.parametrize(("fake", "news"), [
    ("", r"works on cpu\.$"), (FAKE_CARD.format(works=True), r"works on cuda \(Some GPU\)\.$"),
    (FAKE_CARD.format(works=False), r"works on cpu\. The device cuda cannot be used \(CUDA error: no kernel image"),
])
def test_a_device_is_named_only_when_a_kernel_ran_there(midas_python, fake, news):
    ended = subprocess.run([midas_python, "-I", "-c", fake + CHECK_PROGRAM], capture_output=True, text=True, check=True)
    assert re.search(news, ended.stdout.strip()) and len(ended.stdout.splitlines()) == 1


def test_a_build_that_was_asked_for_by_name_is_not_replaced(environment, wheels, tmp_path, monkeypatch):
    tiny = make_recipe(wheels, tmp_path, "torch==2.13.0")
    tiny.requirements[0].write_text("torch==2.13.0\n")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    backends = []
    plain = Installation.uv
    monkeypatch.setattr(Installation, "uv", lambda work, backend, *others: backends.append(backend) or plain(
        work, backend, *others))
    with pytest.raises(StepFailed, match="cannot be reached"):
        Installation(environment, tiny, lambda step: None, lambda: False).install_packages("cpu", allow_other_index=False)
    assert backends == ["cpu"]
