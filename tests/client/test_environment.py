"""The state of an environment's folder, and its removal; no process is started here."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.client.setup import environment as module
from blender_midas_normal.client.setup.environment import (
    Environment,
    EnvironmentState,
    Marker,
    environment_status,
    fingerprint,
    free_space,
    missing_packages,
    read_marker,
    remove_environment,
    size_on_disk,
    write_marker,
)
from blender_midas_normal.core.errors import InstallError

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")


@pytest.fixture
def pins(tmp_path) -> Path:
    path = tmp_path / "pins.txt"
    path.write_text("# why\none==1\ntwo==2\n")
    return path


@pytest.fixture
def made(tmp_path, pins) -> Environment:
    """A folder that looks like a complete environment."""
    made = Environment(tmp_path / "env")
    made.python.parent.mkdir(parents=True)
    made.python.write_text("")
    (made.folder / "lib").mkdir()
    (made.folder / "lib" / "module.py").write_text("x" * 1000)
    base = tmp_path / "python3"
    base.write_text("")
    write_marker(made, Marker(fingerprint([pins]), str(base), "3.12.1", "auto", "It works.", "complete"))
    return made


def test_a_complete_one_is_ready_and_says_with_what(made, pins):
    sentence = f"MiDaS is installed in {made.folder} (Python 3.12.1). It works."
    assert environment_status(made, [pins]) == module.EnvironmentStatus(EnvironmentState.READY, sentence, ("midas", "node"))


@pytest.mark.parametrize("there", [False, True])
def test_a_missing_or_empty_folder_is_absent(tmp_path, there):
    empty = Environment(tmp_path / "none")
    if there:
        empty.folder.mkdir()
    assert environment_status(empty).state is EnvironmentState.ABSENT


def test_another_folder_is_not_taken_for_an_environment(tmp_path):
    (tmp_path / "holiday.jpg").write_text("")
    status = environment_status(Environment(tmp_path))
    assert status.state is EnvironmentState.ABSENT and "holds something else" in status.sentence


def test_an_interrupted_one_is_incomplete(made, pins):
    write_marker(made, Marker(fingerprint([pins]), "/gone", "3.12.1", "auto"))
    assert environment_status(made, [pins]).state is EnvironmentState.INCOMPLETE


def break_base(made: Environment, pins: Path) -> None:
    Path(read_marker(made).base).unlink()


def break_python(made: Environment, pins: Path) -> None:
    made.python.unlink()


def break_pins(made: Environment, pins: Path) -> None:
    pins.write_text("one==1\ntwo==3\n")


def break_marker(made: Environment, pins: Path) -> None:
    made.marker.write_text('{"state": "complete"}')


def break_marker_types(made: Environment, pins: Path) -> None:
    made.marker.write_text(json.dumps(json.loads(made.marker.read_text()) | {"base": 7}))


def break_state(made: Environment, pins: Path) -> None:
    made.marker.write_text(made.marker.read_text().replace('"complete"', '"broken"'))


def upgrade_base(made: Environment, pins: Path) -> None:
    """As Debian and Homebrew do: python3 leads to another version from now on."""
    base = Path(read_marker(made).base)
    base.unlink()
    base.with_name("python3.13").write_text("")
    base.symlink_to("python3.13")


@pytest.mark.parametrize("damage, reason", [
    (break_base, "made from"), (break_python, "own Python"), (break_pins, "other packages"), (break_marker, "record"),
    pytest.param(upgrade_base, "another version now than Python 3.12.1", marks=needs_links),
    (break_marker_types, "record"), (break_state, "do not work together")])
def test_what_was_damaged_needs_repair_and_says_why(made, pins, damage, reason):
    damage(made, pins)
    status = environment_status(made, [pins])
    assert status.state is EnvironmentState.REPAIR_NEEDED and reason in status.sentence


@needs_links
def test_an_upgrade_within_a_minor_version_harms_nothing(made, pins):
    base = Path(read_marker(made).base)
    base.unlink()
    base.with_name("python3.12").write_text("")
    base.symlink_to("python3.12")
    assert environment_status(made, [pins]).state is EnvironmentState.READY


def test_comments_and_order_do_not_ask_for_another_installation(made, pins):
    pins.write_text("two==2\n# other words\n\none==1\n")
    assert environment_status(made, [pins]).state is EnvironmentState.READY


def test_looking_starts_no_process(made, pins, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert environment_status(made, [pins]).state is EnvironmentState.READY


def test_removing_takes_the_folder_away(made):
    remove_environment(made)
    assert not made.folder.exists()
    remove_environment(made)


def test_removing_keeps_what_the_user_put_there(made):
    (made.folder / "my weights.pt").write_text("mine")
    remove_environment(made)
    assert [path.name for path in made.folder.iterdir()] == ["my weights.pt"]


def test_removing_a_folder_that_is_not_ours_is_refused(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "thesis.txt").write_text("mine")
    with pytest.raises(InstallError, match="left as it is"):
        remove_environment(Environment(tmp_path))
    assert (tmp_path / "lib" / "thesis.txt").read_text() == "mine"


def test_a_file_that_cannot_be_removed_is_said_so_and_the_rest_is_no_environment(made, pins, monkeypatch):
    """On Windows, while another program has it open."""
    unlink = os.unlink

    def refuse(path, *arguments, **options):
        if Path(path).name == "module.py":
            raise PermissionError(13, "Access is denied")
        unlink(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(InstallError, match=r"Access is denied.*try again"):
            remove_environment(made)
    assert environment_status(made, [pins]).state is EnvironmentState.REPAIR_NEEDED
    assert (made.folder / "lib" / "module.py").exists()
    remove_environment(made)
    assert not made.folder.exists()


@needs_links
def test_removing_does_not_follow_links(made, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    (made.folder / "lib64").symlink_to(outside, target_is_directory=True)
    remove_environment(made)
    assert (outside / "kept").exists() and not made.folder.exists()


def test_removing_waits_for_nobody_but_refuses_while_another_works_there(made):
    program = HOLD.format(root=str(Path(module.__file__).parents[2]), lock=str(made.lock))
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(InstallError, match=f"number {holder.pid}"):
            remove_environment(made)
        assert made.python.exists()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert made.lock.exists()
    remove_environment(made)  # the lock of a dead process is taken over
    assert not made.folder.exists()


HOLD = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.core.errors import InstallError
with file_lock(Path({lock!r}), InstallError):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_leaves_nothing_behind_and_can_be_taken_again(tmp_path):
    for _ in range(2):
        with file_lock(tmp_path / "lock", InstallError):
            assert (tmp_path / "lock").read_text() == str(os.getpid())
        assert not (tmp_path / "lock").exists()


def test_a_lock_is_not_mistaken_for_content(tmp_path):
    with file_lock(Environment(tmp_path).lock, InstallError):
        assert module.is_vacant(Environment(tmp_path))


def test_sizes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 1000)
    os.link(tmp_path / "a" / "one", tmp_path / "a" / "same")
    (tmp_path / "two").write_bytes(b"x" * 10)
    assert size_on_disk(tmp_path) == 1010
    assert size_on_disk(tmp_path / "missing") == 0
    assert free_space(tmp_path / "missing" / "deep") > 0


def test_a_package_is_missing_where_it_is_not_installed_or_in_another_version(tmp_path):
    version = importlib.metadata.version("pytest")
    (tmp_path / "pins.txt").write_text(f"# tests\npytest=={version}\nnumpy==0.0.1; python_version < '3'\nno-such-thing==1\n"
                                       f"hypothesis==0.1\nhypothesis=={importlib.metadata.version('hypothesis')}\n")
    assert missing_packages([tmp_path / "pins.txt"]) == ["no-such-thing", "numpy"]
