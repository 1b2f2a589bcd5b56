"""Whole libraries on the command line, as a shell calls it, with everything that can go wrong on the way."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER
from tests.conftest import ROOT, changed

pty = pytest.importorskip("pty")
cv2 = pytest.importorskip("cv2")
pytestmark = pytest.mark.slow

LONG = "x" * 200

SCRIPT = ROOT / "scripts" / "normal_map.py"


def command(*arguments):
    return [sys.executable, str(SCRIPT), *map(str, arguments), "--engine", "luminance"]


def normal_map(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


def save(file, side=40, seed=0):
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    PIL.Image.fromarray(values).save(file)
    return file


def maps(folder):
    """All files that are not hidden, below the folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file())


def hidden(folder):
    return sorted(path.name for path in folder.rglob(".*"))


def pixels(file):
    return cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)


def counts(ended):
    """(made, skipped, failed) of the summary."""
    return tuple(int(re.search(rf"^ +(\d+) {outcome}", ended.stdout, re.MULTILINE)[1])
                 for outcome in ("made", "skipped", "failed"))


@pytest.fixture
def textures(tmp_path):
    """A library with good and bad pictures, in folders."""
    folder = tmp_path / "textures"
    for seed, name in enumerate(("wall.png", "stone/wall.png", "stone/rough/ein Bild 壁 ü.jpg", f"wood/{LONG}.png")):
        save(folder / name, seed=seed)
    (folder / "stone" / "bad.png").write_bytes(b"no picture")
    (folder / "stone" / "notes.txt").write_text("not a picture")
    return folder


MADE = ["stone/rough/ein Bild 壁 ü_normal.png", "stone/wall_normal.png", "wall_normal.png", f"wood/{LONG}_normal.png"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_library_is_mirrored_and_its_bad_files_are_named(textures, tmp_path, jobs):
    out = tmp_path / "maps"
    ended = normal_map(textures, tmp_path / "missing.png", "--out", out, "--recursive", "--jobs", jobs,
                       "--csv", tmp_path / "report.csv", "--json", tmp_path / "report.json")
    assert ended.returncode == 1 and maps(out) == MADE and counts(ended) == (4, 0, 2), ended.stderr
    assert hidden(out) == [f".midas_normal.{COMPUTER}.jsonl"]
    assert "bad.png is not a readable picture" in ended.stdout and "There is no picture" in ended.stdout
    assert "1 other files left alone" in ended.stdout
    rows = list(csv.DictReader((tmp_path / "report.csv").open(encoding="utf-8")))
    words = json.loads((tmp_path / "report.json").read_text())
    assert [row["outcome"] for row in rows] == [word["outcome"] for word in words]
    assert [row["input"] for row in rows][:2] == [str(textures / "wall.png"), str(textures / "stone" / "bad.png")]
    assert {row["width"] for row in rows if row["outcome"] == "made"} == {"40"}
    assert ["error" in word for word in words] == [word["outcome"] == "failed" for word in words]


@pytest.mark.parametrize("named", ["textures", "textures/**/*.png"])
def test_links_that_lead_to_themselves_and_to_folders_above_cost_no_picture(textures, tmp_path, named):
    (textures / "self.png").symlink_to("self.png")
    (textures / "stone" / "loop").symlink_to(textures)
    (textures / "stone" / "bad.png").unlink()
    ended = normal_map(tmp_path / named, "--out", tmp_path / "maps", "--recursive", "--mask-image", textures / "wall.png")
    assert ended.returncode == 1 and "Traceback" not in ended.stderr, ended.stderr
    assert maps(tmp_path / "maps") == [name for name in MADE if named == "textures" or "Bild" not in name]
    assert f"{textures}/self.png: error: {textures}/self.png is a link to a file that is not there." in ended.stderr
    refused = normal_map(textures / "wall.png", "--out", tmp_path / "maps", "--mask-image", textures / "self.png")
    assert refused.returncode == 2 and "self.png is a link to a file that is not there." in refused.stderr


def test_the_same_run_into_the_library_itself_does_not_take_its_own_maps(textures):
    first = normal_map(textures, "--out", textures, "--recursive")
    names = maps(textures)
    second = normal_map(f"{textures}/**/*.*", "--out", textures)
    assert counts(first) == counts(second) == (4, 0, 1) and maps(textures) == names


def test_maps_of_every_kind_and_format_come_from_one_picture(tmp_path):
    photo = save(tmp_path / "photo.png")
    for name, ending, dtype in (("png", "png", np.uint16), ("tiff", "tif", np.uint16), ("exr", "exr", None)):
        ended = normal_map(photo, "--out", tmp_path / name, "--maps", "normal,height,ao,curvature", "--format", name)
        assert ended.returncode == 0 and counts(ended) == (4, 0, 0), ended.stderr
        assert maps(tmp_path / name) == [f"photo_{kind}.{ending}" for kind in ("ao", "curvature", "height", "normal")]
        if dtype is not None:
            assert pixels(tmp_path / name / f"photo_ao.{ending}").shape == (40, 40)
            assert pixels(tmp_path / name / f"photo_normal.{ending}").dtype == dtype


def test_targets_set_green_and_names_and_what_is_said_outright_wins(tmp_path):
    photo = save(tmp_path / "photo.png")
    outright = ("--convention", "opengl", "--pattern", "{map}/{stem}")
    for target, options in (("unity", ()), ("unreal", ()), ("unreal", outright)):
        assert normal_map(photo, "--out", tmp_path / "maps", "--target", target, *options).returncode == 0
    up, down, said = (pixels(tmp_path / "maps" / name)[..., 1].astype(int)
                      for name in ("photo_Normal.png", "T_photo_N.png", "N/photo.png"))
    assert abs(up + down - 65535).max() <= 1 and (up != down).any() and (up == said).all()


def test_godot_gets_8_bits_the_nearest_to_the_16_that_others_get_and_both_are_on_record(tmp_path):
    photo, out = save(tmp_path / "photo.png"), tmp_path / "maps"
    made = {}
    godot = ("--target", "godot")
    for words in ((), godot, (*godot, "--format", "tiff"), (*godot, "--bits", "16")):
        for counted in ((1, 0, 0), (0, 1, 0)):
            ended = normal_map(photo, "--out", out, "--existing", "skip", *words)
            assert counts(ended) == counted, ended.stderr
        made[words] = pixels(out / f"photo_normal.{'tif' if 'tiff' in words else 'png'}")
    deep, *eight, sixteen = made.values()
    assert deep.dtype == np.uint16 and (sixteen == deep).all()
    for values in eight:
        assert values.dtype == np.uint8 and np.abs(values * 257.0 - deep).max() <= 129


def test_only_what_is_missing_or_would_be_another_is_made_again(textures, tmp_path):
    out = tmp_path / "maps"

    def again(*options):
        return counts(normal_map(textures, "--out", out, "--recursive", "--existing", "skip", *options))

    assert again() == (4, 0, 1) and again() == (0, 4, 1)
    (out / "wall_normal.png").unlink()
    save(textures / "stone" / "wall.png", seed=9)
    assert again() == (2, 2, 1)
    assert again("--maps", "normal,ao") == (4, 4, 1)
    assert again("--strength", "2") == (4, 0, 1)
    textures.rename(tmp_path / "elsewhere").rename(textures)
    out.rename(tmp_path / "moved")
    (tmp_path / "moved").rename(out)
    assert again("--strength", "2") == (0, 4, 1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_tiles_and_frames_are_made_as_sets_and_what_is_wrong_with_them_is_named(tmp_path, jobs):
    for number in (1001, 1002, 1004):
        save(tmp_path / "tiles" / f"ein Haus.{number}.png", seed=number)
    for number in (1, 2, 3, 5):
        save(tmp_path / "frames" / f"shot_{number:04}.png", seed=number)
    (tmp_path / "frames" / "shot_0002.png").write_bytes(b"no picture")
    out = tmp_path / "maps"
    tiles = normal_map(tmp_path / "tiles", "--out", out, "--sets", "udim", "--maps", "normal,height", "--jobs", jobs)
    assert tiles.returncode == 0 and counts(tiles) == (6, 0, 0), tiles.stderr
    assert f"{tmp_path}/tiles/ein Haus.<UDIM>.png: 3 tiles, made as one set" in tiles.stdout
    assert tiles.stdout.endswith("ein Haus.<UDIM>.png: there are no files of these tiles: 1003\n")
    frames = normal_map(tmp_path / "frames", "--out", out, "--sets", "sequence", "--smoothing", "1", "--jobs", jobs)
    assert frames.returncode == 1 and counts(frames) == (3, 0, 1)
    assert "shot_0002.png is not a readable picture" in frames.stdout
    assert frames.stdout.endswith("shot_####.png: there are no files of these frames: 4\n")
    assert maps(out) == [*(f"ein Haus_height.{number}.png" for number in (1001, 1002, 1004)),
                         *(f"ein Haus_normal.{number}.png" for number in (1001, 1002, 1004)),
                         *(f"shot_normal_000{number}.png" for number in (1, 3, 5))]
    assert hidden(out) == [f".midas_normal.{COMPUTER}.jsonl", f".midas_normal_ranges.{COMPUTER}.jsonl"]


@pytest.mark.parametrize("options", [("--smoothing", "2"), ("--maps", "height")])
def test_an_interrupted_sequence_leaves_whole_maps_and_goes_on(tmp_path, options):
    for number in range(24):
        save(tmp_path / "textures" / f"shot_{number:04}.png", side=300, seed=number)
    out = tmp_path / "maps"
    arguments = (tmp_path / "textures", "--out", out, "--existing", "skip", "--sets", "sequence", *options)
    run = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "->" not in run.stdout.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    shown, errors = run.communicate(timeout=30)
    assert run.returncode == 1 and "interrupted" in shown and not errors
    first = {name: (out / name).stat().st_mtime_ns for name in maps(out)}
    assert 0 < len(first) < 24 and not [path for path in out.iterdir() if path.is_dir()]
    assert all(pixels(out / name).shape[:2] == (300, 300) for name in first)
    ended = normal_map(*arguments)
    assert ended.returncode == 0 and counts(ended) == (24 - len(first), len(first), 0)
    assert all((out / name).stat().st_mtime_ns == time for name, time in first.items())


def test_numbers_replace_nothing(tmp_path):
    photos = [save(tmp_path / name / "photo.png", seed=seed) for seed, name in enumerate("ab")]
    for names in (["photo_normal.png", "photo_normal_2.png"], ["photo_normal_3.png", "photo_normal_4.png"]):
        before = maps(tmp_path / "maps")
        ended = normal_map(*photos, "--out", tmp_path / "maps", "--existing", "number")
        assert ended.returncode == 0 and [name for name in maps(tmp_path / "maps") if name not in before] == names


def test_an_interruption_leaves_whole_maps_and_the_next_run_makes_the_rest(tmp_path):
    for number in range(12):
        save(tmp_path / "textures" / f"{number:02}.png", side=700, seed=number)
    out = tmp_path / "maps"
    arguments = (tmp_path / "textures", "--out", out, "--existing", "skip")
    run = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "->" in run.stdout.readline()
    run.send_signal(signal.SIGINT)
    shown, errors = run.communicate(timeout=30)
    assert run.returncode == 1 and "interrupted" in shown and not errors
    assert shown.endswith("To go on from here, run it again with --existing skip.\n")
    first = {name: (out / name).stat().st_mtime_ns for name in maps(out)}
    assert 0 < len(first) < 12 and hidden(out) == [f".midas_normal.{COMPUTER}.jsonl"]
    assert all(pixels(out / name).shape == (700, 700, 3) for name in first)
    ended = normal_map(*arguments)
    assert ended.returncode == 0 and counts(ended) == (12 - len(first), len(first), 0)
    assert len(maps(out)) == 12 and all((out / name).stat().st_mtime_ns == time for name, time in first.items())


def test_a_disk_that_fills_up_keeps_the_maps_that_are_whole(tmp_path, disk):
    for number in range(6):
        save(tmp_path / "textures" / f"{number}.png", side=200, seed=number)
    out = disk("size=700k")
    arguments = (tmp_path / "textures", "--out", out, "--existing", "skip")
    ended = normal_map(*arguments)
    made, _, failed = counts(ended)
    assert ended.returncode == 1 and made > 0 and failed > 0 and made + failed == 6
    assert "No space left on device" in ended.stdout and hidden(out) == [f".midas_normal.{COMPUTER}.jsonl"]
    assert len(maps(out)) == made and all(pixels(out / name).shape == (200, 200, 3) for name in maps(out))
    changed(out, "size=10m")
    assert counts(normal_map(*arguments)) == (failed, made, 0)


def test_two_pictures_that_would_have_one_map_are_told_apart_or_refused(tmp_path):
    photos = [save(tmp_path / name / "photo.png", seed=seed) for seed, name in enumerate("ab")]
    ended = normal_map(*photos, "--out", tmp_path / "maps")
    assert ended.returncode == 1 and counts(ended) == (1, 0, 1) and maps(tmp_path / "maps") == ["photo_normal.png"]
    assert f"{photos[1]}: error: " in ended.stderr and f"is also the map of {photos[0]}; rename" in ended.stderr
    alone = normal_map(photos[0], "--out", tmp_path / "alone")
    assert alone.returncode == 0
    assert (tmp_path / "alone" / "photo_normal.png").read_bytes() == (tmp_path / "maps" / "photo_normal.png").read_bytes()


@pytest.mark.parametrize(("wrong", "words"), [
    (["--pattern", "{colour}"], "{colour} is unknown"), (["--pattern", "../{stem}"], "inside the output folder"),
    (["--maps", "normal,roughness"], "there is no map 'roughness'"), (["--jobs", "0"], "'0'"),
    (["--preset", "node", "--engine", "midas", "--maps", "ao"], "the normal map only"), (["--target", "quake"], "quake"),
    (["--maps", "normal,ao", "--pattern", "{stem}"], "{map}")])
def test_wrong_usage_is_two_and_says_what_is_wrong(tmp_path, wrong, words):
    ended = subprocess.run([sys.executable, str(SCRIPT), str(save(tmp_path / "photo.png")), "--out", str(tmp_path / "maps"),
                            *wrong], capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and words in ended.stderr and "Traceback" not in ended.stderr
    assert ended.stderr.startswith("usage: normal_map.py IMAGE... --out FOLDER [options]\nnormal_map.py: error: ")
    assert ended.stderr.count("\n") == 2


def test_a_folder_without_pictures_is_named(tmp_path):
    ended = normal_map(tmp_path, "--out", tmp_path / "maps")
    assert ended.returncode == 1 and "error: There is no picture in" in ended.stderr and counts(ended) == (0, 0, 1)


def test_maps_are_made_when_nobody_reads_the_lines_any_more(tmp_path):
    photos = [save(tmp_path / f"{number}.png", seed=number) for number in range(3)]
    run = subprocess.Popen(command(*photos, "--out", tmp_path / "maps"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdout.close()
    assert not run.stderr.read() and run.wait() == 0 and len(maps(tmp_path / "maps")) == 3
    run.stderr.close()


def whole(terminal):
    """What was drawn on a terminal that nobody draws on any more; it comes in pieces, and ends with an error."""
    pieces = []
    with suppress(OSError):
        while piece := os.read(terminal, 1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def test_a_terminal_gets_a_bar_and_a_file_plain_lines(tmp_path):
    photos = [save(tmp_path / f"{number}.png", side=300, seed=number) for number in range(5)]
    ours, theirs = pty.openpty()
    command_line = command(*photos, "--out", tmp_path / "maps")
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=theirs, text=True) as run:
        lines = run.stdout.read().splitlines()
    os.close(theirs)
    drawn = whole(ours).decode()
    os.close(ours)
    assert re.search(r"\[#*\.+\] \d/5", drawn) and drawn.endswith("\r\x1b[K")
    assert len([line for line in lines if "->" in line]) == 5 and not any("\x1b" in line or "#" in line for line in lines)
    shutil.rmtree(tmp_path / "maps")
    assert not normal_map(*photos, "--out", tmp_path / "maps").stderr
