"""Run a batch: measure, make and average the maps of all pictures, stage by stage."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..client.client import Client, ResultFuture
from ..client.launch import Launch
from ..core.engines import DATA, ENGINES, has_depth_range, select_engine
from ..core.errors import (
    EngineUnavailable,
    Message,
    MidasNormalError,
    NotRectified,
    SurfaceGone,
    TargetError,
    WorkerError,
    reason_of,
)
from ..core.exif import focal_length_of_file
from ..core.file_numbering import temporal_weights
from ..core.files import atomic_replace, resolve_path
from ..core.map_types import is_float_format
from ..core.protocol import Rectification, Request, Result
from ..core.settings import Settings
from .atomic_files import atomic_create, partial_file, remove_leftovers, temporary_folder
from .name_suffixes import HEIGHT_SUFFIXES, cut_suffix
from .options import BatchOptions
from .outputs import RECTIFIED, NameTaken, OutputFiles
from .pictures import BatchItem, ItemSet, PictureState, StagedMap, match_depth_ranges, share_items, states_of_set
from .record import DepthStats, DepthStatsCache, MapCost, OutputRecord, digest_of_settings
from .report import FAILED, MADE, SKIPPED, Record, Reporter
from .scheduler import BatchTask, TaskFactory

StageFn = Callable[[PictureState, Client], BatchTask]
"""One step in the processing of a picture; raises MidasNormalError or OSError where it fails."""

AVERAGING_WINDOW = 16
"""Frames averaged at a time: their single maps are made first, so that an interrupted run loses at most so many."""


class ReplaceRefused(TargetError):
    """One map may not replace the file of its name; the other maps of its picture are still made."""


class BatchRunner:
    """Make the maps that the options ask for; a picture that fails does not stop the others.

    Attributes:
        sets: the pictures grouped by set, in the order of their numbers; one that belongs to no set is a group of its own.
        set_messages: one sentence about each set.
        engine: key of ENGINES of the engine that makes the maps.
        missing_messages: sentences about tiles and frames that the sets lack.
        finished_count: how many pictures need nothing more.
    """

    def __init__(self, items: Collection[BatchItem], options: BatchOptions, launch: Launch, reporter: Reporter) -> None:
        """Group the items into sets and read the records of the output folder.

        Raises:
            EngineUnavailable: the engine cannot run; later steps raise it too, since every other picture would.
        """
        self._options = options
        self._launch = launch
        self.out = options.out
        self._reporter = reporter
        self._record = OutputRecord(options.out)
        self._depth_stats = DepthStatsCache(options.out)
        self.engine, _ = select_engine(options.settings, launch.unavailable())
        self._shares_height_scale = "HEIGHT" in options.map_types and (
            options.smoothing > 0 or not is_float_format(options.format))
        self._file_fields: dict[str, Any] = {"format": options.format, "bits": options.bits, "compress": True}
        self._postponed: list[PictureState] = []
        self._folders: set[Path] = set()
        self._measured_count = self.finished_count = 0
        self._picture_sets, all_items = chosen_sets(items, options)
        self.set_messages = [each.sentence for each in self._picture_sets if len(each.members) > 1]
        self.missing_messages = [each.missing_message for each in self._picture_sets if each.missing_message]
        self.sets = [states_of_set(each, options.smoothing) for each in self._picture_sets]
        self.pictures = [picture for pictures in self.sets for picture in pictures]
        self._to_measure = sum(len(pictures) for pictures in self.sets if self.is_measured(pictures))
        self._output_files = OutputFiles(options, [picture.item for picture in self.pictures], all_items)

    @property
    def progress(self) -> tuple[int, int]:
        """Return (finished steps, all steps); a picture counts one step for its maps and one for being measured."""
        return self.finished_count + self._measured_count, len(self.pictures) + self._to_measure

    def seconds_per_megapixel(self) -> float | None:
        """Return the mean time of earlier maps of this run's engine in the folder; None where there are none."""
        return self._record.seconds_per_megapixel(self.engine)

    def is_measured(self, pictures: Sequence[PictureState]) -> bool:
        """Tell whether a set is measured before any map is made, because its maps share a depth range or a height scale."""
        return len(pictures) > 1 and (self._shares_height_scale or has_depth_range(self.engine, self._options.settings))

    def begin_set(self, number: int) -> list[PictureState]:
        """Return the pictures of a set as at the start of the run, also where their maps have been made already."""
        for picture in self.sets[number]:
            self._output_files.release_all(picture)
        self.sets[number] = states_of_set(self._picture_sets[number], self._options.smoothing)
        return self.sets[number]

    def close(self) -> None:
        """Close the records of the folder and remove the temporary folders that killed processes left."""
        self._depth_stats.close()
        self._record.close()
        for folder in {self.out, *self._folders}:
            remove_leftovers(folder)

    def task_factories(self, stage: StageFn, pictures: Iterable[PictureState], alone: bool) -> Iterator[TaskFactory]:
        """Iterate over the tasks that run a stage on the pictures, except on those that have failed.

        Args:
            alone: whether a worker runs one of these tasks at a time, so that it is known which picture ended it.  Else a
                picture whose worker ended is postponed, see `take_postponed`.
        """
        return (partial(self._task, stage, picture, alone) for picture in pictures if picture.failure is None)

    def take_postponed(self) -> list[PictureState]:
        """Return the pictures to try again one at a time, and forget them.

        Either their worker ended while it had several pictures, one of which may have caused it, or another picture, which
        may have failed since, had reserved the names of their maps.
        """
        postponed, self._postponed = self._postponed, []
        return postponed

    def begin(self, picture: PictureState, client: Client) -> BatchTask:
        """Compute the digest of a picture and reserve the names of its maps."""
        if not picture.content:
            content = picture.item.content() + self._options.mask_content
            picture.pending = self._output_files.take(picture)
            picture.content = content
        yield from ()

    def measure(self, picture: PictureState, client: Client) -> BatchTask:
        """Measure the depth range and the height scale of a picture.

        With `existing` SKIP, a measurement in the record of the folder is used instead.
        """
        yield from self.begin(picture, client)
        settings, map_type = self._measurement()
        stats = self.known_depth_stats(picture)
        if stats is None:
            job = self._submit(client, picture, None, settings=settings.to_dict(), map=map_type)
            yield job
            result = job.result()
            with _open_map_file(client, result):
                pass  # only its numbers are of interest
            stats = DepthStats(float(result.range), float(result.scale))
            self._depth_stats.add(picture.content, digest_of_settings(settings, self.engine, map_type, ""), stats)
        picture.depth_stats = stats
        self._measured_count += 1

    def known_depth_stats(self, picture: PictureState) -> DepthStats | None:
        """Return the measurement of a picture in the record of the folder, which counts with `existing` SKIP only."""
        if self._options.existing != "SKIP":
            return None
        settings, map_type = self._measurement()
        return self._depth_stats.get(picture.content, digest_of_settings(settings, self.engine, map_type, ""))

    def _measurement(self) -> tuple[Settings, str]:
        """Return the settings and the type of the map by which pictures are measured."""
        if self._shares_height_scale:
            return self._options.settings, "HEIGHT"
        return self._options.settings.with_tuning_of(Settings()), "NORMAL"

    def skip(self, picture: PictureState, client: Client, is_final: bool = False) -> BatchTask:
        """Drop the maps of a picture that are up to date, and those that may not replace an existing file.

        Args:
            is_final: whether that is decided here for files whose entries may be visible soon, too; else they are looked
                at again when their maps are made.
        """
        content = picture.content_of_maps()
        for map_type, target in list(picture.pending):
            digest = self._digest(picture, self.engine, map_type)
            if self._options.existing == "SKIP" and self._record.is_up_to_date(target, content, digest):
                self._reporter.print_line(f"{picture.item.title}: {target} is there already")
                picture.records.append(Record(picture.item.title, SKIPPED, map_type, str(target)))
                picture.pending.remove((map_type, target))
                if map_type == RECTIFIED:
                    picture.rectified = target
            elif self._options.existing != "OVERWRITE" and (
                    refusal := self._record.refusal(target, picture.item.file)
            ) and (is_final or not self._record.may_be_on_record_soon(target)):
                if map_type == RECTIFIED:
                    raise ReplaceRefused(refusal)  # its maps would be those of another picture
                self._report_failure(picture, map_type, refusal)
                self._output_files.release(target)
                picture.pending.remove((map_type, target))
        yield from ()

    def make(self, picture: PictureState, client: Client) -> BatchTask:
        """Make all pending maps of a picture."""
        yield from self.begin(picture, client)
        yield from self.skip(picture, client)
        if picture.pending and picture.pending[0][0] == RECTIFIED:
            yield from self._rectify(picture, client, picture.pending[0][1])
        map_types = [map_type for map_type, _ in picture.pending]
        yield from self._make_maps(picture, client, map_types, partial(self._store, picture, client), **self._file_fields)

    def _rectify(self, picture: PictureState, client: Client, target: Path) -> BatchTask:
        """Rectify a photo, of which the maps are made then; one whose lines tell too little stays as it is."""
        corners, focal_length = self._options.rectify or (), self._options.focal_length
        rectification = Rectification(list(corners), focal_length or focal_length_of_file(picture.item.file))
        client.prepare(self._launch)
        job = client.submit(Request({}, rectify=dataclasses.asdict(rectification), **picture.item.request_fields(client)))
        yield job
        try:
            result = job.result()
        except NotRectified as error:
            picture.notes = (error.message,)
            self._output_files.release(target)
        else:
            with _open_map_file(client, result) as file:
                digest = self._digest(picture, self.engine, RECTIFIED)
                picture.rectified = self._move_to_target(picture, RECTIFIED, file, digest)
            self._report_made(picture, RECTIFIED, picture.rectified, result)
        picture.pending = [(map_type, path) for map_type, path in picture.pending if map_type != RECTIFIED]

    def stage_frame(self, folder: Callable[[], Path], window: Container[PictureState], picture: PictureState,
                    client: Client) -> BatchTask:
        """Make the frame's own maps, which are averaged with those of its neighbours later, as temporary PNG files.

        Args:
            folder: returns the folder for them.
            window: the frames whose maps are averaged next; only map types that one of them still needs are made.
        """
        needed = {map_type for other in picture.neighbours if other in window for map_type, _ in other.pending}
        map_types = [each for each in self._options.map_types if each in needed and each not in picture.staged]

        def take(map_type: str, result: Result) -> None:
            file = folder() / f"{map_type}_{picture.number}.png"
            with _open_map_file(client, result) as map_file:
                shutil.copyfile(map_file, file)
            picture.staged[map_type] = StagedMap(file, result)

        yield from self._make_maps(picture, client, map_types, take)

    def average(self, picture: PictureState, client: Client) -> BatchTask:
        """Average the frame's own maps with those of its neighbours that have the same size."""
        for map_type, _ in list(picture.pending):
            own = picture.staged[map_type].result
            staged = {other.number: other.staged[map_type] for other in picture.neighbours if map_type in other.staged}
            same_size = [number for number, each in staged.items() if _size(each.result) == _size(own)]
            weights = temporal_weights(same_size, picture.number, self._options.smoothing)
            client.prepare(self._launch)
            frames = [[weight, str(staged[number].file)] for number, weight in weights.items()]
            job = client.submit(Request(self._settings(picture).to_dict(), frames=frames, map=map_type,
                                        scale=_scale(picture, map_type), **self._file_fields))
            yield job
            mean = job.result()
            seconds = {**own.seconds, "mean": sum(mean.seconds.values())}
            self._store(picture, client, map_type, dataclasses.replace(own, file=mean.file, seconds=seconds))

    def _task(self, stage: StageFn, picture: PictureState, alone: bool, client: Client) -> BatchTask:
        was_done = picture.is_done
        try:
            yield from stage(picture, client)
        except EngineUnavailable:
            raise
        except MidasNormalError as error:
            if isinstance(error, (WorkerError, NameTaken)) and not alone:
                self._postponed.append(picture)
                return
            self._fail(picture, error, error.message)
        except OSError as error:
            self._fail(picture, error, _system_refusal(error))
        self.finished_count += picture.is_done and not was_done

    def _fail(self, picture: PictureState, error: Exception, sentence: Message) -> None:
        self._report_failure(picture, picture.pending[0][0] if picture.pending else None, sentence)
        picture.failure = error
        for _, target in picture.pending:
            self._output_files.release(target)

    def _report_failure(self, picture: PictureState, map_type: str | None, sentence: Message) -> None:
        self._reporter.print_error(f"{picture.item.title}: error: {sentence}")
        picture.records.append(Record(picture.item.title, FAILED, map_type, error=sentence))

    def _make_maps(self, picture: PictureState, client: Client, map_types: Sequence[str],
                   take: Callable[[str, Result], None], **fields: Any) -> BatchTask:
        """Make several maps of a picture, running the engine once.

        Args:
            take: called with the type and the result of each map.
            fields: further fields of the requests.
        """
        surface = None
        remaining = list(map_types)
        while remaining:
            map_type = remaining[0]
            job = self._submit(client, picture, surface, settings=self._settings(picture).to_dict(), map=map_type,
                               scale=_scale(picture, map_type), **fields)
            yield job
            try:
                result = job.result()
            except SurfaceGone:
                if surface is None:
                    raise
                surface = None
                continue
            take(map_type, result)
            surface = result.surface
            remaining.pop(0)

    def _submit(self, client: Client, picture: PictureState, surface: str | None, **fields: Any) -> ResultFuture:
        """Request a map, from the cached surface if there is one, else from the picture."""
        client.prepare(self._launch)
        if surface is not None:
            source: dict[str, Any] = {"surface": surface}
        elif picture.rectified is not None:
            source = picture.item.file_fields(client, picture.rectified)
        else:
            source = picture.item.request_fields(client)
        return client.submit(Request(**fields, **source))

    def _store(self, picture: PictureState, client: Client, map_type: str, result: Result) -> None:
        """Move the file of a result to the output folder, with an entry in the record, and report it."""
        try:
            with _open_map_file(client, result) as file:
                cost = MapCost(result.engine, result.width * result.height, round(sum(result.seconds.values()), 4))
                target = self._move_to_target(picture, map_type, file, self._digest(picture, result.engine, map_type), cost)
            self._report_made(picture, map_type, target, result)
        except ReplaceRefused as error:
            self._report_failure(picture, map_type, error.message)
            self._output_files.release(dict(picture.pending)[map_type])
        picture.pending = [(other, path) for other, path in picture.pending if other != map_type]

    def _move_to_target(self, picture: PictureState, map_type: str, file: Path, settings: str,
                        cost: MapCost | None = None) -> Path:
        """Add a map to the record, then give it its name; return its path.

        Another process may have written a file of that name meanwhile, so this checks again whether it may be replaced.

        Args:
            settings: digest of the settings.
            cost: None for a rectified photo.

        Raises:
            ReplaceRefused: it may not.
        """
        target = dict(picture.pending)[map_type]
        self._folders.add(target.parent)
        replaces = self._options.existing == "OVERWRITE"
        while True:
            with partial_file(target) as new_file:
                shutil.copyfile(file, new_file)
                if self._options.existing in ("RENEW", "SKIP"):
                    replaces = os.path.lexists(target)
                    if refusal := self._record.refusal(target, picture.item.file, new_file):
                        raise ReplaceRefused(refusal)
                self._record.add(target, new_file, picture.item.file, picture.content_of_maps(), settings, cost)
                if replaces:
                    atomic_replace(new_file, target)
                if replaces or atomic_create(new_file, target):
                    return target
            if self._options.existing == "NUMBER":
                target = self._output_files.take_another(picture, map_type)

    def _settings(self, picture: PictureState) -> Settings:
        """Return the settings of the run with the strength that scales the picture to the depth range of its set."""
        settings = self._options.settings
        return dataclasses.replace(settings, strength=settings.strength * picture.strength)

    def _digest(self, picture: PictureState, engine: str, map_type: str) -> str:
        rectify = [*self._options.rectify, self._options.focal_length] if self._options.rectify is not None else []
        if map_type == RECTIFIED:
            return hashlib.sha256(json.dumps(rectify).encode()).hexdigest()
        scale = _scale(picture, map_type)
        extra = {"scale": scale, "smoothing": self._options.smoothing if picture.neighbours else 0,
                 "bits": 8 if self._options.bits == 8 else 0,
                 "rectify": rectify}
        return digest_of_settings(self._settings(picture), engine, map_type, self._options.format,
                                  **{name: value for name, value in extra.items() if value})

    def _report_made(self, picture: PictureState, map_type: str, target: Path, result: Result) -> None:
        size = f"{result.width} x {result.height}"
        how = f", {result.engine.lower()} on {result.device}" if map_type != RECTIFIED else ""
        self._reporter.print_line(f"{picture.item.title} -> {target} ({size}{how})")
        notes = [*picture.notes, *result.notes, *_name_hints(picture, result.engine)]
        for note in notes:
            self._reporter.print_line(f"  {note}")
        picture.records.append(Record(picture.item.title, MADE, map_type, str(target), result.engine, result.why,
                                      result.device, (result.width, result.height), result.seconds, notes))


def _name_hints(picture: PictureState, engine: str) -> list[Message]:
    """Say which engine to choose where a picture's name says that it is no photo."""
    file = picture.item.file
    if file is None or not engine or ENGINES[engine].takes == DATA or cut_suffix(file.stem, HEIGHT_SUFFIXES) is None:
        return []
    return [Message("By its name this picture is a height map; the engine HEIGHT takes its values as heights.")]


@contextmanager
def _open_map_file(client: Client, result: Result) -> Iterator[Path]:
    """Yield the map's file of a result and remove it after the `with` block; raise WorkerError when it is gone.

    A file that cannot be removed is left to the worker, whose folder goes when it ends.
    """
    file = client.take_map_file(result)
    try:
        yield file
    finally:
        with suppress(OSError):
            file.unlink()


def _system_refusal(error: OSError) -> Message:
    if error.filename:
        return Message("The system refuses {file}: {reason}.", file=error.filename, reason=reason_of(error))
    return Message("The system refuses it: {reason}.", reason=reason_of(error))


def _scale(picture: PictureState, map_type: str) -> float:
    return picture.scale if map_type == "HEIGHT" else 0.0


def _size(result: Result) -> tuple[int, int]:
    return result.width, result.height


RunStageFn = Callable[[StageFn, Sequence[PictureState]], None]
"""Runs one stage on all of these pictures; returns when that is done or the run was stopped."""


def chosen_sets(items: Collection[BatchItem], options: BatchOptions) -> tuple[list[ItemSet], Collection[BatchItem]]:
    """Return the sets of pictures that are in this process's share, and all items; see `pictures.share_items`."""
    return share_items(items, options.sets, options.source_suffixes, options.share.includes)


def run_stages(runner: BatchRunner, sets: Sequence[Sequence[PictureState]], run_stage: RunStageFn) -> None:
    """Make the maps of sets of the runner: first of pictures that depend on no others, then set by set."""
    run_stage(runner.make, [picture for pictures in sets if not _are_dependent(runner, pictures) for picture in pictures])
    for pictures in sets:
        if not _are_dependent(runner, pictures):
            continue
        if runner.is_measured(pictures):
            run_stage(runner.measure, pictures)
            match_depth_ranges(pictures)
        if pictures[0].neighbours:
            _average_frames(runner, pictures, run_stage)
        else:
            run_stage(runner.make, pictures)


def _are_dependent(runner: BatchRunner, pictures: Sequence[PictureState]) -> bool:
    """Tell whether the maps of these pictures depend on the other pictures of their set."""
    return runner.is_measured(pictures) or len(pictures[0].neighbours) > 0


def _average_frames(runner: BatchRunner, frames: Sequence[PictureState], run_stage: RunStageFn) -> None:
    """Make the maps of a sequence, averaged over time, window by window.

    The frames' own maps lie in a temporary folder as long as a later window needs them.
    """
    with ExitStack() as stack:
        @cache
        def folder() -> Path:
            return stack.enter_context(temporary_folder(resolve_path(runner.out)))

        for start in range(0, len(frames), AVERAGING_WINDOW):
            window = frames[start:start + AVERAGING_WINDOW]
            needed = sorted({other for frame in window for other in frame.neighbours}, key=lambda frame: frame.number)
            run_stage(runner.begin, needed)
            run_stage(runner.skip, window)
            run_stage(partial(runner.stage_frame, folder, set(window)), needed)
            run_stage(runner.average, window)
            for frame in needed:
                if frame.neighbours[-1].number <= window[-1].number:
                    _remove_staged(frame)


def _remove_staged(frame: PictureState) -> None:
    for staged in frame.staged.values():
        with suppress(OSError):  # the folder is removed at the end
            staged.file.unlink()
    frame.staged.clear()
