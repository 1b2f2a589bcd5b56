"""Maps of many pictures as files of a folder: what the command lines with and without Blender have in common.

Exit codes of both: 0 all done, 1 some pictures failed (the rest are written), 2 wrong usage, 3 engine not available.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import Cancelled, EngineUnavailable, MidasNormalError, TargetError
from ..core.settings import PRESETS, Choice, Flag, Settings, domains, preset
from .client import Client, Job
from .launch import Launch

NOT_AVAILABLE = 3


@dataclass(frozen=True)
class Item:
    """A picture: how it is called, the stem of its map's name, its file if it has one, and what a request says of it."""

    name: str
    stem: str
    file: Path | None
    fields: Callable[[Client], dict[str, Any]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """--out, --preset, every setting, and --json."""
    parser.add_argument("--out", type=Path, required=True, help="folder for the maps")
    parser.add_argument("--preset", type=str.lower, choices=[name.lower() for name in PRESETS], default="material",
                        help="settings to start from (default: material)")
    for name, domain in domains().items():
        words: dict[str, Any]
        if isinstance(domain, Choice):
            words = {"type": str.lower, "choices": [item.lower() for item in domain.names]}
        elif isinstance(domain, Flag):
            words = {"action": argparse.BooleanOptionalAction}
        else:
            words = {"type": int if domain.integer else float, "metavar": f"{domain.low:g}..{domain.high:.6g}"}
        parser.add_argument("--" + name.replace("_", "-"), help=domain.description.replace("%", "%%"), **words)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was made, and what failed, as JSON")


def wanted_settings(options: argparse.Namespace) -> Settings:
    """The preset with what the options replace; raises SettingsError."""
    given = {name: getattr(options, name) for name in domains() if getattr(options, name) is not None}
    return preset(options.preset).with_words(given)


def ended(error: MidasNormalError) -> int:
    """Prints the error's sentence; the exit code for it."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    return NOT_AVAILABLE if isinstance(error, EngineUnavailable) else 1


def made_all(items: Iterable[Item], options: argparse.Namespace, settings: Settings, launch: Launch) -> int:
    """Makes `<stem>_normal.png` of each picture, one bad picture never stopping the rest; the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what the terminal cannot show
    items = list(items)
    client = Client()
    reports = []
    taken = {item.file.resolve() for item in items if item.file is not None}
    try:
        for item in items:
            reports.append(_made(client, launch, item, options.out / f"{item.stem}_normal.png", settings, taken))
    except EngineUnavailable as error:
        return ended(error)
    finally:
        client.close()
    if options.json is not None:
        try:
            options.json.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            return ended(TargetError(f"The report cannot be written as {options.json}: {error.strerror}."))
    return 1 if any("error" in report for report in reports) else 0


def _made(client: Client, launch: Launch, item: Item, target: Path, settings: Settings, taken: set[Path]) -> dict[str, Any]:
    """Makes one map; what the report says of it.  Raises EngineUnavailable, which no other picture would change."""
    try:
        if target.resolve() in taken:
            raise TargetError(f"{target} is one of the pictures, or another picture's map; rename one of them.")
        taken.add(target.resolve())
        client.prepare(launch)
        job = client.submit(settings=settings.words(), compress=True, **item.fields(client))
        result = client.wait(job, watch=Progress(item.name))
        _move(client.take_file(result), target)
    except (EngineUnavailable, KeyboardInterrupt):
        raise
    except (MidasNormalError, Cancelled) as error:
        print(f"{item.name}: error: {error}", file=sys.stderr, flush=True)
        return {"input": item.name, "error": str(error)}
    size = f"{result.width} x {result.height}"
    print(f"{item.name} -> {target} ({size}, {result.engine.lower()} on {result.device})", flush=True)
    for note in result.notes:
        print(f"  {note}", flush=True)
    return {"input": item.name, "output": str(target), "engine": result.engine, "why": result.why, "device": result.device,
            "size": [result.width, result.height], "seconds": result.seconds, "notes": result.notes}


def _move(source: Path, target: Path) -> None:
    """Moves a map to its place, which has it whole or not at all; raises TargetError."""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".midas_normal_") as folder:
            partial = Path(shutil.copyfile(source, Path(folder) / target.name))
            partial.replace(target)
    except OSError as error:
        raise TargetError(f"The map cannot be written as {target}: {error.strerror}.") from None
    finally:
        source.unlink()


class Progress:
    """Prints a job's stages on a terminal."""

    def __init__(self, name: str) -> None:
        self._name = Path(name).name
        self._shown = ""

    def __call__(self, job: Job) -> None:
        line = f"{self._name}: {job.stage} {job.done:.0%}"
        if sys.stderr.isatty() and line != self._shown:
            self._shown = line
            print(f"\r\x1b[K{line}\r", end="", file=sys.stderr, flush=True)
