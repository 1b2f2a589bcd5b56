"""A page on which the maps of a run are reviewed: small pictures of each texture, the suspicious ones first."""

from __future__ import annotations

import hashlib
import html
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..client.client import Client
from ..client.launch import Launch
from ..core.errors import Message, MidasNormalError, TargetError, reason_of
from ..core.protocol import LOOKS_INVERTED, NEARLY_FLAT, Request, Result
from .atomic_files import atomic_write
from .outputs import RECTIFIED
from .report import FAILED, MADE, REVIEW_HEAD, SKIPPED, Record, check_report

if TYPE_CHECKING:
    from .options import BatchOptions
    from .pictures import PictureState
    from .scheduler import BatchTask

SHEET_NAME = re.compile(r"[0-9a-f]{16}\.(jpg|png)")
"""Names of the files of small pictures."""

FOLDER_SUFFIX = "_files"
"""End of the name of the folder of small pictures; it begins as that of the page."""

PAGE_SUFFIXES = (".html", ".htm")

NOT_DRAWN = "No small pictures"

GROUPS = ("Failed", "Nearly flat", "Inverted-looking", NOT_DRAWN, "Others")
"""The headings of the page, in their order."""

STYLE = """
body { font: 14px sans-serif; margin: 1em; background: #fff; color: #111 }
nav a { margin-right: 1.5em }
figure { margin: 0 0 1em; content-visibility: auto; contain-intrinsic-size: auto 200px }
figcaption { overflow-wrap: anywhere; margin-bottom: .2em }
p { margin: .1em 0 } .why { color: #a00 }
img { height: 160px; width: auto; max-width: 100% }
"""


@dataclass(frozen=True)
class Sheet:
    """The small pictures of a texture: the name of their file and its size in pixels, and what is suspicious."""

    name: str
    size: tuple[int, int]
    notes: tuple[Message, ...]


@dataclass
class ReviewPage:
    """The page of a run, and the small pictures in a folder beside it, which a browser loads as they are scrolled to.

    Attributes:
        file: the page.
        drawn: how many pictures `draw` is done with.
    """

    file: Path
    convention: str
    launch: Launch
    drawn: int = 0
    _sheets: dict[int, Sheet] = field(default_factory=dict)
    _problems: dict[int, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of the small pictures."""
        return self.file.with_name(self.file.stem + FOLDER_SUFFIX)

    def draw(self, picture: PictureState, client: Client) -> BatchTask:
        """Have the small pictures of a picture and its map drawn; a stage of a run, which no picture fails.

        Of several maps it is the normal map, else the first one.
        """
        shown = _shown_map(picture)
        if shown is not None:
            try:
                client.prepare(self.launch)
                job = client.submit(self._request(picture, shown, client))
                yield job
                result = job.result()
                self._sheets[id(picture)] = Sheet(self._take(client, result, str(shown.output)),
                                                  (result.width, result.height), tuple(result.notes))
            except (MidasNormalError, OSError) as error:
                self._problems[id(picture)] = reason_of(error)
        self.drawn += 1

    def write(self, pictures: Sequence[PictureState], unusable: Sequence[Record]) -> None:
        """Write the page, and remove small pictures of earlier runs that are not on it.

        Args:
            unusable: records of inputs that are no pictures.

        Raises:
            TargetError: it cannot be written.
        """
        groups: dict[str, list[str]] = {name: [] for name in GROUPS}
        for record in unusable:
            groups["Failed"].append(_figure(record.input, [str(record.error)], "", ""))
        for picture in pictures:
            if picture.records:
                groups[self._group(picture)].append(self._entry(picture))
        try:
            with atomic_write(self.file) as partial:
                partial.write_text("".join(_page(groups)), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise TargetError("The review cannot be written as {file}: {reason}.", file=self.file,
                              reason=reason_of(error)) from None
        self._remove_unused({sheet.name for sheet in self._sheets.values()})

    def _request(self, picture: PictureState, shown: Record, client: Client) -> Request:
        item = picture.item
        source = item.request_fields(client) if picture.rectified is None else item.file_fields(client, picture.rectified)
        map_fields = item.file_fields(client, Path(str(shown.output)))
        return Request({"convention": self.convention}, map=str(shown.map), review=True,
                       **{name: value for name, value in source.items() if name in ("picture", "pixels", "exposure")},
                       **{f"base_{name}": value for name, value in map_fields.items() if name in ("picture", "pixels")})

    def _take(self, client: Client, result: Result, output: str) -> str:
        """Move the small pictures to their folder, under a name that stays the same from run to run; return it."""
        file = client.take_map_file(result)
        try:
            name = hashlib.sha256(output.encode("utf-8", "surrogatepass")).hexdigest()[:16] + file.suffix
            with atomic_write(self.folder / name) as partial:
                shutil.copyfile(file, partial)
        finally:
            with suppress(OSError):  # the worker's folder goes when it ends
                file.unlink()
        return name

    def _group(self, picture: PictureState) -> str:
        notes = self._sheets[id(picture)].notes if id(picture) in self._sheets else ()
        if any(record.outcome == FAILED for record in picture.records):
            return "Failed"
        if NEARLY_FLAT in notes:
            return "Nearly flat"
        if LOOKS_INVERTED in notes:
            return "Inverted-looking"
        return "Others" if id(picture) in self._sheets else NOT_DRAWN

    def _entry(self, picture: PictureState) -> str:
        sheet, shown = self._sheets.get(id(picture)), _shown_map(picture)
        sentences = [str(record.error) for record in picture.records if record.outcome == FAILED]
        sentences += [*(sheet.notes if sheet is not None else ()), *filter(None, [self._problems.get(id(picture))])]
        sentences += dict.fromkeys(note for record in picture.records for note in record.notes or ())
        image = ""
        if sheet is not None:
            source = f"{quote(os.fsencode(self.folder.name))}/{sheet.name}"
            image = f'<img loading="lazy" width="{sheet.size[0]}" height="{sheet.size[1]}" src="{source}" alt="">'
        link = _link(str(shown.output), self.file) if shown is not None else ""
        return _figure(picture.item.title, sentences, link, image)

    def _remove_unused(self, names: set[str]) -> None:
        with suppress(OSError), os.scandir(self.folder) as entries:  # there is none, or it may not be changed
            for entry in list(entries):
                if SHEET_NAME.fullmatch(entry.name) and entry.name not in names:
                    Path(entry.path).unlink()


def review_page(options: BatchOptions, launch: Launch) -> ReviewPage | None:
    """Return the page that the options ask for, if any."""
    return ReviewPage(options.review, options.settings.convention, launch) if options.review is not None else None


def check_review(file: Path) -> None:
    """Check before a run that the page can be written; raises as `report.check_report`, and where it is no page."""
    if file.suffix.lower() not in PAGE_SUFFIXES:
        raise TargetError("The review is a page such as review.html, not {file}.", file=file)
    check_report(file)


def is_review_folder(folder: Path) -> bool:
    """Tell whether a folder holds the small pictures of a page, which are no textures."""
    stem = folder.name.removesuffix(FOLDER_SUFFIX)
    if stem == folder.name:
        return False
    for suffix in PAGE_SUFFIXES:
        with suppress(OSError), folder.with_name(stem + suffix).open("rb") as stream:
            if stream.read(len(REVIEW_HEAD)) == REVIEW_HEAD.encode():
                return True
    return False


def _shown_map(picture: PictureState) -> Record | None:
    """Return the record of the map that is shown, None where there is none."""
    records = [record for record in picture.records if record.outcome in (MADE, SKIPPED) and record.output
               and record.map != RECTIFIED]
    return next((record for record in records if record.map == "NORMAL"), records[0] if records else None)


def _link(file: str, page: Path) -> str:
    """Return a link from the page to a file."""
    try:
        path = os.path.relpath(file, page.absolute().parent)
        url = quote(os.fsencode(path.replace(os.sep, "/")))
    except ValueError:  # on another drive of Windows
        url = Path(file).absolute().as_uri()
    return f'<a href="{html.escape(url)}">{html.escape(file)}</a>'


def _figure(title: str, sentences: Sequence[str], link: str, image: str) -> str:
    paragraphs = "".join(f'<p class="why">{html.escape(sentence)}</p>' for sentence in sentences)
    arrow = f" &rarr; {link}" if link else ""
    return f"<figure><figcaption>{html.escape(title)}{arrow}{paragraphs}</figcaption>{image}</figure>\n"


def _page(groups: dict[str, list[str]]) -> Iterator[str]:
    anchors = {name: name.lower().replace(" ", "-") for name in groups}
    yield (f'{REVIEW_HEAD}\n<html lang="en"><head><meta charset="utf-8"><title>Review of maps</title>'
           f"<style>{STYLE}</style></head><body>\n<h1>Review of maps</h1>\n"
           "<p>Each texture, its map, and the texture lit from the upper left with it.</p>\n<nav>")
    for name, figures in groups.items():
        if figures:
            yield f'<a href="#{anchors[name]}">{name}: {len(figures)}</a>'
    yield "</nav>\n"
    for name, figures in groups.items():
        if figures:
            yield f'<h2 id="{anchors[name]}">{name}: {len(figures)}</h2>\n'
            yield from figures
    yield "</body></html>\n"
