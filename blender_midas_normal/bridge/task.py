"""Work on its way: one job at the worker after the other, and what Blender does with each result, until the report."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from ..client.client import Job
from ..core.errors import MidasNormalError
from ..core.protocol import Result
from .session import client


@dataclass(frozen=True)
class Report:
    """What was made.  map_name: name of the first image; sentences: what the user should know; facts: as stored on it."""

    map_name: str
    sentences: tuple[str, ...]
    facts: dict


@dataclass(frozen=True)
class Step:
    """A job of a making, the `number`th `of` so many."""

    job: Job
    number: int = 1
    of: int = 1


Making = Generator[Step, Result, Report]
"""Yields a step, is sent its result or thrown the exception in its place, and returns the report after the last one."""


class Task:
    """A making under way; `at` is the step whose job is at the worker."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self.at = next(making)

    @property
    def job(self) -> Job:
        """The job at the worker."""
        return self.at.job

    def step(self) -> Report | None:
        """Takes in the job, which has ended, and begins the next one; the report when there is none.

        Raises one of the project's exceptions when the making fails.
        """
        outcome = self.job.outcome
        assert outcome is not None
        try:
            if isinstance(outcome, MidasNormalError):
                self.at = self._making.throw(outcome)
            else:
                self.at = self._making.send(outcome)
        except StopIteration as end:
            return end.value
        return None

    def cancel(self) -> None:
        """Gives the job up, and with it all that the making has not finished; a second call ends the worker."""
        client.cancel(self.job)
        self._making.close()

    def wait(self) -> Report:
        """The report of the last job, or the exception with which the making fails."""
        report = None
        while report is None:
            while self.job.outcome is None:
                client.wait_a_moment()
            report = self.step()
        return report
