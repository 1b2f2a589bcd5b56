"""Make maps of many pictures: `make_maps` for programs, `infer_batch` for the command lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..client.client import Client, ResultFuture
from ..client.launch import Launch, choose_launch, this_python, user_paths
from ..core.errors import Message, SettingsError, TargetError, reason_of
from ..core.files import resolve_path
from ..core.settings import Settings
from .inputs import InputFile, Inputs, find_pictures
from .options import BatchOptions, batch_options
from .outputs import TARGETS
from .pictures import BatchItem, LazyItems, PictureState, base_finder, item_of_file, picture_fields, with_exposure
from .report import FAILED, LoggingReporter, Record, Reporter
from .review import ReviewPage, review_page
from .runner import BatchRunner, StageFn, run_stages
from .scheduler import WorkerPool, max_in_flight, one_in_flight, run_tasks

IDLE_SECONDS = 600.0
"""Seconds without a request after which a worker unloads its network; after as many again it ends."""

WITHOUT_MIDAS = Message("Run midas-normal --engine midas, which installs it, or choose the engine relief or luminance.")
"""What the user can do where MiDaS is not available."""


def make_maps(paths: str | Path | Iterable[str | Path], out: str | Path, settings: Settings | None = None, *,
              recursive: bool = False, maps: str | Sequence[str] = "NORMAL", format: str = "PNG", bits: int | None = None,
              target: str | None = None, pattern: str | None = None, existing: str = "RENEW", sets: str = "OFF",
              source_suffix: str | Sequence[str] = "", shard: str = "", smoothing: int = 0, jobs: int | None = None,
              exposure: float | None = None, mask_image: str | Path | None = None,
              rectify: str | Sequence[float] | None = None, focal_length: float = 0.0, weights: str | Path | None = None,
              progress: Callable[[int, int], None] | None = None, **fields: Any) -> list[Record]:
    """Make normal maps, and other maps, of picture files, as files in a folder.

    Blender is not needed.  Names may be written in any case; docs/command-line.md explains them.

    Args:
        paths: picture files, folders and patterns such as `textures/**/*.png`; or one of these.
        out: the folder for the maps, which is created where it does not exist.
        settings: the settings of the maps; None for those of the preset Material.
        recursive: whether the pictures of subfolders are included.
        maps: NORMAL, HEIGHT, AO, CURVATURE: several as a sequence, or with commas between.
        format: PNG, TIFF, EXR_HALF or EXR.
        bits: 8 or 16, of PNG and TIFF files; None for the usual number of the target.
        target: BLENDER, GODOT, UNITY or UNREAL, which sets the convention, the bits and the names of files; a `convention`
            among `fields` overrides it.
        pattern: names of files, such as `{stem}_{map}`; None for those of the target.
        existing: RENEW, SKIP, NUMBER or OVERWRITE: what to do where a file has a map's name.
        sets: OFF, UDIM or SEQUENCE: what the numbers in the names of files mean.
        source_suffix: suffixes such as `_height,_disp`, of which pictures in folders must have one; they are cut from the
            names of maps.
        shard: `K/N` to make the share K of N, from 0, as one of N processes that together make all; "" for all.
        smoothing: frames on either side over which the maps of a sequence are averaged.
        jobs: number of worker processes; None for one for each graphics card, or one without any.
        exposure: stops by which scene-linear pictures are made brighter.
        mask_image: the picture for the mask IMAGE, which is set by it.
        rectify: "AUTO" to rectify photos that were taken at an angle by their lines, or x and y of four corners: upper
            left, upper right, lower right, lower left, in pixels from the upper left, or as shares of the sides.
        focal_length: for `rectify`, of the lens in mm, as on 35 mm film; 0 for that of each file.
        weights: the folder with MiDaS's weights; None for the one in the user's data folder.
        progress: called often with the number of finished steps and of all steps; a picture has one or two.
        fields: single settings in place of those of `settings`, such as `strength=2.0` or `engine="luminance"`.

    Returns:
        A record of each map, in the order of the pictures: `outcome` is "made", "skipped" or "failed", `output` the map's
        path, `error` a sentence.  A picture that fails does not stop the others.

    Raises:
        SettingsError: a setting or an option has no such value, or they contradict each other.
        SourceError: the mask image cannot be read.
        TargetError: nothing can be written into the folder.
        EngineUnavailable: the engine asked for cannot run; nothing is installed or downloaded here.
        WorkerError: no worker can be started.
    """
    if target is not None and target.upper() in TARGETS:
        fields = {"convention": TARGETS[target.upper()].convention, **fields}
    if mask_image is not None:
        fields = {"mask": "IMAGE", **fields}
    map_types = [name.strip() for name in maps.split(",")] if isinstance(maps, str) else maps
    options = batch_options(
        Path(out), (settings or Settings()).replace_fields(fields), maps=map_types, format=format, bits=bits, target=target,
        pattern=pattern, existing=existing, sets=sets, source_suffix=source_suffix, shard=shard, smoothing=smoothing,
        jobs=jobs, exposure=exposure, mask_image=Path(mask_image) if mask_image is not None else None,
        rectify=_corners(rectify), focal_length=focal_length)
    inputs = find_pictures([Path(path) for path in ([paths] if isinstance(paths, (str, Path)) else paths)], recursive,
                           options.source_suffixes)
    make_folder(options.out)
    worker_paths = user_paths(options.out, Path(weights) if weights is not None else None)
    launch = choose_launch(options.settings, worker_paths, this_python(), IDLE_SECONDS, WITHOUT_MIDAS)
    return run_batch(items_of_files(inputs, options), options, launch, inputs, LoggingReporter(progress)).records


def _corners(rectify: str | Sequence[float] | None) -> tuple[float, ...] | None:
    """Return the corners of `BatchOptions`; raise SettingsError for other text than AUTO."""
    if isinstance(rectify, str):
        if rectify.upper() != "AUTO":
            raise SettingsError("rectify is AUTO or the eight numbers of four corners, not {value:.80}.",
                                value=repr(rectify))
        return ()
    return None if rectify is None else tuple(float(value) for value in rectify)


@dataclass(frozen=True)
class BatchResult:
    """The result of a run.

    Attributes:
        records: one for each map, and for each input that could not be used.
        missing: sentences about tiles and frames that sets lack.
        not_tried: how many pictures were not processed, because the run was stopped.
    """

    records: list[Record]
    missing: list[str]
    not_tried: int


def run_batch(items: Collection[BatchItem], options: BatchOptions, launch: Launch, inputs: Inputs, reporter: Reporter,
              stopped: Callable[[], bool] = lambda: False) -> BatchResult:
    """Make the maps of all items.

    Args:
        inputs: what the items were made from; its unusable folders are reported as failed.
        stopped: called often; the run ends early when it returns true.

    Raises:
        EngineUnavailable: the engine cannot run.
        TargetError: the review cannot be written.
    """
    report_unusable(inputs, reporter)
    runner = BatchRunner(items, options, launch, reporter)
    for message in runner.set_messages:
        reporter.print_line(message)
    page = review_page(options, launch)
    with closing(runner), closing(WorkerPool(pool_size(options))) as pool:
        run_sets(runner, runner.sets, pool, reporter, stopped, page)
    result = result_of(inputs, runner, len(runner.pictures) - runner.finished_count)
    if page is not None:
        page.write(runner.pictures, [record for record in result.records if record.input in inputs.unusable_folders])
    return result


def report_unusable(inputs: Inputs, reporter: Reporter) -> None:
    """Report the folders of which no picture can be used."""
    for folder, sentence in inputs.unusable_folders.items():
        reporter.print_error(f"{folder}: error: {sentence}")


def result_of(inputs: Inputs, runner: BatchRunner, not_tried: int) -> BatchResult:
    """Collect the records of a run."""
    records = [Record(folder, FAILED, error=sentence) for folder, sentence in inputs.unusable_folders.items()]
    records += [record for picture in runner.pictures for record in picture.records]
    return BatchResult(records, runner.missing_messages, not_tried)


def pool_size(options: BatchOptions) -> int | None:
    """Return the number of workers; None for one for each graphics card, which would be of no use to the device CPU."""
    return 1 if options.workers is None and options.settings.device == "CPU" else options.workers


def run_sets(runner: BatchRunner, sets: Sequence[Sequence[PictureState]], pool: WorkerPool, reporter: Reporter,
             stopped: Callable[[], bool], page: ReviewPage | None = None) -> None:
    """Make the maps of sets of a runner with the workers of a pool, and draw them for a page; see `run_batch`."""
    def watch(job: ResultFuture | None) -> None:
        pool.add_workers(reporter.print_line)
        finished, total = runner.progress
        if page is not None:
            finished, total = finished + page.drawn, total + len(runner.pictures)
        reporter.show_progress(job, finished, total)

    def run_stage(stage: StageFn, pictures: Sequence[PictureState]) -> None:
        run_tasks(runner.task_factories(stage, pictures, alone=False), pool.clients, max_in_flight, watch, stopped)
        again = runner.take_postponed()
        run_tasks(runner.task_factories(stage, again, alone=True), pool.clients[:1], one_in_flight, watch, stopped)

    run_stages(runner, sets, run_stage)
    if page is not None:
        run_stage(page.draw, runner.pictures)


def items_of_files(inputs: Inputs, options: BatchOptions) -> Collection[BatchItem]:
    """Make the items of picture files, which the worker reads itself."""
    mask = {"mask_picture": str(resolve_path(options.mask_image))} if options.mask_image is not None else {}
    add_base = base_finder(options.source_suffixes, _base_fields)

    def make(picture: InputFile) -> BatchItem:
        file = picture.file
        item = item_of_file(file, picture.folder, partial(_request_fields, file), picture.line)
        if mask:
            item = _with_mask(item, mask)
        if options.settings.base == "EXISTING":
            item = add_base(item)
        return item if options.exposure is None else with_exposure(item, options.exposure)

    return LazyItems(inputs.pictures, make)


def _request_fields(file: Path, client: Client) -> dict[str, Any]:
    return picture_fields(file)


def _with_mask(item: BatchItem, mask: dict[str, Any]) -> BatchItem:
    return replace(item, request_fields=lambda client: {**item.request_fields(client), **mask},
                   file_fields=lambda client, file: {**item.file_fields(client, file), **mask})


def _base_fields(file: Path, client: Client) -> dict[str, Any]:
    return {"base_picture": str(resolve_path(file))}


def make_folder(folder: Path) -> None:
    """Create the output folder; raise TargetError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError("The folder {folder} cannot be made: {reason}.", folder=folder, reason=reason_of(error)) from None
