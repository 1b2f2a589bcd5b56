#!/usr/bin/env python3
"""Makes a release: the extension's zip, the wheel, the source distribution, the notes, the index of a Blender repository.

    python3 scripts/release.py [--out dist] [--blender PATH]

The notes are the first entry of docs/changelog.md, which must be that of the version in blender_midas_normal/__init__.py.
The index needs a whole Blender: --blender, one that scripts/debian_blender.py has prepared, or `blender` on PATH.  Needs
Python 3.11 or newer.  docs/contributing/release.md says what to do before and after.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_extension
import debian_blender
import environments

from blender_midas_normal import __version__
from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "docs" / "changelog.md"
INDEX = "index.json"
"""The name that Blender gives to the index of a repository."""

SHARED_TEMPORARY = Path("/tmp") if Path("/tmp").is_dir() else None
"""Folder that a prepared Blender, which has another root, sees too; None for the system's own."""

ENTRY = re.compile(r"^## (.*)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
"""An entry of the changelog: its heading, and the lines below it."""


class ReleaseError(Exception):
    """The release cannot be made; the message says why, in one sentence."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for what is made (default: dist)")
    parser.add_argument("--blender", type=Path, help="a whole Blender's program, for the index")
    options = parser.parse_args()
    try:
        for file in make_release(options.out, options.blender or find_blender()):
            print(f"{file}: {file.stat().st_size} bytes")
    except MidasNormalError as error:
        return report_error(error)
    except (ReleaseError, build_extension.BuildError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def make_release(out: Path, blender: Path | None) -> list[Path]:
    """Make all files of the release, in a temporary folder at first; returns their paths in the folder `out`.

    Args:
        blender: the program that makes the index; None to leave the index out, which is said.

    Raises:
        ReleaseError, BuildError, MidasNormalError: with nothing in `out` changed.
    """
    environments.writable(out)
    notes = changelog_entry(CHANGELOG.read_text(encoding="utf-8"), __version__)
    with tempfile.TemporaryDirectory(dir=SHARED_TEMPORARY) as temporary:
        files = [build_extension.build(Path(temporary) / "repository")]
        if blender is not None:
            files.append(make_index(files[0].parent, blender))
        else:
            print(f"{INDEX} was left out, as there is no whole Blender; give --blender PATH, or prepare one with "
                  "sudo python3 scripts/debian_blender.py.")
        files += build_packages(Path(temporary) / "packages")
        files.append(Path(temporary) / f"changes-{__version__}.md")
        files[-1].write_text(notes, encoding="utf-8")
        return [Path(shutil.copy(file, out)) for file in files]


def changelog_entry(changelog: str, version: str) -> str:
    """Return the text of the changelog's first entry.

    Raises:
        ReleaseError: it is not that of the version, has no date, or says nothing.
    """
    first = ENTRY.search(changelog)
    heading, text = (first[1].strip(), first[2].strip()) if first else ("", "")
    name, _, date = heading.partition(", ")
    if name != version or not is_date(date):
        today = datetime.date.today().isoformat()
        raise ReleaseError(f"The first heading of docs/changelog.md is '## {heading}', not '## {version}, {today}' with the "
                           "date of the release; write the entry, and set __version__ in blender_midas_normal/__init__.py.")
    if not text:
        raise ReleaseError(f"The entry of docs/changelog.md for {version} is empty; say what is new.")
    return f"{text}\n"


def is_date(text: str) -> bool:
    """Tell whether a text is a day such as 2026-11-30."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def build_packages(folder: Path) -> list[Path]:
    """Build the wheel and the source distribution; returns their paths.

    Raises:
        ReleaseError: uv finds fault.
        InstallError: there is no uv, and it cannot be installed.
    """
    python: str | Path = sys.executable
    if importlib.util.find_spec("uv") is None:  # each environment of the scripts has it
        python = environments.ready_environment(ROOT / ".venv-checks", ("checks.txt",), "import mypy", (13, 12, 11))
    command = [str(python), "-m", "uv", "build", "--quiet", "--out-dir", str(folder), str(ROOT)]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if ended.returncode != 0:
        raise ReleaseError(f"The wheel and the source distribution cannot be built: {ended.stderr.strip()}")
    return [next(folder.glob(pattern)) for pattern in ("*.whl", "*.tar.gz")]


def find_blender() -> Path | None:
    """Return the newest Blender that is prepared, else the one on PATH; None where there is none."""
    prepared = debian_blender.find_prepared()
    on_path = shutil.which("blender")
    return prepared[-1] if prepared else Path(on_path) if on_path else None


def make_index(folder: Path, blender: Path) -> Path:
    """Let Blender write the index of the zips in a folder, which makes it a repository; returns the index's path.

    Raises:
        ReleaseError: Blender does not start, or finds fault.
    """
    with tempfile.TemporaryDirectory(dir=SHARED_TEMPORARY) as user_files:
        command = [str(blender), "--factory-startup", "--command", "extension", "server-generate", f"--repo-dir={folder}"]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                                   env={**os.environ, "BLENDER_USER_RESOURCES": user_files})
        except OSError as error:
            raise ReleaseError(f"{blender} cannot be started: {error.strerror}.") from None
    index = folder / INDEX
    if ended.returncode != 0 or not index.is_file():
        raise ReleaseError(f"Blender made no {INDEX}: {(ended.stderr or ended.stdout).strip()}")
    return index


if __name__ == "__main__":
    sys.exit(main())
