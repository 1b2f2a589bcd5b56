"""Settings in a file beside the pictures: what it may hold, and what goes before what."""

from __future__ import annotations

import argparse
import sys

import PIL.Image
import pytest

from blender_midas_normal.batch import cli
from blender_midas_normal.batch.inputs import SETTINGS_FILE
from blender_midas_normal.batch.options import add_options
from blender_midas_normal.batch.settings_file import OPTIONS, settings_arguments
from blender_midas_normal.core.errors import SettingsError
from blender_midas_normal.core.settings import setting_domains

BESIDE_SETTINGS = {"exposure", "smoothing", "focal_length", *OPTIONS}

NOT_OF_A_FOLDER = {"out", "list", "items", "shard", "exit_zero", "progress", "write_job", "dry_run", "json", "csv", "review",
                   "version", "help"}


@pytest.fixture
def textures(tmp_path, monkeypatch):
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "textures"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png"):
        PIL.Image.new("RGB", (8, 8), (90, 120, 60)).save(folder / name)
    return folder


@pytest.fixture
def parsed(monkeypatch):
    """The options of each run of the command line, which ends where they are parsed."""
    options = []

    def parse(arguments, of=cli.parse_options):
        options.append(of(arguments))
        raise SettingsError("It ends here.")

    monkeypatch.setattr(cli, "parse_options", parse)
    return options


def write(folder, text):
    (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    return folder / SETTINGS_FILE


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, arguments), "--out", "maps"])
    assert ended.value.code == 2


def test_the_command_line_goes_before_the_file_and_the_file_before_the_defaults(textures, parsed, capsys):
    write(textures, 'strength = 2.0\na = 1.5\nmaps = ["ao", "normal"]\nformat = "tiff"\nengine = "RELIEF"\ninvert = true\n'
                    'source_suffix = "_height"\nsmoothing = 2\nsets = "sequence"\nheight-scale = "10cm/2m"\n')
    run(textures, "--strength", "3", "--format", "png", "--no-invert")
    settings = parsed[0].settings
    assert (settings.strength, settings.a, settings.engine, settings.invert) == (3.0, 1.5, "RELIEF", False)
    assert settings.height_scale == pytest.approx(0.05) and settings.resolution == 512
    assert (parsed[0].map_types, parsed[0].format, parsed[0].source_suffixes) == (("AO", "NORMAL"), "PNG", ("_height",))
    assert (parsed[0].sets, parsed[0].smoothing) == ("SEQUENCE", 2)
    write(textures, 'convention = "directx"')
    run(textures, "--target", "unity")
    assert parsed[1].settings.convention == "DIRECTX", "what a target implies goes behind a single setting"
    capsys.readouterr()


def test_all_options_are_keys_or_are_of_a_run_alone():
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert {action.dest for action in parser._actions} == {*setting_domains(), *BESIDE_SETTINGS, *NOT_OF_A_FOLDER}


def test_paths_are_relative_to_the_file(textures, parsed, capsys):
    PIL.Image.new("L", (8, 8)).save(textures / "sub" / "mask.png")
    write(textures, 'mask_image = "sub/mask.png"\nmodel_folder = "sub"')
    run(textures / "a.png")
    assert parsed[0].mask_image == textures / "sub" / "mask.png"
    assert parsed[0].settings.model_folder == str(textures / "sub")
    capsys.readouterr()


@pytest.mark.parametrize(("text", "sentence"), [
    ("strenght = 2", "has the key strenght, which is no setting; the nearest one is strength."),
    ('out = "maps"', "has the key out, which is no setting; the nearest one is "),
    ("strength = 2000", "strength is 2000"), ("strength = true", "strength has no value True"),
    ('engine = "photoshop"', "engine has no value 'photoshop'"), ("invert = 1", "invert must be true or false"),
    ('recursive = "yes"', "recursive must be true or false"), ("bits = 12", "bits: invalid choice: 12"),
    ('maps = ["normal", "gloss"]', "maps: there is no map 'gloss'"), ('format = ["png"]', r"format has no value \['png'\]"),
    ("exposure = 400", "exposure is 400"), ("[engine]\nname = 1", "engine has no value {'name': 1}"),
    ('rectify = [1, 2]', "rectify: '1,2' is neither auto nor"), ("strength = ", "is no TOML file: "),
])
def test_what_is_wrong_is_one_sentence_that_names_file_and_key(textures, capsys, text, sentence):
    file = write(textures, text)
    with pytest.raises(SettingsError, match=sentence) as raised:
        settings_arguments(file)
    assert str(file) in str(raised.value) and str(raised.value).endswith(".") and "\n" not in str(raised.value)
    run(textures)
    assert str(file) in capsys.readouterr().err


def test_python_3_10_says_what_it_lacks(textures, monkeypatch):
    monkeypatch.setitem(sys.modules, "tomllib", None)
    with pytest.raises(SettingsError, match=r"Python 3\.11 or later"):
        settings_arguments(write(textures, "strength = 1"))


def test_the_file_counts_that_lies_in_the_folder_which_is_named(textures, parsed, capsys):
    write(textures, "strength = 2")
    write(textures / "sub", "strength = 3")
    (textures / "list.txt").write_text("sub/b.png\n")
    for inputs, strength in (([textures], 2.0), ([textures / "a.png"], 2.0), ([textures / "**" / "*.png"], 2.0),
                             ([textures / "sub"], 3.0), ([textures / "sub" / "b.png"], 3.0),
                             (["--list", textures / "list.txt"], 2.0), ([textures.parent], 1.0)):
        run(*inputs)
        assert parsed[-1].settings.strength == strength, inputs
    run(textures, textures / "a.png")
    assert len(parsed) == 8
    capsys.readouterr()
    for others in ("sub", ".."):
        run(textures, textures / others)
        assert "holds the settings of its folder only" in capsys.readouterr().err and len(parsed) == 8


def test_a_run_tells_which_file_it_has_and_which_has_no_effect(textures, tmp_path, capsys):
    write(textures, 'engine = "luminance"\nrecursive = true\nmaps = "ao"\n')
    write(textures / "sub", "strength = 3")
    assert cli.main([str(textures), "--out", str(tmp_path / "maps")]) == 0
    shown = capsys.readouterr().out
    assert f"With the settings in {textures / SETTINGS_FILE}\n" in shown and "other files" not in shown
    assert f"{textures / 'sub' / SETTINGS_FILE} has no effect" in shown
    maps = tmp_path / "maps"
    assert (maps / "a_ao.png").exists() and (maps / "sub" / "b_ao.png").exists()
    assert cli.main([str(textures), "--out", str(tmp_path / "flat"), "--no-recursive"]) == 0
    assert not (tmp_path / "flat" / "sub").exists()
    capsys.readouterr()
