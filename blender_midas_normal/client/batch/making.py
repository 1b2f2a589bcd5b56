"""Each picture's way to its maps."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...core.choice import chosen_engine
from ...core.errors import EngineUnavailable, MidasNormalError, SurfaceGone, TargetError, WorkerError
from ...core.paths import exists
from ...core.protocol import Result
from ..client import Client, Job
from ..launch import Launch
from .items import Item
from .lanes import Beginning, Task
from .ledger import Ledger, digest_of_settings
from .options import Wanted
from .placing import replacing
from .records import FAILED, MADE, SKIPPED, Record
from .screen import Screen


@dataclass
class Picture:
    """An item, its maps that are still to be made (kind and file; None until they have names), and what became of others."""

    item: Item
    left: list[tuple[str, Path]] | None = None
    records: list[Record] = field(default_factory=list)


class Making:
    """Makes the maps that are wanted, one bad picture never stopping the rest.

    done: pictures that need nothing more.  suspects: pictures whose worker ended; one of them may be what ended it, so they
    are to be tried again one by one.  Raises EngineUnavailable, here and later, which no other picture would change.
    """

    def __init__(self, items: Iterable[Item], wanted: Wanted, launch: Launch, screen: Screen) -> None:
        self._wanted = wanted
        self._launch = launch
        self._screen = screen
        self._ledger = Ledger(wanted.out)
        self._engine, _ = chosen_engine(wanted.settings, {"MIDAS": launch.without_midas, "RELIEF": "", "LUMINANCE": ""})
        self.pictures = [Picture(item) for item in items]
        self.suspects: list[Picture] = []
        self.done = 0
        files = [picture.item.file for picture in self.pictures] + [wanted.mask_image]
        self._taken = {file.resolve() for file in files if file is not None}

    def beginnings(self, pictures: Iterable[Picture], alone: bool) -> Iterator[Beginning]:
        """The work for these pictures; alone: a worker has no other beside it, and fails on its account."""
        return (partial(self._task, picture, alone) for picture in pictures)

    def _task(self, picture: Picture, alone: bool, client: Client) -> Task:
        try:
            yield from self._maps(picture, client)
        except EngineUnavailable:
            raise
        except MidasNormalError as error:
            if isinstance(error, WorkerError) and not alone:
                self.suspects.append(picture)
                return
            self._fail(picture, str(error))
        except OSError as error:
            self._fail(picture, f"The system refuses {error.filename or 'it'}: {error.strerror}.")
        self.done += 1

    def _fail(self, picture: Picture, sentence: str) -> None:
        self._screen.complain(f"{picture.item.title}: error: {sentence}")
        kind = picture.left[0][0] if picture.left else None
        picture.records.append(Record(picture.item.title, FAILED, kind, error=sentence))

    def _maps(self, picture: Picture, client: Client) -> Task:
        content = picture.item.content() + self._wanted.mask_content
        if picture.left is None:
            picture.left = [(kind, self._target(picture.item, kind)) for kind in self._wanted.kinds]
        surface = None
        while picture.left:
            kind, target = picture.left[0]
            if self._is_there(target, content, kind):
                self._skip(picture, kind, target)
            else:
                job = self._submitted(client, picture.item, kind, surface)
                yield job
                try:
                    result = job.result()
                except SurfaceGone:
                    if surface is None:
                        raise
                    surface = None
                    continue
                self._store(client, result, target)
                self._ledger.note(target, content, self._digest(result.engine, kind))
                self._say(picture, kind, target, result)
                surface = result.surface
            picture.left.pop(0)

    def _target(self, item: Item, kind: str) -> Path:
        """The file for a map; raises TargetError where a picture or another map of this run has its name."""
        out, naming = self._wanted.out, self._wanted.naming
        target = out / naming.path(item, kind)
        if self._wanted.existing == "NUMBER":
            names = (out / naming.path(item, kind, number) for number in itertools.count(1))
            target = next(name for name in names if name.resolve() not in self._taken and not exists(name))
        elif target.resolve() in self._taken:
            raise TargetError(f"{target} is one of the pictures, or another picture's map; rename one of them.")
        self._taken.add(target.resolve())
        return target

    def _is_there(self, target: Path, content: str, kind: str) -> bool:
        """Whether the map need not be made."""
        digest = self._digest(self._engine, kind)
        return self._wanted.existing == "SKIP" and self._ledger.is_current(target, content, digest)

    def _submitted(self, client: Client, item: Item, kind: str, surface: str | None) -> Job:
        """The job of a map, from the surface if there is one, else from the picture."""
        client.prepare(self._launch)
        source = {"surface": surface} if surface is not None else item.fields(client)
        return client.submit(settings=self._wanted.settings.words(), map=kind, format=self._wanted.format, compress=True,
                             **source)

    def _store(self, client: Client, result: Result, target: Path) -> None:
        file = client.take_file(result)
        try:
            with replacing(target) as incomplete:
                shutil.copyfile(file, incomplete)
        finally:
            file.unlink(missing_ok=True)

    def _digest(self, engine: str, kind: str) -> str:
        return digest_of_settings(self._wanted.settings, engine, kind, self._wanted.format)

    def _skip(self, picture: Picture, kind: str, target: Path) -> None:
        self._screen.say(f"{picture.item.title}: {target} is there already")
        picture.records.append(Record(picture.item.title, SKIPPED, kind, str(target)))

    def _say(self, picture: Picture, kind: str, target: Path, result: Result) -> None:
        size = f"{result.width} x {result.height}"
        self._screen.say(f"{picture.item.title} -> {target} ({size}, {result.engine.lower()} on {result.device})")
        for note in result.notes:
            self._screen.say(f"  {note}")
        picture.records.append(Record(picture.item.title, MADE, kind, str(target), result.engine, result.why, result.device,
                                      (result.width, result.height), result.seconds, result.notes))
