"""The benchmark of height maps and normal maps as sources, on small pictures, and beside a stand-in for depth2normal."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import types

import numpy as np
import pytest

from blender_midas_normal.core.image_io import encode_png
from blender_midas_normal.core.picture import Wrap
from tests.conftest import ROOT
from tests.worker.test_normals import encoded, true_normals

sys.path.insert(0, str(ROOT / "scripts"))

pytest.importorskip("OpenImageIO")

from benchmarks import bars, document
from benchmarks.plan import QUICK
from benchmarks.sources import files, green, round_trip, waves

WRAPS = [Wrap(), Wrap(x=True), Wrap(True, True)]


@pytest.fixture
def shared(tmp_path):
    """A folder as the one beside the checkout, with a map that points up and one that AUTO cannot tell, both OpenGL."""
    folder = tmp_path / "cc0"
    folder.mkdir()
    rows = ["id\tnormal_path\tgreen_as_found\ttiles_x\ttiles_y\tsplit"]
    flat = np.full((96, 96, 3), [0.5, 0.5, 1], np.float32)
    for name, rgb in (("wall", encoded(true_normals(96))), ("flat", flat)):
        (folder / f"{name}_normal.png").write_bytes(encode_png(np.rint(rgb * 65535).astype(np.uint16), compress=False))
        rows.append(f"{name}\t{name}_nor_gl_1k.jpg\tgl (curl ratio 4.00)\tyes\tyes\t{'val' if name == 'wall' else 'train'}")
    (folder / "index.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_waves_are_measured_as_they_are_stored(monkeypatch):
    monkeypatch.setattr(waves, "SIDES", (128,))
    answer = waves.measure()
    assert all(bar.is_met(answer.figures[bar.name]) for bar in bars.source_bars({}) if bar.name in answer.figures)
    assert len(answer.figures) == len(answer.tables[0].rows) == 3


def test_ours_is_compared_with_the_best_and_the_fastest_of_another_library(monkeypatch):
    """The library's stand-in makes flat normals, which are quick and wrong."""
    def depth_to_normal(depth, strength, depth_range, **settings):
        return np.full((*depth.shape, 3), [127, 127, 255], np.uint8)

    monkeypatch.setitem(sys.modules, "depth2normal", types.SimpleNamespace(depth_to_normal=depth_to_normal))
    beside = importlib.import_module("benchmarks.sources.beside_depth2normal")
    monkeypatch.setattr(beside, "version", lambda package: "0")
    monkeypatch.setattr(beside, "SIDES", (128,))
    answer = beside.measure(dataclasses.replace(QUICK, runs=1))
    assert answer.figures["depth2normal error"] > 5 and 0 < answer.figures["depth2normal time"] < 1
    assert len(answer.tables[0].rows) == 2 * (1 + len(beside.METHODS))


def test_green_is_decided_on_each_map_as_it_is_and_turned_over(shared, monkeypatch):
    figures = green.measure(shared / "cc0").figures
    assert figures["green maps all"] == figures["green maps proved"] == 4
    assert (figures["green wrong all"], figures["green undecided all"]) == (0, 50)
    monkeypatch.setattr(green, "green_agreement", lambda slopes: -0.5)
    assert green.measure(shared / "cc0").figures["green wrong all"] == 50


def test_a_name_proves_green_only_where_it_agrees_with_the_index():
    row = {"normal_path": "a/Wood006_2K_NormalDX.jpg", "green_as_found": "dx (curl ratio 0.24)"}
    assert green.green_is_proved(row) and not green.green_is_proved({**row, "green_as_found": "gl"})
    assert not green.green_is_proved({**row, "normal_path": "a/normal_glass.jpg"})


def test_normals_come_back_from_a_file_of_heights(shared):
    figures = round_trip.measure(shared).figures
    assert figures["maps"] == figures["maps possible"] == 1
    assert figures["round trip r possible"] > 0.99 and figures["round trip error possible"] < 1


@pytest.mark.parametrize("wrap", WRAPS)
def test_the_nearest_gradient_of_a_gradient_is_itself_and_of_a_rotation_nothing(wrap):
    v, u = (np.mgrid[:64, :64] + 0.5) * np.pi / 32
    gradient = np.stack([np.sin(u) * np.cos(v), np.cos(u) * np.sin(v)])
    rotation = np.stack([np.sin(u) * np.cos(v), -np.cos(u) * np.sin(v)])
    for field, share in ((gradient, 0), (rotation, 1)):
        nearest, rest = round_trip.nearest_gradient(field, wrap)
        assert rest == pytest.approx(share, abs=1e-9)
        np.testing.assert_allclose(nearest, field * (1 - share), atol=1e-9)


def test_what_is_not_there_is_said(tmp_path):
    figures = round_trip.measure(tmp_path).figures | green.measure(tmp_path).figures
    assert figures == {}
    rows = {row[0]: row[1] for row in document.format_verdicts("Sources", bars.source_bars(figures), figures).rows}
    assert any("no shared/cc0 beside the checkout" in said for said in rows.values())


def test_files_of_heights_become_files_of_maps():
    answer = files.measure(dataclasses.replace(QUICK, exchange=64, runs=1, patience=0.0))
    assert {"files normal 16", "files normal 8", "files height 16", "files ao 16"} <= answer.figures.keys()
    assert all(float(row[3]) > 0 for row in answer.tables[0].rows)
