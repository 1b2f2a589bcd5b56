"""The benchmark's part inside Blender: a map by the extension and an exchange through PNG files, in turn."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent))

import installed_extension

FOLDER = tempfile.TemporaryDirectory()
installed_extension.install(Path(FOLDER.name))

import bpy  # noqa: E402
import cv2  # noqa: E402
import numpy as np  # noqa: E402
from bl_ext.user_default.midas_normal import generate  # noqa: E402
from bl_ext.user_default.midas_normal.bridge.results import stored  # noqa: E402

ENGINES_WORK = ("prepare", "engine", "maps")
"""Stages that are arithmetic on the picture; all others, and what Blender does around them, are the exchange."""


def main() -> int:
    options = parsed()
    ours, png = [], []
    for run in range(options.runs + 1):
        image = photograph(options.size, run)
        ours.append(own_exchange(image))
        png.append(png_exchange(image))
        bpy.data.images.remove(image)
    figures = report(options.size, ours[1:], png[1:], transports(options.size, options.runs))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if options.at_most is not None and figures["ratio"] > options.at_most else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--at-most", type=float)
    return parser.parse_args()


def photograph(size: int, seed: int) -> bpy.types.Image:
    """A byte image with the spectrum of a photograph: gravel, repeated, and noise that makes each one new to the worker."""
    import skimage.data

    gravel = skimage.data.gravel()
    times = -(-size // min(gravel.shape))
    grey = np.tile(gravel, (times, times))[:size, :size].astype(np.float32) / 255
    values = np.ones((size, size, 4), np.float32)
    values[..., :3] = grey[..., None] + np.random.default_rng(seed).normal(0, 0.01, (size, size, 3))
    image = bpy.data.images.new("photograph", size, size)
    image.pixels.foreach_set(np.clip(values, 0, 1).ravel())
    image.filepath_raw = str(Path(FOLDER.name) / "photograph.png")
    image.file_format = "PNG"
    return image


def own_exchange(image: bpy.types.Image) -> dict:
    """Seconds of one map, by stage; `exchange` is all but the engine's work, up to pixels that can be read."""
    start = time.perf_counter()
    normal = generate(image, engine="LUMINANCE")
    read_pixels(normal)
    wall = time.perf_counter() - start
    seconds = stored(normal)["facts"]["seconds"]
    bpy.data.images.remove(normal)
    return {**seconds, "wall": wall, "exchange": wall - sum(seconds[stage] for stage in ENGINES_WORK)}


def png_exchange(image: bpy.types.Image) -> dict:
    """Seconds of the usual way: Blender saves 8 bits, the program loads them, saves 16 bits, Blender loads those."""
    there, back = (Path(FOLDER.name) / name for name in ("there.png", "back.png"))
    image.filepath_raw = str(there)
    seconds = {"save": timed(image.save)}
    loaded = None

    def load() -> None:
        nonlocal loaded
        loaded = cv2.imread(str(there), cv2.IMREAD_COLOR)

    seconds["load"] = timed(load)
    deep = loaded.astype(np.uint16) * 257
    seconds["save again"] = timed(lambda: cv2.imwrite(str(back), deep))

    def load_in_blender() -> None:
        normal = bpy.data.images.load(str(back))
        read_pixels(normal)
        bpy.data.images.remove(normal)

    seconds["load again"] = timed(load_in_blender)
    return {**seconds, "exchange": sum(seconds.values())}


RECEIVER = """
import sys
import numpy as np
for line in sys.stdin.buffer:
    how, count = line.split()
    if how == b"pipe":
        values = np.frombuffer(sys.stdin.buffer.read(int(count) * 4), np.float32)
    else:
        values = np.fromfile(how.decode(), np.float32)
    print(float(values[-1]), flush=True)
"""


def transports(size: int, runs: int) -> dict:
    """Median seconds in which Blender's pixels reach another process's memory, through a pipe and through a mapped file."""
    count = size * size * 4
    image = photograph(size, 0)
    path = Path(FOLDER.name) / "pixels"
    seconds: dict[str, list[float]] = {"pipe": [], "file": []}
    with subprocess.Popen([sys.executable, "-I", "-c", RECEIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        def through_pipe() -> None:
            values = np.empty(count, np.float32)
            image.pixels.foreach_get(values)
            child.stdin.write(b"pipe %d\n" % count)
            child.stdin.write(values)
            child.stdin.flush()
            child.stdout.readline()

        def through_file() -> None:
            path.unlink(missing_ok=True)
            values = np.memmap(path, np.float32, "w+", shape=(count,))
            image.pixels.foreach_get(values)
            child.stdin.write(b"%s %d\n" % (str(path).encode(), count))
            child.stdin.flush()
            child.stdout.readline()

        for _ in range(runs):
            seconds["pipe"].append(timed(through_pipe))
            seconds["file"].append(timed(through_file))
        child.stdin.close()
    bpy.data.images.remove(image)
    return {how: statistics.median(values) for how, values in seconds.items()}


def read_pixels(image: bpy.types.Image) -> None:
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(size: int, ours: list, png: list, ways: dict) -> dict:
    """Prints the table; the figures as they go into the JSON file."""
    def medians(runs: list) -> dict:
        return {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}

    figures = {"size": size, "runs": len(ours), "ours": medians(ours), "png": medians(png), "transports": ways,
               "ratio": statistics.median(a["exchange"] / b["exchange"] for a, b in zip(ours, png)),
               "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
               "blender": bpy.app.version_string}
    print(f"Exchange at {size} x {size}, Blender {figures['blender']}, {figures['machine']}, medians of {len(ours)} runs")
    print(f"ours / PNG files: {figures['ratio']:.2f}")
    for name in ("ours", "png"):
        print(f"{name:5s}" + ", ".join(f"{stage} {seconds * 1000:.0f} ms" for stage, seconds in figures[name].items()))
    print(f"pixels to the worker: pipe {ways['pipe'] * 1000:.0f} ms, mapped file {ways['file'] * 1000:.0f} ms")
    return figures


if __name__ == "__main__":
    code = main()
    installed_extension.uninstall()
    FOLDER.cleanup()
    sys.exit(code)
