"""A base interpreter is found by running it, not by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_midas_normal.client.setup import interpreters
from blender_midas_normal.core.errors import InstallError

posix = pytest.mark.skipif(sys.platform == "win32", reason="stands in for programs with shell scripts")


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """A computer with nothing but what the test puts into bin/ and the pyenv folder."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(interpreters, "SEARCH_FOLDERS", ())
    return tmp_path


def test_the_one_found_really_runs_and_is_a_base_interpreter():
    interpreter = interpreters.find_interpreter()
    assert interpreter.version[0] == 3 and interpreter.version[1] in interpreters.MINOR_VERSIONS
    assert interpreters.probe_interpreter([str(interpreter.path)]) == interpreter


def test_an_environment_stands_for_the_interpreter_it_was_made_from(tmp_path):
    base = interpreters.find_interpreter()
    subprocess.run([base.path, "-I", "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    inner = tmp_path / "v" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    assert interpreters.find_interpreter(inner) == base


@posix
@pytest.mark.parametrize("script, reason", [("exit 127", "exit code 127"), ("echo hello", "exit code 0"),
                                            ("echo '[1, 2]'", "exit code 0")])
def test_a_choice_that_is_no_python_is_refused_in_one_sentence(tmp_path, script, reason):
    with pytest.raises(InstallError, match=reason) as caught:
        interpreters.find_interpreter(program(tmp_path / "python3.13", script))
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "folder", "text.txt"])
def test_a_choice_that_cannot_be_run_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("not a program")
    with pytest.raises(InstallError, match="is not a Python that runs"):
        interpreters.find_interpreter(tmp_path / name)


@posix
def test_a_version_without_builds_is_refused_by_name(tmp_path):
    script = """echo '["/x", [3, 9, 18], true, true]'"""
    with pytest.raises(InstallError, match=r"Python 3\.9\.18.*3\.10 to 3\.13"):
        interpreters.find_interpreter(program(tmp_path / "python3", script))


@posix
def test_a_python_without_ensurepip_names_the_package_to_install(tmp_path):
    with pytest.raises(InstallError, match="python3-venv"):
        interpreters.find_interpreter(program(tmp_path / "python3", """echo '["/x", [3, 12, 1], true, false]'"""))


@posix
def test_a_hanging_program_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "PROBE_TIMEOUT_S", 0.3)
    with pytest.raises(InstallError, match=r"0\.3 seconds"):
        interpreters.find_interpreter(program(tmp_path / "python3", "sleep 30"))


@posix
def test_a_shim_without_a_python_behind_it_is_passed_over(alone):
    program(alone / "bin/python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    program(alone / "pyenv/versions/3.13.9/bin/python3.13", """echo '["/old", [3, 13, 9], true, true]'""")
    program(alone / "pyenv/versions/3.13.10/bin/python3.13", """echo '["/new", [3, 13, 10], true, true]'""")
    program(alone / "pyenv/versions/3.13.11rc1/bin/python3.13", """echo '["/rc", [3, 13, 11], true, true]'""")
    assert interpreters.find_interpreter() == interpreters.Interpreter(Path("/new"), (3, 13, 10))


@posix
def test_a_python_further_down_the_path_is_found_behind_a_shim(alone, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join([str(alone / "bin"), str(alone / "more")]))
    program(alone / "bin/python3.12", "exit 127")
    program(alone / "more/python3.12", """echo '["/real", [3, 12, 4], true, true]'""")
    assert interpreters.find_interpreter().path == Path("/real")


@posix
def test_newer_versions_go_first_and_this_process_last(alone):
    program(alone / "bin/python3.10", "exit 1")
    program(alone / "bin/python3.12", "exit 1")
    names = [Path(command[0]).name for command in interpreters.candidates()]
    assert names == ["python3.12", "python3.10", Path(sys.executable).name]


@posix
def test_nothing_usable_says_what_to_do(alone, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(InstallError, match=r"3\.10 to 3\.13.*python\.org.*--python"):
        interpreters.find_interpreter()


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else for a while")
def test_a_closed_folder_on_the_path_is_passed_over(alone):
    program(alone / "bin/python3.13", "exit 1")
    (alone / "bin").chmod(0)
    os.seteuid(65534)
    try:
        commands = list(interpreters.candidates())
    finally:
        os.seteuid(0)
    assert commands == [[sys.executable]]


@posix
def test_a_user_without_a_home_has_no_pyenv_there(alone, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("PYENV_ROOT")
    monkeypatch.setattr(Path, "home", homeless)
    program(alone / "bin/python3.12", """echo '["/real", [3, 12, 4], true, true]'""")
    assert interpreters.find_interpreter().path == Path("/real")
