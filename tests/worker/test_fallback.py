"""Maps on a graphics card that fails, the same for each engine with a network.

Cards are stood in for: MiDaS's network answers with its picture's brightness, the relief engine's is the real one on numpy,
and a `Card` decides what each gives, or raises, on its device.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import types

import numpy as np
import pytest

from blender_midas_normal.core.errors import EngineError
from blender_midas_normal.core.picture import Picture, Wrap
from blender_midas_normal.core.settings import Settings, preset
from blender_midas_normal.worker import devices
from blender_midas_normal.worker.engines import EngineInput, depth_engine, midas, network_engine, relief
from blender_midas_normal.worker.engines.device_fallback import Attempt, Fallback, WrongValues, check_finite
from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork
from tests.worker.relief_example import photo

pytest.importorskip("cv2")

FULL = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
BROKEN = RuntimeError("CUDA error: an illegal memory access was encountered")
NO_DOUBLE = TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
AUTO = Settings(tileable="OFF", resolution=64)


class Card:
    """A device and what it does with a network's values: by precision, "" for right ones, "nan", "wrong", or an error.

    passes: the attempts that were made, by device and precision.
    """

    def __init__(self, device="cuda", half="", exact=""):
        self.device, self.faults, self.passes = device, {"AUTO": half, "FLOAT32": exact}, []
        self.is_lost = False

    def given(self, values, device, precision):
        """What a network on a device gives where these values are right."""
        self.passes.append((device, precision))
        fault = self.faults[precision] if device == self.device else ""
        if isinstance(fault, Exception):
            self.is_lost = fault is BROKEN
            raise fault
        if fault == "nan":
            values = values.copy()
            values.flat[len(values.flat) // 2] = math.nan
        return values[::-1, ::-1] * 3 if fault == "wrong" else values


class MidasNetwork:
    """Brightness as depth.  Once its device is lost, it can be had from there no more."""

    def __init__(self, card):
        self.card, self.device = card, "cpu"

    def move(self, device):
        if self.device == self.card.device != device and self.card.is_lost:
            raise BROKEN
        self.device = device

    def depths(self, pictures, on_progress, precision):
        return self.card.given(pictures.mean(axis=3) * np.float32(100), self.device, precision)

    def node_depth(self, picture, resolution, on_progress):
        return self.card.given(picture.mean(axis=2).astype(np.float32), self.device, "FLOAT32")

    def free(self):
        """Nothing is kept."""

    close = free


@pytest.fixture
def computer(monkeypatch, tmp_path):
    """computer(engine, card): an engine on a computer with this card."""
    monkeypatch.setattr(network_engine, "find_engine_weights", lambda engine, settings, folder: folder)
    monkeypatch.setattr(network_engine, "verify_weights", lambda path, weights: None)
    for module in (depth_engine, midas):
        monkeypatch.setattr(module, "available_bytes", lambda device: 10**12)
    monkeypatch.setattr(relief, "has_torch", lambda: True)
    monkeypatch.setattr(relief, "empty_cache", lambda device: None)

    def on(engine, card):
        monkeypatch.setattr(devices, "has_device", lambda name: name in ("cpu", card.device))
        if engine == "MIDAS":
            monkeypatch.setattr(midas, "load_network", lambda weights: MidasNetwork(card))
            return midas.Midas(tmp_path)

        class TorchReliefNetwork(ReliefNetwork):
            def __init__(self, weights, device, precision="AUTO"):
                super().__init__(weights)
                self.device, self.precision = device, precision

            def forward(self, rgb, coarse, wrap, on_progress):
                given = card.given(super().forward(rgb, coarse, wrap, on_progress), self.device, self.precision)
                return check_finite(given, Attempt(self.device, self.precision))

        module = types.ModuleType("torch_network")
        module.TorchReliefNetwork = TorchReliefNetwork
        monkeypatch.setitem(sys.modules, "blender_midas_normal.worker.engines.relief.torch_network", module)
        return relief.Relief()

    return on


def surface(engine, settings=AUTO, seed=0):
    return engine.surface(EngineInput(Picture(photo(64, 64, seed)), Wrap(), settings, lambda stage, share: None))


def attempts_of(passes):
    """The passes, each kind once, in the order of the first of its kind."""
    return list(dict.fromkeys(passes))


CPU = ("cpu", "AUTO")


@pytest.mark.parametrize("engine", ["MIDAS", "RELIEF"])
@pytest.mark.parametrize(("half", "exact", "passes", "note", "again"), [
    ("", "", [("cuda", "AUTO")], "", [("cuda", "AUTO")]),
    ("nan", "", [("cuda", "AUTO"), ("cuda", "FLOAT32")], "", [("cuda", "FLOAT32")]),
    ("nan", "nan", [("cuda", "AUTO"), ("cuda", "FLOAT32"), ("cpu", "FLOAT32")], "gives wrong values", [CPU]),
    (FULL, "", [("cuda", "AUTO"), CPU], "had too little free memory", [("cuda", "AUTO"), CPU]),
    (BROKEN, BROKEN, [("cuda", "AUTO"), CPU], "failed", [CPU]),
    (NO_DOUBLE, "", [("cuda", "AUTO"), CPU], "failed", [CPU]),
    ("nan", BROKEN, [("cuda", "AUTO"), ("cuda", "FLOAT32"), ("cpu", "FLOAT32")], "failed", [CPU]),
])
def test_the_map_of_a_device_that_cannot_make_it_is_the_one_of_the_cpu(computer, engine, half, exact, passes, note, again):
    expected = surface(computer(engine, Card("none")))
    card = Card("cuda", half, exact)
    tested_engine = computer(engine, card)
    computed = surface(tested_engine)
    np.testing.assert_array_equal(computed.height, expected.height)
    assert np.ptp(computed.height) > 0 and attempts_of(card.passes) == passes
    pieces = ["Memory ran short, so the network saw the picture in smaller pieces."]
    expected_notes = [f"The device cuda {note}, so the network ran on the CPU."] if note else []
    assert list(computed.notes) == (pieces if half == FULL and engine == "MIDAS" else []) + expected_notes
    assert computed.device == passes[-1][0]
    card.passes.clear()
    another = surface(tested_engine, seed=1)
    assert attempts_of(card.passes) == again, "what the device cannot do is known"
    assert bool(another.notes) == bool(note)


@pytest.mark.parametrize("engine", ["MIDAS", "RELIEF"])
@pytest.mark.parametrize(("half", "exact", "last", "note"), [
    ("", "", ("mps", "AUTO"), ""), ("wrong", "", ("mps", "FLOAT32"), ""), ("nan", "", ("mps", "FLOAT32"), ""),
    ("wrong", "wrong", ("cpu", "FLOAT32"), "The device mps gives wrong values, so the network ran on the CPU."),
])
def test_metal_is_used_only_where_it_agrees_with_the_cpu(computer, engine, half, exact, last, note):
    expected = surface(computer(engine, Card("none")))
    card = Card("mps", half, exact)
    computed = surface(computer(engine, card))
    np.testing.assert_array_equal(computed.height, expected.height)
    assert card.passes[-1] == last and list(computed.notes) == ([note] if note else [])


def test_metal_is_compared_once(computer):
    card = Card("mps")
    engine = computer("RELIEF", card)
    surface(engine)
    assert card.passes.count(("cpu", "FLOAT32")) == 1
    engine.unload()
    surface(engine, seed=1)
    assert card.passes.count(("cpu", "FLOAT32")) == 1


@pytest.mark.parametrize("engine", ["MIDAS", "RELIEF"])
def test_a_device_that_was_chosen_by_name_fails_with_its_error(computer, engine):
    tested_engine = computer(engine, Card("cuda", BROKEN, BROKEN))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        surface(tested_engine, dataclasses.replace(AUTO, device="CUDA"))


@pytest.mark.parametrize("engine", ["MIDAS", "RELIEF"])
def test_precision_float32_never_tries_half_precision(computer, engine):
    card = Card("cuda", "nan")
    assert not surface(computer(engine, card), dataclasses.replace(AUTO, precision="FLOAT32")).notes
    assert attempts_of(card.passes) == [("cuda", "FLOAT32")]


RAW = dataclasses.replace(preset("NODE"), device="AUTO", resolution=64)


@pytest.mark.parametrize(("fault", "note"), [(FULL, "had too little free memory"), (BROKEN, "failed"),
                                             ("nan", "gives wrong values")])
def test_raw_depths_fall_back_too(computer, fault, note):
    expected = surface(computer("MIDAS", Card("none")), RAW)
    card = Card("cuda", "", fault)
    computed = surface(computer("MIDAS", card), RAW)
    np.testing.assert_array_equal(computed.height, expected.height)
    assert computed.notes == (f"The device cuda {note}, so the network ran on the CPU.",)


def test_raw_depths_too_large_for_the_card_are_made_on_the_cpu(computer, monkeypatch):
    engine = computer("MIDAS", Card("cuda"))
    monkeypatch.setattr(midas, "available_bytes", lambda device: 1000 if device == "cuda" else 10**12)
    computed = surface(engine, RAW)
    assert "too little free memory" in computed.notes[0] and computed.device == "cpu"
    monkeypatch.setattr(midas, "available_bytes", lambda device: 1000)
    with pytest.raises(EngineError, match="choose a lower resolution"):
        surface(engine, RAW)


def test_a_failure_of_the_card_is_in_the_log(computer, capsys):
    surface(computer("RELIEF", Card("cuda", BROKEN, BROKEN)))
    assert "illegal memory access" in capsys.readouterr().err


def test_nan_on_the_cpu_is_computed_in_float32_and_then_accepted():
    fallback = Fallback(lambda attempt: np.zeros(1), lambda device, has_failed: None)
    attempts = []

    def forward(attempt):
        attempts.append(attempt)
        return check_finite(np.float32([math.inf]), attempt)

    assert fallback.run(forward, "cpu", "AUTO", may_use_cpu=True) == (np.float32([math.inf]), ())
    assert attempts == [Attempt("cpu", "AUTO"), Attempt("cpu", "FLOAT32")]
    with pytest.raises(WrongValues):
        check_finite(np.float32([math.nan]), Attempt("cuda", "FLOAT32"))


@pytest.mark.parametrize(("error", "released"), [(FULL, ("cuda", True)), (BROKEN, ("cuda", True)),
                                                 (WrongValues("NaN"), ("cuda", False))])
def test_a_device_that_is_left_keeps_no_network(error, released):
    """Its memory is what other programs lack; in another precision on the same device, the network stays in use."""
    releases = []
    fallback = Fallback(lambda attempt: np.zeros(1), lambda *arguments: releases.append(arguments))

    def forward(attempt):
        if attempt == Attempt("cuda"):
            raise error
        return attempt

    fallback.run(forward, "cuda", "AUTO", may_use_cpu=True)
    assert releases == [released]
