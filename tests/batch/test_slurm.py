"""The SLURM job on a cluster of one node, where SLURM is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile

import pytest

from blender_midas_normal.batch import jobs
from tests.conftest import ROOT

from .test_jobs import MAPS, library, made, program, times, write  # noqa: F401

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "unshare", "ip")


def reason_against():
    """Why no cluster can be started here; "" where one can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"the SLURM job ran on no cluster: there is no {', '.join(missing)}"
    if subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True, check=False).returncode:
        return "the SLURM job ran on no cluster: root alone, with networks of its own, can start one"
    return ""


@pytest.fixture
def node():
    """A folder for the cluster, whose path must be short enough for a socket, and which munge wants to be no one else's."""
    with tempfile.TemporaryDirectory(prefix="slurm_", dir="/var/tmp") as folder:
        yield folder


@pytest.mark.slow
@pytest.mark.skipif(bool(reason_against()), reason=reason_against())
def test_a_cluster_makes_all_and_then_what_lacks(program, library, tmp_path, monkeypatch, node):  # noqa: F811
    monkeypatch.setattr(jobs, "CHUNK_SIZE", 3)
    out, job = write("slurm", library, tmp_path)

    def submit(*options):
        command = [ROOT / "tests" / "batch" / "slurm_node.sh", node, "sbatch", "--wait", *options, "midas_normal.sbatch"]
        ended = subprocess.run(list(map(str, command)), cwd=job, capture_output=True, text=True, check=False, timeout=300)
        logs = "\n".join(file.read_text() for file in sorted(job.glob("slurm-*.out")))
        assert ended.returncode == 0, ended.stdout + ended.stderr + logs
        return logs

    logs = submit()
    assert made(out) == MAPS, logs
    assert len(list(job.glob("slurm-*.out"))) == 2, "one task for each shard"
    (out / "0_normal.tif").unlink()
    before = times(out)
    submit()
    assert made(out) == MAPS and before.items() <= times(out).items()
