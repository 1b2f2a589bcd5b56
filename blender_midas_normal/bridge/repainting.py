"""The maps of a picture that was painted on, made again with the settings that they have."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import bpy

from ..core.errors import SourceError, TargetError
from ..core.messages import NO_MESSAGE, Message
from ..core.protocol import Result
from ..core.settings import Settings
from .asking import Ask
from .hand_edits import why_kept
from .making import ON_DISK, PACKED
from .order import Order, facts_of, on_preferred_device
from .pixels import View, reading
from .places import launch_with
from .results import kind_of, maps_of, mask_of
from .retuning import facts_on, settings_on, take_in
from .session import client
from .source import SEVERAL, Source, source_of_image
from .task import BREATH, Making, Report, Step, Task
from .uids import with_uid


@dataclass(frozen=True)
class Follower:
    """A map of the picture, by session_uid, and what it was when it was asked for again.

    mask_uid: session_uid of the mask image for the mask IMAGE, None without one.
    """

    uid: int
    kind: str
    settings: Settings
    mask_uid: int | None
    surface: str
    is_packed: bool

    @classmethod
    def of(cls, image: bpy.types.Image) -> Follower:
        """Raises one of the project's exceptions where what is stored with the map cannot be read."""
        settings, mask = settings_on(image), mask_of(image)
        mask_uid = mask.session_uid if mask is not None and settings.mask == "IMAGE" else None
        return cls(image.session_uid, kind_of(image), settings, mask_uid, facts_on(image)["surface"],
                   image.packed_file is not None)

    @property
    def files(self) -> dict:
        """What a request says of the files it wants."""
        return PACKED if self.is_packed else ON_DISK

    def image(self) -> bpy.types.Image | None:
        return with_uid(bpy.data.images, self.uid)

    def mask(self) -> Source | None:
        """The mask image, if any; raises SourceError when it cannot be used."""
        image = with_uid(bpy.data.images, self.mask_uid)
        return source_of_image(image) if image is not None else None

    def shares_surface(self, other: Follower) -> bool:
        """Whether both maps can be made from one surface."""
        return self.mask_uid == other.mask_uid and self.settings.tuned_as(other.settings).is_like(other.settings)


def reason_against(picture: bpy.types.Image) -> Message:
    """"" when a picture's maps can follow what is painted on it, else one sentence."""
    if picture.source in SEVERAL:
        return Message("The image {image!r} is {kind}, whose maps do not follow the brush; generate them again.",
                       image=picture.name, kind=SEVERAL[picture.source])
    if not maps_of(picture):
        return Message("The image {image!r} has no map that could follow the brush; generate one.", image=picture.name)
    return NO_MESSAGE


def begin_repaint(picture: bpy.types.Image, view: View, replace: bool = False) -> Task:
    """Asks for the maps of a picture again, of which the worker makes only what has changed since they were made.

    The picture is one that `reason_against` has nothing against; view: through which it is seen; replace: whether maps that
    were changed since they were made follow, too; else it ends with TargetError, when the others have followed.
    Raises one of the project's exceptions.
    """
    return Task(_making(source_of_image(picture), view, replace, _groups(picture)))


def _groups(picture: bpy.types.Image) -> list[list[Follower]]:
    """The picture's maps, those together that share a surface."""
    groups: list[list[Follower]] = []
    for follower in map(Follower.of, maps_of(picture)):
        for group in groups:
            if group[0].shares_surface(follower):
                group.append(follower)
                break
        else:
            groups.append([follower])
    return groups


def _making(source: Source, view: View, replace: bool, groups: list[list[Follower]]) -> Making:
    made: dict[str, dict] = {}
    kept: list[Message] = []
    for group in groups:
        ask, launch = Ask(group[0].settings, replace=replace), launch_with(group[0].settings.engine)
        made |= yield from _followed(Order(ask, source, group[0].mask(), view, None, None, launch, ()), group, kept)
    if kept:
        raise TargetError(kept[0])
    name, facts = next(iter(made.items()))
    return Report(tuple(made), (Message("{map} follows {picture}.", map=name, picture=source.name),), facts)


def _followed(order: Order, group: list[Follower], kept: list[Message]) -> Generator[Step | None, Any, dict[str, dict]]:
    """The facts of the maps of a surface by their names: the first is made from the picture, the others from its surface.

    kept: takes in a sentence for each map that stays as it is.
    """
    first, *others = group
    words = yield from order.handed_over(partial(reading, order.source.image(), view=order.view))
    result = yield Step(order.submit(first.kind, preceding=first.surface, **words, **first.files))
    name = yield from _taken_in(order, first, result, kept)
    made = {name: facts_of(result, first.kind)}
    for other in others:
        more = yield Step(client.submit(surface=result.surface, settings=on_preferred_device(other.settings).words(),
                                        map=other.kind, **other.files))
        name = yield from _taken_in(order, other, more, kept)
        made[name] = facts_of(more, other.kind)
    return made


def _taken_in(order: Order, follower: Follower, result: Result, kept: list[Message]) -> Generator[None, None, str]:
    """The map's name; the map shows the result, or stays as it is where the picture has not changed, or the map has.

    kept: takes in a sentence in the latter case.
    """
    with client.taken(result) as files:
        yield BREATH
        image = follower.image()
        if image is None:
            raise SourceError("The map was removed while it was made again; generate it again.")
        if result.surface == follower.surface:
            return image.name
        sentence = NO_MESSAGE if order.ask.replace else (yield from why_kept(image))
        if sentence:
            kept.append(sentence)
        else:
            take_in(image, follower.surface, result, files, follower.settings, replace=True)
    return image.name
