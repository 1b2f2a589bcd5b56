"""The commands of docs/farm.md, run one after the other as they stand there, on this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT

from .test_jobs import library, program  # noqa: F401
from .test_slurm import node, reason_against  # noqa: F401

NOT_RUN = re.compile(r"pip install .*|deadline bundle submit .*")
"""The fixture `program` stands for an installed one; submitting needs an account."""

EXPECTED = {"0_normal.png", "ein Bild's_normal.png", "sub/2_normal.png", "wall.1001_normal.png", "wall.1002_normal.png"}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")]


def commands(heading):
    """The commands below a heading."""
    text = (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")
    section = re.search(rf"^#+ {heading}\n(.*?)(?=^#+ )", text, re.DOTALL | re.MULTILINE)[1]
    lines = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1].splitlines()
    assert len(lines) <= 10, "from nothing to a finished library in ten lines"
    return [line for line in lines if not NOT_RUN.fullmatch(line)]


def run(heading, folder, *launcher):
    """Run the commands of a section in a shell that ends at the first one that fails, with all that it has started."""
    script = "\n".join(["set -e", *commands(heading)])
    for name in ("library", "maps", "share"):
        script = script.replace(f"/{name}", str(folder / name))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        script = script.replace("10.0.0.1", "127.0.0.1").replace("8786", str(free.getsockname()[1]))
    (folder / "share").mkdir()
    (folder / "script.sh").write_text(script)
    path = os.pathsep.join((os.environ["PATH"], str(Path(sys.executable).parent)))
    variables = {**os.environ, "PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT),
                 "DEADLINE_CLOUD_TELEMETRY_OPT_OUT": "true"}
    shown = folder / "shown.txt"
    with shown.open("w") as output:
        started = subprocess.Popen([*map(str, launcher), "sh", str(folder / "script.sh")], env=variables, stdout=output,
                                   stderr=output, start_new_session=True)
        try:
            code = started.wait(timeout=400)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
    assert code == 0, shown.read_text()


def made(folder, kind="normal"):
    return {path.relative_to(folder / "maps").as_posix() for path in (folder / "maps").rglob(f"*_{kind}*.png")}


def test_by_hand_and_from_a_shell(program, library, tmp_path):  # noqa: F811
    for heading in ("By hand", "Shell"):
        run(heading, tmp_path)
        assert made(tmp_path) == EXPECTED
        shutil.rmtree(tmp_path / "share")
    assert len(made(tmp_path, "ao")) == 5


@pytest.mark.skipif(bool(reason_against()), reason=reason_against())
def test_slurm(program, library, tmp_path, node):  # noqa: F811
    run("SLURM", tmp_path, ROOT / "tests" / "batch" / "slurm_node.sh", node)
    assert made(tmp_path) == EXPECTED


def test_openjd_and_deadline_cloud(program, library, tmp_path):  # noqa: F811
    if not all(shutil.which(name, path=Path(sys.executable).parent) for name in ("openjd", "deadline")):
        pytest.skip("openjd and deadline are not installed")
    run("OpenJD", tmp_path)
    assert made(tmp_path) == EXPECTED


def test_flamenco(program, library, tmp_path):  # noqa: F811
    """The tasks of the job type are run by another test."""
    run("Flamenco", tmp_path)
    assert (tmp_path / "share" / "flamenco-manager" / "scripts" / "midas_normal.js").is_file()


def test_dask(program, library, tmp_path):  # noqa: F811
    pytest.importorskip("distributed", reason="Dask is not installed")
    run("Dask", tmp_path)
    assert made(tmp_path) == EXPECTED
