"""Runs on Dask clusters: the same result as with --jobs, also where workers are killed or the scheduler is restarted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.batch import dask_cluster, dask_process
from blender_midas_normal.batch.api import items_of_files
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.inputs import find_pictures
from blender_midas_normal.batch.options import batch_options
from blender_midas_normal.batch.pictures import find_sets
from blender_midas_normal.client.launch import choose_launch, this_python, user_paths
from blender_midas_normal.core.errors import SettingsError
from blender_midas_normal.core.settings import Settings
from tests.conftest import ROOT

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
psutil = pytest.importorskip("psutil")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

MAIN = "import sys; from blender_midas_normal.batch.cli import main; sys.exit(main())"
START_S = 120.0
IN_THIS_PROCESS = {"processes": False, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}


@pytest.fixture
def variables(tmp_path, monkeypatch):
    """The environment of programs that use this checkout, and nothing that a user has installed."""
    monkeypatch.setenv("MIDAS_NORMAL_DATA", str(tmp_path / "data"))
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def save(file, side=16):
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(sum(file.name.encode())).integers(0, 256, (side, side, 3), np.uint8)
    PIL.Image.fromarray(values).save(file)


def library(folder, count, side=16):
    for number in range(count):
        save(folder / f"{number:02}.png", side)
    return folder


def start(variables, *arguments):
    return subprocess.Popen([sys.executable, "-c", MAIN, *map(str, arguments), "--engine", "luminance"], env=variables,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def run(variables, *arguments):
    """The exit code and what was shown."""
    program = start(variables, *arguments)
    shown, _ = program.communicate(timeout=240)
    return program.returncode, shown


def made(out):
    """The maps that are there, also while a program writes them, whose temporary folders come and go."""
    return {Path(folder, name).relative_to(out).as_posix() for folder, _, names in os.walk(out) for name in names
            if "_normal" in name and name.endswith(".png")}


def wait_until(happened, program, seconds=START_S):
    end = time.monotonic() + seconds
    while not happened():
        assert program.poll() is None, program.communicate()[0]
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


def records(file):
    """The records of a JSON report without what differs from run to run."""
    return [{name: value for name, value in record.items() if name != "seconds"} for record in json.loads(file.read_text())]


class Cluster:
    """A scheduler and two workers of one thread each, on this machine, without anything that starts them again."""

    def __init__(self, variables, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._variables, self._folder = variables, folder
        self.scheduler = self._start("scheduler", "--port", str(self.port))
        self.workers = [self._start("worker", f"tcp://127.0.0.1:{self.port}", "--nthreads", "1", "--no-nanny")
                        for _ in range(2)]
        with distributed.Client(f"tcp://127.0.0.1:{self.port}", timeout=START_S, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=START_S)

    def _start(self, kind, *arguments):
        command = [sys.executable, "-m", "dask", kind, *arguments, "--host", "127.0.0.1",
                   "--dashboard-address", "127.0.0.1:0"]
        self._folder.mkdir(exist_ok=True)
        return subprocess.Popen(command, env=self._variables, cwd=self._folder, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    @property
    def address(self):
        return f"dask://127.0.0.1:{self.port}"

    def restart_scheduler(self):
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self._start("scheduler", "--port", str(self.port))

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def cluster(variables, folder):
    processes = Cluster(variables, folder)
    try:
        yield processes
    finally:
        processes.close()


@pytest.mark.slow
def test_a_cluster_gives_what_jobs_gives(variables, tmp_path):
    """The same records, exit code and summary: of sets, of a bad file, of two pictures of one name, of a second run."""
    pictures = library(tmp_path / "pictures", 5)
    (pictures / "bad.png").write_bytes(b"no picture")
    PIL.Image.new("RGB", (8, 8)).save(pictures / "00.jpg")
    for tile in (1001, 1002):
        save(pictures / "sub" / f"wall.{tile}.png")
    results = []
    for name, place in (("one", ()), ("two", ("--on", "dask"))):
        out, report = tmp_path / name, tmp_path / f"{name}.json"
        for existing in ("renew", "skip"):
            code, shown = run(variables, pictures, "--recursive", "--sets", "udim", "--out", out, "--maps", "normal,height",
                              "--jobs", "2", "--json", report, "--existing", existing, *place)
            report.write_text(report.read_text().replace(str(out), "OUT"))
            summary = [line.split(", in ")[0] for line in shown.splitlines() if line[:8].strip().isdigit()]
            results.append((code, records(report), summary, made(out)))
    assert results[:2] == results[2:]
    assert results[2][0] == 1 and len(results[2][3]) == 7 and "7 made" not in results[3][2]


@pytest.mark.slow
@pytest.mark.parametrize("allowed", [3, 0])
def test_a_killed_workers_pictures_are_made_by_another(variables, tmp_path, allowed):
    """By Dask itself, or by the run where Dask gives the pictures up, having seen their worker end too often."""
    variables["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = str(allowed)
    pictures, out, report = library(tmp_path / "pictures", 40, 500), tmp_path / "out", tmp_path / "report.json"
    with cluster(variables, tmp_path / "dask") as processes:
        program = start(variables, pictures, "--out", out, "--on", processes.address, "--json", report)
        wait_until(lambda: len(made(out)) > 5, program)
        processes.workers[0].send_signal(signal.SIGKILL)
        shown, _ = program.communicate(timeout=240)
    assert program.returncode == 0, shown
    assert [record["outcome"] for record in records(report)] == ["made"] * 40 and len(made(out)) == 40
    assert [Path(record["input"]).name for record in records(report)] == sorted(file.name for file in pictures.iterdir())
    assert not [file.name for file in out.iterdir() if file.name.startswith(".midas_normal_")]


@pytest.mark.slow
def test_a_scheduler_that_is_restarted_ends_the_run_which_goes_on_when_it_is_run_again(variables, tmp_path):
    pictures, out = library(tmp_path / "pictures", 60, 500), tmp_path / "out"
    with cluster(variables, tmp_path / "dask") as processes:
        arguments = (pictures, "--out", out, "--on", processes.address, "--existing", "skip")
        program = start(variables, *arguments)
        wait_until(lambda: len(made(out)) > 5, program)
        processes.restart_scheduler()
        shown, _ = program.communicate(timeout=120)
        assert program.returncode == 1 and shown.count(dask_cluster.SCHEDULER_LOST) == 1 and "Traceback" not in shown
        assert "--existing skip" in shown
        before = {file.name: file.stat().st_mtime_ns for file in out.glob("*.png")}
        assert 5 < len(before) < 60
    with cluster(variables, tmp_path / "dask") as processes:
        code, shown = run(variables, *arguments[:-3], processes.address, *arguments[-2:])
    assert code == 0 and len(made(out)) == 60, shown
    assert before.items() <= {file.name: file.stat().st_mtime_ns for file in out.glob("*.png")}.items()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["_submit_more", "_take"])
def test_a_scheduler_may_be_lost_at_any_moment(variables, tmp_path, capsys, monkeypatch, moment):
    """Also while Dask is asked for something, which then raises an error of the connection."""
    pictures, out = library(tmp_path / "pictures", 60), tmp_path / "out"
    with cluster(variables, tmp_path / "dask") as processes:
        original = getattr(dask_cluster._Run, moment)

        def lose_first(run, *arguments):
            processes.scheduler.kill()
            processes.scheduler.wait()
            original(run, *arguments)

        monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT_S", 10.0)
        monkeypatch.setattr(dask_cluster._Run, moment, lose_first)
        assert main([str(pictures), "--out", str(out), "--on", processes.address, "--engine", "luminance"]) == 1
    shown = "".join(capsys.readouterr())
    assert shown.count(dask_cluster.SCHEDULER_LOST) == 1 and "--existing skip" in shown


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_made_and_ends_all_that_was_started(variables, tmp_path):
    pictures, out = library(tmp_path / "pictures", 80, 500), tmp_path / "out"
    program = start(variables, pictures, "--out", out, "--on", "dask", "--jobs", "2")
    wait_until(lambda: len(made(out)) > 3, program)
    started = psutil.Process(program.pid).children(recursive=True)
    listening = [connection.laddr.ip for process in [psutil.Process(program.pid), *started]
                 for connection in process.net_connections("inet") if connection.status == psutil.CONN_LISTEN]
    assert listening and set(listening) == {"127.0.0.1"}
    os.killpg(program.pid, signal.SIGINT)
    shown, _ = program.communicate(timeout=120)
    assert program.returncode == 1 and "run it again with --existing skip" in shown and "Traceback" not in shown, shown
    for file in out.glob("*.png"):
        PIL.Image.open(file).load()
    counts = [int(line.split()[0]) for line in shown.splitlines() if "made, in" in line or "pictures not done" in line]
    assert sum(counts) == 80 and counts[0] == len(made(out))
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive


def test_a_process_keeps_its_worker_and_can_make_a_set_again(variables, tmp_path, monkeypatch):
    """So each loads its model once, and makes again what another one had made whose result was lost."""
    library(tmp_path / "pictures", 3)
    out = tmp_path / "out"
    options = batch_options(out, Settings(engine="LUMINANCE"), on="dask")
    inputs = find_pictures([tmp_path / "pictures"], False)
    launch = choose_launch(options.settings, user_paths(out), this_python(), 60.0)
    titles = tuple(item.title for item in items_of_files(inputs, options))
    job = dask_process.ClusterJob("first", tuple(inputs.pictures), titles, options, launch, None, ())
    monkeypatch.setattr(dask_process, "_process_number", lambda: 0)
    for name, value in {"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "3"}.items():
        monkeypatch.setenv(name, value)  # the first two as Dask's nanny sets them, the last one as a user might
    try:
        first = dask_process.make_sets(job, [0, 1])
        worker = dask_process._current._pool.clients[0].worker.pid
        given = psutil.Process(worker).environ()
        assert "MALLOC_TRIM_THRESHOLD_" not in given and "OMP_NUM_THREADS" not in given and given["MKL_NUM_THREADS"] == "3"
        again = dask_process.make_sets(job, [1, 2])
        assert dask_process._current._pool.clients[0].worker.pid == worker
        assert [[record.outcome for record in each] for each in first.records + again.records] == [["made"]] * 4
        assert made(out) == {"00_normal.png", "01_normal.png", "02_normal.png"}
        dask_process.stop_run("first")
        stopped = dask_process.make_sets(job, [0])
        assert stopped.records == [None] and not stopped.lines
    finally:
        dask_process.end_run("first")
    assert dask_process._current is None


def profile_is_taken():
    import dask

    return dask.config.get("distributed.worker.profile.enabled")


def test_processes_on_this_machine_take_no_profile(variables, tmp_path):
    """They would look a hundred times a second at what they do, which takes time from the maps."""
    options = batch_options(tmp_path / "out", Settings(engine="LUMINANCE"), on="dask", jobs=1)
    launch = choose_launch(options.settings, user_paths(tmp_path / "out"), this_python(), 60.0)
    with dask_cluster._connected(options, launch) as (client, _):
        assert list(client.run(profile_is_taken).values()) == [False]
    assert profile_is_taken()  # of this process nothing has changed


def test_the_fewer_are_left_the_fewer_are_shared_out_at_a_time(tmp_path):
    library(tmp_path, 100)
    for tile in (1001, 1002, 1003):
        save(tmp_path / f"wall.{tile}.png")
    options = batch_options(tmp_path / "out", Settings(), sets="UDIM")
    sets = find_sets(items_of_files(find_pictures([tmp_path], False), options), "UDIM")
    shares = dask_cluster.Shares(sets)
    taken = [shares.take(2)]
    shares.learn(2, 1.0)
    while numbers := shares.take(2):
        taken.append(numbers)
    assert [number for numbers in taken for number in numbers] == list(range(101))
    sizes = [len(numbers) for numbers in taken]
    assert sizes[:2] == [2, 20] and sizes[-2:] == [1, 1] and sizes[1:] == sorted(sizes[1:], reverse=True)
    shares.learn(1, 1000.0)
    assert not shares.take(2)


def test_what_is_no_cluster_is_said(tmp_path, capsys, monkeypatch):
    for wrong in ("ray", "dask://", "dask://host", "tcp://host:1", "dask://host:1/x"):
        with pytest.raises(SettingsError, match="dask://HOST:PORT"):
            batch_options(tmp_path, Settings(), on=wrong)
    with pytest.raises(SettingsError, match="leave out --shard, --items and --on"):
        batch_options(tmp_path, Settings(), on="dask", existing="NUMBER")
    with pytest.raises(SettingsError, match="leave out --on"):
        batch_options(tmp_path, Settings(), on="dask", review=tmp_path / "review.html")
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT_S", 0.5)
    library(tmp_path / "pictures", 1)
    arguments = [str(tmp_path / "pictures"), "--out", str(tmp_path / "out"), "--engine", "luminance"]
    assert main([*arguments, "--on", "dask://127.0.0.1:9"]) == 1
    assert "The Dask cluster tcp://127.0.0.1:9 cannot be used" in capsys.readouterr().err
    with distributed.LocalCluster(n_workers=0, **IN_THIS_PROCESS) as empty:
        assert main([*arguments, "--on", empty.scheduler_address.replace("tcp", "dask")]) == 1
        assert "0/1 workers arrived" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*arguments, "--on", "dask"]) == 3
    assert "pip install '.[farm]'" in capsys.readouterr().err


def test_each_machine_of_a_cluster_looks_for_its_engine_itself(variables, tmp_path, capsys, monkeypatch):
    library(tmp_path / "pictures", 2)
    arguments = [str(tmp_path / "pictures"), "--out", str(tmp_path / "out")]
    with distributed.LocalCluster(n_workers=1, **IN_THIS_PROCESS) as cluster:
        on = ["--on", cluster.scheduler_address.replace("tcp", "dask")]
        assert main([*arguments, *on, "--engine", "midas", "--weights", str(tmp_path / "none")]) == 3
        assert "is not installed" in capsys.readouterr().err and not made(tmp_path / "out")
        assert main([*arguments, *on, "--engine", "luminance"]) == 0 and len(made(tmp_path / "out")) == 2
        monkeypatch.setattr(dask_cluster, "program_version", lambda: "0.1")
        assert main([*arguments, *on, "--engine", "luminance"]) == 1
        assert "has 0.1, this one" in capsys.readouterr().err


def test_the_extra_has_the_versions_that_are_tested():
    folder = ROOT / "scripts" / "requirements"
    pins = [set((folder / name).read_text().splitlines()[1:]) for name in ("farm.txt", "tests.txt")]
    assert pins[0] <= pins[1] and len(pins[0]) == 2
