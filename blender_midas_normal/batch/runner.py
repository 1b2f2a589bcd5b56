"""Run a batch: each picture's way to its maps, stage by stage."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..client.client import Client, ResultFuture
from ..client.launch import Launch
from ..core.engines import has_depth_range, select_engine
from ..core.errors import (
    NO_MESSAGE,
    EngineUnavailable,
    Message,
    MidasNormalError,
    SurfaceGone,
    TargetError,
    WorkerError,
    reason_of,
)
from ..core.file_numbering import temporal_weights
from ..core.files import atomic_replace, resolve_path
from ..core.map_types import is_float_format
from ..core.protocol import Request, Result
from ..core.settings import Settings
from .atomic_files import atomic_create, incomplete, remove_leftovers, temporary_folder
from .options import BatchOptions
from .outputs import NameTaken, OutputFiles
from .pictures import Item, Picture, Staged, bring_to_one_range, pictures_of, sets_of
from .record import DepthStats, DepthStatsCache, OutputRecord, digest_of_settings
from .report import FAILED, MADE, SKIPPED, Record, Reporter
from .scheduler import Task, TaskFactory

Stage = Callable[[Picture, Client], Task]
"""What is done with a picture; raises MidasNormalError or OSError where that cannot be."""

WINDOW = 16
"""Frames whose maps are made before these are averaged; an interrupted run loses no more of them."""


class Refused(TargetError):
    """A map that may not take its place; the others of its picture may."""


class BatchRunner:
    """Makes the maps that the options ask for, one bad picture never stopping the rest.

    sets: the pictures, those of a set together, in the order of their numbers; names: sentences about the sets; lacks: the
    same about what these lack.  done: how many pictures need nothing more.
    Raises EngineUnavailable, here and later, which no other picture would change.
    """

    def __init__(self, items: Iterable[Item], options: BatchOptions, launch: Launch, screen: Reporter) -> None:
        self._options = options
        self._launch = launch
        self.out = options.out
        self._screen = screen
        self._ledger = OutputRecord(options.out)
        self._measures = DepthStatsCache(options.out)
        self._engine, _ = select_engine(options.settings, {"MIDAS": launch.without_midas, "RELIEF": NO_MESSAGE,
                                                          "LUMINANCE": NO_MESSAGE})
        self._has_scale = "HEIGHT" in options.kinds and (options.smoothing > 0 or not is_float_format(options.format))
        self._file: dict[str, Any] = {"format": options.format, "bits": options.bits, "compress": True}
        self._postponed: list[Picture] = []
        self._folders: set[Path] = set()
        self._measured = self.done = 0
        sets = sets_of(items, options.sets)
        self.names = [each.sentence for each in sets if len(each.members) > 1]
        self.lacks = [each.missing_message for each in sets if each.missing_message]
        self.sets = [pictures_of(each, options.smoothing) for each in sets]
        self.pictures = [picture for pictures in self.sets for picture in pictures]
        self._to_measure = sum(len(pictures) for pictures in self.sets if self.is_measured(pictures))
        self._targets = OutputFiles(options, [picture.item.file for picture in self.pictures])

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, and of how much: each picture is measured, where need be, and made."""
        return self.done + self._measured, len(self.pictures) + self._to_measure

    def is_measured(self, pictures: Sequence[Picture]) -> bool:
        """Whether a set is to be measured before its maps are made, for each shapes those of the others."""
        return len(pictures) > 1 and (self._has_scale or has_depth_range(self._engine, self._options.settings))

    def close(self) -> None:
        """End this process's part of the folder's records, and remove what killed ones have left; call this at the end."""
        self._measures.close()
        self._ledger.close()
        for folder in {self.out, *self._folders}:
            remove_leftovers(folder)

    def beginnings(self, way: Stage, pictures: Iterable[Picture], alone: bool) -> Iterator[TaskFactory]:
        """The work for those of the pictures that have not failed; alone: a worker has no other beside it, and fails on
        its account.
        """
        return (partial(self._task, way, picture, alone) for picture in pictures if picture.failure is None)

    def take_postponed(self) -> list[Picture]:
        """Pictures to be tried again one by one: their worker ended, which one of them may have done, or another picture,
        which may have failed since, had the names of their maps.
        """
        postponed, self._postponed = self._postponed, []
        return postponed

    def begin(self, picture: Picture, client: Client) -> Task:
        """Looks at a picture, and gives its maps their names."""
        if not picture.content:
            content = picture.item.content() + self._options.mask_content
            picture.left = self._targets.take(picture)
            picture.content = content
        yield from ()

    def measure(self, picture: Picture, client: Client) -> Task:
        """Finds out how deep a picture is; what is on record counts where what is there is skipped."""
        yield from self.begin(picture, client)
        settings, kind = self._options.settings, "HEIGHT"
        if not self._has_scale:
            settings, kind = settings.with_tuning_of(Settings()), "NORMAL"
        digest = digest_of_settings(settings, self._engine, kind, "")
        stats = self._measures.get(picture.content, digest) if self._options.existing == "SKIP" else None
        if stats is None:
            job = self._submitted(client, picture, None, settings=settings.to_dict(), map=kind)
            yield job
            result = job.result()
            with _taken(client, result):
                pass  # only its numbers are of interest
            stats = DepthStats(float(result.range), float(result.scale))
            self._measures.note(picture.content, digest, stats)
        picture.measure = stats
        self._measured += 1

    def skip(self, picture: Picture, client: Client) -> Task:
        """Leaves out the maps that need not be made, and those that may not take a file's place."""
        content = picture.content_of_maps()
        for kind, target in list(picture.left):
            digest = self._digest(picture, self._engine, kind)
            if self._options.existing == "SKIP" and self._ledger.is_current(target, content, digest):
                self._screen.say(f"{picture.item.title}: {target} is there already")
                picture.records.append(Record(picture.item.title, SKIPPED, kind, str(target)))
                picture.left.remove((kind, target))
            elif self._options.existing != "OVERWRITE" and (
                    refusal := self._ledger.refusal(target, picture.item.file)
            ) and not self._ledger.may_be_on_record_soon(target):
                self._complain(picture, kind, refusal)
                self._targets.release(target)
                picture.left.remove((kind, target))
        yield from ()

    def make(self, picture: Picture, client: Client) -> Task:
        """Makes the maps of a picture."""
        yield from self.begin(picture, client)
        yield from self.skip(picture, client)
        kinds = [kind for kind, _ in picture.left]
        yield from self._maps(picture, client, kinds, partial(self._finish, picture, client), **self._file)

    def stage(self, folder: Callable[[], Path], window: Container[Picture], picture: Picture, client: Client) -> Task:
        """Make the maps of a frame by itself that are to be averaged: of each kind that a frame of the window still needs.

        Args:
            folder: gives the folder that they are put into.
            window: the frames whose maps are averaged next.
        """
        needed = {kind for other in picture.near if other in window for kind, _ in other.left}
        kinds = [kind for kind in self._options.kinds if kind in needed and kind not in picture.staged]

        def take(kind: str, result: Result) -> None:
            file = folder() / f"{kind}_{picture.number}.png"
            with _taken(client, result) as made:
                shutil.copyfile(made, file)
            picture.staged[kind] = Staged(file, result)

        yield from self._maps(picture, client, kinds, take)

    def average(self, picture: Picture, client: Client) -> Task:
        """Makes the maps of a frame as means of its own and its neighbours', where these have its size."""
        for kind, _ in list(picture.left):
            own = picture.staged[kind].result
            staged = {other.number: other.staged[kind] for other in picture.near if kind in other.staged}
            alike = [number for number, each in staged.items() if _size(each.result) == _size(own)]
            counted = temporal_weights(alike, picture.number, self._options.smoothing)
            client.prepare(self._launch)
            frames = [[share, str(staged[number].file)] for number, share in counted.items()]
            job = client.submit(Request(self._settings(picture).to_dict(), frames=frames, map=kind,
                                        scale=_scale(picture, kind), **self._file))
            yield job
            mean = job.result()
            seconds = {**own.seconds, "mean": sum(mean.seconds.values())}
            self._finish(picture, client, kind, dataclasses.replace(own, file=mean.file, seconds=seconds))

    def _task(self, way: Stage, picture: Picture, alone: bool, client: Client) -> Task:
        was_done = picture.is_done
        try:
            yield from way(picture, client)
        except EngineUnavailable:
            raise
        except MidasNormalError as error:
            if isinstance(error, (WorkerError, NameTaken)) and not alone:
                self._postponed.append(picture)
                return
            self._fail(picture, error, error.message)
        except OSError as error:
            self._fail(picture, error, _refused_by_system(error))
        self.done += picture.is_done and not was_done

    def _fail(self, picture: Picture, error: Exception, sentence: Message) -> None:
        self._complain(picture, picture.left[0][0] if picture.left else None, sentence)
        picture.failure = error
        for _, target in picture.left:
            self._targets.release(target)

    def _complain(self, picture: Picture, kind: str | None, sentence: Message) -> None:
        self._screen.print_error(f"{picture.item.title}: error: {sentence}")
        picture.records.append(Record(picture.item.title, FAILED, kind, error=sentence))

    def _maps(self, picture: Picture, client: Client, kinds: Sequence[str], take: Callable[[str, Result], None],
              **words: Any) -> Task:
        """Makes maps from one surface and hands over the result of each; words: other fields of the requests."""
        surface = None
        waiting = list(kinds)
        while waiting:
            kind = waiting[0]
            job = self._submitted(client, picture, surface, settings=self._settings(picture).to_dict(), map=kind,
                                  scale=_scale(picture, kind), **words)
            yield job
            try:
                result = job.result()
            except SurfaceGone:
                if surface is None:
                    raise
                surface = None
                continue
            take(kind, result)
            surface = result.surface
            waiting.pop(0)

    def _submitted(self, client: Client, picture: Picture, surface: str | None, **words: Any) -> ResultFuture:
        """The job of a map, from the surface if there is one, else from the picture."""
        client.prepare(self._launch)
        source = {"surface": surface} if surface is not None else picture.item.fields(client)
        return client.submit(Request(**words, **source))

    def _finish(self, picture: Picture, client: Client, kind: str, result: Result) -> None:
        """Puts a map on record, into its place and on the screen."""
        try:
            with _taken(client, result) as file:
                target = self._place(picture, kind, file, self._digest(picture, result.engine, kind))
            self._say(picture, kind, target, result)
        except Refused as error:
            self._complain(picture, kind, error.message)
            self._targets.release(dict(picture.left)[kind])
        picture.left = [(other, path) for other, path in picture.left if other != kind]

    def _place(self, picture: Picture, kind: str, file: Path, settings: str) -> Path:
        """Puts a map into its place, on record first; where it lies then.

        Another process may have been quicker, so what may be replaced is looked at once more; raises Refused.
        """
        target = dict(picture.left)[kind]
        self._folders.add(target.parent)
        replaces = self._options.existing == "OVERWRITE"
        while True:
            with incomplete(target) as made:
                shutil.copyfile(file, made)
                if self._options.existing in ("RENEW", "SKIP"):
                    replaces = os.path.lexists(target)
                    if refusal := self._ledger.refusal(target, picture.item.file, made):
                        raise Refused(refusal)
                self._ledger.note(target, made, picture.item.file, picture.content_of_maps(), settings)
                if replaces:
                    atomic_replace(made, target)
                if replaces or atomic_create(made, target):
                    return target
            if self._options.existing == "NUMBER":
                target = self._targets.another(picture, kind)

    def _settings(self, picture: Picture) -> Settings:
        """Those of the run, at the strength that brings the picture to the range of its set."""
        settings = self._options.settings
        return dataclasses.replace(settings, strength=settings.strength * picture.strength)

    def _digest(self, picture: Picture, engine: str, kind: str) -> str:
        scale = _scale(picture, kind)
        others = {**({"scale": scale} if scale else {}), **({"smoothing": self._options.smoothing} if picture.near else {}),
                  **({"bits": 8} if self._options.bits == 8 else {})}
        return digest_of_settings(self._settings(picture), engine, kind, self._options.format, **others)

    def _say(self, picture: Picture, kind: str, target: Path, result: Result) -> None:
        size = f"{result.width} x {result.height}"
        self._screen.say(f"{picture.item.title} -> {target} ({size}, {result.engine.lower()} on {result.device})")
        for note in result.notes:
            self._screen.say(f"  {note}")
        picture.records.append(Record(picture.item.title, MADE, kind, str(target), result.engine, result.why, result.device,
                                      (result.width, result.height), result.seconds, result.notes))


@contextmanager
def _taken(client: Client, result: Result) -> Iterator[Path]:
    """The file of a result, until the end of the `with` block; raises WorkerError.

    One that cannot be removed then goes with its worker's folder: what was made of it is in its place.
    """
    file = client.take_map_file(result)
    try:
        yield file
    finally:
        with suppress(OSError):
            file.unlink()


def _refused_by_system(error: OSError) -> Message:
    if error.filename:
        return Message("The system refuses {file}: {reason}.", file=error.filename, reason=reason_of(error))
    return Message("The system refuses it: {reason}.", reason=reason_of(error))


def _scale(picture: Picture, kind: str) -> float:
    return picture.scale if kind == "HEIGHT" else 0.0


def _size(result: Result) -> tuple[int, int]:
    return result.width, result.height


Through = Callable[[Stage, Sequence[Picture]], None]
"""Does something with all of the pictures, and returns when that is done, or given up."""


def run_stages(runner: BatchRunner, through: Through) -> None:
    """Makes all maps: first those of pictures that need no others, then set by set."""
    through(runner.make, [picture for pictures in runner.sets if not _is_linked(runner, pictures) for picture in pictures])
    for pictures in runner.sets:
        if not _is_linked(runner, pictures):
            continue
        if runner.is_measured(pictures):
            through(runner.measure, pictures)
            bring_to_one_range(pictures)
        if pictures[0].near:
            _smooth(runner, pictures, through)
        else:
            through(runner.make, pictures)


def _is_linked(runner: BatchRunner, pictures: Sequence[Picture]) -> bool:
    """Whether the maps of a set's pictures shape each other."""
    return runner.is_measured(pictures) or len(pictures[0].near) > 0


def _smooth(runner: BatchRunner, frames: Sequence[Picture], through: Through) -> None:
    """Makes the frames' maps as means over their neighbours', which lie in a folder for as long as they are needed."""
    with ExitStack() as stack:
        @cache
        def folder() -> Path:
            return stack.enter_context(temporary_folder(resolve_path(runner.out)))

        for start in range(0, len(frames), WINDOW):
            window = frames[start:start + WINDOW]
            around = sorted({other for frame in window for other in frame.near}, key=lambda frame: frame.number)
            through(runner.begin, around)
            through(runner.skip, window)
            through(partial(runner.stage, folder, set(window)), around)
            through(runner.average, window)
            for frame in around:
                if frame.near[-1].number <= window[-1].number:
                    _forget(frame)


def _forget(frame: Picture) -> None:
    for staged in frame.staged.values():
        with suppress(OSError):  # the folder goes in the end
            staged.file.unlink()
    frame.staged.clear()
