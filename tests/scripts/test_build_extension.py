"""The extension's zip: what is in it, what is refused, and that it depends on the contents alone."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import build_extension

from blender_midas_normal import __version__

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="building needs Python 3.11")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout of its own, without anybody's Blender."""
    package = tmp_path / "checkout" / build_extension.PACKAGE
    (package / "core" / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "core/__init__.py", "core/__pycache__/old.pyc", "core/weights.bin"):
        (package / name).write_bytes(name.encode())
    shutil.copyfile(build_extension.ROOT / build_extension.MANIFEST, package.parent / build_extension.MANIFEST)
    monkeypatch.setattr(build_extension, "ROOT", package.parent)
    monkeypatch.setattr(build_extension.shutil, "which", lambda name: None)
    return package.parent


def change_manifest(checkout, old, new):
    manifest = checkout / build_extension.MANIFEST
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new), encoding="utf-8")


def names(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_zip_holds_the_manifest_and_the_contents_of_the_package(checkout):
    path = build_extension.build(checkout / "dist")
    assert path.name == f"midas_normal-{__version__}.zip"
    assert names(path) == ["__init__.py", "blender_manifest.toml", "core/__init__.py", "core/weights.bin"]


def test_this_extensions_zip_carries_the_relief_network_and_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(build_extension.shutil, "which", lambda name: None)
    path = build_extension.build(tmp_path)
    assert "worker/engines/relief/weights.npz" in names(path) and path.stat().st_size < 16_000_000


def test_licence_of_the_checkout_goes_into_the_zip(checkout):
    (checkout / "LICENSE").write_text("words")
    assert "LICENSE" in names(build_extension.build(checkout / "dist"))


def test_two_builds_are_the_same_to_the_byte(checkout):
    first = build_extension.build(checkout / "dist").read_bytes()
    for path in checkout.rglob("*.py"):
        path.touch()
        path.chmod(0o755)
    assert build_extension.build(checkout / "other").read_bytes() == first


def test_this_checkout_keeps_every_rule(tmp_path):
    build_extension.stage(tmp_path / "staged")
    assert list(build_extension.faults(tmp_path / "staged")) == []


@pytest.mark.parametrize("old, new, sentence", (
    ('schema_version = "1.0.0"', 'schema_version = "2.0.0"', "schema_version"),
    ('id = "midas_normal"', 'id = "midas-normal"', "identifier"),
    ("wired and lit", "wired and lit.", "punctuation"),
    ("wired and lit", "wired and lit" * 3, "64 are allowed"),
    ("when you ask", "when you ask.", "permission network"),
    ("when you ask", "when you ask" * 3, "64 are allowed"),
    ("network =", "internet =", "no permission"),
    ('"4.2.0"', '"4.2"', "three numbers"),
    ('"Material"', '"Materials"', "no tag"),
    ("SPDX:GPL-3.0-or-later", "GPL 3", "SPDX"),
    ('maintainer = "The MiDaS Normal Map developers"', "", "lacks maintainer"),
    ('type = "add-on"', 'type = "theme"', "add-on"),
    ('name = "MiDaS', 'name = MiDaS', "not TOML"),
))
def test_a_broken_rule_stops_the_build_with_a_sentence(checkout, old, new, sentence):
    change_manifest(checkout, old, new)
    with pytest.raises(build_extension.BuildError, match=sentence):
        build_extension.build(checkout / "dist")
    assert not (checkout / "dist").exists()


def test_the_version_is_the_packages_and_a_semantic_one(checkout, monkeypatch):
    monkeypatch.setattr(build_extension, "__version__", "2.0")
    with pytest.raises(build_extension.BuildError, match=r"'2\.0' is not a semantic version"):
        build_extension.build(checkout / "dist")
    monkeypatch.setattr(build_extension, "__version__", "2.0.1")
    assert build_extension.build(checkout / "dist").name == "midas_normal-2.0.1.zip"


def test_package_without_init_is_refused(checkout):
    (checkout / build_extension.PACKAGE / "__init__.py").unlink()
    with pytest.raises(build_extension.BuildError, match="__init__"):
        build_extension.build(checkout / "dist")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_link_is_refused(checkout):
    (checkout / build_extension.PACKAGE / "link").symlink_to("/")
    with pytest.raises(build_extension.BuildError, match="link"):
        build_extension.build(checkout / "dist")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize("verdict", (0, 1))
def test_blender_on_path_has_the_last_word(checkout, tmp_path, monkeypatch, verdict):
    blender = tmp_path / "blender"
    blender.write_text(f"#!/bin/sh\necho \"$@\"\nexit {verdict}\n")
    blender.chmod(0o755)
    monkeypatch.setattr(build_extension.shutil, "which", lambda name: str(blender))
    if verdict == 0:
        assert build_extension.build(checkout / "dist").exists()
    else:
        with pytest.raises(build_extension.BuildError, match=rf"extension validate .*midas_normal-{__version__}\.zip"):
            build_extension.build(checkout / "dist")


def test_command_line_prints_path_and_size(checkout, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["build_extension.py", "--out", str(checkout / "dist")])
    assert build_extension.main() == 0
    path = checkout / "dist" / f"midas_normal-{__version__}.zip"
    assert capsys.readouterr().out == f"{path}: {path.stat().st_size} bytes\n"
