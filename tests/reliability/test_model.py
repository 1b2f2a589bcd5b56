"""The client against a model of it: requests, cancellations, re-tunes, kills, ends and beginnings in any order."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from blender_midas_normal.client.client import Client, ResultFuture
from blender_midas_normal.core.errors import Cancelled, MidasNormalError, SurfaceGone, WorkerError
from blender_midas_normal.core.protocol import Request, Result
from tests.reliability.traces import is_alive, waited
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels

pytestmark = [pytest.mark.reliability, pytest.mark.slow,
              pytest.mark.skipif(sys.platform != "linux", reason="signals, and /proc to know who is alive")]

DEADLINE = 20.0
"""Seconds within which what is pending must have ended."""

PICK = st.integers(0, 3)
"""One of the last four."""


class ClientStateMachine(RuleBasedStateMachine):
    """One client's life with the real worker.

    The model: which jobs have ended, with what; which were given up and may still keep the worker; which maps nobody has
    taken yet, and whether the worker that made them is still there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.client = Client()
        self.all: list[ResultFuture] = []
        self.ended: dict[int, Result | MidasNormalError] = {}
        self.worker: object = None
        self.untaken: dict[int, object] = {}

    @rule(seed=st.integers(0, 3), side=st.sampled_from([1, 7, 600]), with_pixels=st.booleans())
    def submit(self, seed: int, side: int, with_pixels: bool) -> None:
        self.client.prepare(launch(self.folder))
        pixels = write_pixels(self.client.new_file(), noise(side, side, seed))
        self.send(settings=LUMINANCE.to_dict(), pixels=pixels, with_pixels=with_pixels)

    @rule(pick=PICK, strength=st.floats(0, 10))
    def retune(self, pick: int, strength: float) -> None:
        results = [outcome for outcome in self.ended.values() if isinstance(outcome, Result)]
        self.client.prepare(launch(self.folder))
        surface = results[pick % len(results)].surface if results else "none"
        self.send(settings={**LUMINANCE.to_dict(), "strength": strength}, surface=surface)

    def send(self, **fields: object) -> None:
        self.worker = self.client.worker
        self.all.append(self.client.submit(Request(**fields)))

    @rule(pick=PICK)
    def wait(self, pick: int) -> None:
        if self.all:
            job = self.all[-1 - pick % len(self.all)]
            try:
                self.client.wait(job, DEADLINE)
            except (Cancelled, SurfaceGone, WorkerError) as error:
                assert job.outcome is error, "the deadline has passed"

    @rule(pick=PICK)
    def take(self, pick: int) -> None:
        made = [job for job in self.all if isinstance(job.outcome, Result)]
        if made:
            self.take_map(made[-1 - pick % len(made)])

    def take_map(self, job: ResultFuture) -> None:
        result = job.result()
        there = job.id in self.untaken and self.untaken[job.id] is self.client.worker and self.client.is_running
        try:
            with self.client.open_result_files(result) as files:
                assert there and files.png.startswith(b"\x89PNG")
                assert (files.pixels is not None) == bool(result.pixels)
        except WorkerError:
            assert not there or not self.client.is_running or not is_alive(self.client.worker.pid)
        self.untaken.pop(job.id, None)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        if self.all:
            job = self.all[-1 - pick % len(self.all)]
            pending = job.outcome is None
            self.client.cancel(job)
            assert not pending or isinstance(job.outcome, Cancelled)

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.3]))
    def pump(self, seconds: float) -> None:
        waited(lambda: (self.client.pump(), not self.client.is_busy)[1], seconds)

    @rule(end=st.sampled_from([signal.SIGKILL, signal.SIGTERM, "close"]))
    def end_worker(self, end: signal.Signals | str) -> None:
        if end == "close":
            self.client.close()
            assert not self.client.is_busy and not self.client.is_running
        elif self.client.is_running:
            pid = self.client.worker.pid
            os.kill(pid, end)
            assert waited(lambda: not is_alive(pid))

    @rule()
    def finish_all(self) -> None:
        assert waited(lambda: (self.client.pump(), not self.client.is_busy)[1], DEADLINE)
        assert all(job.outcome is not None for job in self.all)

    @invariant()
    def look(self) -> None:
        """An outcome stays; busy is what has a job without one; a map's files are there until they are taken."""
        for job in self.all:
            if job.id in self.ended:
                assert job.outcome is self.ended[job.id]
            elif job.outcome is not None:
                self.ended[job.id] = job.outcome
                if isinstance(job.outcome, Result):
                    self.untaken[job.id] = self.worker
        pending = any(job.outcome is None for job in self.all)
        given_up = any(isinstance(job.outcome, Cancelled) for job in self.all)
        assert self.client.is_busy or not pending
        assert not self.client.is_busy or pending or given_up
        self.check_files()

    def check_files(self) -> None:
        """Where nothing is under way, the exchange folder holds the maps that nobody has taken, and nothing else."""
        process = self.client.worker
        if process is None or self.client.is_busy or not is_alive(process.pid):
            return
        expected = {name for number, worker in self.untaken.items() if worker is process
                    for name in (self.ended[number].file, self.ended[number].pixels) if name}
        assert {path.name for path in process.folder.iterdir()} == expected

    def teardown(self) -> None:
        folder = self.client.worker.folder if self.client.is_running else None
        self.client.close()
        assert all(job.outcome is not None for job in self.all)
        assert folder is None or not folder.exists()
        shutil.rmtree(self.folder)


def test_the_client_does_what_its_model_does(temporary, amount, figure):
    sequences, steps = amount(150, 30), 50
    run_state_machine_as_test(ClientStateMachine, settings=settings(
        max_examples=sequences, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck)))
    assert not list(temporary.glob("midas_normal_*"))
    figure(f"client against its model: {sequences} sequences of {steps} steps at most, no difference")
