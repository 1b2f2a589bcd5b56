"""The verbs of main.py: install, download, check, remove and check_computer; each returns its closing message."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Union

from ...core.engines import needed_weights
from ...core.errors import InstallError, Message, Phrase, join_messages
from ...core.weights import find_weights, verify_weights
from .. import computer_check
from . import ProgressEvent, environment, weights
from .environment import PARTS, Environment
from .install import check, install, midas_recipe
from .interpreters import find_interpreter

ReportProgress = Callable[[Union[ProgressEvent, computer_check.CheckEvent]], None]  # noqa: UP007 - scripts use Python 3.9
IsCancelled = Callable[[], bool]

OFFLINE = Message("MiDaS is not installed while Blender is offline; turn on Preferences > System > Network > Allow Online "
                  "Access and try again.")


def install_environment(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Install, complete or repair the environment."""
    if options.offline:
        raise InstallError(OFFLINE)
    made, asked, backend = _environment(options), options.parts.split(","), options.backend
    marker, installed = environment.read_marker(made), environment.environment_status(made).parts
    parts = [*asked, *(marker.parts.split() if marker is not None else ())]
    if marker is not None and installed and not set(asked) <= set(installed):
        # An addition keeps what is there: with another Python or build, all would be installed anew.
        base, backend = Path(marker.base), marker.backend
    else:
        base = find_interpreter(options.python, cancelled).path
    notes = install(made, base, backend, report, midas_recipe(parts, backend), cancelled)
    return join_messages((Message("MiDaS is installed."), *notes))


def download_weights(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Download the weights of an engine."""
    wanted = needed_weights(options.engine, options.model)
    file = weights.download(options.weights.absolute(), wanted, report, cancelled, online=not options.offline)
    return Message("The weights are {file}.", file=file)


def check_environment(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Run the checking program in the environment, and verify the weights where a folder is given."""
    made = _environment(options)
    news = check(made, report, midas_recipe(environment.environment_status(made).parts or PARTS, ""), cancelled)
    if options.weights is None:
        return Message(news)
    wanted = needed_weights(options.engine, options.model)
    path = find_weights(options.weights, wanted) / wanted.files[0].name
    return join_messages((news, verify_weights(path, wanted) or Message("{file} is the known file.", file=path)))


def remove_environment(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Remove the environment."""
    report(ProgressEvent(1, 1, Phrase("Removing the MiDaS environment")))
    environment.remove_environment(_environment(options))
    return Message("MiDaS is removed.")


def check_computer(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Check what this computer's device computes, and how fast."""
    return computer_check.check_computer(_environment(options), report, cancelled)


def _environment(options: argparse.Namespace) -> Environment:
    return Environment(options.folder.absolute())


VERBS = {"install": install_environment, "download": download_weights, "check": check_environment,
         "remove": remove_environment, "check_computer": check_computer}
