"""The worker program with depth networks whose passes have an eighth of their usual size: a small picture has many tiles."""

import importlib
import runpy
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "blender_midas_normal"

MAX_PASS_PIXELS = 1024 * 1536 // 8

if __name__ == "__main__":
    package = runpy.run_path(str(PACKAGE / "standalone.py"))["load_package"]()
    importlib.import_module(f"{package}.worker.engines.depth_engine").MAX_PASS_PIXELS = MAX_PASS_PIXELS
    runpy.run_path(str(PACKAGE / "worker" / "main.py"), run_name="__main__")
