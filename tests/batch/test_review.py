"""The page on which the maps of a run are reviewed."""

from __future__ import annotations

import html.parser
import time
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch import review
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.inputs import find_pictures
from blender_midas_normal.batch.pictures import PictureState, item_of_file
from blender_midas_normal.batch.report import FAILED, MADE, Record
from blender_midas_normal.batch.review import ReviewPage, Sheet
from blender_midas_normal.core.protocol import NEARLY_FLAT
from tests.requests_for_tests import launch

MATERIALS = Path(__file__).resolve().parents[1] / "materials"


class Page(html.parser.HTMLParser):
    """A page's headings, its figures with their texts, links and pictures, and all addresses in it."""

    def __init__(self, file):
        super().__init__()
        self.headings, self.figures, self.addresses, self._tag = [], [], [], ""
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self._tag, values = tag, dict(attributes)
        self.addresses += [values[name] for name in ("src", "href") if name in values]
        if tag == "figure":
            self.figures.append({"group": self.headings[-1], "text": ""})
        if tag == "img":
            self.figures[-1] |= {"image": unquote(values["src"]), "lazy": values["loading"], "width": int(values["width"])}

    def handle_data(self, data):
        if self._tag == "h2" and data.strip():
            self.headings.append(data.strip())
        elif self.figures:
            self.figures[-1]["text"] += data


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    folder = tmp_path / "library"
    folder.mkdir()
    for name in ("bricks", "cobbles"):
        (folder / f"{name}.png").write_bytes((MATERIALS / f"{name}_color.png").read_bytes())
    PIL.Image.new("RGB", (300, 200), (90, 80, 70)).save(folder / "grey <b>&.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


def run(library, *arguments, out="maps"):
    page = library.parent / "pages" / "50% a.html"
    code = main([str(library), "--out", str(library.parent / out), "--engine", "luminance", "--review", str(page),
                 *arguments])
    return code, page


def test_the_suspicious_come_first_and_each_has_small_pictures(library, capsys):
    code, file = run(library, "--maps", "ao,normal")
    page = Page(file)
    assert code == 1 and page.headings == ["Failed: 1", "Nearly flat: 1", "Others: 2"]
    bad, grey, bricks, _ = page.figures
    assert "is not a readable picture" in bad["text"] and "image" not in bad
    assert "grey <b>&.png" in grey["text"] and NEARLY_FLAT in grey["text"]
    assert bricks["group"] == "Others: 2" and "bricks_normal.png" in bricks["text"] and bricks["lazy"] == "lazy"
    assert not any(":" in address or address.startswith("/") for address in page.addresses), "all of it is beside the page"
    for address in page.addresses:
        assert address.startswith("#") or (file.parent / unquote(address)).is_file()
    with PIL.Image.open(file.parent / bricks["image"]) as sheet:
        assert sheet.size == (bricks["width"], sheet.height) and bricks["width"] == 3 * 128
        colours = np.asarray(sheet.convert("RGB"))[:, 128:256].mean((0, 1))
    assert np.abs(colours - [128, 128, 245]).max() < 12, "the map in the middle"
    capsys.readouterr()


def test_inverted_maps_are_told_and_skipped_maps_are_shown(library, capsys):
    run(library, "--invert")
    code, file = run(library, "--invert", "--existing", "skip", "--maps", "normal,height")
    assert code == 1 and Page(file).headings == ["Failed: 1", "Nearly flat: 1", "Inverted-looking: 2"]
    _, file = run(library, "--maps", "height", "--format", "exr", out="heights")
    assert [figure["width"] for figure in Page(file).figures if "image" in figure] == [256, 256, 300]
    _, file = run(library, "--format", "exr_half", "--target", "unreal", out="floats")
    page = Page(file)
    assert page.headings == ["Failed: 1", "Nearly flat: 1", "Others: 2"]
    assert {path.name for path in (file.parent / "50% a_files").iterdir()} == {
        Path(figure["image"]).name for figure in page.figures if "image" in figure}, "those of earlier runs are gone"
    capsys.readouterr()


def test_a_page_takes_the_place_of_none_but_a_page_and_its_pictures_are_no_textures(library, capsys):
    (library.parent / "mine.html").write_text("<!DOCTYPE html><title>Mine</title>")
    for name, sentence in (("mine.html", "is no report"), ("review.png", "is a page such as review.html")):
        with pytest.raises(SystemExit) as ended:
            main([str(library), "--out", "maps", "--review", str(library.parent / name)])
        assert ended.value.code == 2 and sentence in capsys.readouterr().err
    main([str(library), "--out", str(library / "maps"), "--engine", "luminance", "--review", str(library / "all.html")])
    assert len(list((library / "all_files").iterdir())) == 3
    (library / "my_files").mkdir()
    PIL.Image.new("RGB", (8, 8)).save(library / "my_files" / "a.png")
    names = {picture.file.name for picture in find_pictures([library], recursive=True).pictures}
    assert names == {"bricks.png", "cobbles.png", "grey <b>&.png", "bad.png", "a.png"}
    capsys.readouterr()


def test_what_cannot_be_drawn_is_said_and_fails_nothing(library, capsys, monkeypatch):
    def take(page, client, result, output):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ReviewPage, "_take", take)
    (library / "bad.png").unlink()
    code, file = run(library)
    page = Page(file)
    assert code == 0 and page.headings == ["No small pictures: 3"]
    assert all("No space left on device" in figure["text"] for figure in page.figures)
    capsys.readouterr()


def test_ten_thousand_textures_are_a_small_page_that_is_written_at_once(tmp_path):
    page = ReviewPage(tmp_path / "review.html", "OPENGL", launch(tmp_path))
    pictures = []
    for number in range(10_000):
        file = tmp_path / "library" / "materials" / f"texture_{number:05}_color.png"
        state = PictureState(item_of_file(file, Path(), lambda client: {}))
        outcome = FAILED if number % 100 == 0 else MADE
        state.records = [Record(str(file), outcome, "NORMAL", None if outcome == FAILED else str(
            tmp_path / "maps" / f"{file.stem}_normal.png"), error="It failed." if outcome == FAILED else None)]
        if outcome == MADE:
            page._sheets[id(state)] = Sheet(f"{number:016x}.jpg", (480, 160), ())
        pictures.append(state)
    start = time.process_time()
    page.write(pictures, [])
    assert time.process_time() - start < 5 and page.file.stat().st_size < 8_000_000
    parsed = Page(page.file)
    assert parsed.headings == ["Failed: 100", "Others: 9900"] and len(parsed.figures) == 10_000
    assert all(figure.get("lazy", "lazy") == "lazy" for figure in parsed.figures)
    assert "content-visibility: auto" in review.STYLE
