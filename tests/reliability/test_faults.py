"""Full disks, closed and read-only folders, half an environment, several programs at one folder."""

from __future__ import annotations

import ast
import dataclasses
import os
import platform
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.launch import HostPython, Paths, choose_launch
from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.client.setup import interpreters
from blender_midas_normal.client.setup.environment import (
    Environment,
    EnvironmentState,
    Marker,
    environment_status,
    fingerprint,
    remove_environment,
    write_marker,
)
from blender_midas_normal.client.setup.install import install, midas_recipe
from blender_midas_normal.client.setup.weights import download
from blender_midas_normal.core.engines import needed_weights
from blender_midas_normal.core.errors import (
    EngineError,
    EngineUnavailable,
    InstallError,
    MidasNormalError,
    TargetError,
    WeightsError,
    WorkerError,
)
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.memory import TOO_LITTLE_MEMORY
from tests.conftest import ROOT, fill
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels

if sys.platform == "linux":
    import resource

pytestmark = [pytest.mark.reliability, pytest.mark.slow]

NOBODY = 65534
"""Number of the user who owns nothing."""


@pytest.fixture
def closed(tmp_path):
    """closed(folder) makes a folder that this process may not look into; it gives up the rights of root, who may."""
    if not hasattr(os, "geteuid"):
        pytest.skip("there are no users to change to")
    root = os.geteuid()

    def close(folder: Path) -> Path:
        folder.mkdir()
        (folder / ".version").write_text("{}")
        for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            above.chmod(0o755)
        folder.chmod(0)
        if root == 0:
            os.seteuid(NOBODY)
        return folder

    yield close
    os.seteuid(root)


def ask(client, folder, side, **fields):
    client.prepare(launch(folder, **fields))
    return client.submit(Request(LUMINANCE.to_dict(), pixels=write_pixels(client.new_file(), noise(side, side))))


def test_a_full_disk_is_said_to_be_full_and_the_next_map_is_made_when_it_is_not(tmp_path, disk, monkeypatch):
    folder = disk("size=4m")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    client = Client()
    try:
        first = client.wait(ask(client, tmp_path, 300), 20)  # 1.4 MB of pixels, then 0.5 MB of a map
        with client.open_result_files(first):
            pass
        everything = fill(folder)
        with pytest.raises(TargetError, match=r"cannot be handed over in .*No space left"):
            client.wait(client.submit(Request(LUMINANCE.to_dict(), surface=first.surface)), 20)
        assert not list(client.worker.folder.iterdir())
        everything.unlink()
        with client.open_result_files(client.wait(ask(client, tmp_path, 300), 20)) as files:
            assert len(files.png) > 500_000
    finally:
        client.close()
    assert not list(folder.iterdir())


def test_no_room_for_the_exchange_folder_or_the_log_is_one_sentence(tmp_path, disk, monkeypatch):
    folder = disk("size=1m,nr_inodes=2")
    (folder / "last").touch()
    with pytest.raises(WorkerError, match=r"log .*No space left"):
        Client().prepare(launch(tmp_path, log=folder / "worker.log"))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(WorkerError, match="no folder for its pictures: No space left"):
        Client().prepare(launch(tmp_path))


def test_a_log_that_finds_no_room_stops_no_worker(tmp_path, disk):
    log = disk("size=64k") / "worker.log"
    client = Client()
    try:
        client.wait(ask(client, tmp_path, 8, log=log), 20)
        fill(log.parent)
        worker = client.worker
        for _ in range(3):
            pixels = {"file": "never_written", "width": 2, "height": 2, "encoding": "BYTE"}
            with pytest.raises(EngineError, match="FileNotFoundError"):
                client.wait(client.submit(Request(LUMINANCE.to_dict(), pixels=pixels)), 20)
        client.wait(ask(client, tmp_path, 8, log=log), 20)
        assert client.worker is worker
    finally:
        client.close()


@pytest.mark.parametrize(("options", "report", "code", "text"), [
    ("size=256k", True, 1, "No space left"), ("size=256k,ro", False, 1, "Read-only file system"),
    ("size=256k,ro", True, 2, "Read-only file system"),  # a report's place is tried before any map is made
])
def test_maps_that_cannot_be_written_are_said_so_and_leave_no_half(tmp_path, disk, options, report, code, text):
    photo = tmp_path / "photo.png"
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)).save(photo)
    out = disk(options)
    command = [sys.executable, ROOT / "scripts" / "normal_map.py", photo, "--engine", "luminance", "--out", out,
               *(["--json", out / "report.json"] if report else [])]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == code and text in ended.stderr and "Traceback" not in ended.stderr
    assert not [path for path in out.iterdir() if path.name != "report.json"]


@pytest.mark.parametrize("size", ["64k", "4m", "12m"])
def test_an_environment_that_finds_no_room_is_said_so_and_not_called_ready(disk, size):
    """Where less is free than was looked for: others write too."""
    environment = Environment(disk(f"size={size}") / "env")
    with pytest.raises(InstallError, match="The drive is full: free some space"):
        install(environment, interpreters.find_interpreter().path, "registry", lambda step: None,
                recipe=dataclasses.replace(midas_recipe(["midas"], "cpu"), space=0))
    assert environment_status(environment).state is EnvironmentState.INCOMPLETE
    remove_environment(environment)
    assert not environment.folder.exists()


def test_folders_that_are_closed_to_this_user_are_no_environment_and_no_weights(tmp_path, closed):
    """Neither raises what is no sentence: a panel asks each time that it is drawn."""
    folder = closed(tmp_path / "closed")
    places = Paths(Environment(folder), folder, tmp_path / "worker.log")
    assert environment_status(places.environment).state is EnvironmentState.ABSENT
    assert choose_launch(Settings(), places, HostPython("python"), 1.0).without_midas
    with pytest.raises(EngineUnavailable):
        choose_launch(Settings(engine="MIDAS"), places, HostPython("python"), 1.0)
    with pytest.raises(WeightsError):
        download(folder, needed_weights("MIDAS", ""), lambda step: None, lambda: False, online=True)


def made_environment(folder: Path, pins: Path) -> Environment:
    """A folder that looks like a complete environment."""
    made = Environment(folder / "env")
    for name in ("bin/python", "pyvenv.cfg", "lib/site-packages/torch/__init__.py", "lib/site-packages/x.py"):
        path = made.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    write_marker(made, Marker(fingerprint([pins]), sys.executable, platform.python_version(), "auto", "", "complete"))
    return made


def test_whatever_is_deleted_of_an_environment_its_state_is_told_and_never_wrong(tmp_path, amount):
    pins = tmp_path / "pins.txt"
    pins.write_text("one==1\n")
    names = sorted(str(path.relative_to(tmp_path)) for path in made_environment(tmp_path, pins).folder.rglob("*"))

    @seed(1)
    @settings(max_examples=amount(500, 50), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sets(st.sampled_from(names)), st.none() | st.binary(max_size=50) | st.just(b"[" * 100_000))
    def check(deleted: set[str], marker: bytes | None) -> None:
        shutil.rmtree(tmp_path / "env", ignore_errors=True)
        environment = made_environment(tmp_path, pins)
        for name in deleted:
            path = tmp_path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if marker is not None:
            environment.marker.write_bytes(marker)
        whole = environment.marker.exists() and environment.python.exists() and marker is None
        assert (environment_status(environment, [pins]).state is EnvironmentState.READY) == whole

    check()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_in_the_place_of_a_lock_or_a_part_is_not_followed(tmp_path):
    """Who may write into a shared folder must not be able to empty somebody's files through it."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "lock").symlink_to(precious)
    with pytest.raises(OSError), file_lock(tmp_path / "lock", InstallError):
        pass
    assert precious.read_text() == "precious"


COUNT = """
import sys, time
from pathlib import Path
from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.core.errors import InstallError
folder, times = Path(sys.argv[1]), int(sys.argv[2])
while times:
    try:
        with file_lock(folder / "lock", InstallError):
            number = int((folder / "number").read_text())
            time.sleep(0.0005)
            (folder / "number").write_text(str(number + 1))
        times -= 1
    except InstallError:
        time.sleep(0.001)
"""


def test_of_several_programs_at_one_folder_one_works_at_a_time(tmp_path, amount):
    programs, times = 4, amount(200, 25)
    (tmp_path / "number").write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), str(times)]) for _ in range(programs)]
    assert [program.wait(120) for program in running] == [0] * programs
    assert (tmp_path / "number").read_text() == str(programs * times)
    assert not (tmp_path / "lock").exists()


def test_nothing_depends_on_the_time_of_day():
    """A clock that is set back, or forth, changes nothing: durations are measured by clocks that only go on."""
    for path in sorted((ROOT / "blender_midas_normal").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert "datetime" not in ast.unparse(node), path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time":
                assert node.attr in ("monotonic", "perf_counter", "sleep"), path


def test_a_worker_whose_exchange_folder_is_taken_away_is_no_harm(tmp_path, temporary):
    """By a program that cleans temporary folders."""
    client = Client()
    try:
        client.wait(ask(client, tmp_path, 8), 20)
        shutil.rmtree(client.worker.folder)
        with pytest.raises(WorkerError, match="cannot be handed over"):
            client.new_file()
        job = client.submit(Request(LUMINANCE.to_dict(), picture=str(ROOT / "docs" / "pictures" / "sheet.jpg")))
        with pytest.raises(MidasNormalError, match="cannot be handed over"):
            client.wait(job, 60)
    finally:
        client.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process limit another's memory")
@pytest.mark.parametrize("engine", ["LUMINANCE", "RELIEF"])
def test_a_worker_that_runs_out_of_memory_says_so_and_lives_on(tmp_path, engine, amount, figure):
    """Whichever allocation it is that fails: the picture's, the engine's, a thread's."""
    client, outcomes = Client(), Counter()
    settings = dataclasses.replace(LUMINANCE, engine=engine).to_dict()

    def made(side: int) -> str:
        client.prepare(launch(tmp_path))
        pixels = write_pixels(client.new_file(), noise(side, side))
        try:
            with client.open_result_files(client.wait(client.submit(Request(settings, pixels=pixels)), 20)):
                return "map"
        except EngineError as error:
            return str(error)

    try:
        made(8)
        worker = client.worker
        for more in np.linspace(1, 120, amount(120, 12)):
            pages = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[0])
            limit = int(pages * os.sysconf("SC_PAGE_SIZE") + more * (1 << 20))
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
            outcomes[made(1000)] += 1
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert made(8) == "map" and client.worker is worker
    finally:
        client.close()
    assert set(outcomes) == {"map", TOO_LITTLE_MEMORY}
    figure(f"{engine} with too little memory: {dict(outcomes)}")
