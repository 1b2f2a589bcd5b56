"""The documents: their links and file names lead somewhere, and the engine of add-an-engine.md makes a map."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE_NAME = re.compile(r"`((?:blender_midas_normal|docs|scripts|tests)/[\w./-]+)`")
PAGE = (ROOT / "docs" / "contributing" / "add-an-engine.md").read_text(encoding="utf-8")
LAST_RECORD = '}\n"""By the name that settings use'
MAIN = "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"


def anchors(text):
    """The parts of links that lead to a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_are_there(document):
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        file, _, heading = link.partition("#")
        if file.startswith(("https:", "http:")):
            continue
        target = document.parent / file if file else document
        assert target.is_file(), link
        assert not heading or heading in anchors(target.read_text(encoding="utf-8")), link


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 700


def test_each_picture_is_shown_by_a_document():
    shown = {(document.parent / link).resolve() for document in DOCUMENTS
             for link in LINK.findall(document.read_text(encoding="utf-8"))}
    pictures = {path.resolve() for ending in ("jpg", "png") for path in (ROOT / "docs").rglob(f"*.{ending}")}
    assert pictures and not pictures - shown


def test_troubleshooting_names_messages_that_the_program_gives():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "blender_midas_normal").rglob("*.py"))
    text = re.sub(r'"\s*f?"', "", text)  # strings that go on in the next line
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8").partition("## Messages about")[2]
    messages = [row for row in re.findall(r"^\| (.*?) \|", page, re.MULTILINE) if row != "message"]
    assert len(messages) > 30 and not [message for message in messages if message not in text]


def test_each_document_is_linked_to_from_another():
    links = {(document.parent / link.partition("#")[0]).resolve() for document in DOCUMENTS
             for link in LINK.findall(document.read_text(encoding="utf-8"))}
    assert not [document.name for document in DOCUMENTS[1:] if document.resolve() not in links]


def test_the_files_that_add_an_engine_names_are_there_and_those_of_its_last_table_are_about_moge():
    names = FILE_NAME.findall(PAGE)
    assert len(names) > 30 and not [name for name in names if not (ROOT / name).exists()]
    table = FILE_NAME.findall(PAGE.partition("## What the third one touched")[2])
    assert len(table) > 12
    for name in table:
        text = (ROOT / name).read_text(encoding="utf-8").lower()
        assert "moge" in text, name


def test_the_smallest_engine_makes_a_map_in_a_copy_of_the_package(tmp_path):
    code, record = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    package = tmp_path / "blender_midas_normal"
    shutil.copytree(ROOT / package.name, package, ignore=shutil.ignore_patterns("__pycache__"))
    folder = package / "worker" / "engines" / "darkness"
    folder.mkdir()
    (folder / "__init__.py").write_text(code, encoding="utf-8")
    records = package / "core" / "engines.py"
    before, mark, after = records.read_text(encoding="utf-8").partition(LAST_RECORD)
    records.write_text(before + record + mark + after, encoding="utf-8")
    darker = np.repeat(np.linspace(255, 0, 64).astype(np.uint8)[None], 48, axis=0)
    PIL.Image.fromarray(np.dstack([darker] * 3)).save(tmp_path / "darker.png")
    ended = subprocess.run(
        [sys.executable, "-c", MAIN, "darker.png", "--out", "maps", "--engine", "darkness", "--strength", "10", "--json",
         "report.json"], cwd=tmp_path, env={**os.environ, "MIDAS_NORMAL_DATA": str(tmp_path / "data")}, capture_output=True,
        text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert [entry["engine"] for entry in json.loads((tmp_path / "report.json").read_text())] == ["DARKNESS"]
    with PIL.Image.open(tmp_path / "maps" / "darker_normal.png") as picture:
        made = np.asarray(picture.convert("RGB"), float)
    assert made.shape == (48, 64, 3)
    red, green, _ = made[:, 8:-8].mean(axis=(0, 1))  # it rises to the right, so its normals lean to the left
    assert red < 126 and abs(green - 127.5) < 1
