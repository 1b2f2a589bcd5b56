"""What a dry run says, which is what the run then does, and that it writes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.report import FAILED, MADE, PLANNED, SKIPPED
from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Pictures in folders, among them two of one name, tiles of a set, and what is no picture."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "library"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "b.png", "sub/c.tif", "wall.1001.png", "wall.1002.png"):
        save(folder / name)
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:20])
    return folder


def save(file, size=(30, 40)):
    values = np.random.default_rng(sum(file.name.encode())).integers(0, 256, (*size, 3), np.uint8)
    PIL.Image.fromarray(values).save(file)


def state(folder: Path) -> dict:
    """All files and folders with their times."""
    return {path: path.lstat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def run(library, *arguments, report="report.json"):
    """(exit code, report) of a command line."""
    file = library.parent / report
    code = main([str(library), "--recursive", "--out", str(library.parent / "maps"), "--engine", "luminance", "--json",
                 str(file), *arguments])
    return code, json.loads(file.read_text())


def told(report):
    """What became, or would become, of each map and picture; why a file cannot be read is told by headers in other words."""
    return {(entry["input"], FAILED, entry["error"].partition("readable picture: ")[0]) if entry["outcome"] == FAILED else
            (entry["input"], MADE if entry["outcome"] == PLANNED else entry["outcome"], entry["map"], entry["output"])
            for entry in report}


@pytest.mark.parametrize("arguments", [
    ("--existing", "renew"), ("--existing", "skip"), ("--existing", "number"), ("--existing", "overwrite"),
    ("--sets", "udim", "--maps", "normal,height", "--existing", "skip"), ("--shard", "1/2"),
    ("--base", "existing", "--mix", "luminance")], ids=" ".join)
def test_a_run_does_what_its_dry_run_has_said(library, arguments, capsys):
    """At first, and where some of it is done, changed, foreign, or new."""
    normal = np.full((30, 40, 3), (128, 128, 255), np.uint8)
    PIL.Image.fromarray(normal).save(library / "a_normal.jpg")
    maps = library.parent / "maps"
    for change in (lambda: None, lambda: save(library / "sub" / "c.tif", (20, 20)), lambda: save(library / "new.png"),
                   lambda: (maps / "a_normal.png").write_bytes(b"mine")):
        change()
        before = state(library.parent / "maps") if maps.exists() else None
        code, planned = run(library, *arguments, "--dry-run")
        assert before == (state(maps) if maps.exists() else None)
        made_code, made = run(library, *arguments, report="made.json")
        assert (told(planned), code) == (told(made), made_code)
        if "renew" in arguments:
            assert {entry["outcome"] for entry in planned} == {PLANNED, FAILED}
    assert SKIPPED in {entry["outcome"] for entry in planned} or "skip" not in arguments
    capsys.readouterr()


def test_sizes_and_estimates(library, capsys):
    """Of the disk the uncompressed size; of time what earlier maps of the engine took for each megapixel."""
    arguments = ("--maps", "normal,height", "--target", "unity")
    code, planned = run(library, *arguments, "--dry-run")
    jsonschema.validate(planned, SCHEMA, jsonschema.Draft202012Validator)
    sizes = {(entry["map"], *entry["size"], entry["bytes"]) for entry in planned if entry["outcome"] == PLANNED}
    assert sizes == {("NORMAL", 40, 30, 7200), ("HEIGHT", 40, 30, 2400)}
    shown = capsys.readouterr().out
    assert code == 1 and "10 would be made" in shown and " 3 would fail" in shown
    assert "Estimated time: not known, as the record of the folder has no times of luminance." in shown
    assert "Estimated disk space: at most 48.0 kB" in shown
    assert "is also the map of" in shown and "is not a readable picture" in shown

    run(library, *arguments)
    assert run(library, *arguments, "--dry-run", "--exit-zero")[0] == 0
    assert "by the times of earlier maps of luminance in this folder" in capsys.readouterr().out
    record = library.parent / "maps" / f".midas_normal.{COMPUTER}.jsonl"
    lines = [json.loads(line) for line in record.read_text().splitlines() if line]
    for line in lines:
        line["seconds"], line["pixels"] = 250.0, 10**6
    record.write_text("".join("\n" + json.dumps(line) for line in lines))
    save(library / "large.png", (2000, 1000))
    run(library, *arguments, "--dry-run", "--existing", "skip", "--jobs", "2")
    shown = capsys.readouterr().out
    assert "2 would be made" in shown and "10 skipped" in shown and "Estimated time: 8.3 minutes, by" in shown
    assert "at most 16.0 MB" in shown


def test_nothing_is_written_installed_or_made(library, capsys):
    out, before = library.parent / "maps", state(library)
    for arguments in ((), ("--engine", "midas"), ("--rectify", "auto")):
        assert main([str(library / "a.png"), "--out", str(out), "--dry-run", *arguments]) == 0
    shown = capsys.readouterr().out
    assert "would first install or download what is missing" in shown and "a_rectified.png" in shown
    assert state(library) == before and set(library.parent.iterdir()) == {library}


def test_what_cannot_be_is_told_beforehand(library, capsys):
    (library.parent / "file").touch()
    arguments = [str(library), "--engine", "luminance", "--dry-run", "--out"]
    assert main([*arguments, str(library.parent / "file" / "maps")]) == 1
    assert "is no folder" in capsys.readouterr().err
    assert main([str(library), "--dry-run", "--engine", "midas", "--weights", str(library), "--out", "maps"]) == 3
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "maps", "--write-job", "shell", "job"])
    assert ended.value.code == 2 and not shutil.os.path.exists("maps")
    capsys.readouterr()
