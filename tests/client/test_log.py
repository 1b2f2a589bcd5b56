"""The worker's log as a file that several programs write."""

from __future__ import annotations

from pathlib import Path

from blender_midas_normal.client.worker_process import MAX_LOG_BYTES, open_log


def test_another_program_may_set_it_aside_at_the_same_moment(tmp_path, monkeypatch):
    log, replace = tmp_path / "worker.log", Path.replace
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

    def late(path, target):
        replace(path, target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", late)
    open_log(log).close()
    assert log.stat().st_size == 0 and (tmp_path / "worker.log.old").stat().st_size == MAX_LOG_BYTES + 1


def test_a_log_that_another_worker_has_open_grows_on_where_the_system_lets_nobody_move_it(tmp_path, monkeypatch):
    """Windows does not, for which its error stands."""
    log = tmp_path / "worker.log"
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

    def held(path, target):
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    monkeypatch.setattr(Path, "replace", held)
    with open_log(log) as opened:
        opened.write(b"more")
    assert log.stat().st_size == MAX_LOG_BYTES + 5
