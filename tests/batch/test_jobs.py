"""Jobs for render farms: each queue makes all maps of what is written, and only the missing ones when it runs again."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch import jobs
from blender_midas_normal.batch.api import items_of_files
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.inputs import find_pictures
from blender_midas_normal.batch.jobs import JOB_KINDS
from blender_midas_normal.batch.jobs.map_list import MAP_LIST_NAME, planned_maps, read_map_list
from blender_midas_normal.batch.options import add_options, parse_options
from blender_midas_normal.core.errors import SourceError
from tests.conftest import ROOT

NAMES = ("0.png", "ein Bild's.png", "sub/2.png", "wall.1001.png", "wall.1002.png")
MAPS = {"0_normal.tif", "ein Bild's_normal.tif", "sub/2_normal.tif", "wall_normal.1001.tif", "wall_normal.1002.tif",
        "0_ao.tif", "ein Bild's_ao.tif", "sub/2_ao.tif", "wall_ao.1001.tif", "wall_ao.1002.tif"}
OPTIONS = ("--maps", "normal,ao", "--engine", "luminance", "--sets", "udim", "--format", "tiff", "--strength", "2",
           "--invert", "--pattern", "{stem}_{map}", "--recursive")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program `midas-normal` in the path, of this checkout, for a user who has nothing installed."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    file = tmp_path / "bin" / "midas-normal"
    file.parent.mkdir()
    main_ = "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -c "{main_}" "$@"\n')
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}{os.pathsep}{os.environ['PATH']}")
    return file


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    (folder / "sub").mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        values = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
        PIL.Image.fromarray(values).save(folder / name)
    return folder


def write(kind, library, tmp_path):
    out, job = tmp_path / "maps", tmp_path / "job"
    assert main([str(library), "--out", str(out), *OPTIONS, "--write-job", kind, str(job)]) == 0
    assert not made(out), "writing the job makes no map"
    return out, job


def made(out):
    return {path.relative_to(out).as_posix() for path in out.rglob("*.tif")}


def run(*command, **options):
    words = [str(word) for word in command]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def times(out):
    return {name: (out / name).stat().st_mtime_ns for name in made(out)}


@pytest.mark.parametrize(("kind", "file", "shards"), [
    ("shell", "midas_normal.sh", ("0/2", "1/2")), ("slurm", "midas_normal.sbatch", ("0", "1"))])
def test_shell_and_slurm_make_all_in_shards_and_then_only_what_lacks(program, library, tmp_path, monkeypatch, kind, file,
                                                                     shards):
    """The body of the SLURM script runs as its tasks would, each submitted alone, with the variables that SLURM sets."""
    monkeypatch.setattr(jobs, "CHUNK_SIZE", 3)
    out, job = write(kind, library, tmp_path)
    for again in (False, True):
        before = times(out)
        for shard in shards:
            variables = {**os.environ, "SLURM_ARRAY_TASK_ID": shard, "SLURM_ARRAY_TASK_COUNT": "1"}
            run("sh", job / file, *([shard] if kind == "shell" else []), env=variables)
        assert made(out) == MAPS
        assert not again or times(out) == before
    with PIL.Image.open(out / "0_normal.tif") as image:
        assert image.size == (16, 16)


def test_flamenco_compiles_tasks_that_make_all(program, library, tmp_path):
    if shutil.which("node") is None:
        pytest.skip("Flamenco's job type was not compiled: there is no Node.js")
    out, job = write("flamenco", library, tmp_path)
    stub = ROOT / "tests" / "batch" / "flamenco_stub.js"
    tasks = [json.loads(line) for line in run("node", stub, job / "midas_normal.js", '{"chunk_size": 2}').splitlines()]
    commands = [task["commands"][0]["parameters"] for task in tasks]
    assert [command["args"][3] for command in commands] == ["1,2", "3,4", "5"]
    assert {command["exe"] for command in commands} == {"{midasNormal}"}
    for command in commands:
        run(program, *command["args"])
    assert made(out) == MAPS


def test_open_job_description_checks_and_runs_the_template(program, library, tmp_path):
    out, job = write("openjd", library, tmp_path)
    openjd = [sys.executable, "-c", "from openjd.cli import main; main()"]
    template = job / "template.yaml"
    run(*openjd, "check", template)
    given = ["-p", f"Out={out}"]
    assert "5" in run(*openjd, "summary", template, *given, "-p", "ChunkSize=1")
    shown = run(*openjd, "run", template, *given, "-p", "ChunkSize=2", cwd=job)
    assert made(out) == MAPS and "openjd_progress: " in shown
    (out / "0_normal.tif").unlink()
    before = times(out)
    run(*openjd, "run", template, *given, cwd=job)
    assert made(out) == MAPS and before.items() <= times(out).items()


def test_deadline_cloud_reads_the_bundle(program, library, tmp_path, monkeypatch):
    """Its program and library read it as `deadline bundle submit` does, before that needs an account."""
    loader = pytest.importorskip("deadline.client.job_bundle.loader", reason="deadline is not installed")
    from deadline.client.job_bundle import parameters, submission

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DEADLINE_CLOUD_TELEMETRY_OPT_OUT", "true")
    out, job = write("openjd", library, tmp_path)
    deadline = [sys.executable, "-m", "deadline"]
    shown = json.loads(run(*deadline, "bundle", "info", job, "--output", "json"))
    values = {each["name"]: each["_display_value"] for each in shown["parameters"]}
    assert (values["Out"], values["List"], values["Engine"]) == (str(out), str(job / "pictures.txt"), "luminance")

    loader.validate_directory_symlink_containment(str(job))
    read = parameters.read_job_bundle_parameters(str(job))
    references = submission.AssetReferences.from_dict(
        loader.read_yaml_or_json_object(str(job), "asset_references", required=True))
    parameters.apply_job_parameters([], str(job), read, references)
    of_deadline, _ = submission.split_parameter_args(read, str(job))
    assert of_deadline["maxRetriesPerTask"] == 3
    assert references.input_filenames == {str(library / name) for name in NAMES} | {str(job / "pictures.txt")}
    assert references.output_directories == {str(out)}


def test_the_list_of_maps_names_the_files_that_the_job_makes(program, library, tmp_path):
    PIL.Image.new("RGB", (8, 8)).save(library / "0.jpg")  # its maps have the names of those of 0.png, and it is first
    out, job = write("shell", library, tmp_path)
    listed = read_map_list(job)
    assert (listed.settings.strength, listed.settings.invert) == (2.0, True)
    assert {each.file.relative_to(out).as_posix() for each in listed.maps} == MAPS
    assert {each.picture.relative_to(library).as_posix() for each in listed.maps} == {*NAMES[1:], "0.jpg"}
    run("sh", job / "midas_normal.sh")
    assert all(each.file.is_file() and f"_{each.map_type.lower()}" in each.file.name for each in listed.maps)


def test_a_list_of_maps_moves_with_a_job_that_holds_its_maps(library, tmp_path):
    """And what is no such list is said."""
    job, inside = tmp_path / "job", tmp_path / "job" / "maps"
    with pytest.raises(SourceError, match="choose the folder into which the job was written"):
        read_map_list(job)
    arguments = [str(library / "0.png"), "--engine", "luminance", "--write-job", "shell", str(job)]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    file = job / MAP_LIST_NAME
    file.write_text(file.read_text().replace(str(tmp_path / "out"), "maps"))
    assert [each.file for each in read_map_list(job).maps] == [inside / "0_normal.png"]
    for damaged in ("", "[]", "{}", '{"settings": {"strength": "x"}, "maps": []}', '{"settings": {}, "maps": [{}]}',
                    '{"settings": {}, "maps": [{"picture": "a", "map": ["NORMAL"], "file": "b"}]}'):
        file.write_text(damaged)
        with pytest.raises(SourceError, match="is no list of a job's maps"):
            read_map_list(job)


def test_photos_are_rectified_by_the_job_too(library, tmp_path):
    """The maps then fit other pictures than those of the list."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    given = ["--out", str(tmp_path), "--focal-length", "35.0"]
    for rectify in ("--rectify=auto", "--rectify=-1.5,0,9,0,9,9,0,9"):
        options = parse_options(parser.parse_args([*given, rectify]))
        assert parse_options(parser.parse_args([*given[:2], *jobs.option_arguments(options)])) == options
        assert not planned_maps(items_of_files(find_pictures([library], False), options), options)


def test_what_cannot_be_written_is_said(program, library, tmp_path, capsys):
    _, job = write("shell", library, tmp_path)
    arguments = [str(library), "--out", str(tmp_path / "maps"), "--engine", "luminance"]
    assert main([*arguments, "--write-job", "shell", str(job)]) == 1 and "not empty" in capsys.readouterr().err
    assert main([*arguments, "--write-job", "pbs", str(tmp_path / "new")]) == 1
    assert ", ".join(JOB_KINDS) in capsys.readouterr().err
    assert main([*arguments, "--shard", "0/2", "--write-job", "shell", str(tmp_path / "new")]) == 1
    assert "leave out --shard" in capsys.readouterr().err and not (tmp_path / "new").exists()
