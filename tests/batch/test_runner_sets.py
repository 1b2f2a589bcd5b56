"""The maps of UDIM tiles and of frames, by a real worker: one range for all, and averaged over time where that is asked."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.pictures import item_of_file
from blender_midas_normal.core.file_numbering import temporal_weights
from blender_midas_normal.core.normals import average_maps
from tests.batch.batch_runs import run_items
from tests.conftest import ROOT
from tests.requests_for_tests import launch

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
cv2 = pytest.importorskip("cv2")

FRAMES = ("--sets", "sequence", "--existing", "skip")
SMOOTHED = (*FRAMES, "--smoothing", "1")
SHORT = 7
"""Frames of a test's sequence."""


@dataclass(frozen=True)
class Run:
    """What became of the pictures: maps by outcome, errors by picture, pictures that were handed over, what the sets are
    missing, and the stages of making the maps.
    """

    made: list[str]
    skipped: list[str]
    errors: dict[str, str]
    handed_over: list[str]
    missing: list[str]
    stages: set[str]


def run(folder, *arguments, out="out", at_request=None, launch_fields=None, **watching):
    """Make the maps of the folder's PNG files, in its folder `out`."""
    handed_over = []

    def request_fields_of(file):
        def request_fields(client):
            handed_over.append(file.name)
            if at_request is not None:
                at_request(file, client)
            return {"picture": str(file)}
        return request_fields

    items = [item_of_file(file, PurePath(), request_fields_of(file)) for file in sorted(folder.glob("*.png"))]
    result = run_items(items, folder / out, launch(folder, **launch_fields or {}), *arguments, **watching)
    records = result.records
    by_outcome = {outcome: [PurePath(record.output).name for record in records if record.outcome == outcome]
                  for outcome in ("made", "skipped")}
    errors = {PurePath(record.input).name: record.error for record in records if record.outcome == "failed"}
    stages = {stage for record in records for stage in record.seconds or ()}
    return Run(by_outcome["made"], by_outcome["skipped"], errors, handed_over, result.missing, stages)


def save(file, seed=0, contrast=1.0, size=(30, 40)):
    values = np.random.default_rng(seed).integers(0, 256, (*size, 3))
    PIL.Image.fromarray((128 + contrast * (values - 128)).astype(np.uint8)).save(file)


def sequence(folder, numbers=range(1, SHORT + 1)):
    for number in numbers:
        save(folder / f"shot_{number:04}.png", number)
    return folder


def pixels(file):
    values = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
    return values[..., ::-1] if values.ndim == 3 else values


def map_of(folder, number, kind="normal", out="out"):
    return pixels(folder / out / f"shot_{kind}_{number:04}.png")


def hidden(folder):
    return sorted(path.name for path in (folder / "out").iterdir() if path.name.startswith("."))


def mean(folder, near, middle, kind="normal", reach=1, out="alone"):
    """The mean over frames whose own maps lie in another folder."""
    return average_maps(
        [(share, map_of(folder, number, kind, out)) for number, share in temporal_weights(near, middle, reach).items()],
        2 if kind == "normal" else None,
    )


@pytest.mark.slow
@pytest.mark.midas
def test_the_tiles_of_a_set_have_one_range_of_depths(midas_python, test_weights, tmp_path):
    chess = (np.indices((128, 128)) // 32).sum(axis=0) % 2 * 255
    PIL.Image.fromarray(chess.astype(np.uint8)).save(tmp_path / "wall.1001.png")
    photograph("leather").save(tmp_path / "wall.1002.png")
    options = ("--engine", "midas", "--resolution", "128", "--strength", "0.02")
    midas = {"python": str(midas_python), "weights": test_weights, "without_midas": ""}
    for out, sets in (("alone", "off"), ("out", "udim")):
        run(tmp_path, *options, "--sets", sets, out=out, launch_fields=midas)
    factors = []
    for number in (1001, 1002):
        alone, together = (slopes(tmp_path / name) for name in (f"alone/wall.{number}_normal.png",
                                                                f"out/wall_normal.{number}.png"))
        factors.append((together * alone).sum() / (alone * alone).sum())
        np.testing.assert_allclose(together, alone * factors[-1], atol=2e-3)
    assert max(factors) == pytest.approx(1, abs=1e-3) and 0 < min(factors) < 0.9
    photograph("pebbles").save(tmp_path / "wall.1003.png")
    again = run(tmp_path, *options, "--sets", "udim", "--existing", "skip", launch_fields=midas)
    assert (again.made, again.handed_over) == (["wall_normal.1003.png"], ["wall.1003.png"] * 2)


def photograph(name):
    return PIL.Image.open(ROOT / "tests" / "materials" / f"{name}_color.png").convert("RGB").resize((128, 128))


def slopes(file):
    directions = pixels(file) / 65535 * 2 - 1
    return directions[..., :2] / directions[..., 2:]


def test_heights_of_a_set_have_one_scale(tmp_path):
    """A file of floats holds them as they are."""
    for number, contrast in ((1001, 1.0), (1002, 0.2)):
        save(tmp_path / f"wall.{number}.png", number, contrast)
    run(tmp_path, "--sets", "udim", "--maps", "height")
    run(tmp_path, "--sets", "udim", "--maps", "height", "--format", "exr")
    values, heights = ([pixels(tmp_path / "out" / f"wall_height.{number}{ending}").astype(float) for number in (1001, 1002)]
                       for ending in (".png", ".exr"))
    assert max(np.abs(own / 65535 - 0.5).max() for own in values) == pytest.approx(0.5, abs=1e-4)
    scale = np.abs(np.stack(heights)).max() * 2
    for own, true in zip(values, heights, strict=True):
        np.testing.assert_allclose((own / 65535 - 0.5) * scale, true, atol=scale / 65535)
    assert np.abs(heights[1]).max() < scale / 4


@pytest.mark.parametrize(("reach", "jobs"), [(1, 1), (2, 2), (16, 1)])
def test_the_map_of_a_frame_is_the_mean_over_its_neighbours(tmp_path, reach, jobs):
    numbers = [*range(1, 21), 22, 23]
    sequence(tmp_path, numbers)
    run(tmp_path, *FRAMES, "--maps", "normal,ao", out="alone")
    result = run(tmp_path, *FRAMES, "--maps", "normal,ao", "--smoothing", str(reach), "--jobs", str(jobs))
    assert result.missing == [f"{tmp_path / 'shot_####.png'}: there are no files of these frames: 21"]
    assert len(result.made) == 44 and sorted(result.handed_over) == sorted(set(result.handed_over))
    for kind in ("normal", "ao"):
        for number in (1, 8, 16, 17, 20, 23):
            expected = mean(tmp_path, numbers, number, kind, reach)
            assert np.abs(map_of(tmp_path, number, kind).astype(int) - expected).max() <= 1
    assert hidden(tmp_path) == [f".midas_normal.{COMPUTER}.jsonl"]


@pytest.mark.parametrize(("name", "ending"), [("tiff", "tif"), ("exr", "exr")])
def test_averaged_maps_are_in_the_format_that_is_asked_for(tmp_path, name, ending):
    sequence(tmp_path, (1, 2))
    for options in ((), ("--format", name)):
        run(tmp_path, *SMOOTHED, "--maps", "normal,height", *options)
    normal, height = (pixels(tmp_path / "out" / f"shot_{kind}_0001.{ending}") for kind in ("normal", "height"))
    whole = 1 if ending == "exr" else 65535
    np.testing.assert_allclose(normal / whole, map_of(tmp_path, 1) / 65535, atol=1e-5)
    own = map_of(tmp_path, 1, "height") / 65535
    factor = np.ptp(height / whole) / np.ptp(own) if ending == "exr" else 1
    np.testing.assert_allclose(height / whole, (own - 0.5 * (ending == "exr")) * factor, atol=1e-4)


def test_what_another_frame_shapes_is_made_again_when_that_changes(tmp_path):
    sequence(tmp_path)
    assert len(run(tmp_path, *SMOOTHED).made) == SHORT
    again = run(tmp_path, *SMOOTHED)
    assert len(again.skipped) == SHORT and not again.made and not again.handed_over
    save(tmp_path / "shot_0004.png", 99)
    changed = run(tmp_path, *SMOOTHED)
    assert changed.made == [f"shot_normal_000{number}.png" for number in (3, 4, 5)]
    assert sorted(changed.handed_over) == [f"shot_000{number}.png" for number in range(2, 7)]
    (tmp_path / "shot_0001.png").unlink()
    assert run(tmp_path, *SMOOTHED).made == ["shot_normal_0002.png"]
    assert len(run(tmp_path, *FRAMES, "--smoothing", "2").made) == len(run(tmp_path, *FRAMES).made) == SHORT - 1


def test_maps_are_made_again_for_another_reach_though_no_other_frame_is_in_it(tmp_path):
    sequence(tmp_path, (1, 2))
    assert [len(run(tmp_path, *FRAMES, "--smoothing", reach).made) for reach in ("1", "2", "2")] == [2, 2, 0]


def test_heights_are_made_again_when_the_scale_of_the_set_changes(tmp_path):
    for number, contrast in ((1, 1.0), (2, 0.2), (3, 0.2)):
        save(tmp_path / f"shot_{number:04}.png", number, contrast)
    options = (*FRAMES, "--maps", "normal,height")
    assert len(run(tmp_path, *options).made) == 6
    save(tmp_path / "shot_0002.png", 9, 0.1)
    assert run(tmp_path, *options).made == ["shot_normal_0002.png", "shot_height_0002.png"]
    save(tmp_path / "shot_0001.png", 1, 0.5)
    lower = [f"shot_height_000{number}.png" for number in (1, 2, 3)]
    assert sorted(run(tmp_path, *options).made) == [*lower, "shot_normal_0001.png"]
    assert len(run(tmp_path, *options).skipped) == 6


def test_a_bad_frame_stops_no_other_and_takes_no_part(tmp_path):
    sequence(tmp_path)
    (tmp_path / "shot_0004.png").write_bytes(b"no picture")
    save(tmp_path / "shot_0006.png", 6, size=(20, 20))
    good = [1, 2, 3, 5, 6, 7]
    run(tmp_path, *FRAMES, out="alone")
    result = run(tmp_path, *SMOOTHED)
    assert list(result.errors) == ["shot_0004.png"] and "not a readable picture" in result.errors["shot_0004.png"]
    assert result.made == [f"shot_normal_{number:04}.png" for number in good]
    for number, near in ((3, (2, 3)), (5, (5,)), (6, (6,))):
        assert np.abs(map_of(tmp_path, number).astype(int) - mean(tmp_path, near, number)).max() <= 2
    again = run(tmp_path, *SMOOTHED)
    assert len(again.skipped) == 6 and list(again.errors) == ["shot_0004.png"]
    save(tmp_path / "shot_0004.png", 4)
    assert run(tmp_path, *SMOOTHED).made == [f"shot_normal_000{number}.png" for number in (3, 4, 5)]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("options", [SMOOTHED, (*FRAMES, "--maps", "height")])
def test_a_frame_that_ends_its_worker_fails_alone(tmp_path, options):
    def kill(file, client):
        if file.name == "shot_0003.png":
            os.kill(client.worker.pid, signal.SIGKILL)

    result = run(sequence(tmp_path), *options, at_request=kill)
    assert list(result.errors) == ["shot_0003.png"] and "killed by signal 9" in result.errors["shot_0003.png"]
    assert len(result.made) == SHORT - 1
    healed = run(tmp_path, *options)
    assert not healed.errors and any("0003" in name for name in healed.made)
    if options == SMOOTHED:
        assert healed.made == [f"shot_normal_000{number}.png" for number in (2, 3, 4)]


@pytest.mark.parametrize("options", [SMOOTHED, (*FRAMES, "--maps", "normal,height")])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, options):
    sequence(tmp_path, range(1, 41))
    map_count = 2 if "--maps" in options else 1
    lines = []
    first = run(tmp_path, *options, on_line=lines.append, stopped=lambda: len(lines) > 20)
    assert 0 < len(first.made) < 40 * map_count and not any(path.is_dir() for path in (tmp_path / "out").iterdir())
    times = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in first.made}
    rest = run(tmp_path, *options)
    assert len(rest.made) == 40 * map_count - len(first.made) and sorted(rest.skipped) == sorted(first.made)
    assert all((tmp_path / "out" / name).stat().st_mtime_ns == time for name, time in times.items())
    assert len(rest.handed_over) <= 40 - len(first.made) // map_count + 2
    run(tmp_path, *options, out="whole")
    for name in first.made + rest.made:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_was_measured_is_not_measured_again(tmp_path):
    sequence(tmp_path)
    looks = []

    def stopped():
        return len(looks) >= 5

    first = run(tmp_path, *FRAMES, "--maps", "height", at_request=lambda file, client: looks.append(file), stopped=stopped)
    assert not first.made
    measured = len((tmp_path / "out" / f".midas_normal_ranges.{COMPUTER}.jsonl").read_text().strip().splitlines())
    rest = run(tmp_path, *FRAMES, "--maps", "height")
    assert measured > 0 and len(rest.made) == SHORT and len(rest.handed_over) == 2 * SHORT - measured


def test_the_engine_runs_once_for_what_is_measured_and_made(tmp_path):
    sequence(tmp_path)
    assert "engine" in run(tmp_path, "--maps", "height").stages
    assert "engine" not in run(tmp_path, *FRAMES, "--maps", "height").stages


def test_maps_of_a_set_get_one_number_and_replace_none(tmp_path):
    sequence(tmp_path, (1, 2))
    options = ("--sets", "sequence", "--existing", "number")
    assert run(tmp_path, *options).made == ["shot_normal_0001.png", "shot_normal_0002.png"]
    (tmp_path / "out" / "shot_normal_0001.png").unlink()
    save(tmp_path / "shot_0003.png")
    assert run(tmp_path, *options).made == [f"shot_normal_2_000{number}.png" for number in (1, 2, 3)]


def test_a_set_whose_number_another_process_takes_is_refused_and_nothing_is_lost(tmp_path):
    sequence(tmp_path, (1, 2))

    def appear(file, client):
        (tmp_path / "out" / "shot_normal_0001.png").write_bytes(b"theirs")

    result = run(tmp_path, "--sets", "sequence", "--existing", "number", at_request=appear)
    assert (tmp_path / "out" / "shot_normal_0001.png").read_bytes() == b"theirs"
    assert "those of a set have one number; run it again" in result.errors["shot_0001.png"]


def test_a_frame_whose_map_is_the_users_own_counts_for_the_others_all_the_same(tmp_path):
    sequence(tmp_path, (1, 2, 3))
    run(tmp_path, *SMOOTHED)
    own = tmp_path / "out" / "shot_normal_0002.png"
    own.write_bytes(b"mine")
    result = run(tmp_path, *SMOOTHED)
    assert not result.made and own.read_bytes() == b"mine"
    assert "was changed after it was made" in result.errors["shot_0002.png"]


def test_pictures_that_are_none_of_a_set_are_what_they_are_without_sets(tmp_path):
    sequence(tmp_path, (1, 2))
    save(tmp_path / "wall.png")
    run(tmp_path, out="alone")
    assert "wall_normal.png" in run(tmp_path, *SMOOTHED).made
    assert (tmp_path / "out" / "wall_normal.png").read_bytes() == (tmp_path / "alone" / "wall_normal.png").read_bytes()
    assert dataclasses.astuple(run(tmp_path, "--existing", "skip", out="alone"))[:2] == (
        [], ["shot_0001_normal.png", "shot_0002_normal.png", "wall_normal.png"])
