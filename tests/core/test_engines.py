"""What is known of the engines: one depth range for several pictures, weights, and what tells maps apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.engines import needed_weights, shared_range_strengths, values_that_tell_maps_apart
from blender_midas_normal.core.errors import WeightsError
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.core.weights import find_weights


@given(st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1))
def test_depths_times_their_factor_are_what_the_widest_range_makes_them(ranges):
    factors = shared_range_strengths(dict(enumerate(ranges)))
    for number, own in enumerate(ranges):
        assert 0 <= factors[number] <= 1 and factors[number] * max(ranges) == pytest.approx(own)


def test_nothing_changes_where_no_picture_has_a_range():
    assert shared_range_strengths({"a": 0.0, "b": 0.0}) == {"a": 1.0, "b": 1.0} and shared_range_strengths({}) == {}


def test_only_a_model_that_acts_tells_maps_apart(tmp_path):
    """Else all maps of other engines would be made again when it is changed, or by a version that knows more settings."""
    relief = values_that_tell_maps_apart(Settings(), "RELIEF")
    assert relief == values_that_tell_maps_apart(Settings(model="LARGE", model_folder="/mine"), "RELIEF")
    assert "model" not in relief and relief["engine"] == "RELIEF"
    small, large = (values_that_tell_maps_apart(Settings(engine="MOGE", model=model), "MOGE")
                    for model in ("SMALL", "LARGE"))
    assert small != large and small["model_folder"] == ""


def test_weights_of_ones_own_count_by_their_files_and_not_by_their_place(tmp_path):
    def values(folder):
        return values_that_tell_maps_apart(Settings(engine="MOGE", model="FOLDER", model_folder=str(folder)), "MOGE")

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.pt").write_bytes(b"weights")
    first = values(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert values(tmp_path / "b") == first
    (tmp_path / "b" / "model.pt").write_bytes(b"better weights")
    assert values(tmp_path / "b") != first


def test_files_of_other_weights_with_the_same_names_are_not_taken(tmp_path):
    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_text("")
    with pytest.raises(WeightsError):
        find_weights(tmp_path, needed_weights("DEPTH_ANYTHING", "BASE"))
    own = tmp_path / "Depth-Anything-V2-Base-hf"
    own.mkdir()
    for name in ("model.safetensors", "config.json"):
        (own / name).write_text("")
    assert find_weights(tmp_path, needed_weights("DEPTH_ANYTHING", "BASE")) == own
    assert find_weights(own, needed_weights("DEPTH_ANYTHING", "BASE")) == own
