"""How much of everything these tests do, and the figures that they measure.

All of it runs where it is asked for by name, `python3 scripts/test.py -m reliability`; in any other run a small part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FIGURES: list[str] = []


@pytest.fixture(scope="session")
def amount(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """amount(all, few): how many of something this run does."""
    asked_for = pytestconfig.getoption("markexpr") == "reliability"
    return lambda everything, few: everything if asked_for else few


@pytest.fixture
def figure(capsys: pytest.CaptureFixture) -> Callable[[str], None]:
    """Keeps a measured figure for the summary at the end."""
    return FIGURES.append


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder that nobody else uses, for this process and its children."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("measured")
        for line in FIGURES:
            terminalreporter.write_line(line)
