"""Write jobs for the queues of render farms: lists of pictures and maps, and a template filled in with a run's options."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from pathlib import Path
from string import Template
from typing import Any

from ...core.errors import Message, SettingsError, TargetError
from ...core.files import resolve_path
from ...core.settings import ENGINE, Settings
from ..atomic_files import atomic_write
from ..options import BatchOptions
from ..outputs import TARGETS
from ..pictures import BatchItem
from .map_list import MAP_LIST_NAME, format_map_list, planned_maps

LIST_NAME = "pictures.txt"

CHUNK_SIZE = 50
"""Pictures of one task."""

TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class JobKind:
    """A queue that jobs are written for.

    Attributes:
        files: names of the templates.
        quote: writes a string as a literal of the templates' language.
        advice: how the job is submitted.
    """

    files: tuple[str, ...]
    quote: Callable[[str], str]
    advice: Message


JOB_KINDS: dict[str, JobKind] = {
    "OPENJD": JobKind(("template.yaml", "parameter_values.yaml", "asset_references.yaml"), json.dumps,
                      Message("Run it here with `openjd run template.yaml -p Out=FOLDER`, or submit the folder with "
                              "`deadline bundle submit`.")),
    "FLAMENCO": JobKind(("midas_normal.js",), json.dumps,
                        Message("Copy midas_normal.js into the folder `scripts` of the Flamenco Manager, and submit a job "
                                "of the type Maps of Pictures.")),
    "SLURM": JobKind(("midas_normal.sbatch",), shlex.quote,
                     Message("Submit it with `sbatch midas_normal.sbatch` in that folder.")),
    "SHELL": JobKind(("midas_normal.sh",), shlex.quote,
                     Message("Run `sh midas_normal.sh K/N` on each of N machines, K from 0.")),
}


def write_job(kind: str, folder: Path, items: Collection[BatchItem], options: BatchOptions) -> list[Path]:
    """Write the files of a job into a folder; return them.

    Args:
        kind: one of JOB_KINDS, in any case.
        items: the pictures; those without a file are left out.
        options: of the run.

    Raises:
        SettingsError: there is no such kind, or the options have something that a farm cannot share.
        TargetError: the files cannot be written.
    """
    chosen = JOB_KINDS.get(kind.upper())
    if chosen is None:
        raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name="write-job", value=repr(kind),
                            choices=", ".join(JOB_KINDS))
    if not options.share.is_whole or options.existing == "NUMBER":
        raise SettingsError("A job shares the pictures out itself; leave out --shard, --items and --existing number.")
    values = _values(chosen, resolve_path(folder), items, options)
    lines = [f"{resolve_path(item.file)}\t{item.folder.as_posix()}" for item in items if item.file is not None]
    texts = {name: Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values) for name in chosen.files}
    texts[LIST_NAME] = "\n".join(lines) + "\n"
    texts[MAP_LIST_NAME] = format_map_list(planned_maps(items, options), options.settings, resolve_path(folder))
    if os.path.isdir(folder) and os.listdir(folder):  # noqa: PTH112, PTH208 - Path.is_dir raises where a folder is closed
        raise TargetError("The folder {folder} for the job is not empty; choose a new one.", folder=folder)
    for name, text in texts.items():
        with atomic_write(folder / name) as partial:
            partial.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
    return [folder / name for name in texts]


def option_arguments(options: BatchOptions) -> list[str]:
    """Return the options as arguments of the command line, but for those that each template names itself."""
    arguments = []
    for field in fields(Settings):
        value = getattr(options.settings, field.name)
        if field.name != "engine" and value != getattr(Settings(), field.name):
            name = field.name.replace("_", "-")
            arguments += [f"--{'' if value else 'no-'}{name}"] if isinstance(value, bool) else [
                f"--{name}", value.lower() if isinstance(value, str) and field.name != "model_folder" else str(value)]
    single = {"format": options.format.lower(), "sets": options.sets.lower(), "pattern": options.naming.pattern,
              "smoothing": options.smoothing, "exposure": options.exposure,
              "source-suffix": ",".join(options.source_suffixes),
              "mask-image": options.mask_image and resolve_path(options.mask_image), "jobs": options.workers,
              "bits": options.bits if options.format in ("PNG", "TIFF") and not options.settings.is_node_picture else None}
    usual = {"format": "png", "sets": "off", "pattern": TARGETS["BLENDER"].pattern, "bits": 16}
    for name, option in single.items():
        if option not in (None, "", 0, usual.get(name)):
            arguments += [f"--{name}", str(option)]
    if options.rectify is not None:
        corners = ",".join(str(value) for value in options.rectify)
        arguments += [f"--rectify={corners or 'auto'}", "--focal-length", str(options.focal_length)]
    return arguments


def _values(kind: JobKind, folder: Path, items: Collection[BatchItem], options: BatchOptions) -> dict[str, Any]:
    """Return what the templates have placeholders for."""
    count, arguments = len(items), option_arguments(options)
    shards = max(1, -(-count // CHUNK_SIZE))
    return {
        "list": kind.quote(str(folder / LIST_NAME)), "out": kind.quote(str(resolve_path(options.out))),
        "maps": kind.quote(",".join(options.map_types).lower()), "engine": kind.quote(options.settings.engine.lower()),
        "engines": json.dumps([name.lower() for name in ENGINE.names]), "items": f"1-{count}", "count": count,
        "chunk_size": CHUNK_SIZE, "shards": shards, "last_shard": shards - 1,
        "arguments": ", ".join(json.dumps(argument) for argument in arguments),
        "options": kind.quote(shlex.join(arguments)) if kind.quote is json.dumps else shlex.join(arguments),
        "files": json.dumps([str(resolve_path(item.file)) for item in items if item.file is not None]),
    }
