"""Maps by torch on the engine's device: the same as by numpy, which makes them where torch cannot."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.core.maps import NUMPY_BACKEND, make_map
from blender_midas_normal.core.picture import Picture
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.channel import Clock
from blender_midas_normal.worker.engines import EngineOptions, EngineRegistry
from blender_midas_normal.worker.engines.luminance import Luminance
from blender_midas_normal.worker.inputs import LoadedInputs
from blender_midas_normal.worker.outputs import make_map_on_device
from blender_midas_normal.worker.pipeline import MapPipeline
from tests.requests_for_tests import LUMINANCE
from tests.worker import maps_example as example

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def differences(midas_python):
    ended = subprocess.run([str(midas_python), example.__file__, str(ROOT)], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


@pytest.mark.midas
@pytest.mark.parametrize("kind", example.KINDS)
@pytest.mark.parametrize("case", example.CASES)
def test_torch_makes_the_maps_that_numpy_makes(differences, kind, case):
    assert differences[f"{kind}: {case}"] <= 1


@pytest.fixture
def on_torch(monkeypatch):
    """The devices that maps were asked of; what stands for torch is numpy, which raises the error that it is given."""
    record = types.SimpleNamespace(devices=[], error=None)

    def light(height, wrap, radius):
        if record.error is not None:
            raise record.error
        return NUMPY_BACKEND.occlusion(height, wrap, radius)

    def torch_array_backend(device):
        record.devices.append(device)
        return dataclasses.replace(NUMPY_BACKEND, occlusion=light)

    module = types.ModuleType("torch_backend")
    module.torch_array_backend = torch_array_backend
    monkeypatch.setitem(sys.modules, "blender_midas_normal.worker.torch_backend", module)
    return record


def render(pipeline, request, inputs):
    return pipeline.render(pipeline.prepare(request, inputs, lambda stage, share: None, Clock()))


def test_a_map_is_made_on_the_gpu_of_the_engine_that_made_its_surface(on_torch, monkeypatch, tmp_path):
    pipeline = MapPipeline(EngineRegistry(EngineOptions(tmp_path, "not in this test")))
    request = Request(LUMINANCE.to_dict(), id=1, picture="photo.png", map="HEIGHT")
    inputs = LoadedInputs(Picture(np.random.default_rng(0).random((40, 30, 3), np.float32)), None)
    on_cpu = render(pipeline, request, inputs)
    assert on_torch.devices == []
    make_surface = Luminance.surface
    monkeypatch.setattr(Luminance, "surface", lambda *args: dataclasses.replace(make_surface(*args), device="cuda"))
    pipeline.unload()
    on_gpu = render(pipeline, request, inputs)
    assert on_torch.devices == ["cuda"]
    np.testing.assert_array_equal(on_gpu.map.planes[0], on_cpu.map.planes[0])


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
                                   RuntimeError("cuFFT error: CUFFT_INTERNAL_ERROR")])
def test_where_the_gpu_cannot_make_the_map_numpy_does_and_the_log_says_why(on_torch, error, capsys):
    surface, on_torch.error = dataclasses.replace(example.surface((False, False)), device="cuda"), error
    rendered = make_map_on_device("AO", surface, Settings())
    assert on_torch.devices == ["cuda"] and str(error) in capsys.readouterr().err
    np.testing.assert_array_equal(rendered.planes[0], make_map("AO", surface, Settings()).planes[0])


def test_raw_surfaces_are_rendered_by_numpy(on_torch):
    raw = dataclasses.replace(example.surface((False, False)), raw=True, device="cuda")
    make_map_on_device("NORMAL", raw, Settings(depth_scale="RAW"))
    assert on_torch.devices == []
