"""Fixtures for tests of a worker in this process."""

from __future__ import annotations

import pytest

from tests.worker.in_process_worker import InProcessWorker


@pytest.fixture
def worker(tmp_path):
    return InProcessWorker(tmp_path)
