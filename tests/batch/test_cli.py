"""The command line without Blender, called in this process; `tests/scripts` calls it as a shell does."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import jsonschema
import numpy as np
import PIL.Image
import pytest

from blender_midas_normal import __version__
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.outputs import RECTIFIED
from blender_midas_normal.batch.report import FAILED, MADE, PLANNED, SKIPPED, Record
from blender_midas_normal.core.map_types import MAP_TYPES
from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def textures(tmp_path, monkeypatch):
    """A folder with two pictures and a file that is none, for a user who has nothing installed."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "textures"
    folder.mkdir()
    for seed in (0, 1):
        values = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
        PIL.Image.fromarray(values).save(folder / f"{seed}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


def test_the_version_is_printed_without_anything_else(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out.split()[-1] == __version__


def test_a_report_on_the_standard_output_stands_there_alone_and_is_as_its_schema_says(textures, tmp_path, capsys):
    arguments = [str(textures), str(tmp_path / "nowhere"), "--out", str(tmp_path / "maps"), "--engine", "luminance",
                 "--maps", "normal,height", "--existing", "skip", "--json", "-"]
    (tmp_path / "empty").mkdir()
    for outcomes in ([MADE, MADE, MADE, MADE, FAILED, FAILED], [SKIPPED, SKIPPED, MADE, MADE, FAILED, FAILED, FAILED]):
        assert main(arguments) == 1
        printed = capsys.readouterr()
        report = json.loads(printed.out)
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
        assert sorted(entry["outcome"] for entry in report) == sorted(outcomes)
        assert "4 made, in" in printed.err or "2 made, in" in printed.err
        values = np.random.default_rng(9).integers(0, 256, (30, 40, 3), np.uint8)
        PIL.Image.fromarray(values).save(textures / "1.png")
        arguments.insert(0, str(tmp_path / "empty"))


def test_a_table_on_the_standard_output_stands_there_alone(textures, tmp_path, capsys):
    assert main([str(textures / "0.png"), "--out", str(tmp_path / "maps"), "--engine", "luminance", "--csv", "-"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["outcome"] for row in rows] == [MADE]


def test_two_reports_do_not_share_the_standard_output(textures, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(textures), "--out", str(tmp_path / "maps"), "--json", "-", "--csv", "-"])
    assert "--json and --csv both name -" in capsys.readouterr().err


def test_the_schema_has_what_the_reports_have():
    properties = SCHEMA["items"]["properties"]
    assert set(properties) == {field.name for field in dataclasses.fields(Record)}
    assert set(properties["outcome"]["enum"]) == {MADE, SKIPPED, FAILED, PLANNED}
    assert set(properties["map"]["enum"]) == {*MAP_TYPES, RECTIFIED}
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for wrong in ({"input": "a.png", "outcome": "made"}, {"input": "a.png", "outcome": "failed"},
                  {"input": "a.png", "outcome": "skipped", "error": "None."}, {"outcome": "skipped"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([wrong], SCHEMA)
