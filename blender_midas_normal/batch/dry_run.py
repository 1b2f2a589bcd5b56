"""Say what a run would do, without a worker and without writing anything: what it would make, skip and refuse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..client.client import Client
from ..client.launch import Launch
from ..core.errors import TargetError
from ..core.files import exists
from ..core.image_headers import Size, read_size
from ..core.map_types import is_float_format
from ..core.settings import node_size
from .api import BatchResult, pool_size, report_unusable, result_of
from .inputs import Inputs
from .options import BatchOptions
from .outputs import RECTIFIED
from .pictures import BatchItem, PictureState, match_depth_ranges
from .report import FAILED, PLANNED, Record, Reporter, outcome_lines
from .runner import BatchRunner, StageFn
from .scheduler import BatchTask

CHANNELS = {"NORMAL": 3, RECTIFIED: 3}
"""Channels of the files of maps that have more than one."""


@dataclass(frozen=True)
class DryRun:
    """What a run would do.

    Attributes:
        result: its records are PLANNED, SKIPPED and FAILED.
        engine: key of ENGINES of the engine that would make the maps.
        seconds: estimate of the time that the planned maps take; None where no earlier time of the engine is known.
    """

    result: BatchResult
    engine: str
    seconds: float | None


def dry_run(items: Collection[BatchItem], options: BatchOptions, launch: Launch, inputs: Inputs, reporter: Reporter,
            stopped: Callable[[], bool] = lambda: False) -> DryRun:
    """Find out what `run_batch` would do with the same arguments, as far as records and headers of files tell.

    Raises:
        EngineUnavailable: the engine cannot run.
        TargetError: the output folder can neither be used nor made.
    """
    _check_out(options)
    report_unusable(inputs, reporter)
    if options.existing != "SKIP":  # then nothing depends on what the files hold, which need not be read
        items = [replace(item, content=lambda: "unread") if _has_base(item, options) else item for item in items]
    runner = BatchRunner(items, options, launch, reporter)
    for message in runner.set_messages:
        reporter.print_line(message)
    client, checked = Client(), 0  # stages are given a client, which starts no worker before it is asked for something
    for pictures in runner.sets:
        if stopped():
            break
        _plan_set(runner, pictures, options, reporter, client)
        checked += len(pictures)
        reporter.show_progress(None, checked, len(runner.pictures))
    rate = runner.seconds_per_megapixel()
    megapixels = sum(_pixels(record) for picture in runner.pictures for record in picture.records) / 1e6
    seconds = rate * megapixels / (pool_size(options) or 1) if rate is not None else None
    return DryRun(result_of(inputs, runner, len(runner.pictures) - checked), runner.engine, seconds)


def _plan_set(runner: BatchRunner, pictures: Sequence[PictureState], options: BatchOptions, reporter: Reporter,
              client: Client) -> None:
    """Add the records of a set, or of a picture that belongs to none."""
    def run(stage: StageFn) -> None:
        for factory in runner.task_factories(stage, pictures, alone=True):
            for _ in factory(client):
                raise AssertionError("a dry run waits for no worker")

    def check(picture: PictureState, client: Client) -> BatchTask:
        yield from runner.begin(picture, client)
        if picture.item.file is not None:
            sizes[picture] = _map_size(read_size(picture.item.file), options)
        if runner.is_measured(pictures):
            picture.depth_stats = runner.known_depth_stats(picture)

    def plan(picture: PictureState, client: Client) -> BatchTask:
        yield from runner.skip(picture, client, is_final=True)
        size = sizes.get(picture)
        for map_type, target in picture.pending:
            shown = f" ({size[0]} x {size[1]})" if size is not None else ""
            reporter.print_line(f"{picture.item.title} -> {target}{shown}")
            picture.records.append(Record(picture.item.title, PLANNED, map_type, str(target), runner.engine, size=size,
                                          bytes=_file_bytes(map_type, size, options) if size is not None else None))

    sizes: dict[PictureState, Size] = {}
    run(check)
    if runner.is_measured(pictures):
        match_depth_ranges(pictures)
    run(plan)


def _has_base(item: BatchItem, options: BatchOptions) -> bool:
    """Tell whether an item has the normal map beside it that it may need; one that lacks it fails when it is read."""
    return item.base is not None or options.settings.base != "EXISTING"


def _map_size(size: Size, options: BatchOptions) -> Size:
    return node_size(*size, options.settings.resolution) if options.settings.size == "NODE" else size


def _pixels(record: Record) -> int:
    """Return how many pixels of a planned map an engine is to make; 0 where there is none, or their number is unknown."""
    if record.outcome != PLANNED or record.map == RECTIFIED or record.size is None:
        return 0
    return record.size[0] * record.size[1]


def _file_bytes(map_type: str, size: Size, options: BatchOptions) -> int:
    """Return the bytes of a map's pixels, which its file hardly exceeds and, compressed, mostly falls short of."""
    if map_type == RECTIFIED or options.settings.is_node_picture:
        bits = 8
    elif is_float_format(options.format):
        bits = 16 if options.format == "EXR_HALF" else 32
    else:
        bits = options.bits
    return size[0] * size[1] * CHANNELS.get(map_type, 1) * bits // 8


def _check_out(options: BatchOptions) -> None:
    """Raise TargetError where the output folder, or the folder that it would be made in, cannot be written."""
    folder = _existing_folder(options.out)
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a folder is closed
        raise TargetError("{out} cannot be used for the maps, as {file} is no folder.", out=options.out, file=folder)
    if not os.access(folder, os.W_OK):
        raise TargetError("{out} cannot be used for the maps, as {folder} may not be written.", out=options.out,
                          folder=folder)


def _existing_folder(out: Path) -> Path:
    """Return the output folder, or the nearest one above it that exists."""
    return next(each for each in (out.absolute(), *out.absolute().parents) if exists(each))


def dry_run_summary(run: DryRun, options: BatchOptions, inputs: Inputs) -> str:
    """Summarise a dry run in several lines, with estimates of time and disk space."""
    records = run.result.records
    planned = [record for record in records if record.outcome == PLANNED]
    failed = sum(record.outcome == FAILED for record in records)
    lines = [f"{len(planned):8d} would be made", *outcome_lines(
        records, f"{failed:8d} would fail", inputs.other_files, run.result.not_tried, len(inputs.unfollowed_links))]
    lines.append(_time_line(run))
    size = sum(record.bytes or 0 for record in planned)
    lines.append(f"Estimated disk space: at most {format_bytes(size)}, as compression makes files smaller; "
                 f"{format_bytes(shutil.disk_usage(_existing_folder(options.out)).free)} are free.")
    unknown = sum(record.bytes is None for record in planned)
    if unknown:
        lines.append(f"The estimates leave out {unknown} maps whose sizes are not known beforehand.")
    return "\n".join([*lines, *run.result.missing])


def _time_line(run: DryRun) -> str:
    engine = run.engine.lower()
    if run.seconds is None:
        return f"Estimated time: not known, as the record of the folder has no times of {engine}."
    return f"Estimated time: {format_seconds(run.seconds)}, by the times of earlier maps of {engine} in this folder."


def format_seconds(seconds: float) -> str:
    """Format a duration with two digits or three.

    >>> format_seconds(4.25), format_seconds(90.0), format_seconds(7200.0)
    ('4.2 seconds', '1.5 minutes', '2.0 hours')
    """
    unit, name = next(((unit, name) for unit, name in ((3600, "hours"), (60, "minutes")) if seconds >= unit),
                      (1, "seconds"))
    return f"{seconds / unit:.1f} {name}"


def format_bytes(count: int) -> str:
    """Format a number of bytes with a decimal unit.

    >>> format_bytes(1500), format_bytes(2 * 10**9)
    ('1.5 kB', '2.0 GB')
    """
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if unit != "bytes" else f"{count} bytes"
