"""The program that checks what this computer's device computes, and how fast; run as a file by an isolated interpreter.

    python -I -u main.py --folder DIR

It writes its weights, pictures and caches into the folder, and prints one JSON object per line: {"computer": description}
first, then steps as in `ProgressEvent.to_dict` and rows as in `Row.to_dict`.  Messages are encoded by `core.errors.to_json`.
`client.computer_check` runs it, gives it the folder, and ends it when the user cancels.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import runpy
from pathlib import Path
from typing import Any

PACKAGE_LOADER = Path(__file__).resolve().parents[1] / "standalone.py"


def main() -> None:
    parser = argparse.ArgumentParser(description="Check what this computer's device computes, and how fast.")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder for temporary files")
    folder = parser.parse_args().folder
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # its processes would write into the folder when this one was ended
    package = runpy.run_path(str(PACKAGE_LOADER))["load_package"]()
    checks = importlib.import_module(f"{package}.checks.device_checks")
    measurement = importlib.import_module(f"{package}.checks.measurement")
    random_weights = importlib.import_module(f"{package}.checks.random_weights")
    errors = importlib.import_module(f"{package}.core.errors")
    setup = importlib.import_module(f"{package}.client.setup")

    def print_event(event: dict[str, Any]) -> None:
        line = {name: errors.to_json(value) if isinstance(value, str) else value for name, value in event.items()}
        print(json.dumps(line) + "\n", end="", flush=True)  # in one piece, between what libraries print

    def print_step(number: int, title: str) -> None:
        print_event(setup.ProgressEvent(number, 1 + len(checks.CHECKS), title).to_dict())

    device = measurement.auto_device()
    print_event({"computer": checks.describe_computer(device)})
    print_step(1, checks.WEIGHTS_TITLE)
    plan = measurement.Plan.quick(random_weights.write_weights(folder)[0], device)
    for number, check in enumerate(checks.CHECKS, 2):
        print_step(number, check.title)
        for row in check.rows(plan):
            print_event(row.to_dict())


if __name__ == "__main__":
    main()
