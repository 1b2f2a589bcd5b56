"""A release: the files that release.py makes, the index that a Blender installs from, and changelogs that are refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import debian_blender
import release

VERSION = "9.8.7"
ENTRY = f"## {VERSION}, 2026-12-24\n\n- Maps of snow.\n"
PARTS = ("blender_midas_normal", "scripts", "docs", "README.md", "LICENSE", "blender_manifest.toml", "pyproject.toml")

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="building needs Python 3.11")


@pytest.fixture
def clone(tmp_path):
    """A copy of this clone with another version and its entry in the changelog."""
    folder = tmp_path / "clone"
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copyfile
        folder.mkdir(exist_ok=True)
        copy(ROOT / part, folder / part)
    package = folder / "blender_midas_normal" / "__init__.py"
    package.write_text(re.sub('__version__ = ".*"', f'__version__ = "{VERSION}"', package.read_text(encoding="utf-8")))
    (folder / "docs" / "changelog.md").write_text(f"# What is new\n\n{ENTRY}\n## 1.0.0, 2026-11-29\n\n- All.\n")
    return folder


def run(clone, *arguments, **variables):
    """Run the clone's release.py where nothing is prepared; returns what it printed, and the names of the files in dist."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(clone), "PATH": os.defpath, **variables}
    ended = subprocess.run([sys.executable, str(clone / "scripts" / "release.py"), *map(str, arguments)],
                           capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout, {path.name for path in (clone / "dist").iterdir()}


@pytest.mark.slow
def test_a_release_has_the_zip_the_packages_and_the_notes_and_says_what_it_lacks(clone):
    printed, names = run(clone)
    assert names == {f"midas_normal-{VERSION}.zip", f"blender_midas_normal-{VERSION}-py3-none-any.whl",
                     f"blender_midas_normal-{VERSION}.tar.gz", f"changes-{VERSION}.md"}
    assert "index.json was left out, as there is no whole Blender; give --blender PATH" in printed
    dist = clone / "dist"
    assert (dist / f"changes-{VERSION}.md").read_text() == "- Maps of snow.\n"
    with zipfile.ZipFile(dist / f"midas_normal-{VERSION}.zip") as archive:
        assert f'version = "{VERSION}"' in archive.read("blender_manifest.toml").decode() and archive.testzip() is None
        assert "worker/engines/relief/weights.npz" in archive.namelist()
    with zipfile.ZipFile(dist / f"blender_midas_normal-{VERSION}-py3-none-any.whl") as archive:
        assert f"\nVersion: {VERSION}\n" in archive.read(f"blender_midas_normal-{VERSION}.dist-info/METADATA").decode()
    with tarfile.open(dist / f"blender_midas_normal-{VERSION}.tar.gz") as archive:
        assert f"blender_midas_normal-{VERSION}/docs/changelog.md" in archive.getnames()


@pytest.mark.slow
@pytest.mark.debian
def test_blender_installs_the_extension_from_the_index(clone):
    program = debian_blender.DebianBlender("sid", debian_blender.CACHE).program
    if not program.exists():
        pytest.skip("no whole Blender is prepared (sudo python3 scripts/debian_blender.py)")
    _, names = run(clone, "--blender", program, PATH=os.environ["PATH"])
    assert "index.json" in names
    archive = clone / "dist" / f"midas_normal-{VERSION}.zip"
    (package,) = json.loads((clone / "dist" / "index.json").read_text())["data"]
    assert (package["id"], package["version"]) == ("midas_normal", VERSION)
    assert package["archive_url"] == f"./{archive.name}" and package["archive_size"] == archive.stat().st_size
    assert package["archive_hash"] == f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    with tempfile.TemporaryDirectory(dir=release.SHARED_TEMPORARY) as folder:
        repository = shutil.copytree(clone / "dist", Path(folder) / "dist")
        for arguments in (("repo-add", "--name=Local", f"--url={(repository / 'index.json').as_uri()}", "local"),
                          ("sync",), ("install", "--enable", "local.midas_normal")):
            subprocess.run([str(program), "--online-mode", "--command", "extension", *arguments], check=True,
                           env={**os.environ, "BLENDER_USER_RESOURCES": folder, "HOME": folder}, stdout=subprocess.DEVNULL)
        manifest = Path(folder) / "extensions" / "local" / "midas_normal" / "blender_manifest.toml"
        assert f'version = "{VERSION}"' in manifest.read_text()


@pytest.mark.parametrize("changelog, fault", [
    ("# What is new\n", "The first heading of docs/changelog.md is '## ', not '## 9.8.7, "),
    (f"## Unreleased\n\n- More.\n\n{ENTRY}", "'## Unreleased', not '## 9.8.7, "),
    (ENTRY.replace(", 2026-12-24", ""), "'## 9.8.7', not '## 9.8.7, "),
    (ENTRY.replace("2026-12-24", "24 December"), "'## 9.8.7, 24 December', not"),
    (ENTRY.replace("- Maps of snow.", ""), "The entry of docs/changelog.md for 9.8.7 is empty; say what is new."),
])
def test_a_changelog_without_the_version_its_date_or_news_is_refused(changelog, fault):
    with pytest.raises(release.ReleaseError, match=re.escape(fault)):
        release.changelog_entry(changelog, VERSION)


def test_nothing_is_made_where_the_changelog_or_blender_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "__version__", "0.0.0")
    with pytest.raises(release.ReleaseError, match="first heading"):
        release.make_release(tmp_path / "dist", None)
    monkeypatch.setattr(release, "changelog_entry", lambda *_: "- All.\n")
    with pytest.raises(release.ReleaseError, match=r"nothing cannot be started: No such file or directory\."):
        release.make_release(tmp_path / "dist", tmp_path / "nothing")
    assert not list((tmp_path / "dist").iterdir())


def test_the_changelog_of_this_clone_has_entries_in_the_form_that_is_wanted():
    first, *released = release.ENTRY.findall(release.CHANGELOG.read_text(encoding="utf-8"))
    assert first[1].strip() and released
    for heading, text in released if first[0] == "Unreleased" else [first, *released]:
        assert re.fullmatch(r"\d+\.\d+\.\d+, \d{4}-\d\d-\d\d", heading) and text.strip()
