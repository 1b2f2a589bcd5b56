"""What tests of a worker in this process begin with."""

from __future__ import annotations

import pytest

from tests.worker.in_process_worker import Desk


@pytest.fixture
def maker(tmp_path):
    return Desk(tmp_path)
