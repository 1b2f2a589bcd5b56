"""The real installation code with a tiny recipe, and once, slowly, with the real one."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from blender_midas_normal.client import child_process
from blender_midas_normal.client.launch import choose_torch_build, compute_capabilities
from blender_midas_normal.client.setup import interpreters
from blender_midas_normal.client.setup.environment import (
    Environment,
    EnvironmentState,
    environment_status,
    read_marker,
    remove_environment,
    write_marker,
)
from blender_midas_normal.client.setup.install import (
    CHECK_PROGRAM,
    DownloadProgress,
    Installation,
    InstallRecipe,
    StepFailed,
    check,
    failure_hint,
    index_unreachable,
    install,
)
from blender_midas_normal.core.errors import Cancelled, InstallError

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes, or for a shell")


def wheel(folder: Path, name: str, version: str) -> None:
    """A wheel with one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": f"VERSION = {version!r}\n",
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder of wheels, an index of its own."""
    folder = tmp_path_factory.mktemp("shop")
    wheel(folder, "midasprobe", "1.0")
    wheel(folder, "midasprobe", "10.0")  # longer: Python takes a module of the same size and second for the compiled one
    wheel(folder, "torch", "2.13.0")
    return folder


def recipe(shop: Path, tmp_path: Path, pin: str = "midasprobe==1.0",
           check: str = "import midasprobe; print('version', midasprobe.VERSION)") -> InstallRecipe:
    path = tmp_path / "requirements.txt"
    path.write_text(f"--no-index\n--find-links {shop}\n{pin}\n")
    return InstallRecipe(path, check=check, space=10**8)


@pytest.fixture(scope="module")
def base() -> Path:
    return interpreters.find_interpreter().path


@pytest.fixture(scope="module")
def first(shop, base, tmp_path_factory):
    """One environment made from nothing, and the steps that were reported; others are copies of it."""
    folder = tmp_path_factory.mktemp("first")
    made, steps = Environment(folder / "env"), []
    install(made, base, "registry", steps.append, recipe=recipe(shop, folder))
    return made, steps


@pytest.fixture
def made(first, tmp_path) -> Environment:
    shutil.copytree(first[0].folder, tmp_path / "env", symlinks=True)
    return Environment(tmp_path / "env")


def python_says(made: Environment, program: str) -> str:
    return subprocess.run([made.python, "-I", "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def put_in_place(made: Environment) -> Path:
    """Something that only stays when the environment is not made anew."""
    path = Path(python_says(made, "import midasprobe; print(midasprobe.__file__)")).with_name("stays.txt")
    path.write_text("")
    return path


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return sys.platform != "linux"


def test_a_first_installation_is_ready(first, shop, tmp_path):
    made, _ = first
    assert environment_status(made, recipe(shop, tmp_path).requirements).state is EnvironmentState.READY
    assert python_says(made, "import midasprobe; print(midasprobe.VERSION)") == "1.0"
    assert read_marker(made).installed == "version 1.0"
    assert not made.lock.exists() and not made.cache.exists()


def test_it_reports_each_of_its_steps_in_order(first):
    steps = first[1]
    numbers = [step.number for step in steps]
    assert numbers == sorted(numbers) and set(numbers) == {1, 2, 3, 4, 5, 6}
    assert all(step.of == 6 and step.title for step in steps)
    assert any("midasprobe==1.0" in step.detail for step in steps if step.number == 4)
    assert steps[-1].share == 1.0


def test_another_version_of_the_pins_needs_repair_and_is_repaired_in_place(made, shop, base, tmp_path):
    newer = recipe(shop, tmp_path, "midasprobe==10.0")
    stays = put_in_place(made)
    assert environment_status(made, newer.requirements).state is EnvironmentState.REPAIR_NEEDED
    install(made, base, "registry", lambda step: None, recipe=newer)
    assert environment_status(made, newer.requirements).state is EnvironmentState.READY
    assert python_says(made, "import midasprobe; print(midasprobe.VERSION)") == "10.0"
    assert stays.exists()


@pytest.mark.slow
def test_another_build_is_made_anew(made, shop, base, tmp_path):
    stays = put_in_place(made)
    install(made, base, "cpu", lambda step: None, recipe=recipe(shop, tmp_path))
    assert read_marker(made).backend == "cpu" and not stays.exists()


def test_a_broken_environment_is_made_anew(made, shop, base, tmp_path):
    tiny = recipe(shop, tmp_path)
    made.python.unlink()
    assert environment_status(made, tiny.requirements).state is EnvironmentState.REPAIR_NEEDED
    install(made, base, "registry", lambda step: None, recipe=tiny)
    assert environment_status(made, tiny.requirements).state is EnvironmentState.READY
    assert python_says(made, "import midasprobe; print(midasprobe.VERSION)") == "1.0"


@pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes")
def test_cancelling_ends_the_child_and_its_children_and_the_next_installation_resumes(made, shop, base, tmp_path):
    pids = tmp_path / "pids"
    sleeper = ("import os, subprocess, sys, time\n"
               "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
               f"open({str(pids)!r} + '~', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
               f"os.rename({str(pids)!r} + '~', {str(pids)!r})\n"
               "time.sleep(600)\n")
    started = time.monotonic()
    with pytest.raises(Cancelled, match="goes on from here"):
        install(made, base, "registry", lambda step: None, pids.exists, recipe(shop, tmp_path, check=sleeper))
    while any(alive(pid) for pid in map(int, pids.read_text().split())):  # one that was killed takes a moment to end
        time.sleep(0.01)
    assert time.monotonic() - started < 300
    tiny = recipe(shop, tmp_path)
    assert environment_status(made, tiny.requirements).state is EnvironmentState.INCOMPLETE
    stays = put_in_place(made)
    install(made, base, "registry", lambda step: None, recipe=tiny)
    assert environment_status(made, tiny.requirements).state is EnvironmentState.READY and stays.exists()


def test_a_requirement_that_does_not_exist_gives_a_sentence_a_hint_and_the_output(made, shop, base, tmp_path):
    wrong = recipe(shop, tmp_path, "midasprobe==9.0")
    with pytest.raises(StepFailed, match=r"could not be installed.*no build for this Python") as caught:
        install(made, base, "registry", lambda step: None, recipe=wrong)
    assert "midasprobe==9.0" in caught.value.output and "\n" not in str(caught.value)
    assert environment_status(made, wrong.requirements).state is EnvironmentState.INCOMPLETE


def test_packages_that_do_not_work_together_are_not_called_ready(made, shop, base, tmp_path):
    bad = recipe(shop, tmp_path, check="raise RuntimeError('operator torchvision::nms does not exist')")
    with pytest.raises(StepFailed, match="do not work together") as caught:
        install(made, base, "registry", lambda step: None, recipe=bad)
    assert "torchvision::nms" in caught.value.output
    assert environment_status(made, bad.requirements).state is EnvironmentState.REPAIR_NEEDED


@pytest.mark.slow
def test_packages_that_did_not_work_together_are_not_kept(made, shop, base, tmp_path):
    stays = put_in_place(made)
    write_marker(made, dataclasses.replace(read_marker(made), state="broken"))
    install(made, base, "registry", lambda step: None, recipe=recipe(shop, tmp_path))
    assert not stays.exists()


def test_auto_falls_back_to_the_package_index_and_says_so(made, shop, tmp_path, monkeypatch):
    tiny, steps, asked = recipe(shop, tmp_path, "torch==2.13.0"), [], []
    local = tiny.requirements.read_text()
    plain = Installation.uv

    def uv(work: Installation, backend: str) -> child_process.CompletedProcess:
        """PyTorch's own index, and only that, is out of reach."""
        asked.append(backend)
        tiny.requirements.write_text(local if backend == "registry" else local.replace("--no-index", ""))
        return plain(work, backend)

    monkeypatch.setattr(Installation, "uv", uv)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    notes = Installation(made, tiny, steps.append, lambda: False).install_packages("auto", allow_other_index=True)
    assert asked == ["auto", "registry"]
    assert len(notes) == 1 and "index cannot be reached" in notes[0]
    assert notes[0] in [step.detail for step in steps]
    assert python_says(made, "import torch; print(torch.VERSION)") == "2.13.0"


@posix
@pytest.mark.parametrize(("backend", "cards", "build"), [
    ("auto", ["6.1"], "cu126"), ("auto", ["7.0", "7.0"], "cu126"), ("registry", ["5.2"], "cu126"), ("auto", ["7.5"], "auto"),
    ("registry", ["8.9"], "registry"), ("auto", ["6.1", "12.0"], "auto"), ("auto", ["3.5"], "auto"), ("auto", [], "auto"),
    ("auto", ["[N/A]"], "auto"), ("cu130", ["6.1"], "cu130"), ("cpu", ["6.1"], "cpu"),
])
def test_old_graphics_cards_get_the_build_that_has_kernels_for_them(nvidia, backend, cards, build):
    nvidia(*cards)
    assert choose_torch_build(backend) == build


@pytest.fixture
def nvidia(tmp_path, monkeypatch):
    """nvidia("6.1"): a driver's program that knows cards of these compute capabilities."""
    def have(*capabilities: str) -> None:
        folder = tmp_path / "driver"
        folder.mkdir()
        (folder / "nvidia-smi").write_text("#!/bin/sh\n[ \"$1\" = --query-gpu=compute_cap ] || exit 2\n"
                                           + "".join(f"echo {capability}\n" for capability in capabilities))
        (folder / "nvidia-smi").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return have


def test_without_nvidias_program_the_choice_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compute_capabilities() == [] and choose_torch_build("auto") == "auto"


@posix
@pytest.mark.parametrize("backend", ["auto", "registry"])
def test_an_installation_for_an_old_card_takes_that_build_and_makes_another_one_anew(made, shop, base, tmp_path, nvidia,
                                                                                     monkeypatch, backend):
    """The index is the folder, since PyTorch's own is out of reach; what is asked of uv is what counts."""
    nvidia("6.1")
    stays, asked, plain = put_in_place(made), [], Installation.uv
    monkeypatch.setattr(Installation, "uv", lambda work, build: asked.append(build) or plain(work, "registry"))
    install(made, base, backend, lambda step: None, recipe=recipe(shop, tmp_path))
    assert asked == ["cu126"] and read_marker(made).backend == "cu126" and not stays.exists()


def test_where_that_build_cannot_be_had_the_other_one_is_said_to_know_no_such_card(made, shop, tmp_path, monkeypatch):
    tiny = recipe(shop, tmp_path)
    unreachable = child_process.CompletedProcess(2, "error: Failed to fetch: `https://download.pytorch.org/whl/cu126/torch/`")
    monkeypatch.setattr(Installation, "uv", lambda work, build: unreachable if build ==
                        "cu126" else child_process.CompletedProcess(0, ""))
    notes = Installation(made, tiny, lambda step: None, lambda: False).install_packages("cu126", allow_other_index=True)
    assert "does not know this graphics card" in " ".join(notes)


FAKE_CARD = """
import torch
ones, torch.cuda.is_available, torch.cuda.device_count = torch.ones, lambda: True, lambda: 1
torch.cuda.get_device_name, torch.cuda.mem_get_info = lambda: "Some GPU", lambda: (1 << 30, 2 << 30)
torch.cuda.memory_reserved = torch.cuda.memory_allocated = lambda: 0
def fake(shape, device):
    if {works}:
        return ones(shape)
    raise torch.AcceleratorError("CUDA error: no kernel image is available for execution on the device")
torch.ones = fake
"""
"""A card for which the CPU works, or which torch's build has no kernels for."""


@pytest.mark.midas
@pytest.mark.parametrize(("fake", "news"), [
    ("", r"work together, on cpu\.$"), (FAKE_CARD.format(works=True), r"work together, on cuda \(Some GPU\)\.$"),
    (FAKE_CARD.format(works=False), r"work together, on cpu\. The device cuda cannot be used \(CUDA error: no kernel image"),
])
def test_a_device_is_named_only_when_a_kernel_ran_there(midas_python, fake, news):
    ended = subprocess.run([midas_python, "-I", "-c", fake + CHECK_PROGRAM], capture_output=True, text=True, check=True)
    assert re.search(news, ended.stdout.strip()) and len(ended.stdout.splitlines()) == 1


def test_a_build_that_was_asked_for_by_name_is_not_replaced(made, shop, tmp_path, monkeypatch):
    tiny = recipe(shop, tmp_path, "torch==2.13.0")
    tiny.requirements.write_text("torch==2.13.0\n")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    asked = []
    plain = Installation.uv
    monkeypatch.setattr(Installation, "uv", lambda work, backend: asked.append(backend) or plain(work, backend))
    with pytest.raises(StepFailed, match="cannot be reached"):
        Installation(made, tiny, lambda step: None, lambda: False).install_packages("cpu", allow_other_index=False)
    assert asked == ["cpu"]


def test_a_folder_with_other_content_is_left_alone(shop, base, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InstallError, match="left as it is"):
        install(Environment(tmp_path), base, "registry", lambda step: None, recipe=InstallRecipe(space=0))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_too_little_space_is_said_before_anything_is_written(base, tmp_path):
    with pytest.raises(InstallError, match=r"needs 1000000\.0 GB more"):
        install(Environment(tmp_path / "env"), base, "registry", lambda step: None, recipe=InstallRecipe(space=10**15))
    assert not (tmp_path / "env").exists()


def test_a_base_that_is_no_python_is_refused(tmp_path):
    with pytest.raises(InstallError, match="not a Python that runs"):
        install(Environment(tmp_path / "env"), tmp_path / "nothing", "registry", lambda step: None,
                recipe=InstallRecipe(space=0))


@pytest.mark.parametrize("backend", ["", "cuda", "cpu --index-url x", "CPU"])
def test_an_unknown_build_is_refused(base, tmp_path, backend):
    with pytest.raises(InstallError, match="no build"):
        install(Environment(tmp_path / "env"), base, backend, lambda step: None)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0,
                    reason="the administrator may write anywhere")
def test_a_folder_that_may_not_be_written_gives_a_hint(base, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InstallError, match="belongs to you"):
        install(Environment(tmp_path / "env"), base, "registry", lambda step: None, recipe=InstallRecipe(space=0))


def test_a_file_in_the_place_of_the_folder_is_refused(base, tmp_path):
    (tmp_path / "env").write_text("mine")
    with pytest.raises(InstallError):
        install(Environment(tmp_path / "env"), base, "registry", lambda step: None, recipe=InstallRecipe(space=0))
    assert (tmp_path / "env").read_text() == "mine"


def test_checking_runs_in_the_environment_and_refuses_one_that_is_not_ready(made, shop, tmp_path):
    tiny = recipe(shop, tmp_path)
    assert check(made, lambda step: None, recipe=tiny) == "version 1.0"
    with pytest.raises(StepFailed, match="do not work together"):
        check(made, lambda step: None, recipe=dataclasses.replace(tiny, check="1 / 0"))
    remove_environment(made)
    with pytest.raises(InstallError, match="not installed"):
        check(made, lambda step: None, recipe=tiny)


@pytest.mark.parametrize("output, advice", [
    ("OSError: [Errno 28] No space left on device", "free some space"),
    ("cause: dns error\ncause: failed to lookup address information", "HTTPS_PROXY"),
    ("NewConnectionError(...): refused\nERROR: No matching distribution found for uv", "HTTPS_PROXY"),
    ("ERROR: Could not find a version that satisfies the requirement uv==0.9.1 (from versions: none)\n"
     "ERROR: No matching distribution found for uv==0.9.1", "HTTPS_PROXY"),
    ("ERROR: Could not find a version that satisfies the requirement uv==9 (from versions: 0.1)\n"
     "ERROR: No matching distribution found for uv==9", "3.10 to 3.13"),
    ("cause: invalid peer certificate: UnknownIssuer", "UV_SYSTEM_CERTS"),
    ("cause: Because there is no version of six==99: No solution found when resolving", "no build for this Python"),
    ("PermissionError: [Errno 13] Permission denied: '/opt'", "belongs to you"),
    ("The virtual environment was not created successfully because ensurepip is not available.", "python3-venv"),
    ("OSError: [WinError 206] The filename or extension is too long", "long paths"),
    ("something nobody has seen", "last lines of its output"),
])
def test_known_failures_get_advice(output, advice):
    assert advice in failure_hint(output)


def test_only_an_index_out_of_reach_counts_as_such():
    assert index_unreachable("error: Request failed after 3 retries\n cause: error sending request for url")
    assert not index_unreachable("No solution found when resolving dependencies")


def test_downloads_are_followed_by_size_and_never_go_back():
    downloads = DownloadProgress()
    lines = ["Resolved 3 packages", "Downloading a (3.0MiB)", "Downloading b (1.0GiB)", " Downloaded a", " Downloaded b",
             "Downloading c (1.0GiB)", "Prepared 3 packages"]
    news, shares = zip(*(downloads.update(line) for line in lines), strict=True)
    assert shares[:3] == (None, 0.0, 0.0)
    assert shares[3] == pytest.approx(3 / 1003) and shares[4:] == (1.0, 1.0, 1.0)
    assert news[0] == "Resolved 3 packages" and re.fullmatch(r"Downloaded b, 1003 of 1003 MB, [\d.]+ MB/s", news[4])


def test_a_child_gets_no_variables_of_another_python(monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_TORCH_BACKEND", "PIP_USER"):
        monkeypatch.setenv(name, "/somewhere")
    monkeypatch.setenv("UV_CACHE_DIR", "/mine")
    names = child_process.clean_environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_TORCH_BACKEND", "PIP_USER"} & set(names)
    assert names["UV_CACHE_DIR"] == "/mine" and "PATH" in names


def test_a_childs_output_comes_line_by_line_whatever_ends_them():
    seen = []
    program = r"import os; os.write(1, b'one\rtwo\r\n\n'); os.write(2, b'\xff last'); raise SystemExit(3)"
    ended = child_process.run_process([sys.executable, "-I", "-c", program], seen.append)
    assert seen == ["one", "two", "� last"] and ended == child_process.CompletedProcess(3, "one\ntwo\n� last")


def test_only_the_end_of_a_long_output_is_kept():
    ended = child_process.run_process([sys.executable, "-I", "-c", "for i in range(100_000): print(i)"])
    assert ended.tail.split("\n") == [str(i) for i in range(100_000 - child_process.TAIL_LINES, 100_000)]


@posix
@pytest.mark.parametrize("limit", ["cancelled", "seconds"])
def test_a_child_that_closes_its_output_and_lives_on_is_still_given_up(limit):
    command = ["/bin/sh", "-c", "exec >&- 2>&-; exec sleep 30"]
    started = time.monotonic()
    if limit == "cancelled":
        with pytest.raises(Cancelled):
            child_process.run_process(command, cancelled=lambda: time.monotonic() > started + 0.5)
    else:
        with pytest.raises(TimeoutError):
            child_process.run_process(command, seconds=0.5)
    assert time.monotonic() - started < 10


@posix
def test_a_child_that_nothing_can_end_is_not_waited_for(monkeypatch):
    """As one that waits for a driver that does not answer, for which signals that do not arrive stand."""
    child = child_process.start_process([sys.executable, "-c", "import time; time.sleep(60)"])
    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(child_process.os, "killpg", lambda group, number: None)
        child_process.terminate_process(child)
    assert child.poll() is None and time.monotonic() - started < 3 * child_process.TERMINATE_TIMEOUT_S
    child_process.terminate_process(child)
    child.stdout.close()
    assert child.poll() is not None


BLOCKED = """
import importlib, pkgutil, runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocker())
package = runpy.run_path({loader!r})["load_package"]()
for name in {names!r} or [m.name.removeprefix(package + ".client.") for m in pkgutil.walk_packages(
        importlib.import_module(package + ".client").__path__, package + ".client.")]:
    importlib.import_module(package + ".client." + name)
    print(name)
"""
MINE = ["child_process", "locks", "setup", "setup.commands", "setup.environment", "setup.install", "setup.interpreters",
        "setup.main", "setup.process", "setup.weights"]


@pytest.mark.parametrize("blocked, names", [(("bpy", "torch"), []), (("bpy", "torch", "numpy"), MINE)])
def test_the_client_imports_without_bpy_and_these_rooms_without_numpy(blocked, names):
    program = BLOCKED.format(blocked=blocked, names=names, loader=str(ROOT / "blender_midas_normal" / "standalone.py"))
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(MINE) <= set(done.stdout.split())


@pytest.mark.slow
def test_the_real_environment_becomes_ready(base, tmp_path, monkeypatch):
    """Gigabytes: downloads unless uv's own cache on this computer has the packages."""
    uv = shutil.which("uv")
    if uv:
        cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        monkeypatch.setenv("UV_CACHE_DIR", cache)
    made = Environment(tmp_path / "env")
    try:
        install(made, base, "auto", lambda step: None)
        assert environment_status(made).state is EnvironmentState.READY
        program = "from controlnet_aux import MidasDetector; print(MidasDetector.__name__)"
        assert python_says(made, program) == "MidasDetector"
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)
