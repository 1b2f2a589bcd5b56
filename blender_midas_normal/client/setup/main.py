"""The program that makes, checks and removes the MiDaS environment and downloads the weights; run as a file.

    python -I -u main.py --folder DIR [--python EXE] [--backend auto] [--weights DIR] [--offline] VERB

where VERB is install, download, check or remove.  It prints one JSON object a line: steps as in `ProgressEvent.to_dict`, and
last {"ok": true, "text": ...} or {"error": message, "kind": exception, "output": last lines of the step's process}.  Texts
are as `core.errors.to_json` makes them.  It ends, with 0 or 1, and with it all it started, when its work is done or its
stdin, being a pipe, is closed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import runpy
import signal
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

PACKAGE_LOADER = Path(__file__).resolve().parents[2] / "standalone.py"

SHUTDOWN_TIMEOUT_S = 5.0
"""Seconds after the pipe's end within which the work must have stopped by itself."""


def main(arguments: list[str]) -> int:
    """Carry out one verb; the exit code."""
    package = runpy.run_path(str(PACKAGE_LOADER))["load_package"]()
    errors = importlib.import_module(f"{package}.core.errors")
    work = importlib.import_module(f"{package}.client.setup.commands")
    options = parse_arguments(arguments)
    given_up = watch_stdin()

    def say(words: dict[str, Any]) -> None:
        line = {name: errors.to_json(value) if isinstance(value, str) else value for name, value in words.items()}
        print(json.dumps(line), flush=True)

    try:
        text = work.VERBS[options.verb](options, lambda step: say(step.to_dict()), given_up.is_set)
    except errors.MidasNormalError as error:
        kind = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        say({"error": error.message, "kind": kind.__name__, "output": getattr(error, "output", "")})
        return 1
    say({"ok": True, "text": text})
    return 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make, check or remove the Python environment that MiDaS runs in.")
    parser.add_argument("verb", choices=("install", "download", "check", "remove"))
    parser.add_argument("--folder", type=Path, required=True, help="where the environment is, or is to be")
    parser.add_argument("--python", type=Path, help="the Python 3.10 to 3.13 to make it from")
    parser.add_argument("--backend", default="auto", help="auto, registry, cpu, xpu, cu<number> or rocm<number>")
    parser.add_argument("--weights", type=Path, help="the folder for the downloaded weights")
    parser.add_argument("--offline", action="store_true", help="never use the network")
    options = parser.parse_args(arguments)
    if options.verb == "download" and options.weights is None:
        parser.error("download needs --weights")
    return options


def watch_stdin() -> threading.Event:
    """An event that is set when stdin, where it is a pipe, is closed: whoever started this program gave it up or died."""
    closed = threading.Event()

    def watch() -> None:
        try:
            while os.read(0, 1024):
                pass
        except OSError:
            pass
        closed.set()
        time.sleep(SHUTDOWN_TIMEOUT_S)
        os._exit(1)

    try:
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            threading.Thread(target=watch, daemon=True).start()
    except OSError:
        pass
    return closed


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    try:
        code = main(sys.argv[1:])
    except (BrokenPipeError, KeyboardInterrupt):
        code = 1
    sys.exit(code)
