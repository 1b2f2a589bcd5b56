"""The real installation code with a tiny recipe, and once, slowly, with the real one."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_midas_normal.client.setup import environment as environment_module
from blender_midas_normal.client.setup.environment import (
    Environment,
    EnvironmentState,
    environment_status,
    free_space,
    read_marker,
    remove_environment,
    write_marker,
)
from blender_midas_normal.client.setup.install import (
    DownloadProgress,
    StepFailed,
    check,
    failure_hint,
    index_unreachable,
    install,
    midas_recipe,
)
from blender_midas_normal.core.errors import Cancelled, InstallError
from tests.client.installations import add_stray_file, make_recipe, run_python
from tests.client.processes import is_alive

ANY_SPACE = dataclasses.replace(midas_recipe(["midas"], "cpu"), space=0)
"""The real recipe, whatever is free on the drive."""



def test_a_first_installation_is_ready(first_installation, wheels, tmp_path):
    environment, _ = first_installation
    assert environment_status(environment, make_recipe(wheels, tmp_path).requirements).state is EnvironmentState.READY
    assert run_python(environment, "import midasprobe; print(midasprobe.VERSION)") == "1.0"
    assert read_marker(environment).installed == "version 1.0"
    assert not environment.lock.exists() and not environment.cache.exists()


def test_it_reports_each_of_its_steps_in_order(first_installation):
    steps = first_installation[1]
    numbers = [step.number for step in steps]
    assert numbers == sorted(numbers) and set(numbers) == {1, 2, 3, 4, 5, 6}
    assert all(step.of == 6 and step.title for step in steps)
    assert any("midasprobe==1.0" in step.detail for step in steps if step.number == 4)
    assert steps[-1].share == 1.0


def test_another_version_of_the_pins_needs_repair_and_is_repaired_in_place(environment, wheels, base, tmp_path):
    newer = make_recipe(wheels, tmp_path, "midasprobe==10.0")
    stays = add_stray_file(environment)
    assert environment_status(environment, newer.requirements).state is EnvironmentState.REPAIR_NEEDED
    install(environment, base, "registry", lambda step: None, recipe=newer)
    assert environment_status(environment, newer.requirements).state is EnvironmentState.READY
    assert run_python(environment, "import midasprobe; print(midasprobe.VERSION)") == "10.0"
    assert stays.exists()


@pytest.mark.slow
def test_another_build_is_made_anew(environment, wheels, base, tmp_path):
    stays = add_stray_file(environment)
    install(environment, base, "cpu", lambda step: None, recipe=make_recipe(wheels, tmp_path))
    assert read_marker(environment).backend == "cpu" and not stays.exists()


def test_a_broken_environment_is_made_anew(environment, wheels, base, tmp_path):
    tiny = make_recipe(wheels, tmp_path)
    environment.python.unlink()
    assert environment_status(environment, tiny.requirements).state is EnvironmentState.REPAIR_NEEDED
    install(environment, base, "registry", lambda step: None, recipe=tiny)
    assert environment_status(environment, tiny.requirements).state is EnvironmentState.READY
    assert run_python(environment, "import midasprobe; print(midasprobe.VERSION)") == "1.0"


@pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes")
def test_cancelling_ends_the_child_and_its_children_and_the_next_installation_resumes(environment, wheels, base, tmp_path):
    pids = tmp_path / "pids"
    sleeper = ("import os, subprocess, sys, time\n"
               "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
               f"open({str(pids)!r} + '~', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
               f"os.rename({str(pids)!r} + '~', {str(pids)!r})\n"
               "time.sleep(600)\n")
    started = time.monotonic()
    with pytest.raises(Cancelled, match="goes on from here"):
        install(environment, base, "registry", lambda step: None,
                make_recipe(wheels, tmp_path, check=sleeper), pids.exists)
    while any(is_alive(pid) for pid in map(int, pids.read_text().split())):  # one that was killed takes a moment to end
        time.sleep(0.01)
    assert time.monotonic() - started < 300
    tiny = make_recipe(wheels, tmp_path)
    assert environment_status(environment, tiny.requirements).state is EnvironmentState.INCOMPLETE
    stays = add_stray_file(environment)
    install(environment, base, "registry", lambda step: None, recipe=tiny)
    assert environment_status(environment, tiny.requirements).state is EnvironmentState.READY and stays.exists()


def test_a_requirement_that_does_not_exist_gives_a_sentence_a_hint_and_the_output(environment, wheels, base, tmp_path):
    wrong = make_recipe(wheels, tmp_path, "midasprobe==9.0")
    with pytest.raises(StepFailed, match=r"could not be installed.*no build for this Python") as caught:
        install(environment, base, "registry", lambda step: None, recipe=wrong)
    assert "midasprobe==9.0" in caught.value.output and "\n" not in str(caught.value)
    assert environment_status(environment, wrong.requirements).state is EnvironmentState.INCOMPLETE


def test_packages_that_do_not_work_together_are_not_called_ready(environment, wheels, base, tmp_path):
    bad = make_recipe(wheels, tmp_path, check="raise RuntimeError('operator torchvision::nms does not exist')")
    with pytest.raises(StepFailed, match="do not work together") as caught:
        install(environment, base, "registry", lambda step: None, recipe=bad)
    assert "torchvision::nms" in caught.value.output
    assert environment_status(environment, bad.requirements).state is EnvironmentState.REPAIR_NEEDED


@pytest.fixture
def requirements(wheels, tmp_path, monkeypatch):
    """A folder with requirements files of the parts, of tiny packages."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    for part, pin in (("midas", "midasprobe==1.0"), ("node", "torch==2.13.0")):
        (folder / f"{part}.txt").write_text(f"--no-index\n--find-links {wheels}\n{pin}\n")
    monkeypatch.setattr(environment_module, "REQUIREMENTS", folder)
    return folder


def test_a_part_is_added_and_what_was_ready_stays_so_where_that_fails(environment, base, requirements):
    def install_parts(*parts, check="print('It works.')"):
        recipe = dataclasses.replace(midas_recipe(parts, "registry"), check=check, space=0)
        install(environment, base, "registry", lambda step: None, recipe)

    install_parts("midas")
    assert environment_status(environment).parts == ("midas",)
    stays, pins = add_stray_file(environment), (requirements / "node.txt").read_text()
    (requirements / "node.txt").write_text(pins.replace("2.13.0", "9.9"))
    with pytest.raises(StepFailed, match="could not be installed"):
        install_parts("midas", "node")
    assert environment_status(environment).parts == ("midas",)
    (requirements / "node.txt").write_text(pins)
    with pytest.raises(StepFailed, match="do not work together"):
        install_parts("midas", "node", check="1 / 0")
    assert environment_status(environment).parts == ("midas",)
    install_parts("node", "midas")
    assert environment_status(environment).parts == ("midas", "node") and stays.exists()
    assert run_python(environment, "import torch; print(torch.VERSION)") == "2.13.0"


def test_an_environment_of_a_version_without_parts_has_both(environment, base, requirements):
    recipe = dataclasses.replace(midas_recipe(("midas", "node"), "registry"), check="print('It works.')", space=0)
    install(environment, base, "registry", lambda step: None, recipe)
    fields = json.loads(environment.marker.read_text())
    del fields["parts"]
    environment.marker.write_text(json.dumps(fields))
    assert environment_status(environment).parts == ("midas", "node")


@pytest.mark.slow
def test_packages_that_did_not_work_together_are_not_kept(environment, wheels, base, tmp_path):
    stays = add_stray_file(environment)
    write_marker(environment, dataclasses.replace(read_marker(environment), state="broken"))
    install(environment, base, "registry", lambda step: None, recipe=make_recipe(wheels, tmp_path))
    assert not stays.exists()


def test_a_folder_with_other_content_is_left_alone(wheels, base, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InstallError, match="left as it is"):
        install(Environment(tmp_path), base, "registry", lambda step: None, recipe=ANY_SPACE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_too_little_space_is_said_before_anything_is_written(base, tmp_path):
    with pytest.raises(InstallError, match=r"needs 1000000\.0 GB more"):
        install(Environment(tmp_path / "env"), base, "registry", lambda step: None,
                recipe=dataclasses.replace(ANY_SPACE, space=10**15))
    assert not (tmp_path / "env").exists()


def test_a_base_that_is_no_python_is_refused(tmp_path):
    with pytest.raises(InstallError, match="not a Python that runs"):
        install(Environment(tmp_path / "env"), tmp_path / "nothing", "registry", lambda step: None,
                recipe=ANY_SPACE)


@pytest.mark.parametrize("backend", ["", "cuda", "cpu --index-url x", "CPU"])
def test_an_unknown_build_is_refused(base, tmp_path, backend):
    with pytest.raises(InstallError, match="no build"):
        install(Environment(tmp_path / "env"), base, backend, lambda step: None, midas_recipe(["midas"], "cpu"))


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0,
                    reason="the administrator may write anywhere")
def test_a_folder_that_may_not_be_written_gives_a_hint(base, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InstallError, match="belongs to you"):
        install(Environment(tmp_path / "env"), base, "registry", lambda step: None, recipe=ANY_SPACE)


def test_a_file_in_the_place_of_the_folder_is_refused(base, tmp_path):
    (tmp_path / "env").write_text("mine")
    with pytest.raises(InstallError):
        install(Environment(tmp_path / "env"), base, "registry", lambda step: None, recipe=ANY_SPACE)
    assert (tmp_path / "env").read_text() == "mine"


def test_checking_runs_in_the_environment_and_refuses_one_that_is_not_ready(environment, wheels, tmp_path):
    tiny = make_recipe(wheels, tmp_path)
    assert check(environment, lambda step: None, recipe=tiny) == "version 1.0"
    with pytest.raises(StepFailed, match="do not work together"):
        check(environment, lambda step: None, recipe=dataclasses.replace(tiny, check="1 / 0"))
    remove_environment(environment)
    with pytest.raises(InstallError, match="not installed"):
        check(environment, lambda step: None, recipe=tiny)


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


@pytest.mark.slow
def test_the_real_environment_becomes_ready(base, tmp_path, monkeypatch):
    """Gigabytes, which it downloads or links from uv's own cache; skipped where the drive has too little space for them."""
    recipe = midas_recipe(["midas", "node"], "auto")
    uv = shutil.which("uv")
    if uv:
        cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        monkeypatch.setenv("UV_CACHE_DIR", cache)
    cache = os.environ.get("UV_CACHE_DIR")
    if cache and are_linked_from(Path(cache), tmp_path):
        recipe = dataclasses.replace(recipe, space=0)
    elif free_space(tmp_path) < recipe.space:
        pytest.skip(f"the real installation needs {recipe.space / 1e9:.1f} GB, but only {free_space(tmp_path) / 1e9:.1f} GB "
                    f"are free on the drive of {tmp_path}")
    environment = Environment(tmp_path / "env")
    try:
        install(environment, base, "auto", lambda step: None, recipe)
        assert environment_status(environment).state is EnvironmentState.READY
        program = "from controlnet_aux import MidasDetector; print(MidasDetector.__name__)"
        assert run_python(environment, program) == "MidasDetector"
    finally:
        shutil.rmtree(environment.folder, ignore_errors=True)


def are_linked_from(cache: Path, folder: Path) -> bool:
    """Tell whether uv links torch, nearly all of an installation, from a cache on the same drive: that takes no space."""
    torch = next(cache.glob("archive-v*/*/torch/version.py"), None)
    return torch is not None and torch.stat().st_dev == folder.stat().st_dev
