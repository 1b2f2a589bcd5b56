"""The real worker is killed, and so is the program that uses it: nothing hangs, nothing is left."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.core.errors import WorkerError
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from tests.conftest import ROOT
from tests.reliability.storm import DEADLINE, storm
from tests.reliability.traces import children, is_alive, traces, waited
from tests.requests_for_tests import launch, noise, until_ready, write_pixels

pytestmark = [pytest.mark.reliability, pytest.mark.slow,
              pytest.mark.skipif(sys.platform != "linux", reason="signals, and /proc to count what is left")]

SEED = 20250731
BLENDER = Path(__file__).with_name("blender_program.py")
needs_bpy = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="this Python has no bpy")


def request_once(client, folder, chance):
    """One request for a small picture, to its end: "map", or the name of the error; its files are gone afterwards."""
    client.prepare(launch(folder))
    settings = Settings(engine=chance.choice(("LUMINANCE", "RELIEF")), strength=chance.uniform(0, 10))
    pixels = write_pixels(client.new_file(), noise(chance.randint(1, 48), chance.randint(1, 48), chance.getrandbits(32)))
    job = client.submit(Request(settings.to_dict(), pixels=pixels, with_pixels=chance.random() < 0.5))
    try:
        result = client.wait(job, DEADLINE)
    except WorkerError as error:
        assert job.outcome is error
        return type(error).__name__
    folder = client.take_map_file(result).parent
    with client.open_result_files(result) as files:
        assert files.png.startswith(b"\x89PNG")
    assert not list(folder.iterdir())
    return "map"


def test_the_worker_is_killed_under_the_client(tmp_path, temporary, amount, figure):
    client = Client()
    before = traces(temporary)
    count = amount(500, 20)
    try:
        outcomes = storm(client, lambda chance: request_once(client, tmp_path, chance), count, SEED)
    finally:
        client.close()
    assert outcomes.total() == count
    assert {outcome.partition(": ")[2] for outcome in outcomes} == {"map", "WorkerError"}
    assert traces(temporary) == before
    figure(f"client: {count} requests with the worker killed or stopped: {dict(outcomes)}; nothing left")


@needs_bpy
def test_the_worker_is_killed_under_blender(tmp_path, temporary, amount, figure):
    count = amount(500, 20)
    run = subprocess.run([sys.executable, str(BLENDER), "storm", str(tmp_path / "resources"), str(count), str(SEED)],
                         capture_output=True, text=True, timeout=30 + 5 * count, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert sum(found["outcomes"].values()) == count
    assert found["after"] == found["before"]
    figure(f"Blender: {count} requests with the worker killed or stopped: {found['outcomes']}; nothing left")


@pytest.fixture
def limit(tmp_path, temporary) -> float:
    """Seconds within which a worker must be gone: 3, or longer where even the start of one takes its time.

    A worker that is just starting notices that its program is gone as soon as it can.
    """
    start = time.monotonic()
    with closing(Client()) as client:
        client.prepare(launch(tmp_path))
        until_ready(client)
        return max(3.0, 20 * (time.monotonic() - start))


PROGRAM = """
import itertools, os, random, sys
from pathlib import Path
from blender_midas_normal.client.client import Client
from tests.reliability.test_kills import request_once
client = Client()
for seed in itertools.count():
    print(os.getpid(), client.worker.pid if client.worker else 0, flush=True)
    assert request_once(client, Path(sys.argv[1]), random.Random(seed)) == "map"
"""


@pytest.mark.parametrize(("program", "times"), [("client", 50), pytest.param("Blender", 100, marks=needs_bpy)])
def test_the_program_is_killed_and_the_worker_ends_with_it(program, times, tmp_path, temporary, limit, amount, figure):
    chance, count, slowest = random.Random(SEED), amount(times, 5), 0.0
    command = [BLENDER, "endless", tmp_path / "resources"] if program == "Blender" else ["-c", PROGRAM, tmp_path]
    for _ in range(count):
        slowest = max(slowest, killed([sys.executable, *map(str, command)], chance, temporary, limit))
    figure(f"{program} killed {count} times: the last worker and its folder were gone after {slowest:.2f} s at most")


def test_a_library_that_is_killed_leaves_whole_maps_and_the_next_run_makes_the_rest(tmp_path, temporary, limit, amount,
                                                                                    figure):
    chance, count, out = random.Random(SEED), amount(30, 5), tmp_path / "maps"
    (tmp_path / "textures").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (400, 400, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "textures" / f"{number}.png")
    command = [sys.executable, str(ROOT / "scripts" / "normal_map.py"), str(tmp_path / "textures"), "--out", str(out),
               "--engine", "luminance"]
    found = 0
    for _ in range(count):
        killed(command, chance, temporary, limit, known=lambda line: 0)
        for path in out.glob("[!.]*"):
            with PIL.Image.open(path) as opened:
                assert opened.size == (400, 400) and opened.tobytes()
            found += 1
    ended = subprocess.run([*command, "--existing", "skip"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and len(list(out.glob("[!.]*"))) == 8, ended.stderr
    figure(f"libraries: killed {count} times; {found} maps looked at, each of them whole")


def killed(command, chance, temporary, limit, known=lambda line: int(line.split()[1])):
    """Kills the program at a random moment; seconds until nothing of it was left, `limit` at most.

    known: what a line that it prints tells of its worker's number, 0 for nothing.
    """
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
            line = program.stdout.readline()
            assert line, "the program ended by itself"
        time.sleep(10 ** chance.uniform(-3, -0.2))
        workers = {known(line)} | set(children(program.pid))
    finally:
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        program.stdout.close()
    start = time.monotonic()
    workers.discard(0)
    assert waited(lambda: not any(map(is_alive, workers)), limit), f"a worker outlived {command}"
    assert waited(lambda: not list(temporary.glob("midas_normal_*")), limit), list(temporary.rglob("*"))
    return time.monotonic() - start
