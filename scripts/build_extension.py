"""Builds the extension: python3 scripts/build_extension.py [--out dist] makes dist/midas_normal-<version>.zip.

Needs Python 3.11 or newer and nothing else.  The zip is checked by the rules of Blender's extension platform, by
Blender itself too where there is a `blender` on PATH, and is the same to the byte however often it is built.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal import __version__
from blender_midas_normal.core.errors import MidasNormalError

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = "blender_manifest.toml"
PACKAGE = "blender_midas_normal"
LICENCE = "LICENSE"

LONGEST_LINE = 64
"""Characters in a tagline or in the reason for a permission."""

PERMISSIONS = {"files", "network", "clipboard", "camera", "microphone"}

TAGS = {
    "3D View", "Add Curve", "Add Mesh", "Animation", "Bake", "Camera", "Compositing", "Development", "Game Engine",
    "Geometry Nodes", "Grease Pencil", "Import-Export", "Lighting", "Material", "Mesh", "Modeling", "Node", "Object",
    "Paint", "Physics", "Pipeline", "Render", "Rigging", "Scene", "Sculpt", "Sequencer", "System", "Text Editor",
    "Tracking", "UV", "User Interface",
}

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?")
PLAIN_VERSION = re.compile(r"\d+\.\d+\.\d+")
SPDX = re.compile(r"SPDX:[0-9A-Za-z][0-9A-Za-z.+-]*")

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can hold: every file's time, so that the zip depends on the contents alone."""


class BuildError(Exception):
    """The extension cannot be built; the message says what is wrong, one line for each fault."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the extension's zip.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zip (default: dist)")
    try:
        path = build(parser.parse_args().out)
    except (BuildError, MidasNormalError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


def build(out_folder: Path) -> Path:
    """Build the zip in a folder and return its path; raise BuildError when the extension breaks a rule.

    Raises TargetError where the folder cannot be written.
    """
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary) / "midas_normal"
        stage(staged)
        raise_faults(faults(staged))
        manifest = read_manifest(staged)
        path = environments.writable(out_folder) / f"{manifest['id']}-{manifest['version']}.zip"
        write_zip(staged, path)
    validate_with_blender(path)
    return path


def stage(folder: Path) -> None:
    """Make the folder as it will be among Blender's extensions: manifest, licence and the package's contents.

    The manifest of the clone states no version: it gets the package's.
    """
    shutil.copytree(ROOT / PACKAGE, folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    manifest = (ROOT / MANIFEST).read_text(encoding="utf-8")
    (folder / MANIFEST).write_text(f'version = "{__version__}"\n{manifest}', encoding="utf-8")
    if (ROOT / LICENCE).exists():
        shutil.copyfile(ROOT / LICENCE, folder / LICENCE)


def faults(folder: Path) -> Iterator[str]:
    """Return what is wrong with a staged extension, one sentence each."""
    if not (folder / "__init__.py").is_file():
        yield "The package has no __init__.py."
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            yield f"{path.relative_to(folder)} is a link, which a zip does not carry."
    yield from manifest_faults(read_manifest(folder))


def manifest_faults(manifest: dict[str, Any]) -> Iterator[str]:
    """Return what is wrong with a manifest, one sentence each."""
    missing = [name for name in ("schema_version", "id", "version", "name", "tagline", "maintainer", "type", "license",
                                 "blender_version_min") if not manifest.get(name)]
    if missing:
        yield f"The manifest lacks {', '.join(missing)}."
        return
    if manifest["schema_version"] != "1.0.0":
        yield f"The schema_version is {manifest['schema_version']}, not 1.0.0."
    if not manifest["id"].isidentifier() or "__" in manifest["id"]:
        yield f"The id {manifest['id']!r} is not an identifier with single underscores."
    if not SEMVER.fullmatch(manifest["version"]):
        yield f"The version {manifest['version']!r} is not a semantic version."
    if manifest["type"] != "add-on":
        yield f"The type is {manifest['type']!r}, not 'add-on'."
    if not PLAIN_VERSION.fullmatch(manifest["blender_version_min"]):
        yield f"The blender_version_min {manifest['blender_version_min']!r} is not three numbers."
    for licence in manifest["license"]:
        if not SPDX.fullmatch(licence):
            yield f"The licence {licence!r} is not written as SPDX:<identifier>."
    for tag in manifest.get("tags", []):
        if tag not in TAGS:
            yield f"Blender's extension platform has no tag {tag!r}."
    yield from line_faults("tagline", manifest["tagline"])
    for name, reason in manifest.get("permissions", {}).items():
        if name not in PERMISSIONS:
            yield f"Blender knows no permission {name!r}."
        yield from line_faults(f"reason for the permission {name}", reason)


def line_faults(what: str, line: str) -> Iterator[str]:
    """Return what is wrong with a line that Blender shows in its list of extensions."""
    if not line.strip() or line != line.strip():
        yield f"The {what} is empty or has spaces around it."
    elif not (line[-1].isalnum() or line[-1] in ")]}"):
        yield f"The {what} ends with {line[-1]!r}; Blender wants no punctuation there."
    if len(line) > LONGEST_LINE:
        yield f"The {what} has {len(line)} characters; {LONGEST_LINE} are allowed."


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder; raise BuildError when it is no TOML, or this Python cannot read TOML."""
    try:
        import tomllib
    except ImportError:
        raise BuildError("Building the extension needs Python 3.11 or newer.") from None
    try:
        return tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{MANIFEST} is not TOML: {error}.") from None


def write_zip(folder: Path, path: Path) -> None:
    """Write the folder's contents as a reproducible zip: sorted, without times and permissions."""
    partial = path.with_suffix(".part")
    with zipfile.ZipFile(partial, "w") as archive:
        for file in sorted((f for f in folder.rglob("*") if f.is_file()), key=lambda f: f.relative_to(folder).as_posix()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, file.read_bytes(), compresslevel=9)
    partial.replace(path)


def validate_with_blender(path: Path) -> None:
    """Validate the zip with a Blender on PATH, if there is one; raise BuildError when it finds a fault."""
    blender = shutil.which("blender")
    if blender is None:
        return
    answer = subprocess.run([blender, "--factory-startup", "--command", "extension", "validate", str(path)],
                            capture_output=True, text=True, errors="replace", check=False)
    if answer.returncode != 0:
        raise BuildError(f"Blender finds fault with {path.name}:\n{answer.stdout}{answer.stderr}")


def raise_faults(sentences: Iterator[str]) -> None:
    problems = list(sentences)
    if problems:
        raise BuildError("\n".join(problems))


if __name__ == "__main__":
    sys.exit(main())
