#!/usr/bin/env python3
"""Normal maps without Blender: `<stem>_normal.png` for each picture, 16 bits, the picture's size.

Makes its own small environment on the first run, torch only for MiDaS.  The preset node writes the MiDaS node's picture:
8 bits, its own size.
Exit codes: 0 all done, 1 some pictures failed (the rest are written), 2 wrong usage, 3 engine not available.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
from environments import MidasNormalError

from blender_midas_normal.client.client import Client, Job
from blender_midas_normal.client.launch import Launch, Places, launch_for
from blender_midas_normal.core.errors import Cancelled, EngineUnavailable, TargetError
from blender_midas_normal.core.settings import PRESETS, Choice, Settings, domains, preset

IDLE_SECONDS = 600.0


def main() -> int:
    parser = made_parser()
    options = parser.parse_args()
    try:
        settings = wanted_settings(options)
    except MidasNormalError as error:
        parser.error(str(error))
    try:
        launch = wanted_launch(settings.engine, options.weights)
        options.out.mkdir(parents=True, exist_ok=True)
    except MidasNormalError as error:
        return environments.ended(error)
    except OSError as error:
        parser.error(f"the folder {options.out} cannot be made: {error.strerror}")
    return made_all(options, settings, launch)


def made_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, required=True, help="folder for the maps")
    parser.add_argument("--preset", type=str.lower, choices=[name.lower() for name in PRESETS], default="material",
                        help="settings to start from (default: material)")
    for name, domain in domains().items():
        if isinstance(domain, Choice):
            words = {"type": str.lower, "choices": [item.lower() for item in domain.names]}
        else:
            words = {"type": int if domain.integer else float, "metavar": f"{domain.low:g}..{domain.high:.6g}"}
        parser.add_argument("--" + name.replace("_", "-"), help=domain.description.replace("%", "%%"), **words)
    parser.add_argument("--weights", type=Path, help="folder that has MiDaS's weights")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was made, and what failed, as JSON")
    return parser


def wanted_settings(options: argparse.Namespace) -> Settings:
    """The preset with what the options replace; raises SettingsError."""
    given = {name: getattr(options, name) for name in domains() if getattr(options, name) is not None}
    return preset(options.preset).with_words(given)


def wanted_launch(engine: str, folder: Path | None) -> Launch:
    """How to start the worker; installs what the engine needs.  Raises EngineUnavailable or InstallError."""
    weights = (folder or environments.WEIGHTS).resolve()
    if engine == "MIDAS":
        environments.midas_ready(weights)
    places = Places(environments.MIDAS, weights, environments.DATA / "worker.log")
    launch = launch_for(engine, places, "", IDLE_SECONDS)
    return launch if launch.python else launch_for(engine, places, str(environments.maps_python()), IDLE_SECONDS)


def made_all(options: argparse.Namespace, settings: Settings, launch: Launch) -> int:
    """Makes each map, one bad picture never stopping the rest; the exit code."""
    client = Client()
    items = []
    taken = {path.resolve() for path in options.images}
    try:
        for path in options.images:
            target = options.out / f"{path.stem}_normal.png"
            items.append(made(client, launch, path, target, settings, taken))
    except EngineUnavailable as error:
        return environments.ended(error)
    finally:
        client.close()
    if options.json is not None:
        options.json.write_text(json.dumps(items, indent=2) + "\n", encoding="utf-8")
    return 1 if any("error" in item for item in items) else 0


def made(client: Client, launch: Launch, path: Path, target: Path, settings: Settings, taken: set) -> dict:
    """Makes one map; what the report says of it.  Raises EngineUnavailable, which no other picture would change."""
    try:
        if target.resolve() in taken:
            raise TargetError(f"{target} is one of the pictures, or another picture's map; rename one of them.")
        taken.add(target.resolve())
        client.prepare(launch)
        job = client.submit(settings=settings.words(), picture=str(path.resolve()), compress=True)
        result = client.wait(job, watch=Progress(path))
        moved(client.take_file(result), target)
    except (EngineUnavailable, KeyboardInterrupt):
        raise
    except (MidasNormalError, Cancelled) as error:
        print(f"{path}: error: {error}", file=sys.stderr, flush=True)
        return {"input": str(path), "error": str(error)}
    print(f"{path} -> {target} ({result.width} x {result.height}, {result.engine.lower()} on {result.device})", flush=True)
    for note in result.notes:
        print(f"  {note}", flush=True)
    return {"input": str(path), "output": str(target), "engine": result.engine, "why": result.why, "device": result.device,
            "size": [result.width, result.height], "seconds": result.seconds, "notes": result.notes}


def moved(source: Path, target: Path) -> None:
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

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shown = ""

    def __call__(self, job: Job) -> None:
        line = f"{self._path.name}: {job.stage} {job.done:.0%}"
        if sys.stderr.isatty() and line != self._shown:
            self._shown = line
            print(f"\r\x1b[K{line}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
