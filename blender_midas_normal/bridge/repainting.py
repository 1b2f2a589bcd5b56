"""The maps of a picture that was painted on, made again with the settings that they have."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial

import bpy

from ..core.errors import SourceError
from ..core.protocol import Result
from ..core.settings import Settings
from .asking import Ask
from .making import ON_DISK, PACKED
from .order import Order, facts_of, on_preferred_device
from .pixels import reading, view_exposure
from .places import launch_with
from .results import kind_of, maps_of, mask_of
from .retuning import facts_on, settings_on, take_in
from .session import client
from .source import SEVERAL, source_of_image
from .task import BREATH, Making, Report, Step, Task
from .uids import with_uid


@dataclass(frozen=True)
class Follower:
    """A map of the picture, by session_uid, and what it was when it was asked for again."""

    uid: int
    kind: str
    settings: Settings
    surface: str
    is_packed: bool

    @classmethod
    def of(cls, image: bpy.types.Image) -> Follower:
        """Raises one of the project's exceptions where what is stored with the map cannot be read."""
        return cls(image.session_uid, kind_of(image), settings_on(image), facts_on(image)["surface"],
                   image.packed_file is not None)

    @property
    def files(self) -> dict:
        """What a request says of the files it wants."""
        return PACKED if self.is_packed else ON_DISK

    def image(self) -> bpy.types.Image | None:
        return with_uid(bpy.data.images, self.uid)


def reason_against(picture: bpy.types.Image) -> str:
    """"" when a picture's maps can follow what is painted on it, else one sentence."""
    if picture.source in SEVERAL:
        return (f"The image {picture.name!r} is {SEVERAL[picture.source]}, whose maps do not follow the brush; generate "
                "them again.")
    if not maps_of(picture):
        return f"The image {picture.name!r} has no map that could follow the brush; generate one."
    return ""


def begin_repaint(picture: bpy.types.Image) -> Task:
    """Asks for the maps of a picture again, of which the worker makes only what has changed since they were made.

    The picture is one that `reason_against` has nothing against.  Raises one of the project's exceptions.
    """
    maps = maps_of(picture)
    first, *others = (Follower.of(image) for image in maps)
    launch = launch_with(first.settings.engine)
    alike = [other for other in others if first.settings.tuned_as(other.settings).is_like(other.settings)]
    mask = mask_of(maps[0]) if first.settings.mask == "IMAGE" else None
    order = Order(Ask(first.settings), source_of_image(picture), None if mask is None else source_of_image(mask),
                  view_exposure(bpy.context), None, None, launch, ())
    return Task(_making(order, first, alike))


def _making(order: Order, first: Follower, others: list[Follower]) -> Making:
    source = order.source
    words = yield from order.handed_over(partial(reading, source.image()))
    result = yield Step(order.submit(first.kind, preceding=first.surface, **words, **first.files))
    name = yield from _taken_in(first, result)
    for other in others:
        more = yield Step(client.submit(surface=result.surface, settings=on_preferred_device(other.settings).words(),
                                        map=other.kind, **other.files))
        yield from _taken_in(other, more)
    return Report((name,), (f"{name} follows {source.name}.",), facts_of(result, first.kind))


def _taken_in(follower: Follower, result: Result) -> Generator[None, None, str]:
    """The map's name; the map shows the result, or stays as it is where the picture has not changed."""
    with client.taken(result) as files:
        yield BREATH
        image = follower.image()
        if image is None:
            raise SourceError("The map was removed while it was made again; generate it again.")
        if result.surface != follower.surface:
            take_in(image, follower.surface, result, files, follower.settings)
    return image.name
