"""The worker's log as a file that several programs write."""

from __future__ import annotations

from pathlib import Path

from blender_midas_normal.client.log import LARGEST, opened_log


def test_another_program_may_set_it_aside_at_the_same_moment(tmp_path, monkeypatch):
    log, replace = tmp_path / "worker.log", Path.replace
    log.write_bytes(b"x" * (LARGEST + 1))

    def late(path, target):
        replace(path, target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", late)
    opened_log(log).close()
    assert log.stat().st_size == 0 and (tmp_path / "worker.log.old").stat().st_size == LARGEST + 1
