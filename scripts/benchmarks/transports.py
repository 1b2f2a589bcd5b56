"""Two ways for Blender's pixels into another process's memory: through a pipe, and through a mapped file."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.answer import Answer, Table
from benchmarks.blender_images import Photograph
from benchmarks.plan import Plan
from benchmarks.rounds import in_turn

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


def measure(plan: Plan) -> Answer:
    image, count = Photograph(plan.exchange).image, plan.exchange ** 2 * 4
    with tempfile.TemporaryDirectory() as folder, \
            subprocess.Popen([sys.executable, "-I", "-c", RECEIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        path = Path(folder) / "pixels"

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

        seconds = in_turn({"a mapped file": through_file, "a pipe": through_pipe}, plan.runs, plan.patience)
        child.stdin.close()
    rows = [[name, f"{statistics.median(values) * 1000:.0f} ms"] for name, values in seconds.items()]
    title = f"Pixels of {plan.exchange} x {plan.exchange} into another process"
    return Answer(tables=[Table(title, ["Through", "time"], rows)])
