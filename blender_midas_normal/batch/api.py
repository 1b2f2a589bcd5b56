"""Maps of many pictures, for programs: what the command lines do without a screen and exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client.client import ResultFuture
from ..client.launch import Launch, choose_launch, this_python, user_paths
from ..core.errors import Message, TargetError, reason_of
from ..core.files import resolve_path
from ..core.settings import Settings
from .inputs import Inputs, find_pictures
from .options import BatchOptions, batch_options
from .outputs import TARGETS
from .pictures import Item, Picture, exposed, item_of_file
from .report import FAILED, ProgramLog, Record, Reporter
from .runner import BatchRunner, Stage, run_stages
from .scheduler import WorkerPool, max_in_flight, one, run_tasks

IDLE_SECONDS = 600.0
"""A worker without work for so long unloads its network, and ends after as long again."""

WITHOUT_MIDAS = Message("Run midas-normal --engine midas, which installs it, or choose the engine relief or luminance.")
"""What a program that asked for MiDaS can tell its user."""


def make_maps(paths: str | Path | Iterable[str | Path], out: str | Path, settings: Settings | None = None, *,
              recursive: bool = False, maps: str | Sequence[str] = "NORMAL", format: str = "PNG", bits: int | None = None,
              target: str | None = None, pattern: str | None = None, existing: str = "RENEW", sets: str = "OFF",
              smoothing: int = 0, jobs: int | None = None, exposure: float | None = None,
              mask_image: str | Path | None = None, weights: str | Path | None = None,
              progress: Callable[[int, int], None] | None = None, **fields: Any) -> list[Record]:
    """Make normal maps, and others of the same surfaces, of picture files, as files of a folder.

    Blender is not needed.  Names may be written in any case; what they mean is in the README.

    Args:
        paths: picture files, folders, and patterns such as `textures/**/*.png`; or one of these.
        out: the folder for the maps, which is made where there is none.
        settings: what shapes the maps; without any, the preset Material's.
        recursive: whether the pictures of subfolders are taken, too.
        maps: NORMAL, HEIGHT, AO, CURVATURE: several as a sequence, or with commas between.
        format: PNG, TIFF, EXR_HALF or EXR.
        bits: 8 or 16, of PNG and TIFF files; None for the usual number of the target.
        target: BLENDER, GODOT, UNITY or UNREAL, which sets the convention, the bits and the names of files; a `convention`
            among `fields` goes before it.
        pattern: names of files, such as `{stem}_{map}`; None for those of the target.
        existing: RENEW, SKIP, NUMBER or OVERWRITE: what to do with a map that is there.
        sets: OFF, UDIM or SEQUENCE: what numbers in the names of files mean.
        smoothing: frames on either side over which the maps of a sequence are averaged.
        jobs: worker processes; None for one for each graphics card, else one.
        exposure: stops by which scene-linear pictures are made brighter first.
        mask_image: the picture for the mask IMAGE, which it implies.
        weights: the folder with MiDaS's weights; None for the one in the user's data folder.
        progress: called now and then with how much is done and of how much, in steps of a picture.
        fields: single settings in place of those of `settings`, such as `strength=2.0` or `engine="luminance"`.

    Returns:
        What became of each map, in the order of the pictures: `outcome` is "made", "skipped" or "failed", `output` the
        map's path, `error` a sentence.  One bad picture stops no other.

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
    kinds = [kind.strip() for kind in maps.split(",")] if isinstance(maps, str) else maps
    options = batch_options(
        Path(out), (settings or Settings()).replace_fields(fields), maps=kinds, format=format, bits=bits, target=target,
        pattern=pattern, existing=existing, sets=sets, smoothing=smoothing, jobs=jobs, exposure=exposure,
        mask_image=Path(mask_image) if mask_image is not None else None)
    inputs = find_pictures([Path(path) for path in ([paths] if isinstance(paths, (str, Path)) else paths)], recursive)
    make_folder(options.out)
    places = user_paths(options.out, Path(weights) if weights is not None else None)
    launch = choose_launch(options.settings.engine, places, this_python(), IDLE_SECONDS, WITHOUT_MIDAS)
    return run_batch(items_of_files(inputs, options), options, launch, inputs, ProgramLog(progress)).records


@dataclass(frozen=True)
class BatchResult:
    """What a run came to.

    Attributes:
        records: of each map, and of inputs that could not be used.
        missing: sentences about what lacks in sets.
        not_tried: how many pictures were not done, because the run was stopped.
    """

    records: list[Record]
    missing: list[str]
    not_tried: int


def run_batch(items: Iterable[Item], options: BatchOptions, launch: Launch, inputs: Inputs, reporter: Reporter,
              stopped: Callable[[], bool] = lambda: False) -> BatchResult:
    """Make the maps of all items.

    Args:
        inputs: of which the items are; those that could not be used are among the records.
        stopped: whether the run is to end before all is done; asked now and then.

    Raises:
        EngineUnavailable: the engine cannot run, as every picture would find out.
    """
    for folder, sentence in inputs.useless.items():
        reporter.print_error(f"{folder}: error: {sentence}")
    runner = BatchRunner(items, options, launch, reporter)
    for name in runner.names:
        reporter.say(name)
    with closing(runner), closing(WorkerPool(_pool_size(options))) as pool:
        _make(runner, pool, reporter, stopped)
    records = [Record(folder, FAILED, error=sentence) for folder, sentence in inputs.useless.items()]
    records += [record for picture in runner.pictures for record in picture.records]
    return BatchResult(records, runner.lacks, len(runner.pictures) - runner.done)


def _pool_size(options: BatchOptions) -> int | None:
    """How many workers the options ask for; None for one for each graphics card, which the CPU alone has no use for."""
    return 1 if options.workers is None and options.settings.device == "CPU" else options.workers


def _make(runner: BatchRunner, pool: WorkerPool, reporter: Reporter, stopped: Callable[[], bool]) -> None:
    def watch(job: ResultFuture | None) -> None:
        pool.complete(reporter.say)
        reporter.show(job, *runner.progress)

    def through(way: Stage, pictures: Sequence[Picture]) -> None:
        run_tasks(runner.beginnings(way, pictures, alone=False), pool.clients, max_in_flight, watch, stopped)
        run_tasks(runner.beginnings(way, runner.take_postponed(), alone=True), pool.clients[:1], one, watch, stopped)

    run_stages(runner, through)


def items_of_files(inputs: Inputs, options: BatchOptions) -> list[Item]:
    """Make an item of each picture file, which the worker reads itself."""
    mask = {"mask_picture": str(resolve_path(options.mask_image))} if options.mask_image is not None else {}
    items = [item_of_file(picture.file, picture.folder, _request_of(picture.file, mask)) for picture in inputs.pictures]
    return items if options.exposure is None else [exposed(item, options.exposure) for item in items]


def _request_of(file: Path, mask: dict[str, str]) -> Callable[[object], dict[str, Any]]:
    return lambda client: {"picture": str(resolve_path(file)), **mask}


def make_folder(folder: Path) -> None:
    """Make the output folder; raises TargetError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError("The folder {folder} cannot be made: {reason}.", folder=folder, reason=reason_of(error)) from None
