"""The program that installs, checks and removes the MiDaS environment, downloads the weights and checks this computer.

    python -I -u main.py --folder DIR [--python EXE] [--backend auto] [--parts midas,node] [--weights DIR]
                     [--engine MIDAS] [--model SMALL] [--offline] VERB

run as a file, where VERB is install, download, check, remove or check_computer.  It prints one JSON object per line: steps
as in `ProgressEvent.to_dict`, what the check of this computer prints (see `checks/main.py`), and at the end {"ok": true,
"text": ...} or {"error": message, "kind": name of the exception, "output": last lines of the step's process}.  Messages are
encoded by `core.errors.to_json`.  The program and all that it started end, with exit code 0 or 1, when the work is done, or
when its standard input is a pipe that is closed.
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
"""Seconds that the work may take to stop after standard input was closed."""


def main(arguments: list[str]) -> int:
    """Carry out one verb; return the exit code."""
    package = runpy.run_path(str(PACKAGE_LOADER))["load_package"]()
    errors = importlib.import_module(f"{package}.core.errors")
    work = importlib.import_module(f"{package}.client.setup.commands")
    options = parse_arguments(arguments)
    is_stdin_closed = watch_stdin()

    def print_event(event: dict[str, Any]) -> None:
        line = {name: errors.to_json(value) if isinstance(value, str) else value for name, value in event.items()}
        print(json.dumps(line), flush=True)

    try:
        text = work.VERBS[options.verb](options, lambda step: print_event(step.to_dict()), is_stdin_closed.is_set)
    except errors.MidasNormalError as error:
        kind = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        print_event({"error": error.message, "kind": kind.__name__, "output": getattr(error, "output", "")})
        return 1
    print_event({"ok": True, "text": text})
    return 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; end the program where it is wrong."""
    parser = argparse.ArgumentParser(description="Make, check or remove the Python environment that MiDaS runs in.")
    parser.add_argument("verb", choices=("install", "download", "check", "remove", "check_computer"))
    parser.add_argument("--folder", type=Path, required=True, help="where the environment is, or is to be")
    parser.add_argument("--python", type=Path, help="the Python 3.10 to 3.13 to make it from")
    parser.add_argument("--backend", default="auto", help="auto, registry, cpu, xpu, cu<number> or rocm<number>")
    parser.add_argument("--parts", default="midas", help="with commas: midas, and what other engines need besides")
    parser.add_argument("--weights", type=Path, help="the folder of weights")
    parser.add_argument("--engine", default="MIDAS", help="whose weights are downloaded")
    parser.add_argument("--model", default="SMALL", help="which of them, for an engine with several")
    parser.add_argument("--offline", action="store_true", help="never use the network")
    options = parser.parse_args(arguments)
    if options.verb == "download" and options.weights is None:
        parser.error("download needs --weights")
    return options


def watch_stdin() -> threading.Event:
    """Return an event that is set when standard input, if it is a pipe, is closed: the parent gave up or has ended."""
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
