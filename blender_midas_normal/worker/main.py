"""The worker program: `python -I -u main.py --folder DIR --weights DIR --idle SECONDS`, its messages on stdin and stdout.

Run as a file by an isolated interpreter, it finds its own package by its place on disk.
"""

import argparse
import importlib
import json
import os
import runpy
import site
from pathlib import Path

STANDALONE = Path(__file__).resolve().parents[1] / "standalone.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--without-midas", type=json.loads, default='""',
                        help="why this worker cannot run MiDaS, as JSON")
    parser.add_argument("--user-site", default="", help="folder with the user's own packages")
    parser.add_argument("--idle", type=float, required=True)
    parser.add_argument("--batch", type=int, default=0, help="pictures that MiDaS sees at once, instead of the device's own")
    arguments = parser.parse_args()
    if arguments.user_site:
        site.addsitedir(arguments.user_site)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy loads: the relief network keeps the cores busy itself
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # read when torch loads: what Metal lacks runs on the CPU
    package = runpy.run_path(str(STANDALONE))["load_package"]()
    serve = importlib.import_module(f"{package}.worker.request_loop")
    without_midas = importlib.import_module(f"{package}.core.errors").from_json(arguments.without_midas)
    serve.serve(arguments.folder, arguments.weights, without_midas, arguments.idle, arguments.batch)


if __name__ == "__main__":
    main()
