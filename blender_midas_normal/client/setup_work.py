"""What each verb of setup.py does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ..core.errors import InstallError
from . import weights
from .environment import Environment, remove
from .install import check, install
from .interpreters import find
from .steps import Step

Report = Callable[[Step], None]
Cancelled = Callable[[], bool]

OFFLINE = ("MiDaS is not installed while Blender is offline; turn on Preferences > System > Network > Allow Online Access "
           "and try again.")


def install_environment(options: argparse.Namespace, report: Report, cancelled: Cancelled) -> str:
    """Make, complete or repair the environment."""
    if options.offline:
        raise InstallError(OFFLINE)
    notes = install(_environment(options), find(options.python, cancelled).path, options.backend, report, cancelled)
    return " ".join(("MiDaS is installed.", *notes))


def download_weights(options: argparse.Namespace, report: Report, cancelled: Cancelled) -> str:
    """Download the weights."""
    return str(weights.download(options.weights.absolute(), report, cancelled, online=not options.offline))


def check_environment(options: argparse.Namespace, report: Report, cancelled: Cancelled) -> str:
    """Run the environment once, and look at the weights where a folder is given."""
    news = check(_environment(options), report, cancelled)
    if options.weights is None:
        return news
    path: Path = weights.find(options.weights)
    return " ".join((news, weights.verified(path) or f"{path} is the known file."))


def remove_environment(options: argparse.Namespace, report: Report, cancelled: Cancelled) -> str:
    """Remove the environment."""
    report(Step(1, 1, "Removing the MiDaS environment"))
    remove(_environment(options))
    return "MiDaS is removed."


def _environment(options: argparse.Namespace) -> Environment:
    return Environment(options.folder.absolute())


VERBS = {"install": install_environment, "download": download_weights, "check": check_environment,
         "remove": remove_environment}
