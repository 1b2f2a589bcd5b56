"""The benchmark's results, bars and document; CI's quick run does the measuring."""

from __future__ import annotations

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from benchmarks import bars, document, farm, growth, rounds
from benchmarks.answer import Answer, Point, Table, join_answers, read, write
from benchmarks.plan import QUICK


@given(st.floats(0.2, 3), st.floats(1e-3, 1e3))
def test_the_exponent_of_a_power_law_is_found(exponent, factor):
    sides = [1024, 2048, 4096, 8192]
    assert growth.exponent(sides, [factor * (side * side) ** exponent for side in sides]) == pytest.approx(exponent)


def test_points_are_grouped_by_way_in_the_order_of_their_sizes():
    points = [Point("relief", 2048, 4.0), Point("luminance", 1024, 0.5), Point("relief", 1024, 1.0)]
    assert growth.curves(points) == {"luminance": [points[1]], "relief": [points[2], points[0]]}


def test_small_sizes_and_unknown_values_say_nothing_of_growth():
    assert growth.exponent([256, 1024, 2048], [100.0, 1.0, 4.0]) == pytest.approx(1)
    assert math.isnan(growth.exponent([1024, 2048], [0.0, 0.0]))


def test_ways_are_measured_in_turn_after_a_round_that_does_not_count():
    order = []
    seconds = rounds.in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == list("ababab")
    assert [len(of_way) for of_way in seconds.values()] == [2, 2]


def test_patience_leaves_one_round():
    assert len(rounds.in_turn({"a": lambda: None}, 5, patience=-1)["a"]) == 1


def test_a_bar_is_met_at_its_limit():
    assert bars.Bar("x", "", 2.0).is_met(2.0) and not bars.Bar("x", "", 2.0).is_met(2.1)
    assert bars.Bar("x", "", 2.0, at_least=True).is_met(2.0) and not bars.Bar("x", "", 2.0, at_least=True).is_met(1.9)


def test_the_forward_passs_bar_depends_on_bfloat16():
    limits = [next(bar.limit for bar in bars.bars({"bfloat16": has}) if bar.name == "forward cpu 512") for has in (0.0, 1.0)]
    assert limits == [1.2, 1.8]


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    file = tmp_path / "recorded.json"
    file.write_text(json.dumps({"lower is better": {"transport": 2.0}, "higher is better": {"relief torch": 3.0}}))
    monkeypatch.setattr(bars, "RECORDED", file)
    return file


@pytest.mark.parametrize("figures, count", [({"transport": 2.9, "relief torch": 2.1}, 0), ({"transport": 3.1}, 1),
                                            ({"relief torch": 1.9}, 1), ({}, 0)])
def test_a_ratio_that_is_worse_by_half_is_told(recorded, figures, count):
    assert len(bars.find_regressions(figures)) == count


def test_only_what_was_measured_is_recorded(recorded):
    bars.record({"transport": 1.234})
    assert json.loads(recorded.read_text()) == {"lower is better": {"transport": 1.23},
                                                "higher is better": {"relief torch": 3.0}}


def test_each_recorded_ratio_is_a_ratio():
    in_units = {bar.name for bar in bars.bars({}) if bar.unit}
    recorded = json.loads(bars.RECORDED.read_text())
    assert recorded["lower is better"] and not in_units & {name for ratios in recorded.values() for name in ratios}


def test_an_answer_is_the_same_after_its_way_through_a_file(tmp_path):
    answer = Answer({"a": 1.0}, {"a": {"step": 2.0}}, [Table("t", ["c"], [["1"]])], [Point("w", 8, 1.0, 2.0)], {"v": "1"})
    write(answer, tmp_path / "answer.json")
    assert join_answers([read(tmp_path / "answer.json"), Answer()]) == answer


def test_the_document_says_what_is_met_missed_and_not_measured():
    answer = Answer({"surface": 2.5, "transport": 9.0}, {"transport": {"read": 0.5}, "surface": {"sobel": 0.1}})
    text = document.text(answer, "A machine", "Words.", [])
    rows = {row.split(" | ")[0].strip("| "): row for row in text.splitlines()}
    row_of = {bar.name: rows[bar.what] for bar in bars.bars(answer.figures)}
    assert row_of["surface"].endswith("| 2.50 | at most 3 | met |")
    assert row_of["transport"].endswith("| 9.00 | at most 2.5 | **missed** |")
    assert document.NOT_MEASURED in row_of["retune"]
    assert "read 500 ms" in text and "sobel" not in text


def test_figures_replace_those_between_the_marks_only(tmp_path):
    file = tmp_path / "speed.md"
    file.write_text(f"before\n{document.BEGIN}\nold\n{document.END}\nafter\n")
    document.replace_figures(file, "new\n")
    assert file.read_text() == f"before\n{document.BEGIN}\n\nnew\n\n{document.END}\nafter\n"
    file.write_text("no marks")
    with pytest.raises(ValueError, match="place for the figures"):
        document.replace_figures(file, "new\n")


def test_the_document_has_a_place_for_figures():
    text = (ROOT / "docs" / "reference" / "speed.md").read_text(encoding="utf-8")
    assert text.index(document.BEGIN) < text.index(document.END)


def bumpy(rgb):
    """Normals that know nothing of borders: from the differences within the picture, none across."""
    height = rgb[..., 0]
    gx, gy = np.diff(height, axis=1, append=height[:, -1:]), np.diff(height, axis=0, append=height[-1:])
    normals = np.stack([-gx, gy, np.ones_like(gx)], axis=2)
    return normals / np.linalg.norm(normals, axis=2, keepdims=True)


def around(rgb):
    """The same with the differences across the borders."""
    height = rgb[..., 0]
    normals = np.stack([height - np.roll(height, -1, 1), np.roll(height, -1, 0) - height, np.ones_like(height)], axis=2)
    return normals / np.linalg.norm(normals, axis=2, keepdims=True)


def test_seam_and_roll_ratios_tell_maps_that_repeat_from_those_that_do_not():
    pytest.importorskip("cv2")
    from benchmarks import repeating

    y, x = np.mgrid[:64, :64] * 2 * np.pi / 64
    tile = np.repeat(np.sin(3 * x + 1)[..., None] + np.cos(2 * y + x)[..., None], 3, axis=2).astype(np.float32)
    assert repeating.seam_ratio(around, tile) == pytest.approx(1) and repeating.seam_ratio(bumpy, tile) > 1.5
    assert repeating.roll_ratio(around, [tile]) == pytest.approx(0, abs=1e-6) and repeating.roll_ratio(bumpy, [tile]) > 0.01


def test_a_shard_costs_no_more_for_each_picture_of_a_larger_library():
    """Measured small, on whatever computer: what grows with the square of the pictures grows tenfold here."""
    answer = farm.measure(dataclasses.replace(QUICK, farm=(500, 5000)))
    assert [row[0] for row in answer.tables[0].rows] == ["500", "5,000"]
    assert answer.figures["farm record growth"] == pytest.approx(1, abs=0.05)
    assert answer.figures["farm cpu growth"] < 2 and answer.figures["farm resume growth"] < 4
    assert answer.figures["farm memory growth"] < 0.5
