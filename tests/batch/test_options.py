"""The options that both command lines have."""

from __future__ import annotations

import argparse
import re

import pytest

from blender_midas_normal.batch.options import add_options, parse_options
from blender_midas_normal.batch.report import Record, as_csv, as_json, summary
from blender_midas_normal.core.errors import SettingsError, SourceError, TargetError
from blender_midas_normal.core.settings import Choice, FolderName, setting_domains
from tests.conftest import ROOT


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser


def parse(parser, *arguments):
    return parse_options(parser.parse_args(["--out", "maps", *arguments]))


def test_the_documentation_lists_every_option_that_is_no_setting(parser):
    section = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(--[a-z-]+)", section)) - {"--weights", "--on", "--help"}
    settings = {"--" + name.replace("_", "-") for name in setting_domains()}
    options = {word.replace("_", "-") for action in parser._actions for word in action.option_strings
               if word.startswith("--")}
    assert listed - settings - {"--command"} == options - settings - {"--help"} - {"--no-invert"}


def test_an_option_may_be_spelled_as_scripts_spell_the_setting(parser, tmp_path):
    (tmp_path / "mask.png").write_bytes(b"a")
    for name, domain in setting_domains().items():
        if "_" in name and name != "depth_scale":
            value = ("/models" if isinstance(domain, FolderName) else domain.names[-1] if isinstance(domain, Choice) else
                     domain.high if domain.integer else domain.low + 1 / 4)
            assert getattr(parse(parser, f"--{name}", str(value)).settings, name) == value
    assert parse(parser, "--depth_scale", "normalised", "--mask_image", str(tmp_path / "mask.png")).settings.mask == "IMAGE"


def test_the_model_folder_is_found_from_elsewhere_too(parser, tmp_path, monkeypatch):
    """The worker has another working folder than the program that the user started."""
    monkeypatch.chdir(tmp_path)
    assert parse(parser, "--model-folder", "mine").settings.model_folder == str(tmp_path / "mine")


@pytest.mark.parametrize("option", ["--out", "--json", "--csv", "--mask-image"])
def test_an_empty_name_is_no_folder_and_no_file(parser, option, capsys):
    with pytest.raises(SystemExit):
        parse(parser, option, "")
    assert f"argument {option}" in (error := capsys.readouterr().err) and "an empty name is no file or folder" in error


def test_a_target_goes_before_the_preset_and_an_option_before_the_target(parser):
    assert parse(parser).settings.convention == "OPENGL"
    assert parse(parser, "--preset", "node").settings.is_node_picture
    assert parse(parser, "--preset", "node", "--target", "unreal").settings.convention == "DIRECTX"
    assert parse(parser, "--target", "UNREAL", "--convention", "opengl").settings.convention == "OPENGL"


def test_help_says_what_each_setting_is_where_it_is_not_given(parser):
    text = " ".join(parser.format_help().split())
    for default in ("2π is neutral (default: 6.28319)", "(default: 0, with --preset node: 0.1)", "into bumps (default: off)",
                    "(default: auto, with --preset node: midas)"):
        assert default in text
    assert text.count("(default: ") >= len(setting_domains())


@pytest.mark.parametrize("engine", ["luminance", "relief"])
def test_the_nodes_picture_by_another_engine_is_refused_in_the_words_that_were_given(parser, engine):
    with pytest.raises(SettingsError, match=f"--preset node is a picture by MiDaS; leave --engine {engine} out"):
        parse(parser, "--preset", "node", "--engine", engine)
    assert parse(parser, "--preset", "node", "--engine", engine, "--depth-scale", "normalised").settings.size == "NODE"


def test_godot_gets_the_8_bits_that_it_keeps_and_each_program_what_is_asked_for(parser):
    assert [parse(parser, *arguments).bits for arguments in (
        (), ("--target", "unity"), ("--target", "godot"), ("--target", "godot", "--bits", "16"), ("--bits", "8"))] == [
        16, 16, 8, 16, 8]
    assert parse(parser, "--preset", "node", "--bits", "8").bits == 8
    with pytest.raises(SettingsError, match="The MiDaS node's picture has 8 bits; leave --bits 16 out"):
        parse(parser, "--preset", "node", "--bits", "16")
    with pytest.raises(SettingsError, match="--bits is about png and tiff"):
        parse(parser, "--format", "exr", "--bits", "8")


def test_a_height_scale_may_be_two_lengths(parser, capsys):
    for text, scale in (("0.2", 0.2), ("10cm/2m", 0.05), ("0.1m / 200 cm", 0.05), ("1in/1ft", 1 / 12)):
        assert parse(parser, "--height-scale", text).settings.height_scale == pytest.approx(scale)
    for text in ("10cm", "10/2", "10cm/2miles", "10cm/0m", "cm/2m", "a/b"):
        with pytest.raises(SystemExit):
            parse(parser, "--height-scale", text)
    assert "'a' is no length such as 10cm" in capsys.readouterr().err


def test_maps_keep_their_order_and_none_is_made_twice(parser):
    assert parse(parser, "--maps", "AO, normal,ao").map_types == ("AO", "NORMAL")


def test_a_mask_image_says_that_there_is_one(parser, tmp_path):
    mask = tmp_path / "mask.png"
    mask.write_bytes(b"a")
    options = parse(parser, "--mask-image", str(mask))
    assert options.settings.mask == "IMAGE" and parse(parser).settings.mask == "ALPHA"
    mask.write_bytes(b"b")
    assert parse(parser, "--mask-image", str(mask)).mask_content != options.mask_content
    for arguments in (["--mask", "image"], ["--mask", "off", "--mask-image", str(mask)]):
        with pytest.raises(SettingsError, match="belong together"):
            parse(parser, *arguments)
    with pytest.raises(SourceError, match="nowhere"):
        parse(parser, "--mask-image", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_report_that_cannot_be_written_is_refused_at_once_and_its_folder_is_made(parser, tmp_path, option):
    (tmp_path / "file").touch()
    for report in (tmp_path, tmp_path / "file" / "report"):
        with pytest.raises(TargetError, match=f"The report cannot be written as {re.escape(str(report))}: "):
            parse(parser, option, str(report))
    assert parse(parser, option, str(tmp_path / "new" / "report")) and not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_report_takes_the_place_of_none_but_a_report(parser, tmp_path, option):
    for name in ("wall.png", "new.EXR", "maps/.midas_normal.jsonl"):
        with pytest.raises(TargetError, match=re.escape(f"The report cannot be {tmp_path / name}, which is the name of a ")):
            parse(parser, option, str(tmp_path / name))
    records = [Record("wall.png", "failed", error="It failed.")]
    for before in ("mine", "{}", '[{"name": "mine"}]', "a,b\n"):
        (tmp_path / "file").write_text(before)
        with pytest.raises(TargetError, match="file is there already and is no report; choose another name"):
            parse(parser, option, str(tmp_path / "file"))
        assert (tmp_path / "file").read_text() == before
    for before in ("", as_json([]), as_json(records), as_csv([]), as_csv(records), summary(records, 0, 0, 1.0)):
        (tmp_path / "file").write_text(before)
        assert parse(parser, option, str(tmp_path / "file")) and (tmp_path / "file").read_text() == before


def test_two_reports_are_two_files(parser, tmp_path):
    (tmp_path / "link").symlink_to("report")
    for names in (("report", "report"), ("report", "link")):
        json, csv = (str(tmp_path / name) for name in names)
        with pytest.raises(SettingsError, match=f"--json and --csv both name {re.escape(csv)}; give each a file of its own"):
            parse(parser, "--json", json, "--csv", csv)


def test_only_frames_are_smoothed_and_only_maps_of_sixteen_bits(parser):
    assert (parse(parser).sets, parse(parser).smoothing) == ("OFF", 0)
    options = parse(parser, "--sets", "SEQUENCE", "--smoothing", "2")
    assert (options.sets, options.smoothing) == ("SEQUENCE", 2)
    for arguments in (["--smoothing", "1"], ["--sets", "udim", "--smoothing", "1"]):
        with pytest.raises(SettingsError, match="--sets sequence"):
            parse(parser, *arguments)
    with pytest.raises(SettingsError, match="has 8"):
        parse(parser, "--sets", "sequence", "--smoothing", "1", "--preset", "node")
    for amount in ("-1", "17"):
        with pytest.raises(SettingsError, match="smoothing"):
            parse(parser, "--sets", "sequence", "--smoothing", amount)


def test_an_exposure_is_a_number_of_stops(parser):
    assert parse(parser).exposure is None and parse(parser, "--exposure", "-1.5").exposure == -1.5
    with pytest.raises(SettingsError, match="exposure"):
        parse(parser, "--exposure", "40")


def test_maps_that_the_settings_do_not_allow_are_refused_beforehand(parser):
    with pytest.raises(SettingsError, match="NORMALISED"):
        parse(parser, "--preset", "node", "--maps", "height")
