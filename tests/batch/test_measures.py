"""The record of how deep pictures are."""

from __future__ import annotations

import os
import time

import pytest

from blender_midas_normal.batch.record import READ_INTERVAL_S, DepthStats, DepthStatsCache
from blender_midas_normal.core.errors import TargetError

NAME = ".midas_normal_ranges.jsonl"

DEEP = DepthStats(0.1 + 0.2, 3.0)


def test_a_measure_is_found_again_for_the_same_content_and_settings_only(tmp_path):
    DepthStatsCache(tmp_path).add("content", "settings", DEEP)
    again = DepthStatsCache(tmp_path)
    assert again.get("content", "settings") == DEEP
    assert again.get("other", "settings") is None and again.get("content", "other") is None


@pytest.mark.parametrize("damage", [b"{", b'["key", 1.0]', b'["key", "a", 1.0]', b'["key", -1.0, 1.0]', b"3", b"\xff",
                                    b'["key", NaN, 1.0]', b"[" * 100000])
def test_a_damaged_line_only_makes_work(tmp_path, damage):
    (tmp_path / NAME).write_bytes(damage + b"\n")
    DepthStatsCache(tmp_path).add("content", "settings", DEEP)
    again = DepthStatsCache(tmp_path)
    assert again.get("content", "settings") == DEEP and again.get("key", "") is None


def test_what_is_known_is_not_written_again_and_the_last_measure_counts(tmp_path):
    for depth in (DEEP, DEEP, DepthStats(5.0, 0.0)):
        measures = DepthStatsCache(tmp_path)
        measures.add("content", "settings", depth)
        measures.close()
    assert (tmp_path / NAME).read_bytes().count(b"\n") == 2
    assert DepthStatsCache(tmp_path).get("content", "settings") == DepthStats(5.0, 0.0)
    for depth in range(20):
        measures = DepthStatsCache(tmp_path)
        measures.add("content", "settings", DepthStats(float(depth), 0.0))
        measures.close()
    assert (tmp_path / NAME).read_bytes().count(b"\n") <= 3
    assert DepthStatsCache(tmp_path).get("content", "settings") == DepthStats(19.0, 0.0)


def test_what_another_run_measures_is_known_after_a_moment_but_not_looked_for_at_each_picture(tmp_path, monkeypatch):
    measures, looked = DepthStatsCache(tmp_path), []
    DepthStatsCache(tmp_path).add("content", "settings", DEEP)
    monkeypatch.setattr("os.scandir", lambda folder, of=os.scandir: looked.append(folder) or of(folder))
    for number in range(1000):
        assert measures.get(f"{number}", "settings") is None
    assert len(looked) < 10
    later = time.monotonic() + 2 * READ_INTERVAL_S
    monkeypatch.setattr("time.monotonic", lambda: later)
    assert measures.get("content", "settings") == DEEP


def test_a_record_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TargetError, match=r"The record .*\.midas_normal_ranges\.jsonl cannot be written: (File|Not)"):
        DepthStatsCache(tmp_path / "file").add("content", "settings", DEEP)
