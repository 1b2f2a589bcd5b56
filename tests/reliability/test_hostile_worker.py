"""A worker that lies, floods, stalls and dies: the client raises only its own errors, never waits, and keeps nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st

from blender_midas_normal.client import client as client_module
from blender_midas_normal.client.client import Client
from blender_midas_normal.core.errors import MidasNormalError
from blender_midas_normal.core.protocol import VERSION, Request, Result
from tests.reliability.corpus import kept
from tests.reliability.traces import resident, traces
from tests.requests_for_tests import LUMINANCE, launch

pytestmark = [pytest.mark.reliability, pytest.mark.slow,
              pytest.mark.skipif(sys.platform != "linux", reason="the fake is a script, and /proc counts what is left")]

FAKE = Path(__file__).with_name("fake_worker.py")

JOBS = 3
PATIENCE = 1.5
"""Seconds that the client is left to itself; what is pending then is cancelled, twice where it must be."""

LONGEST_LOOK = 5.0
"""Seconds that one look at the worker may take: half of one by design, the others because the computer is busy, and none
because the worker floods or stalls, which it does for longer."""


def result(number=1, **fields):
    return ["say", {"type": "result", "id": number, "file": "map.png", "width": 4, "height": 3, "engine": "LUMINANCE",
                    "device": "cpu", "why": "", "surface": "", **fields}]


numbers = st.integers(-1, JOBS + 1)
names = st.sampled_from(["map.png", "pixels", "", "../../../../etc/passwd", "nothing.png", "nul\0", "\ud800"])
sides = st.sampled_from([4, 3, 1, 0, -1, 16384, 16385, 10 ** 30])
messages = st.one_of(
    st.sampled_from(["x" * 1000, "\ud800", 3, None, [], {}]),
    st.builds(lambda template, value: {"template": template, "values": {"a": value}},
              st.sampled_from(["{a}", "{a!r}", "{a:.9f}", "{a.__class__}", "{a[0]}", "{a:>99999999}", "{a!s:{a}}", "{", "{}",
                               "{a}" * 1000, "\ud800{a}"]),
              st.sampled_from(["x", "{a}" * 1000, 10 ** 400, 1e308, True, None, [1], {}, "\ud800",
                               {"template": "{b}", "values": {"b": "y"}}, {"template": "{b}", "values": {}}])))
steps = st.one_of(
    st.builds(lambda version: ["hello", version], st.sampled_from([VERSION, VERSION, VERSION, VERSION + 1])),
    st.builds(lambda number, file, pixels, width: result(number, file=file, pixels=pixels, width=width),
              numbers, names, names, sides),
    st.builds(lambda number, text: ["say", {"type": "error", "id": number, "kind": "Nonsense", "text": text}], numbers,
              messages),
    st.builds(lambda number, note: result(number, notes=[note]), numbers, messages),
    st.builds(lambda why: ["say", {"type": "ready", "engines": {"MIDAS": why}}], messages),
    st.builds(lambda number, share: ["say", {"type": "progress", "id": number, "stage": "x", "share": share}], numbers,
              st.sampled_from([0, 0.5, 2, -1, 10 ** 400])),
    st.builds(lambda name, kind: ["file", [name, kind]], st.sampled_from(["map.png", "pixels"]),
              st.sampled_from(["fifo", "folder", "link", 0, 20, 33, 192, 1 << 40])),
    st.builds(lambda text: ["raw", text], st.text(max_size=30)),
    st.builds(lambda data: ["binary", data.hex()], st.binary(max_size=30)),
    st.builds(lambda count: ["hear", count], st.integers(1, JOBS)),
    st.builds(lambda seconds: ["sleep", seconds], st.floats(0, 0.3)),
    st.builds(lambda seconds: ["flood", seconds], st.floats(0, 0.3)),
    st.builds(lambda size: ["line", size], st.sampled_from([1 << 16, 1 << 19, 3 << 20])),
    st.builds(lambda number: ["close", number], st.integers(0, 2)),
    st.builds(lambda code: ["end", code], st.sampled_from([0, 1, 139])),
)
HELLO = ["hello", VERSION]


def suffered(folder: Path, plan: list, patience: float = PATIENCE) -> tuple[list[MidasNormalError | Result], float]:
    """What the jobs of a client end with whose worker follows the plan, and the seconds of the longest look at it."""
    longest = 0.0
    (folder / "plan.json").write_text(json.dumps(plan))
    client = Client()
    try:
        client.prepare(launch(folder, python=fake(folder)))
        request = Request(LUMINANCE.to_dict(), picture="/nowhere.png")
        jobs = [client.submit(request) for _ in range(JOBS) if client.is_running]
        end = time.monotonic() + patience
        while client.is_busy and time.monotonic() < end:
            start = time.monotonic()
            client.pump()
            longest = max(longest, time.monotonic() - start)
            time.sleep(0.002)
        for job in jobs:
            take(client, job.outcome)
        for _ in range(2):
            for job in jobs:
                client.cancel(job)
        assert not client.is_busy
        return [job.outcome for job in jobs], longest
    finally:
        client.close()


def fake(folder: Path) -> str:
    """The fake as an interpreter that is no real one."""
    program = folder / "fake"
    program.write_text(f"#!{sys.executable} -SE\n" + FAKE.read_text())
    program.chmod(0o755)
    return str(program)


def take(client: Client, outcome: object) -> None:
    """Whether there are files or not: an error of ours at most."""
    if isinstance(outcome, Result):
        try:
            with client.open_result_files(outcome) as files:
                assert len(files.png) < 1 << 20
        except MidasNormalError:
            pass


def test_no_plan_of_a_hostile_worker_brings_the_client_down(tmp_path, temporary, monkeypatch, amount, figure):
    monkeypatch.setattr(client_module, "HELLO_TIMEOUT_S", 0.6)
    monkeypatch.setattr(client_module, "SILENCE_TIMEOUT_S", 0.8)
    before, memory, count, longest = traces(temporary), resident(os.getpid()), amount(200, 30), 0.0

    @seed(1)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(steps, max_size=8), st.booleans())
    @example([["file", ["map.png", "fifo"]], result()], True)
    @example([["file", ["map.png", "folder"]], result(), result(), result(2)], True)
    @example([["file", ["map.png", 1 << 40]], result(width=16384, height=16384)], True)
    @example([["flood", 30.0]], True)
    @example([["line", 30 << 20]], True)
    @example([["close", 1]], True)
    def check(plan: list, greets: bool) -> None:
        nonlocal longest
        outcomes, look = suffered(tmp_path, [HELLO] * greets + plan)
        longest = max(longest, look)
        assert look < LONGEST_LOOK
        assert all(isinstance(outcome, (MidasNormalError, Result)) for outcome in outcomes)
        assert traces(temporary) == before

    check()
    grown = resident(os.getpid()) - memory
    assert grown < 64 << 20
    figure(f"hostile worker: {count} plans, nothing left; the longest look at one took {longest * 1000:.0f} ms, the "
           f"client's memory grew by {grown / 1e6:.1f} MB")


def test_what_fuzzing_has_kept_is_an_error_of_ours_at_most(tmp_path, temporary, monkeypatch, amount):
    """The decoder's corpus, said by a worker."""
    monkeypatch.setattr(client_module, "SILENCE_TIMEOUT_S", 0.3)
    before, inputs = traces(temporary), kept()
    for line in inputs[:: len(inputs) // amount(len(inputs), 8)]:
        outcomes, _ = suffered(tmp_path, [HELLO, ["hear", 1], ["binary", (line + b"\n").hex()]])
        assert all(isinstance(outcome, (MidasNormalError, Result)) for outcome in outcomes), line
    assert traces(temporary) == before


def test_a_stopped_worker_that_takes_no_requests_does_not_stop_the_client(tmp_path, temporary):
    (tmp_path / "plan.json").write_text(json.dumps([HELLO, ["sleep", 60]]))
    client = Client()
    client.prepare(launch(tmp_path, python=fake(tmp_path)))
    start = time.monotonic()
    jobs = [client.submit(Request(LUMINANCE.to_dict(), picture="/nowhere.png")) for _ in range(1000)]
    assert time.monotonic() - start < 5
    client.close()
    assert all(isinstance(job.outcome, MidasNormalError) for job in jobs)


def test_requests_that_waited_for_a_full_pipe_are_all_answered(tmp_path, temporary):
    client = Client()
    client.prepare(launch(tmp_path))
    jobs = [client.submit(Request(LUMINANCE.to_dict(), picture="/nowhere.png")) for _ in range(500)]
    for job in jobs:
        with pytest.raises(MidasNormalError, match="There is no picture"):
            client.wait(job, 30)
    client.close()


def test_a_worker_that_falls_silent_is_ended_and_one_that_works_long_is_not(tmp_path, temporary, monkeypatch):
    monkeypatch.setattr(client_module, "SILENCE_TIMEOUT_S", 3.0)
    beat = [["say", {"type": "progress", "id": 1, "stage": "network", "share": 0.1}], ["sleep", 0.3]]
    ends = [["say", {"type": "error", "id": 1 + job, "kind": "EngineError", "text": "At last."}] for job in range(JOBS)]
    outcomes, _ = suffered(tmp_path, [HELLO, *beat * 12, *ends], 60.0)
    assert [str(outcome) for outcome in outcomes] == ["At last."] * JOBS
    monkeypatch.setattr(client_module, "SILENCE_TIMEOUT_S", 0.5)
    outcomes, _ = suffered(tmp_path, [HELLO, *beat], 60.0)
    assert all("said nothing" in str(outcome) for outcome in outcomes)
