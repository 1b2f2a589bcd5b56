"""The pictures of a run, whoever reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from ...core.digests import sha256_of
from ...core.errors import SourceError, reason_of
from ...core.paths import check_picture
from ...core.picture_formats import ENDINGS
from ..client import Client


@dataclass(frozen=True)
class Item:
    """A picture.

    title: how messages call it; name, stem: what its maps are called after, with and without an ending; file: its own, if
    any, which no map may replace; folder: where in the output folder its maps go; number: of a tile or frame, what its
    maps' names end with.
    fields: what a request says of it; content: the same digest for the same picture.  Both raise SourceError.
    """

    title: str
    name: str
    stem: str
    file: Path | None
    folder: PurePath
    fields: Callable[[Client], dict[str, Any]]
    content: Callable[[], str]
    number: str = ""


def item_of_file(file: Path, folder: PurePath, fields: Callable[[Client], dict[str, Any]]) -> Item:
    """The item of a picture file."""
    return Item(str(file), file.name, file.stem, file, folder, fields, lambda: digest_of_file(file))


def exposed(item: Item, stops: float) -> Item:
    """The item with scene-linear values that many stops brighter."""
    return replace(item, fields=lambda client: {**item.fields(client), "exposure": stops},
                   content=lambda: f"{item.content()} {stops!r}")


def stem_of(name: str) -> str:
    """A name without the ending of a picture file; other endings, such as .001, tell pictures apart."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and dot + ending.lower() in ENDINGS else name


def digest_of_file(file: Path) -> str:
    """SHA-256 of the file's bytes; raises SourceError where it cannot be read."""
    try:
        check_picture(file)
        return sha256_of(file)
    except OSError as error:
        raise SourceError("{file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None
