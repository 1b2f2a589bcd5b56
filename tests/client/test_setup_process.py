"""The setup program as a child: its lines, its end, and that nothing of it survives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_midas_normal.client.setup import process as setup_process
from blender_midas_normal.client.setup.process import SETUP_PROGRAM, SetupProcess
from blender_midas_normal.core.errors import Cancelled, InstallError, WeightsError, from_json
from tests.client.processes import is_alive, wait_until
from tests.client.weights_server import serving

CPU_BUILD = "cpu"
"""The build of PyTorch that asks for the least free space before an installation begins."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="asks POSIX for processes")


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def stuck(tmp_path):
    """A "Python" that never answers, and the file with its number and its child's: an installation that takes its time."""
    pids = tmp_path / "pids"
    return program(tmp_path / "python3", f'#!/bin/sh\nsleep 60 &\necho "$$ $!" > {pids}~; mv {pids}~ {pids}\nwait\n'), pids


def test_the_installers_failure_crosses_the_pipe_as_the_same_exception(tmp_path):
    with pytest.raises(InstallError, match=r"nothing is not a Python that runs"):
        SetupProcess("install", tmp_path / "env", python=tmp_path / "nothing", backend=CPU_BUILD).wait()


def test_offline_installs_and_downloads_nothing(tmp_path):
    with pytest.raises(InstallError, match="Allow Online Access"):
        SetupProcess("install", tmp_path / "env", online=False).wait()
    with pytest.raises(WeightsError, match="Allow Online Access"):
        SetupProcess("download", tmp_path / "env", weights=tmp_path / "weights", online=False).wait()
    assert list(tmp_path.iterdir()) == []


def test_checking_what_is_not_there(tmp_path):
    with pytest.raises(InstallError, match="not installed"):
        SetupProcess("check", tmp_path / "env").wait()


def test_removing_reports_its_step_and_its_end(tmp_path):
    (tmp_path / "env" / "lib").mkdir(parents=True)
    (tmp_path / "env" / ".version").write_text("{}")
    steps = []
    assert SetupProcess("remove", tmp_path / "env").wait(steps.append) == "MiDaS is removed."
    assert [(step["step"], step["of"]) for step in steps] == [(1, 1)]
    assert not (tmp_path / "env").exists()


def test_polling_never_waits_and_ends_with_one_last_line(tmp_path):
    process = SetupProcess("check", tmp_path / "env")
    lines, polling, started = [], 0.0, time.monotonic()
    while process.is_running:
        before = time.monotonic()
        new_lines = process.poll()
        if process.is_running:  # the last call also closes the process
            polling += time.monotonic() - before
        lines += new_lines
        time.sleep(0.01)
    assert polling < 0.5 * (time.monotonic() - started), "calls that block would take nearly all of the time"
    assert [line["kind"] for line in lines if "error" in line] == ["InstallError"]
    assert process.poll() == []


@posix
def test_cancelling_ends_all_it_started(tmp_path, stuck):
    python, pids = stuck
    process = SetupProcess("install", tmp_path / "env", python=python, backend=CPU_BUILD)
    wait_until(pids.exists)
    process.cancel()
    lines = []
    wait_until(lambda: lines.extend(process.poll()) or not process.is_running)
    assert lines[-1]["kind"] == "Cancelled"
    wait_until(lambda: not any(map(is_alive, map(int, pids.read_text().split()))))
    with pytest.raises(Cancelled):
        process.result()


def test_cancelling_a_download_that_stalls_says_what_happened(tmp_path, monkeypatch):
    """It waits for its server and does not hear that it was asked to give up."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        server.stalls = True
        monkeypatch.setenv("HF_ENDPOINT", server.url.rpartition("/")[0])
        process = SetupProcess("download", tmp_path / "env", weights=tmp_path / "weights")
        wait_until(lambda: process.poll() is not None and server.requested_ranges)
        process.cancel()
        lines = []
        wait_until(lambda: lines.extend(process.poll()) or not process.is_running)
    assert [line["kind"] for line in lines if "error" in line] == ["Cancelled"]
    with pytest.raises(Cancelled, match="downloading again goes on from here"):
        process.result()


@posix
def test_a_process_that_closes_its_pipe_and_lives_on_is_ended(tmp_path):
    living = program(tmp_path / "runner", "#!/bin/sh\nexec >&-\nexec sleep 60\n")
    process = SetupProcess("check", tmp_path / "env", runner=str(living))
    started = time.monotonic()
    wait_until(lambda: process.poll() or not process.is_running)
    assert time.monotonic() - started < 10 and not is_alive(process.pid)
    with pytest.raises(InstallError, match="unexpectedly"):
        process.result()


@posix
def test_it_ends_with_a_parent_that_is_killed(tmp_path, stuck):
    python, pids = stuck
    parent = subprocess.Popen([sys.executable, "-c", (
        f"import sys, time; sys.path.insert(0, {str(SETUP_PROGRAM.parents[2])!r})\n"
        "from pathlib import Path\n"
        "from blender_midas_normal.client.setup.process import SetupProcess\n"
        f"process = SetupProcess('install', Path({str(tmp_path / 'env')!r}), python=Path({str(python)!r}), "
        f"backend={CPU_BUILD!r})\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n")], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    wait_until(pids.exists)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not any(map(is_alive, [child, *map(int, pids.read_text().split())])))


@posix
def test_closing_takes_little_time_and_leaves_nothing(tmp_path, stuck):
    python, pids = stuck
    process = SetupProcess("install", tmp_path / "env", python=python, backend=CPU_BUILD)
    wait_until(pids.exists)
    started = time.monotonic()
    process.close()
    assert time.monotonic() - started < 5.0 and not process.is_running and not is_alive(process.pid)
    # A process that was killed takes a moment to end.
    wait_until(lambda: not any(map(is_alive, map(int, pids.read_text().split()))))
    process.close()


@posix
def test_an_interrupted_wait_ends_the_process(tmp_path, stuck):
    python, pids = stuck
    process = SetupProcess("install", tmp_path / "env", python=python, backend=CPU_BUILD)
    wait_until(pids.exists)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        plain = time.sleep
        patch.setattr(setup_process.time, "sleep",
                      lambda s: interrupt(s) if s == setup_process.POLL_INTERVAL_S else plain(s))
        process.wait()
    assert not is_alive(process.pid)


@posix
def test_a_process_that_dies_without_a_word_gives_one_error_with_its_complaint(tmp_path):
    dying = program(tmp_path / "runner", "#!/bin/sh\necho 'no json here'\necho 'Segmentation fault' >&2\nexit 139\n")
    process = SetupProcess("check", tmp_path / "env", runner=str(dying))
    lines = []
    wait_until(lambda: lines.extend(process.poll()) or not process.is_running)
    assert len(lines) == 1 and lines[0]["kind"] == "InstallError" and "139" in lines[0]["error"]
    assert "Segmentation fault" in lines[0]["output"]


def test_a_runner_that_does_not_exist_is_an_install_error(tmp_path):
    with pytest.raises(InstallError, match="could not be started"):
        SetupProcess("check", tmp_path / "env", runner=str(tmp_path / "nothing"))


def test_the_output_of_a_failed_step_comes_along(tmp_path):
    (tmp_path / "env").write_text("a file")
    process = SetupProcess("install", tmp_path / "env", backend=CPU_BUILD)
    with pytest.raises(InstallError) as caught:
        process.wait()
    assert isinstance(caught.value.output, str)


def test_the_program_runs_by_hand_without_a_pipe_as_stdin(tmp_path):
    done = subprocess.run([sys.executable, "-I", "-u", str(SETUP_PROGRAM), "--folder", str(tmp_path / "env"), "check"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr == ""
    assert from_json(json.loads(done.stdout)["error"]) == "MiDaS is not installed."


@posix
def test_only_a_pipe_as_stdin_can_give_the_work_up(tmp_path):
    slow = program(tmp_path / "python3", "#!/bin/sh\nsleep 0.5\nexit 7\n")
    command = [sys.executable, "-I", "-u", str(SETUP_PROGRAM), "--folder", str(tmp_path / "env"), "--python", str(slow),
               "--backend", CPU_BUILD, "install"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert "exit code 7" in from_json(json.loads(done.stdout)["error"])


def test_download_without_a_folder_is_a_wrong_call(tmp_path):
    with pytest.raises(InstallError) as caught:
        SetupProcess("download", tmp_path / "env").wait()
    assert "--weights" in caught.value.output


def test_what_it_says_comes_with_what_it_is_made_of(tmp_path):
    (tmp_path / "env" / "lib").mkdir(parents=True)
    (tmp_path / "env" / ".version").write_text("{}")
    steps = []
    SetupProcess("remove", tmp_path / "env").wait(steps.append)
    assert steps[0]["title"].template == "Removing the MiDaS environment"
    with pytest.raises(InstallError) as caught:
        SetupProcess("install", tmp_path / "env", python=tmp_path / "{a} \udcff", backend=CPU_BUILD).wait()
    message = caught.value.message
    assert message.template == "{name} is not a Python that runs: {reason}."
    assert message.values["name"] == str(tmp_path / "{a} \\udcff") and message.values.keys() == {"name", "reason"}


@posix
@pytest.mark.parametrize("text", ['{"template": "{a.b}", "values": {"a": 1}}', '{"template": "{a}", "values": {"b": 1}}',
                                  '{"template": "{a:>99999999}", "values": {"a": "x"}}', '"\\ud800"', '[]', '{}', '3'])
@pytest.mark.parametrize("name", ["title", "detail", "text", "error"])
def test_a_line_with_what_is_no_message_for_users_is_no_line_of_it(tmp_path, name, text):
    line = f'{{"step": 1, "of": 1, "ok": true, "title": "a", "detail": "b", "text": "c", "error": "d", "{name}": {text}}}'
    (tmp_path / "lines").write_text(f'{line}\n{{"ok": true, "text": "Done."}}\n')
    saying = program(tmp_path / "runner", f"#!/bin/sh\ncat {tmp_path / 'lines'}\n")
    assert SetupProcess("check", tmp_path / "env", runner=str(saying)).wait() == "Done."
