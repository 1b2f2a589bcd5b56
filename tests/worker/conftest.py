"""What tests of a worker in this process begin with."""

from __future__ import annotations

import pytest

from tests.worker.desk import Desk


@pytest.fixture
def maker(tmp_path):
    return Desk(tmp_path)
